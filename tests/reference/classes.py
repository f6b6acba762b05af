"""Reference figures for metrics of several classes (crates/core/src/metric/classes.rs): pip install scikit-learn, then
python classes.py > ../../crates/core/src/metric/classes_reference.rs

90 rows of three classes and no random number: class = (i * 7) % 11 % 3, scores (i * (17 + 6 k) + 5 k) % 29 / 29 + (class == k) / 3, made
probabilities by dividing by their sum and rounding to 3 digits (the last class takes the rest), w = 1 + i % 3."""
import numpy as np
import sklearn.metrics as m

i = np.arange(90)
y = (i * 7) % 11 % 3
raw = np.stack([(i * (17 + 6 * k) + 5 * k) % 29 / 29 + (y == k) / 3 + 0.01 for k in range(3)], axis=1)
p = raw / raw.sum(axis=1, keepdims=True)
p = np.floor(p * 1000 + 0.5) / 1000
p[:, 2] = 1 - p[:, 0] - p[:, 1]
w = (1 + i % 3).astype(float)

rows = []
for weights in (np.ones(90), w):
    k = dict(sample_weight=weights)
    top = p.argmax(axis=1)
    auc = [m.roc_auc_score(y == c, p[:, c], **k) for c in range(3)]
    share = [np.average(y == c, weights=weights) for c in range(3)]
    rows.append({
        "log-loss": m.log_loss(y, p, **k),
        "accuracy": m.accuracy_score(y, top, **k),
        "macro-f1": m.f1_score(y, top, average="macro", **k),
        # scikit-learn's multi_class="ovr" takes no weights in its macro average: the same by hand.
        "macro-roc-auc": np.mean(auc),
        "weighted-roc-auc": np.average(auc, weights=share),
        # scikit-learn's is for two classes; Brier's own (1950) sums over the classes.
        "brier": np.average(((p - np.eye(3)[y]) ** 2).sum(axis=1), weights=weights),
        "top-2-accuracy": m.top_k_accuracy_score(y, p, k=2, **k),
    })
assert abs(rows[0]["macro-roc-auc"] - m.roc_auc_score(y, p, multi_class="ovr")) < 1e-12
print(f"const REFERENCE: [(&str, f64, f64); {len(rows[0])}] = [")
for name in rows[0]:
    print(f'    ("{name}", {float(rows[0][name])!r}, {float(rows[1][name])!r}),')
print("];")
