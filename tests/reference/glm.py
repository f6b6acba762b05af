"""Reference figures for crates/tabular/src/glm.rs: pip install scikit-learn statsmodels scipy, then
python glm.py > ../../crates/tabular/src/glm_reference.rs"""
import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, Ridge

i = np.arange(200)[:, None]
j = np.arange(3)[None, :]
x = (((i * 7 + j * 13) * (j + 2)) % 101) / 50 - 1
x = (x - x.mean(0)) / x.std(0)
k = np.arange(200)
number = x[:, 0] - 0.5 * x[:, 1] + ((k * 37 % 19) / 9 - 1)
y = (number > 0.2).astype(float)
w = 1.0 + k % 3
offset = (k % 5) / 10


def show(name, values):
    print(f"const {name}: [f64; {len(values)}] = {[float(v) for v in values]};")


m = LogisticRegression(C=0.5, tol=1e-12, max_iter=10000).fit(x, y, sample_weight=w)
show("RIDGE_LOGISTIC", [*m.intercept_, *m.coef_[0]])
m = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=w, offset=offset).fit(tol=1e-14)
show("OFFSET_LOGISTIC", m.params)
m = Ridge(alpha=5.0, tol=1e-12).fit(x, y, sample_weight=w)
show("RIDGE_LINEAR", [m.intercept_, *m.coef_])
mean, precision = np.array([0.3, 1.0, -1.0, 0.5]), np.array([1.0, 10.0, 5.0, 50.0])
show("PRIOR_MEAN", mean)
show("PRIOR_PRECISION", precision)
design = sm.add_constant(x)


def loss(b):
    e = design @ b
    p = 1 / (1 + np.exp(-e))
    value = np.sum(w * (np.logaddexp(0, e) - y * e)) + 0.5 * np.sum(precision * (b - mean) ** 2)
    return value, design.T @ (w * (p - y)) + precision * (b - mean)


best = minimize(loss, mean, jac=True, method="BFGS", options=dict(gtol=1e-10, maxiter=1000))
show("PRIOR_CENTRED", best.x)
show("QUANTILE", sm.QuantReg(number, design).fit(q=0.25, max_iter=5000, p_tol=1e-10).params)
# Three classes: below -0.4, above 0.5 and between; scikit-learn's objective leaves the intercepts' common level free, as ours.
classes = np.digitize(number, [-0.4, 0.5])
m = LogisticRegression(C=0.5, tol=1e-12, max_iter=100000).fit(x, classes, sample_weight=w)
show("MULTINOMIAL", np.column_stack([m.intercept_, m.coef_]).ravel())
show("MULTINOMIAL_PROBABILITIES", m.predict_proba(x[[0, 7, 100]]).ravel())
mean3 = np.array([[0.1, -1.0, 0.5, 0.0], [0.2, 0.0, 0.0, 0.2], [-0.3, 1.0, -0.5, 0.1]])
precision3 = np.tile([1.0, 10.0, 5.0, 50.0], (3, 1))


def loss3(flat):
    b = flat.reshape(3, 4)
    e = design @ b.T
    top = e.max(1, keepdims=True)
    p = np.exp(e - top)
    total = p.sum(1, keepdims=True)
    p /= total
    log = e - top - np.log(total)
    hit = np.eye(3)[classes]
    value = -np.sum(w[:, None] * hit * log) + 0.5 * np.sum(precision3 * (b - mean3) ** 2)
    return value, (((w[:, None] * (p - hit)).T @ design) + precision3 * (b - mean3)).ravel()


best = minimize(loss3, mean3.ravel(), jac=True, method="BFGS", options=dict(gtol=1e-10, maxiter=2000))
show("MULTINOMIAL_CENTRED", best.x)
