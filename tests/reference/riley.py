"""Riley minimum sample sizes, PyPI pmsampsize 0.1.0. Writes figures_riley.txt"""
import math
from pmsampsize.pmsampsize import pmsampsize
out = []
def put(k, v): out.append(f"{k} {float(v):.17g}")
def cs(nm, r, kw):
    t = r["results_table"]; rows = {x[0]: x for x in t if isinstance(x, list)}
    put(f"{nm}_n1_shrinkage", rows["Criteria 1"][1]); put(f"{nm}_n2_optimism", rows["Criteria 2"][1])
    put(f"{nm}_n3_precision", [v for k, v in rows.items() if k.startswith("Criteria 3")][0][1])
    put(f"{nm}_n_final", r["sample_size"]); put(f"{nm}_shrinkage_final", r["final_shrinkage"])
    put(f"{nm}_max_r2", r["max_r2a"]); put(f"{nm}_nagelkerke_r2", r["nag_r2"]); put(f"{nm}_events_final", r["events"])
    put(f"{nm}_EPP_rounded2", r["EPP"])
    R, P, S2 = kw["csrsquared"], kw["parameters"], kw["csrsquared"]/(kw["csrsquared"]+.05*r["max_r2a"])
    put(f"{nm}_own_shrinkage_criterion2", S2)                                  # own re-computation, before ceil
    put(f"{nm}_own_n1_raw", P/((.9-1)*math.log(1-R/.9))); put(f"{nm}_own_n2_raw", P/((S2-1)*math.log(1-R/S2)))
    assert math.ceil(P/((.9-1)*math.log(1-R/.9))) == rows["Criteria 1"][1]
    assert math.ceil(P/((S2-1)*math.log(1-R/S2))) == rows["Criteria 2"][1]
for nm, kw in (("bin_a", dict(csrsquared=.18, parameters=20, prevalence=.3)),
               ("bin_b", dict(csrsquared=.1, parameters=9, prevalence=.15)),
               ("bin_readme", dict(csrsquared=.288, parameters=24, prevalence=.174)),
               ("bin_precision_wins", dict(csrsquared=.3, parameters=3, prevalence=.5))):
    cs(nm, pmsampsize(type="b", noprint=True, **kw), kw)
    put(f"{nm}_own_n3_raw", (1.96/.05)**2*kw["prevalence"]*(1-kw["prevalence"]))
for nm, kw in (("surv_a", dict(csrsquared=.051, parameters=30, rate=.065, timepoint=2, meanfup=2.07)),
               ("surv_b", dict(csrsquared=.1, parameters=9, rate=.1, timepoint=5, meanfup=4))):
    r = pmsampsize(type="s", noprint=True, **kw); cs(nm, r, kw)
    rate, t, fu = kw["rate"], kw["timepoint"], kw["meanfup"]
    put(f"{nm}_risk_rounded3", r["int_cuminc"]); put(f"{nm}_risk_lower_rounded3", r["int_lci"]); put(f"{nm}_risk_upper_rounded3", r["int_uci"])
    put(f"{nm}_person_time_final", r["tot_per_yrs_final"])
    n3 = r["sample_size"]; T = round(fu*n3, 1)          # package: person-time rounded to 1 decimal
    F = 1-math.exp(-rate*t); h = 1.96*math.sqrt(rate/T)
    put(f"{nm}_own_risk", F); put(f"{nm}_own_risk_lower", 1-math.exp(-(rate-h)*t)); put(f"{nm}_own_risk_upper", 1-math.exp(-(rate+h)*t))
    # OWN, NOT pmsampsize: smallest n for which both half-widths of that interval are <= .05 (unrounded person-time)
    n = 1
    while True:
        h = 1.96*math.sqrt(rate/(fu*n))
        if max((1-math.exp(-(rate+h)*t))-F, F-(1-math.exp(-(rate-h)*t))) <= .05: break
        n += 1
    put(f"{nm}_own_n3_solved_both_sides", n)
    n = 1
    while (1-math.exp(-(rate+1.96*math.sqrt(rate/(fu*n)))*t))-F > .05: n += 1
    put(f"{nm}_own_n3_solved_upper_side", n)
open("figures_riley.txt", "w").write("\n".join(out)+"\n")
