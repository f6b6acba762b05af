"""survival decision curve, dcurves (lifelines KM) + own KM check. Writes figures_decision.txt"""
import numpy as np, pandas as pd
from dcurves import dca
out = []
def put(k, v): out.append(f"{k} {float(v):.17g}")
n = 200; i = np.arange(n)
p = ((i*37+11) % 199 + 1)/201
t = 1 + ((i*53+7) % 97)/97*9*(1.5-p)
ev = ((i*29) % 4 != 0).astype(int)
H = 5.0
put("n", n); put("n_events", ev.sum()); put("sum_t", t.sum()); put("n_event_before_horizon", ((t <= H) & (ev == 1)).sum())
put("n_censored_before_horizon", ((t <= H) & (ev == 0)).sum()); put("max_t", t.max()); put("n_distinct_t", len(np.unique(t)))
put("closest_t_to_horizon", np.min(np.abs(t-H)))
def km_risk(t, d, h):                                 # 1 - S(h), S right-continuous, deaths before censorings at ties
    s = 1.0
    for u in np.unique(t[(d == 1) & (t <= h)]): s *= 1 - np.sum((t == u) & (d == 1))/np.sum(t >= u)
    return 1 - s
put("risk_all", km_risk(t, ev, H))
th = [.1, .2, .3, .4, .5, .6]
r = dca(data=pd.DataFrame(dict(t=t, event=ev, p=p)), outcome="event", modelnames=["p"], thresholds=th, time=H, time_to_outcome_col="t")
for x in th:
    for m, nm in (("p", "model"), ("all", "all"), ("none", "none")):
        row = r[(r.model == m) & np.isclose(r.threshold, x)].iloc[0]
        own_pos = (p >= x) if m == "p" else np.full(n, m == "all")
        risk = km_risk(t[own_pos], ev[own_pos], H) if own_pos.any() else 0.0
        own = own_pos.mean()*(risk - (1-risk)*x/(1-x))
        assert abs(own - row.net_benefit) < 1e-12, (x, m, own, row.net_benefit)
        if m == "none": continue
        for c in ("net_benefit", "test_pos_rate", "tp_rate", "fp_rate"): put(f"{nm}_{c}_t{x}", row[c])
        if m == "p": put(f"model_km_risk_testpos_t{x}", risk); put(f"model_interventions_avoided_t{x}", row["net_intervention_avoided"])
open("figures_decision.txt", "w").write("\n".join(out)+"\n")
