"""Temperature and vector scaling of three classes with a Gaussian prior: scipy.optimize.minimize on the penalised
likelihood as it is written down, for crates/tabular/src/scaling_reference.rs."""
import numpy as np
import scipy
from scipy.optimize import minimize
from scipy.special import logsumexp

n, K, strength = 120, 3, 2.0
i = np.arange(n)
y = (i * 7) % 11 % 3
m = np.stack([2 * ((y == k) * 1.0 + ((i * (17 + 6 * k) + 5 * k) % 29) / 29 * 3 - 1.5) for k in range(K)], axis=1)
w = 1 + i % 3


def fit(slopes):
    def unpack(p):
        return p[:K], 1 + (np.zeros(K) if slopes == 0 else np.resize(p[K:], K))

    def loss(p):
        b, s = unpack(p)
        z = b + s * m
        return np.sum(w * (logsumexp(z, axis=1) - z[i, y])) + strength / 2 * np.sum(p * p)

    p = np.zeros(K + slopes)
    for _ in range(3):
        p = minimize(loss, p, method="BFGS", options={"gtol": 1e-10}).x
    p = minimize(loss, p, method="Nelder-Mead", options={"xatol": 1e-11, "fatol": 1e-14, "maxiter": 40000}).x
    b, s = unpack(p)
    return list(b) + list(s)


print(f"// scipy {scipy.__version__}, tests/reference/scaling.py: intercepts, then slopes.")
for name, slopes in [("INTERCEPTS", 0), ("TEMPERATURE", 1), ("VECTOR", K)]:
    print(f"const {name}: [f64; 6] = [{', '.join(f'{v:.9f}' for v in fit(slopes))}];")
