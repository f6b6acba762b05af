"""The probability of back-test overfitting by three packages, which must agree, and the folds of skfolio's
CombinatorialPurgedCV: the figures in crates/trading/src/performance.rs and validate.rs.

    pip install phacker==0.1.0 purgedcv==0.1.11 sharpe-gate==0.1.1 skfolio==1.12.2
"""
import numpy as np
import phacker.cscv
import purgedcv
import sharpe_gate.overfit
from skfolio.model_selection import CombinatorialPurgedCV

t, j = np.meshgrid(np.arange(240), np.arange(8), indexing="ij")
returns = (((t * 37 + j * 101 + 11) * (j + 3)) % 199) / 199 * 0.02 - 0.0098 + 0.0001 * j
for columns, blocks in ((8, 10), (8, 8), (7, 8), (7, 10)):
    m = returns[:, :columns]
    pbo, logits = phacker.cscv.cscv_reference(m, blocks)
    # The others count logits below 0, not those that are 0 (the paper's integral includes it).
    for other in (purgedcv.probability_of_backtest_overfitting(m.T, n_splits=blocks),
                  sharpe_gate.overfit.pbo_cscv(m, n_splits=blocks)):
        assert np.allclose(np.sort(other.logits), np.sort(logits), atol=1e-12)
    print(columns, blocks, pbo, np.mean(logits))


def runs(rows):
    rows = np.sort(rows)
    return " ".join(f"{r[0]}-{r[-1]}" for r in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1))


cv = CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=5, embargo_size=0)
for train, tests in cv.split(np.zeros((240, 1))):
    print(" ".join(runs(x) for x in tests), "|", runs(train))
