"""split-conformal LAC sets, numpy only (+ MAPIE cross-check). Writes figures_conformal.txt"""
import math, numpy as np
out = []
def put(k, v): out.append(f"{k} {float(v):.17g}")
i = np.arange(300)
p = ((i*37+11) % 199 + 1)/201
y = (((i*61+17) % 97)/97 < p).astype(int)
P = np.column_stack([1-p, p])                       # class probabilities (0, 1)
cal, tst = i % 2 == 0, i % 2 == 1
n = int(cal.sum())
put("n_cal", n); put("n_test", tst.sum()); put("sum_y_cal", y[cal].sum()); put("sum_y_test", y[tst].sum())
score = 1 - P[np.arange(300), y]                    # LAC score 1 - p_y
sc = np.sort(score[cal])
for alpha in (.1, .05, .2):
    k = math.ceil((n+1)*(1-alpha)); level = k/n
    th_rank = sc[k-1]                                # k-th smallest score = the textbook conformal quantile
    th_high = np.quantile(score[cal], level, method="higher")   # numpy 'higher': 0-based index ceil((n-1)*level)
    th_inv = np.quantile(score[cal], level, method="inverted_cdf")
    assert th_inv == th_rank
    put(f"alpha{alpha}_rank_k", k); put(f"alpha{alpha}_level", level)
    put(f"alpha{alpha}_higher_index0", math.ceil((n-1)*level))
    for nm, th in (("rank", th_rank), ("higher", th_high)):
        S = (1 - P[tst]) <= th + 1e-12               # class c in the set iff 1 - p_c <= threshold (tolerance for 1-(1-p))
        put(f"alpha{alpha}_{nm}_threshold", th)
        put(f"alpha{alpha}_{nm}_coverage", S[np.arange(S.shape[0]), y[tst]].mean())
        put(f"alpha{alpha}_{nm}_mean_size", S.sum(1).mean())
        for m in (0, 1, 2): put(f"alpha{alpha}_{nm}_n_size{m}", (S.sum(1) == m).sum())
        for c in (0, 1): put(f"alpha{alpha}_{nm}_coverage_class{c}", S[y[tst] == c, c].mean())
        put(f"alpha{alpha}_{nm}_closest_test_score_gap", np.min(np.abs((1-P[tst]) - th)))
        S2 = (1 - P[tst]) <= th
        put(f"alpha{alpha}_{nm}_sets_differ_without_tolerance", (S2 != S).sum())
# ---- MAPIE cross-check --------------------------------------------------------------------
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
class Given(ClassifierMixin, BaseEstimator):
    def fit(self, X, y): self.classes_ = np.array([0, 1]); self.fitted_ = True; return self
    def predict_proba(self, X): q = X[:, 0]; return np.column_stack([1-q, q])
    def predict(self, X): return (X[:, 0] >= .5).astype(int)
X = p.reshape(-1, 1); g = Given().fit(X, y)
for alpha in (.1, .05, .2):
    m = SplitConformalClassifier(g, confidence_level=1-alpha, conformity_score="lac", prefit=True)
    m.conformalize(X[cal], y[cal])
    _, S = m.predict_set(X[tst]); S = S[:, :, 0]
    put(f"mapie_alpha{alpha}_threshold", np.ravel(m._mapie_classifier.conformity_score_function_.quantiles_)[0])
    put(f"mapie_alpha{alpha}_coverage", S[np.arange(len(S)), y[tst]].mean()); put(f"mapie_alpha{alpha}_mean_size", S.sum(1).mean())
open("figures_conformal.txt", "w").write("\n".join(out)+"\n")
