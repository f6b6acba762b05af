"""The same job with pandas, LightGBM and numpy: bars in, features, a generalist, forecasts, a back-test after costs.

Features are made as a user of pandas would make them: on wide frames (a column an asset), with rolling windows.
Prints the seconds of every stage, the peak memory in kB, the Sharpe ratio and the rows.
"""
import resource
import sys
import time

import lightgbm as lgb
import numpy as np
import pandas as pd

clock = time.perf_counter()
laps = []


def lap():
    global clock
    now = time.perf_counter()
    laps.append(now - clock)
    clock = now


close = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True)
lap()

log = np.log(close)
r = log.diff()
square = r**2


def rms(n, s=square):
    return np.sqrt(s.rolling(n).mean())


v5, v22, v66, v252 = (rms(n).clip(lower=1e-6) for n in (5, 22, 66, 252))
market = r.mean(axis=1)
f = {}
for n in (1, 5, 21, 63):
    f[f"return-{n}"] = r.rolling(n).sum() if n > 1 else r
f["momentum-12-1"] = r.rolling(252).sum() - f["return-21"]
f["har-1"], f["har-5"], f["har-22"] = np.log(r.abs().clip(lower=1e-5)), np.log(v5), np.log(v22)
f["vol-5-22"], f["vol-22-66"], f["vol-66-252"] = np.log(v5 / v22), np.log(v22 / v66), np.log(v66 / v252)
f["ewma-66"] = np.log(np.sqrt(square.ewm(alpha=0.06, adjust=False).mean()) / v66)
f["vol-of-vol-22"] = r.abs().rolling(22).std() / v22
f["downside-22"] = square.where(r < 0, 0.0).rolling(22).sum() / square.rolling(22).sum().clip(lower=1e-12)
f["largest-22"] = r.abs().rolling(22).max() / v22
change = close.diff()
up = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
down = (-change.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean()
f["rsi-14"] = 100 * up / (up + down)
macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
f["macd"] = (macd - macd.ewm(span=9, adjust=False).mean()) / close
middle, band = close.rolling(20).mean(), close.rolling(20).std(ddof=0).clip(lower=1e-12)
f["bollinger-b"], f["bollinger-width"] = (close - middle) / (2 * band), 4 * band / middle
weights = np.ones(100)
for k in range(1, 100):
    weights[k] = -weights[k - 1] * (0.4 - k + 1) / k
values = log.to_numpy()
fractional = np.full_like(values, np.nan)
windows = np.lib.stride_tricks.sliding_window_view(values, 100, axis=0)
fractional[99:] = windows @ weights[::-1]
f["fractional-difference"] = pd.DataFrame(fractional, close.index, close.columns)
high = log.rolling(252).max()
f["drawdown-252"] = log - high
windows = np.lib.stride_tricks.sliding_window_view(values, 252, axis=0)
since = np.full_like(values, np.nan)
for column in range(values.shape[1]):
    since[251:, column] = 251 - windows[:, column].argmax(axis=1)
f["bars-since-high"] = pd.DataFrame(since, close.index, close.columns)
days = pd.Series((close.index - close.index[0]).days, close.index)
for name, value in (
    ("weekday", pd.Series(close.index.weekday, close.index)),
    ("month", pd.Series(close.index.month, close.index)),
    ("days-since-bar", days.diff()),
    ("market-return-1", market),
    ("market-return-21", market.rolling(21).sum()),
    ("market-vol-5-66", np.log(np.sqrt((market**2).rolling(5).mean() / (market**2).rolling(66).mean()))),
    ("market-vol-22", np.log(np.sqrt((market**2).rolling(22).mean()))),
    ("dispersion", r.std(axis=1)),
):
    f[name] = pd.DataFrame(np.repeat(value.to_numpy()[:, None], close.shape[1], 1), close.index, close.columns)
mean_m, mean_r = market.rolling(63).mean(), r.rolling(63).mean()
covariance = r.mul(market, axis=0).rolling(63).mean().sub(mean_r.mul(mean_m, axis=0))
var_m = (market**2).rolling(63).mean() - mean_m**2
f["beta-63"] = covariance.div(var_m, axis=0)
f["correlation-63"] = covariance.div(np.sqrt(var_m), axis=0) / np.sqrt(square.rolling(63).mean() - mean_r**2)
f["relative-vol-22"] = np.log(v22.div(np.sqrt((market**2).rolling(22).mean()), axis=0))
for name in ("return-1", "return-21"):
    f[f"rank-{name}"] = f[name].rank(axis=1, pct=True)
f["rank-vol-22"] = v22.rank(axis=1, pct=True)
X = np.stack([f[name].to_numpy()[252:] for name in f], axis=-1)
lap()

future = np.sqrt(square.rolling(5).mean()).shift(-5)
y = (future > v66).to_numpy()[252:].astype(float)
known = future.notna().to_numpy()[252:]
cut = len(close) * 6 // 10 - 252
train = known.copy()
train[cut:] = False
model = lgb.train(
    {"objective": "binary", "num_leaves": 32, "max_depth": 5, "learning_rate": 0.1, "num_threads": 2, "verbose": -1},
    lgb.Dataset(X[train], y[train]),
    num_boost_round=100,
)
lap()
p = model.predict(X[cut:].reshape(-1, X.shape[-1]), num_threads=2).reshape(-1, X.shape[1])
lap()

# Weights known at a bar are held from the next bar's close on; costs on what is traded.
weights = (1.5 - p) / p.shape[1]
simple = close.pct_change().to_numpy()[252 + cut :]
equity, cash, units = 1e6, 1e6, np.zeros(p.shape[1])
prices = close.to_numpy()[252 + cut :]
pending, path = np.zeros(p.shape[1]), []
for t in range(len(weights)):
    cash -= (pending * prices[t]).sum() + np.abs(pending * prices[t]).sum() * 3e-4
    units = units + pending
    equity = cash + (units * prices[t]).sum()
    path.append(equity)
    pending = weights[t] * equity / prices[t] - units
returns = np.diff(path) / path[:-1]
lap()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sharpe = returns.mean() / returns.std(ddof=1) * np.sqrt(252)
print(*(f"{s:.3f}" for s in laps), peak, f"{sharpe:.4f}", X.shape[0] * X.shape[1])
