"""Reference figures for crates/core/src/metric: pip install scikit-learn statsmodels, then
python metrics.py > ../../crates/core/src/metric/reference.rs"""
import numpy as np
import sklearn.metrics as m
import statsmodels.api as sm

i = np.arange(60)
y = ((i * 7) % 5 < 2).astype(float)
p = np.floor(((i * 37 + 11) % 53 + 1) / 55 * 100 + 0.5) / 100
w = (1 + i % 3).astype(float)
number = (i * 29) % 31 / 40
logit = np.log(p / (1 - p))


def calibration(weights):
    family = sm.families.Binomial()
    fit = lambda x, **k: sm.GLM(y, x, family=family, freq_weights=weights, **k).fit(tol=1e-14, maxiter=200)
    return fit(np.ones(60), offset=logit).params[0], fit(sm.add_constant(logit)).params[1]


rows = []
for weights in (np.ones(60), w):
    k = dict(sample_weight=weights)
    intercept, slope = calibration(weights)
    rows.append({
        "roc-auc": m.roc_auc_score(y, p, **k),
        "average-precision": m.average_precision_score(y, p, **k),
        "log-loss": m.log_loss(y, p, **k),
        "brier": m.brier_score_loss(y, p, **k),
        "calibration-intercept": intercept,
        "calibration-slope": slope,
        "rmse": m.root_mean_squared_error(number, p, **k),
        "mae": m.mean_absolute_error(number, p, **k),
        "r2": m.r2_score(number, p, **k),
        "pinball-0.1": m.mean_pinball_loss(number, p, alpha=0.1, **k),
        "share-below-0.1": np.average(number < p, weights=weights),
    })
print("const REFERENCE: [(&str, f64, f64); 11] = [")
for name in rows[0]:
    print(f'    ("{name}", {float(rows[0][name])!r}, {float(rows[1][name])!r}),')
print("];")
