"""treatment-effect reference figures (statsmodels + numpy). Writes figures_effect.txt"""
import numpy as np, statsmodels.api as sm
from scipy import stats
out = []
def put(k, v): out.append(f"{k} {float(v):.17g}")

# ---- data -----------------------------------------------------------------
n = 400
i = np.arange(n)
x1 = ((i*37+11) % 101)/50 - 1
x2 = ((i*53+7) % 97)/48 - 1
x3 = (((i*29) % 3) == 0).astype(float)
p_true = 1/(1+np.exp(-(0.4*x1 - 0.3*x3)))
a = (((i*71+13) % 103)/103 < p_true).astype(float)
y = 1.0 + 0.8*x1 - 0.5*x2 + 0.3*x3 + a*(0.5+0.6*x1) + (((i*89+5) % 107)/53 - 1)
X = np.column_stack([np.ones(n), x1, x2, x3])
put("n", n); put("n_treated", a.sum()); put("sum_y", y.sum()); put("sum_x1", x1.sum()); put("sum_x2", x2.sum()); put("sum_x3", x3.sum())
put("min_gap_assignment", np.min(np.abs(((i*71+13) % 103)/103 - p_true)))   # how far any row is from flipping arm

# ---- propensity: unpenalised logit -----------------------------------------
fit = sm.Logit(a, X).fit(disp=0, method="newton", tol=1e-14, maxiter=100)
b = fit.params
for _ in range(3):                                # polish: 3 more Newton steps to the exact optimum
    e = 1/(1+np.exp(-X@b)); b = b + np.linalg.solve((X*(e*(1-e))[:, None]).T@X, X.T@(a-e))
assert np.allclose(b, fit.params, rtol=0, atol=1e-9)
for k in range(4): put(f"logit_coef_{k}", b[k])
for k in range(4): put(f"logit_se_{k}", fit.bse[k])
put("logit_loglik", fit.llf)
e = 1/(1+np.exp(-X@b))
put("ps_min", e.min()); put("ps_max", e.max()); put("ps_mean", e.mean())
put("ps_min_treated", e[a==1].min()); put("ps_max_treated", e[a==1].max())
put("ps_min_control", e[a==0].min()); put("ps_max_control", e[a==0].max())

# ---- IPW -------------------------------------------------------------------
w1, w0 = a/e, (1-a)/(1-e); w = w1 + w0
ht1, ht0 = np.mean(w1*y), np.mean(w0*y)
hj1, hj0 = np.sum(w1*y)/np.sum(w1), np.sum(w0*y)/np.sum(w0)
put("naive_diff", y[a==1].mean()-y[a==0].mean())
put("ipw_ht_mean1", ht1); put("ipw_ht_mean0", ht0); put("ipw_ht_ate", ht1-ht0)
put("ipw_hajek_mean1", hj1); put("ipw_hajek_mean0", hj0); put("ipw_hajek_ate", hj1-hj0)

# ---- g-computation -----------------------------------------------------------
b1 = sm.OLS(y[a==1], X[a==1]).fit().params
b0 = sm.OLS(y[a==0], X[a==0]).fit().params
for k in range(4): put(f"ols_treated_coef_{k}", b1[k])
for k in range(4): put(f"ols_control_coef_{k}", b0[k])
m1, m0 = X@b1, X@b0
put("gcomp_mean1", m1.mean()); put("gcomp_mean0", m0.mean()); put("gcomp_ate", np.mean(m1-m0))

# ---- AIPW --------------------------------------------------------------------
gamma = m1 - m0 + a*(y-m1)/e - (1-a)*(y-m0)/(1-e)
ate = gamma.mean(); se = gamma.std(ddof=1)/np.sqrt(n)
put("aipw_ate", ate); put("aipw_se", se)
put("aipw_ci95_low", ate - stats.norm.ppf(.975)*se); put("aipw_ci95_high", ate + stats.norm.ppf(.975)*se)
for k in (0, 1, 2, 3, 399): put(f"gamma_{k}", gamma[k])
for k in (0, 1, 2, 3, 399): put(f"ps_{k}", e[k])

# ---- balance and ESS ---------------------------------------------------------
for nm, x in (("x1", x1), ("x2", x2), ("x3", x3)):
    den = np.sqrt((x[a==1].var(ddof=1) + x[a==0].var(ddof=1))/2)
    put(f"smd_before_{nm}", (x[a==1].mean()-x[a==0].mean())/den)
    put(f"smd_after_{nm}", (np.average(x, weights=w1)-np.average(x, weights=w0))/den)
put("ess_treated", w1.sum()**2/np.sum(w1**2)); put("ess_control", w0.sum()**2/np.sum(w0**2))
put("ess_all", w.sum()**2/np.sum(w**2))

# ---- E-values ------------------------------------------------------------------
def ev(rr): rr = max(rr, 1/rr); return rr + np.sqrt(rr*(rr-1))
put("evalue_rr1.8_point", ev(1.8)); put("evalue_rr1.8_ci_lower1.2", ev(1.2))
put("evalue_rr0.7_point", ev(0.7)); put("evalue_rr0.7_ci_upper0.9", ev(0.9))
put("evalue_ci_crosses_1", 1.0)

# ---- RATE (grf estimate_rate with unit weights) ----------------------------------
def toc_curve(score, gam):
    """grf: sort by score descending; within a tied group every unit carries the group's mean gamma."""
    u, inv = np.unique(score, return_inverse=True)
    gbar = (np.bincount(inv, gam)/np.bincount(inv))[inv]
    g = gbar[np.argsort(-score, kind="stable")]
    return np.cumsum(g)/np.arange(1, len(g)+1) - gam.mean()
for nm, s in (("x1", x1), ("cate", m1-m0)):
    toc = toc_curve(s, gamma); q = np.arange(1, n+1)/n
    put(f"rate_{nm}_distinct_scores", len(np.unique(s)))
    put(f"rate_{nm}_autoc", toc.mean()); put(f"rate_{nm}_qini", np.mean(q*toc))
    for d in range(1, 11): put(f"rate_{nm}_toc_q{d/10:.1f}", toc[40*d-1])
    if nm == "x1":
        for k in range(1, n+1): put(f"rate_x1_toc_k{k}", toc[k-1])

# ---- best linear projection of gamma on [1, x1 - mean(x1)] (grf best_linear_projection) --------
Z = np.column_stack([np.ones(n), x1-x1.mean()])
for hc in ("HC3", "HC1", "HC0"):
    r = sm.OLS(gamma, Z).fit(cov_type=hc, use_t=True)
    if hc == "HC3":
        for k in range(2): put(f"blp_coef_{k}", r.params[k])
        for k in range(2): put(f"blp_t_HC3_{k}", r.tvalues[k])
        for k in range(2): put(f"blp_p_HC3_{k}", r.pvalues[k])
    for k in range(2): put(f"blp_se_{hc}_{k}", r.bse[k])

# ---- grf test_calibration with tau = m1-m0, W.hat = e, Y.hat = e*m1+(1-e)*m0 --------------------
tau = m1-m0; yh = e*m1+(1-e)*m0
C = np.column_stack([(a-e)*tau.mean(), (a-e)*(tau-tau.mean())])
r = sm.OLS(y-yh, C).fit(cov_type="HC3", use_t=True)
for k, nm in enumerate(("mean", "differential")):
    put(f"calibration_coef_{nm}", r.params[k]); put(f"calibration_se_HC3_{nm}", r.bse[k])
    put(f"calibration_p_onesided_{nm}", stats.t.sf(r.tvalues[k], n-2))
open("figures_effect.txt", "w").write("\n".join(out)+"\n")
