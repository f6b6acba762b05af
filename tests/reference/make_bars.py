"""Made-up bars in the layouts that providers export, and how each file is read rightly.

    python make_bars.py      writes ../fixtures/bars/*.{csv,txt}, expected.json and CARD.md

The standard library suffices. Prices are kept in whole cents as after the split, and chosen so that the prices before
it are whole cents too: every total return is a ratio of integers, known exactly whatever a file has rounded.

yfinance 1.7.0 and pandas 3.1, fed with these prices, write the yahoo_*.csv files to the byte; yahoo_download_single.csv
only with the columns in the older order, and the row of ib_async 2.1.0's BarData gives ib_async_daily.csv.
"""
import json
import random
import struct
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "fixtures/bars"
EXPECTED = {}
HOLIDAYS = {date.fromisoformat(d) for d in """
2023-01-02 2023-01-16 2023-02-20 2023-04-07 2023-05-29 2023-06-19 2023-07-04 2023-09-04 2023-11-23 2023-12-25
2024-01-01 2024-01-15 2024-02-19 2024-03-29 2024-05-27 2024-06-19 2024-07-04 2024-09-02 2024-11-28 2024-12-25
2025-01-01 2025-01-09 2025-01-20 2025-02-17 2025-04-18 2025-05-26 2025-06-19""".split()}

ABOUT = """returns: simple total returns from the bar before to this one, `total` exact as
(close * split ratio + dividends) / close before - 1 of what was traded and paid; `from_file` what the file's own columns
give when read as `reading` says, null where they cannot; equal to total within `tolerance` unless `differs` says why.
prices: whether the file's prices are adjusted already; null where the file alone does not tell. days: the trading day of
the first five rows; times: the same as seconds since 1970 where the file gives an instant (a bare day is its midnight,
UTC). ask: what must be asked or said to the user; refuse: what must not pass in silence."""


# --- the market ---------------------------------------------------------------------------------------------------


def weekdays(first, n):
    day, out = date.fromisoformat(first), []
    while len(out) < n:
        if day.weekday() < 5:
            out.append(day)
        day += timedelta(1)
    return out


def trading_days(first, n):
    return [d for d in weekdays(first, n + n // 10) if d not in HOLIDAYS][:n]


class Asset:
    """Bars in cents as after the split; `split` is (bar, ratio), `dividends` {bar: [(cents, kind), …]}."""

    def __init__(self, name, seed, days, price, split=(0, 1), dividends=None, sd=0.014, permno=0):
        self.name, self.days, self.permno = name, days, permno
        self.split_at, self.ratio = split[0], Fraction(split[1])
        self.dividends = dividends or {}
        rng = random.Random(seed)
        self.open, self.high, self.low, self.close, self.volume = [], [], [], [], []
        last = price * 100
        for t in range(len(days)):
            # Before a split of 3 for 2 a price of 2 cents was one of 3.
            grid = self.ratio.denominator if t < self.split_at else 1
            on_grid = lambda v: max(grid, round(v / grid) * grid)
            paid = self.paid(t)
            o = on_grid((last - paid) * (1 + rng.gauss(0, sd / 3)))
            c = on_grid((last - paid) * (1 + rng.gauss(0.0004, sd)))
            self.open.append(o)
            self.close.append(c)
            self.high.append(max(o, c) + grid * rng.randrange(1, 40))
            self.low.append(max(grid, min(o, c) - grid * rng.randrange(1, 40)))
            # Shares that both sides of the split can count in whole numbers.
            self.volume.append(rng.randrange(20_000, 400_000) * 12)
            last = c

    def paid(self, t):
        return sum(cents for cents, _ in self.dividends.get(t, []))

    def factor(self, t):
        """From a price after the split to the price that was traded."""
        return self.ratio if t < self.split_at else Fraction(1)

    def traded(self, prices, t):
        cents = prices[t] * self.factor(t)
        assert cents.denominator == 1
        return int(cents)

    def total(self, t):
        return float(Fraction(self.close[t] + self.paid(t), self.close[t - 1]) - 1)

    def dividend_factors(self):
        """What Yahoo multiplies a close with so that later dividends are taken off."""
        factors, f = [0.0] * len(self.close), 1.0
        for t in range(len(self.close) - 1, -1, -1):
            factors[t] = f
            if self.paid(t) and t:
                f *= 1 - self.paid(t) / self.close[t - 1]
        return factors

    def listed(self):
        """The bars whose returns are written down."""
        events = [t for t in (self.split_at, *self.dividends) if t]
        return sorted({*range(1, 11), *(t + k for t in events for k in (-1, 0, 1))} & set(range(1, len(self.close))))

    def why(self, t):
        words = [f"split {self.ratio.numerator}:{self.ratio.denominator}"] if t and t == self.split_at else []
        return ", ".join(words + [f"{kind} dividend" for _, kind in self.dividends.get(t, [])])


DAYS = trading_days("2023-01-03", 600)
KRS = Asset("KRS", 1, DAYS, 42, (300, 4), {120: [(22, "ordinary")], 430: [(24, "ordinary")], 500: [(600, "special")]}, permno=90001)
MOL = Asset("MOL", 2, DAYS, 60, (262, Fraction(3, 2)), {90: [(40, "ordinary")], 380: [(42, "ordinary")], 470: [(550, "special")]}, permno=90002)
# Listed later; its second ordinary dividend and the special one go on the same day.
TAV = Asset("TAV", 3, DAYS[150:], 31, (200, 4), {60: [(10, "ordinary")], 330: [(12, "ordinary"), (300, "special")]}, permno=90003)
ALL = [KRS, MOL, TAV]


# --- writing ------------------------------------------------------------------------------------------------------


def seconds(t):
    t = t if isinstance(t, datetime) else datetime(t.year, t.month, t.day)
    return (t if t.tzinfo else t.replace(tzinfo=timezone.utc)).timestamp()


def save(file, lines, assets, from_file, *, trap, reading, time, columns, prices, asset_in, first, eol="\n", header_rows=1,
         order="oldest first", bars_per_year=252, tolerance=1e-9, ask=(), refuse=(), unsure=(), differs=None, counts=None):
    """`from_file(asset, bar)`: the return that the file's columns give. `first`: the times of its first five rows."""
    (OUT / file).write_bytes((eol.join(lines) + eol).encode())
    returns = []
    for a in assets:
        for t in a.listed():
            entry = {"asset": a.name, "day": str(a.days[t]), "total": a.total(t), "from_file": from_file(a, t)}
            if a.why(t):
                entry["why"] = a.why(t)
            if entry["from_file"] is not None and abs(entry["from_file"] - entry["total"]) > tolerance:
                assert differs, (file, entry)
                entry["differs"] = differs
            returns.append(entry)
    EXPECTED[file] = {
        "trap": trap, "reading": reading,
        "layout": {"delimiter": ",", "line_end": {"\n": "LF", "\r\n": "CRLF"}[eol], "header_rows": header_rows, "order": order,
                   "time": time, "asset": asset_in},
        "assets": {a.name: {"bars": (counts or {}).get(a.name, len(a.days)), "first": str(a.days[0]), "last": str(a.days[-1])} for a in assets},
        "columns": columns, "prices": prices, "bars_per_year": bars_per_year, "tolerance": tolerance,
        "days": [str(t)[:10] for t in first], "times": [seconds(t) for t in first],
        "returns": returns, "ask": list(ask), "refuse": list(refuse), "unsure": list(unsure),
    }


def cents(v, places=2):
    return f"{v / 100:.{places}f}"


def price_return(a, t):
    """Of prices after the split: what is left without dividends."""
    return float(Fraction(a.close[t], a.close[t - 1]) - 1)


NO_DIVIDENDS = "the file holds no dividends: a price return"
ADJUSTED = "adjusted closes: close / (close before - dividend) - 1, by the provider's rule, not the total return"
PRICE_ONLY = "say that dividends are not in the file: returns are price returns, the special dividend is a fall"
ACTED = {"split_adjusted": True, "dividend_adjusted": True}
SPLIT_ONLY = {"split_adjusted": True, "dividend_adjusted": False}
TRADED = {"split_adjusted": False, "dividend_adjusted": False}


# --- Yahoo, by yfinance -------------------------------------------------------------------------------------------


def single(v):
    """Yahoo sends single precision: 22.15 arrives as 22.149999618530273."""
    return struct.unpack("f", struct.pack("f", v))[0]


class Yahoo:
    """One asset's columns as yfinance has them; `adjust`: its auto_adjust; `places`: its rounding."""

    def __init__(self, a, adjust, places=None):
        raw = {n: [single(v / 100) for v in getattr(a, n.lower())] for n in ("Open", "High", "Low", "Close")}
        adjusted = [single(c / 100 * f) for c, f in zip(a.close, a.dividend_factors())]
        ratio = [x / c for x, c in zip(adjusted, raw["Close"])]
        if adjust:
            raw = {n: [v * r for v, r in zip(raw[n], ratio)] for n in raw} | {"Close": adjusted}
        else:
            raw["Adj Close"] = adjusted
        if places:
            raw = {n: [round(v * 10**places) / 10**places for v in col] for n, col in raw.items()}
        self.a, self.columns = a, raw | {"Volume": a.volume}
        self.columns["Dividends"] = [a.paid(t) / 100 for t in range(len(a.days))]
        self.columns["Stock Splits"] = [float(a.ratio) if t and t == a.split_at else 0.0 for t in range(len(a.days))]

    def ratio(self, column):
        return lambda a, t: self.columns[column][t] / self.columns[column][t - 1] - 1

    def with_dividend(self, a, t):
        close = self.columns["Close"]
        return (close[t] + self.columns["Dividends"][t]) / close[t - 1] - 1


def new_york(day):
    """Midnight in New York: daylight saving time from the second Sunday of March to the first one of November."""
    sunday = lambda month, nth: [d for d in (date(day.year, month, k) for k in range(1, 15)) if d.weekday() == 6][nth - 1]
    offset = -4 if sunday(3, 2) < day <= sunday(11, 1) else -5
    return datetime(day.year, day.month, day.day, tzinfo=timezone(timedelta(hours=offset)))


def yahoo_rows(y, names, day):
    return [",".join([day(d), *(str(y.columns[n][t]) for n in names)]) for t, d in enumerate(y.a.days)]


DAY_COLUMN = {"column": "Date", "format": "%Y-%m-%d", "stands_for": "day"}
STAMP_COLUMN = {"column": "Date", "format": "%Y-%m-%d %H:%M:%S%:z", "stands_for": "day",
                "note": "midnight at the exchange: the day is the one written, not that of the instant in UTC"}
OHLC = ["Open", "High", "Low", "Close"]
APPLIED = "Dividends and Stock Splits are in the prices already: applying them again counts them twice"


def yahoo_history():
    y = Yahoo(KRS, adjust=True)
    names = [*OHLC, "Volume", "Dividends", "Stock Splits"]
    save("yahoo_history.csv", ["Date," + ",".join(names), *yahoo_rows(y, names, lambda d: str(new_york(d)))], [KRS], y.ratio("Close"),
         trap="Ticker.history(): Close is adjusted for splits and dividends, and both stand beside it once more",
         reading="close / close before - 1; " + APPLIED, time=STAMP_COLUMN, asset_in={"from": "nowhere: ask, or the file's name"},
         columns={"Close": "close, adjusted for everything", "Dividends": "not to be applied", "Stock Splits": "not to be applied, 0 means none"},
         prices=ACTED, tolerance=2e-7, differs=ADJUSTED, first=[new_york(d) for d in DAYS[:5]],
         refuse=["a split of 4 that multiplies the prices again: the closes beside it do not jump"],
         ask=["the exact total return of a day with a dividend can be had by taking the factors off again, if the file runs to its download"],
         unsure=["back_adjust=True gives the same columns with a Close that is adjusted for splits only; no file can tell the two apart but by a large dividend"])


def yahoo_history_unadjusted():
    y = Yahoo(KRS, adjust=False)
    names = [*OHLC, "Adj Close", "Volume", "Dividends", "Stock Splits"]
    save("yahoo_history_unadjusted.csv", ["Date," + ",".join(names), *yahoo_rows(y, names, lambda d: str(new_york(d)))], [KRS], y.with_dividend,
         trap="Ticker.history(auto_adjust=False): Close and Dividends are as after the split, which Stock Splits names once more",
         reading="(close + dividend) / close before - 1; the split is in the prices and in the dividends already", time=STAMP_COLUMN,
         asset_in={"from": "nowhere: ask, or the file's name"}, first=[new_york(d) for d in DAYS[:5]],
         columns={"Close": "close, adjusted for splits", "Adj Close": "close, adjusted for everything", "Dividends": "paid, in shares after the split",
                  "Stock Splits": "not to be applied, 0 means none"},
         prices=SPLIT_ONLY, tolerance=2e-7, refuse=["a split of 4 that multiplies the prices again: the closes beside it do not jump"])


def yahoo_history_tokyo():
    # The same asset's first bars, listed in Tokyo: midnight there is the day before in UTC, a Monday becomes a Sunday.
    a = Asset("7001", 1, DAYS[:150], 42, (0, 1), {120: [(22, "ordinary")]})
    stamp = lambda d: datetime(d.year, d.month, d.day, tzinfo=timezone(timedelta(hours=9)))
    y = Yahoo(a, adjust=False)
    names = [*OHLC, "Adj Close", "Volume", "Dividends", "Stock Splits"]
    save("yahoo_history_tokyo.csv", ["Date," + ",".join(names), *yahoo_rows(y, names, lambda d: str(stamp(d)))], [a], y.with_dividend,
         trap="days at +09:00: the instant in UTC lies on the day before", reading="(close + dividend) / close before - 1", time=STAMP_COLUMN,
         asset_in={"from": "nowhere: ask, or the file's name"}, first=[stamp(d) for d in a.days[:5]],
         columns={"Close": "close, adjusted for splits", "Adj Close": "close, adjusted for everything", "Dividends": "paid", "Stock Splits": "all 0"},
         prices=SPLIT_ONLY, tolerance=2e-7, refuse=["bars on Sundays, none on Fridays: the sign of a zone taken off"])


def yahoo_download_single():
    y = Yahoo(MOL, adjust=False)
    names = [*OHLC, "Adj Close", "Volume"]
    save("yahoo_download_single.csv", ["Date," + ",".join(names), *yahoo_rows(y, names, str)], [MOL], y.ratio("Adj Close"),
         trap="download() of old for one ticker: Close is adjusted for splits only and holds no dividends, Adj Close has both",
         reading="adj close / adj close before - 1; open, high and low go with Close and need the factor Adj Close / Close", time=DAY_COLUMN,
         asset_in={"from": "nowhere: ask, or the file's name"}, first=DAYS[:5],
         columns={"Close": "close, adjusted for splits", "Adj Close": "close, adjusted for everything"}, prices=SPLIT_ONLY, tolerance=2e-7,
         differs=ADJUSTED, ask=["dividends are not in the file by themselves, but Adj Close / Close before and after tells them"],
         refuse=["a recipe that takes Close where Adj Close stands beside it, in silence", "returns of Close to Adj Close"])


def frame(assets, adjust, places, by_ticker=False, only=None):
    """A DataFrame of several tickers: (price, ticker, asset, values by day)."""
    out = []
    for a in assets:
        y = Yahoo(a, adjust, places)
        for price in sorted([*OHLC, "Volume"] + ([] if adjust else ["Adj Close"])):
            # Days before an asset's first make its whole numbers fractions: 12345.0.
            values = [float(v) for v in y.columns[price]] if len(a.days) < len(DAYS) else y.columns[price]
            out.append((price, a.name, a, dict(zip(a.days, values))))
    if by_ticker:
        order = [*OHLC] + ([] if adjust else ["Adj Close"]) + ["Volume"]
        return sorted(out, key=lambda c: (c[1], order.index(c[0])))
    return sorted(out, key=lambda c: (c[0], c[1]))


def frame_rows(columns):
    return [",".join([str(d), *(str(c[3].get(d, "")) for c in columns)]) for d in DAYS]


def adj_or_close(adjust, places):
    of = {a.name: Yahoo(a, adjust, places).ratio("Close" if adjust else "Adj Close") for a in ALL}
    return lambda a, t: of[a.name](a, t)


def yahoo_download_one_ticker():
    columns = frame([KRS], True, None)
    save("yahoo_download_one_ticker.csv",
         ["Price," + ",".join(c[0] for c in columns), "Ticker," + ",".join(c[1] for c in columns), "Date" + "," * len(columns), *frame_rows(columns)],
         [KRS], adj_or_close(True, None), header_rows=3,
         trap="download() of today for one ticker: three rows of header (Price, Ticker, Date), columns in the alphabet's order, all adjusted",
         reading="close / close before - 1", time=DAY_COLUMN | {"column": 0}, asset_in={"from": "second row of the header"},
         columns={"Close": "close, adjusted for everything"}, prices=ACTED, tolerance=2e-7, differs=ADJUSTED, first=DAYS[:5],
         refuse=["KRS and an empty line read as the first two bars", "`Price` taken for the column of prices: it holds the days"],
         unsure=["Close is adjusted for dividends because auto_adjust is the default since 0.2.51; the file itself cannot say so: ask"])


def yahoo_download_three_tickers():
    columns = frame(ALL, False, 2)
    save("yahoo_download_three_tickers.csv",
         ["Price," + ",".join(c[0] for c in columns), "Ticker," + ",".join(c[1] for c in columns), "Date" + "," * len(columns), *frame_rows(columns)],
         ALL, adj_or_close(False, 2), header_rows=3,
         trap="three tickers beside each other, Adj Close and Close of each, one listed later (empty cells, volumes with .0), rounded to cents",
         reading="adj close / adj close before - 1 of each ticker", time=DAY_COLUMN | {"column": 0}, asset_in={"from": "second row of the header"},
         columns={"Close": "close, adjusted for splits", "Adj Close": "close, adjusted for everything"}, prices=SPLIT_ONLY, tolerance=5e-4, first=DAYS[:5],
         differs=ADJUSTED, ask=["Adj Close is rounded to cents: returns are no better than 3 in ten thousand"],
         refuse=["empty cells before TAV's first day filled, or taken for a fall to 0", "a header name that comes three times"])


def yahoo_download_by_ticker():
    columns = frame([KRS, TAV], True, 2, by_ticker=True)
    save("yahoo_download_by_ticker.csv",
         ["Ticker," + ",".join(c[1] for c in columns), "Price," + ",".join(c[0] for c in columns), "Date" + "," * len(columns), *frame_rows(columns)],
         [KRS, TAV], adj_or_close(True, 2), header_rows=3,
         trap="download(group_by=\"ticker\"): the rows of the header change places", reading="close / close before - 1 of each ticker",
         time=DAY_COLUMN | {"column": 0}, asset_in={"from": "first row of the header"}, columns={"Close": "close, adjusted for everything"}, prices=ACTED,
         tolerance=5e-4, first=DAYS[:5], differs=ADJUSTED, refuse=["assets called Open, High, Low, Close"],
         unsure=["the order of the tickers is that of a Python set: any", "that Close is adjusted for dividends: ask, as above"])


def yahoo_download_two_rows():
    columns = frame([KRS, MOL], True, 2)
    save("yahoo_download_two_rows.csv",
         ["Date," + ",".join(c[0] for c in columns), "," + ",".join(c[1] for c in columns), *frame_rows(columns)],
         [KRS, MOL], adj_or_close(True, 2), header_rows=2, trap="download().reset_index().to_csv(index=False): two rows of header, no row for Date",
         reading="close / close before - 1 of each ticker", time=DAY_COLUMN, asset_in={"from": "second row of the header"},
         columns={"Close": "close, adjusted for everything"}, prices=ACTED, tolerance=5e-4, first=DAYS[:5], differs=ADJUSTED,
         refuse=["the second row read as a bar without a date"], unsure=["that Close is adjusted for dividends: ask, as above"])


# --- Stooq, Alpha Vantage, CRSP -----------------------------------------------------------------------------------


def stooq_daily():
    a = MOL
    rows = [",".join([str(d), *(f"{a.traded(p, t) / 100:g}" for p in (a.open, a.high, a.low, a.close)), str(int(a.volume[t] / a.factor(t)))])
            for t, d in enumerate(a.days)]
    traded = lambda a, t: a.traded(a.close, t) / a.traded(a.close, t - 1) - 1
    save("stooq_daily.csv", ["Date,Open,High,Low,Close,Volume", *rows], [a], traded, eol="\r\n",
         trap="nothing adjusted and no column that says so: a split of 3 for 2, no usual ratio, is a fall of a third",
         reading="as traded; nothing but the fall of a third on one day tells of the split", time=DAY_COLUMN,
         asset_in={"from": "nowhere: ask, or the file's name"}, columns={"Close": "close as traded"}, prices=TRADED, first=DAYS[:5],
         differs="the split and the dividends are not in the file", ask=["was there a split of 3 for 2 on this day?", PRICE_ONLY],
         refuse=["a fall to two thirds from one close to the next, at 1.4 % of usual movement, learned as a return"],
         unsure=["the site adjusts by default and offers to leave it: this is the file of somebody who did", "its files do not name the ticker"])


def stooq_bulk():
    rows = []
    for a in ALL:
        f = a.dividend_factors()
        for t, d in enumerate(a.days):
            prices = (f"{p[t] / 100 * f[t]:.5f}".rstrip("0").rstrip(".") for p in (a.open, a.high, a.low, a.close))
            rows.append(",".join([f"{a.name}.US", "D", d.strftime("%Y%m%d"), "000000", *prices, str(a.volume[t]), "0"]))
    adjusted = lambda a, t: a.close[t] * a.dividend_factors()[t] / (a.close[t - 1] * a.dividend_factors()[t - 1]) - 1
    save("stooq_bulk.txt", ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>", *rows], ALL, adjusted, eol="\r\n",
         trap="names in <>, yyyymmdd and a clock of 000000 in two columns, three tickers below each other", order="by asset, oldest first",
         reading="close / close before - 1 of each ticker", asset_in={"from": "column <TICKER>", "suffix": ".US names the market"},
         time={"column": "<DATE>", "format": "yyyymmdd", "stands_for": "day", "note": "<TIME> 000000 is no time of the day"},
         columns={"<CLOSE>": "close", "<PER>": "D, constant", "<OPENINT>": "0, constant", "<VOL>": "volume"}, prices={"split_adjusted": None, "dividend_adjusted": None},
         tolerance=1e-6, differs=ADJUSTED, first=DAYS[:5], ask=["are the closes adjusted? the file does not say; these are, for both"],
         unsure=["that its US closes are adjusted for dividends too, and by Yahoo's rule"])


def alpha_vantage():
    a = KRS
    f = a.dividend_factors()
    rows = []
    for t, d in enumerate(a.days):
        prices = [cents(a.traded(p, t), 4) for p in (a.open, a.high, a.low, a.close)]
        paid, ratio = a.paid(t) * a.factor(t), float(a.ratio) if t == a.split_at else 1.0
        rows.append(",".join([str(d), *prices, f"{a.close[t] / 100 * f[t]:.4f}", str(int(a.volume[t] / a.factor(t))), cents(float(paid), 4), str(ratio)]))
    exact = lambda a, t: a.total(t)
    save("alpha_vantage_daily_adjusted.csv", ["timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient", *rows[::-1]],
         [a], exact, eol="\r\n", order="newest first", trap="newest first; prices as traded, split_coefficient 1.0 where there is none",
         reading="(close * split_coefficient + dividend_amount) / close before - 1", asset_in={"from": "nowhere: ask, or the file's name"},
         time={"column": "timestamp", "format": "%Y-%m-%d", "stands_for": "day"}, first=a.days[::-1][:5],
         columns={"close": "close as traded", "adjusted_close": "close, adjusted for everything", "dividend_amount": "paid, in the shares of its day",
                  "split_coefficient": "to be applied, 1 means none"}, prices=TRADED,
         refuse=["returns taken down the file: from the later day to the earlier one", "adjusted_close with split_coefficient applied to it"],
         unsure=["how many digits adjusted_close has, and whether its rule is Yahoo's", "the ends of lines"])


def crsp():
    rows, rng, counts = [], random.Random(7), {}
    quoted = {33, 34}  # days without trade: the price is the middle of bid and ask, with a minus
    away = {410, 411, 412}  # MOL is not listed for three days: no price, RET is B, then C
    code = {"ordinary": "1232", "special": "1272"}
    for a in ALL:
        shares = 250_000
        for t, d in enumerate(a.days):
            factor = a.factor(t)
            split = t == a.split_at
            price = lambda p: f"{a.traded(p, t) / 100:g}" if p else ""
            gone, middle = a is MOL and t in away, a is KRS and t in quoted
            ret, retx = f"{a.total(t):.6f}" if t else f"{rng.gauss(0, 0.014):.6f}", f"{price_return(a, t):.6f}" if t else ""
            if not t:
                retx = ret
            if (a is TAV and t == 0) or (a is MOL and t == 413):
                ret = retx = "C"
            if gone:
                ret = retx = "B"
            cum = f"{float(factor):g}"
            out = f"{int(shares / factor)},{cum},{cum}"
            spread = (a.traded(a.close, t) - 3, a.traded(a.close, t) + 3)
            bid, ask = (f"{v / 100:g}" for v in spread)
            if gone:
                body = f",,,,{ret},,,{out},,{retx}"
            elif middle:
                body = f"{bid},{ask},-{price(a.close)},0,{ret},{bid},{ask},{out},,{retx}"
            else:
                body = f"{price(a.low)},{price(a.high)},{price(a.close)},{int(a.volume[t] / factor)},{ret},{bid},{ask},{out},{price(a.open)},{retx}"
            events = [(code[kind], f"{float(c * factor) / 100:g}", "0", "0") for c, kind in a.dividends.get(t, [])]
            events += [("5523", "0", f"{float(a.ratio - 1):g}", f"{float(a.ratio - 1):g}")] if split else []
            for event in events or [("", "", "", "")]:
                rows.append(f"{a.permno},{d:%Y%m%d},{a.name},{','.join(event)},{body}")
        counts[a.name] = len(a.days) - (len(away) if a is MOL else 0)
    header = "PERMNO,date,TICKER,DISTCD,DIVAMT,FACPR,FACSHR,BIDLO,ASKHI,PRC,VOL,RET,BID,ASK,SHROUT,CFACPR,CFACSHR,OPENPRC,RETX"
    rounded = lambda a, t: round(a.total(t), 6)
    save("crsp_daily.csv", [header, *rows], ALL, rounded, order="by asset, oldest first", counts=counts, tolerance=6e-7, first=DAYS[:5],
         trap="PRC below 0 is the middle of bid and ask, RET holds C and B, FACPR is the ratio less 1, two distributions of a day are two rows",
         reading="RET is the total return; the same from |PRC|: (|PRC| * (1 + FACPR) + sum of DIVAMT) / |PRC| before - 1",
         time={"column": "date", "format": "yyyymmdd", "stands_for": "day"}, asset_in={"from": "column PERMNO", "name": "TICKER, which may change and be reused"},
         columns={"PRC": "close as traded, its sign says how it came about", "ASKHI": "high, or the ask", "BIDLO": "low, or the bid", "OPENPRC": "open",
                  "VOL": "volume", "RET": "total return, letters are missing", "RETX": "without dividends", "DIVAMT": "paid, in the shares of its day",
                  "FACPR": "split ratio less 1, of a dividend 0", "CFACPR": "divide |PRC| by it to adjust for splits"}, prices=TRADED,
         refuse=["negative prices", "two bars of TAV on one day that differ in the distribution only: they are one bar with the sum of DIVAMT",
                 "the rows of MOL without price (B) read as 0 or filled"],
         ask=["MOL's return after its three days away: CRSP gives none (C); from the prices it goes over four days"],
         unsure=["digits of prices: a download may show single precision (125.07001)", "the newer files (DlyPrc, DlyRet, DlyCalDt) have other names and are not here",
                 "the first RET of KRS and MOL goes back to a price before the file"])


# --- Binance, Interactive Brokers, FRED ---------------------------------------------------------------------------


def kline(a, t, per_second):
    start = int(seconds(a.days[t])) * per_second
    base, quote = a.volume[t] / 1_000, a.volume[t] / 1_000 * a.close[t] / 100
    taken = 0.4 + a.volume[t] % 97 / 480
    return ",".join([str(start), *(cents(p[t], 8) for p in (a.open, a.high, a.low, a.close)), f"{base:.8f}", str(start + 86_400 * per_second - 1),
                     f"{quote:.8f}", str(a.volume[t] // 211), f"{base * taken:.8f}", f"{quote * taken:.8f}", "0"])


def binance(file, first, n, unit, trap, **more):
    """`unit(day)`: how often a second is counted."""
    start = date.fromisoformat(first)
    a = Asset("KARUSDT", 11, [start + timedelta(k) for k in range(n)], 210, sd=0.03)
    save(file, [kline(a, t, unit(a.days[t])) for t in range(n)], [a], price_return, header_rows=0, bars_per_year=365, trap=trap,
         reading="close / close before - 1", asset_in={"from": "the file's name"}, prices={"split_adjusted": None, "dividend_adjusted": None},
         columns={"0": "open time", "1": "open", "2": "high", "3": "low", "4": "close", "5": "volume", "6": "close time", "7": "volume in the quote currency",
                  "8": "trades", "9": "volume bought by takers", "10": "the same in the quote currency", "11": "ignore"}, first=a.days[:5],
         **{"time": {"column": 0, "format": more.pop("format"), "stands_for": "start of bar", "note": "the close is known a day later, column 6"},
            "refuse": ["the first bar taken for a header"], **more})


def binances():
    ms, us = lambda day: 1_000, lambda day: 1_000_000
    binance("KARUSDT-1d-ms.csv", "2023-03-01", 600, ms, "no header; milliseconds, and a second time that is the end of the bar; seven days a week", format="milliseconds")
    binance("KARUSDT-1d-us.csv", "2025-01-01", 600, us, "no header; microseconds, as spot files are since 2025", format="microseconds")
    binance("KARUSDT-1d-ms-us.csv", "2024-09-01", 240, lambda d: us(d) if d.year >= 2025 else ms(d),
            "monthly files put together: milliseconds until 2024-12-31, microseconds from 2025-01-01", format=None,
            refuse=["the unit changes at line 123: say so, or read each row by its size; never years 56,000 or 1970"])


IB_ASK = [PRICE_ONLY]


def ib_daily():
    a = KRS
    wap = lambda t: (a.high[t] + a.low[t] + 2 * a.close[t]) / 400
    rows = [f"{d:%Y%m%d},{','.join(str(p[t] / 100) for p in (a.open, a.high, a.low, a.close))},{a.volume[t]},{wap(t):.3f},{a.volume[t] // 260}"
            for t, d in enumerate(a.days)]
    save("ib_daily.csv", ["date,open,high,low,close,volume,wap,barCount", *rows], [a], price_return,
         trap="dates are numbers such as 20230103; adjusted for splits, not for dividends, and no column says so",
         reading="close / close before - 1, a price return", time={"column": "date", "format": "yyyymmdd", "stands_for": "day"},
         asset_in={"from": "nowhere: ask, or the file's name"}, columns={"close": "close, adjusted for splits", "wap": "average price", "barCount": "trades"},
         prices=SPLIT_ONLY, differs=NO_DIVIDENDS, first=DAYS[:5], ask=IB_ASK, unsure=["whatToShow=ADJUSTED_LAST is adjusted for dividends too and looks the same"])


def ib_async_daily():
    a = MOL
    wap = lambda t: (a.high[t] + a.low[t] + 2 * a.close[t]) / 400
    rows = [f"{t},{d},{','.join(str(p[t] / 100) for p in (a.open, a.high, a.low, a.close))},{float(a.volume[t])},{round(wap(t), 3)},{a.volume[t] // 260}"
            for t, d in enumerate(a.days)]
    save("ib_async_daily.csv", [",date,open,high,low,close,volume,average,barCount", *rows], [a], price_return,
         trap="ib_async's util.df(bars).to_csv(): an index without name in front", reading="close / close before - 1, a price return",
         time={"column": "date", "format": "%Y-%m-%d", "stands_for": "day"}, asset_in={"from": "nowhere: ask, or the file's name"},
         columns={"": "index, to be left out", "close": "close, adjusted for splits", "average": "average price", "barCount": "trades"}, prices=SPLIT_ONLY,
         differs=NO_DIVIDENDS, first=DAYS[:5], ask=IB_ASK, refuse=["the index read as an asset's closes: it rises by 1 a bar"])


def ib_hourly():
    clock = ["09:30:00", "10:00:00", "11:00:00", "12:00:00", "13:00:00", "14:00:00", "15:00:00"]
    hours = [(d, c) for d in DAYS[:86] for c in clock]
    stamp = [new_york(d).replace(hour=int(c[:2]), minute=int(c[3:5])) for d, c in hours]
    a = Asset("KRS", 21, stamp, 44, (7 * 60, 4), {7 * 20: [(22, "ordinary")], 7 * 40: [(24, "ordinary")], 7 * 70: [(600, "special")]}, sd=0.006)
    wap = lambda t: (a.high[t] + a.low[t] + 2 * a.close[t]) / 400
    rows = [f"{d:%Y%m%d} {c} US/Eastern,{','.join(str(p[t] / 100) for p in (a.open, a.high, a.low, a.close))},{a.volume[t] // 7},{wap(t):.3f},{a.volume[t] // 1_820}"
            for t, (d, c) in enumerate(hours)]
    save("ib_hourly.csv", ["date,open,high,low,close,volume,wap,barCount", *rows], [a], price_return, bars_per_year=7 * 252,
         trap="20230103 09:30:00 US/Eastern: a zone by name, summer time begins within the file, the first bar of a day is half an hour",
         reading="close / close before - 1, a price return; the first bar of a day holds the night",
         time={"column": "date", "format": "%Y%m%d %H:%M:%S and a zone's name", "stands_for": "start of bar", "note": "the close is known when the next bar begins"},
         asset_in={"from": "nowhere: ask, or the file's name"}, columns={"close": "close, adjusted for splits", "wap": "average price", "barCount": "trades"},
         prices=SPLIT_ONLY, differs=NO_DIVIDENDS, first=stamp[:5], ask=IB_ASK,
         unsure=["older versions of the interface write two spaces before the clock and no zone"])


def fred(file, header, missing, values, days, ask, trap, reading, returns, places, unsure=()):
    lines = [f"{d},{missing if d in HOLIDAYS else f'{v:.{places}f}'}" for d, v in zip(days, values)]
    known = [(d, v) for d, v in zip(days, values) if d not in HOLIDAYS]
    save(file, [header, *lines], [], None, trap=trap, reading=reading, first=days[:5],
         time={"column": header.split(",")[0], "format": "%Y-%m-%d", "stands_for": "day"}, asset_in={"from": "the name of the second column"},
         columns={header.split(",")[1]: "a series"}, prices={"split_adjusted": None, "dividend_adjusted": None}, ask=ask, unsure=unsure,
         refuse=["a holiday read as 0, or filled with the value before: it is no bar"])
    name = header.split(",")[1]
    EXPECTED[file]["assets"] = {name: {"bars": len(known), "rows": len(days), "first": str(known[0][0]), "last": str(known[-1][0])}}
    if returns:
        EXPECTED[file]["returns"] = [{"asset": name, "day": str(d), "total": None, "from_file": float(Fraction(f"{v:.{places}f}") / Fraction(f"{w:.{places}f}") - 1),
                                      "differs": NO_DIVIDENDS} for (_, w), (d, v) in zip(known[:10], known[1:11])]


def freds():
    rng, rate, index = random.Random(31), 0.2, 3_900.0
    days = weekdays("2023-01-02", 600)
    rates, levels = [], []
    for _ in days:
        rate, index = rate + rng.gauss(0, 0.05), index * (1 + rng.gauss(0.0004, 0.009))
        rates.append(rate)
        levels.append(index)
    fred("fred_yield_old.csv", "DATE,MADEUP10", ".", rates, days, ["a rate in percent that goes through 0: its ratio is no return; take differences"],
         "DATE and `.` for a day without value; values around 0, so that a return is nonsense", "a level; differences, not ratios", False, 2,
         ["`.` was in files until late 2024, newer ones leave the cell empty and call the day observation_date"])
    fred("fred_index_new.csv", "observation_date,MADEUPIDX", "", levels, days, [PRICE_ONLY + " (a price index)"],
         "observation_date, empty cells on holidays; the column is called after the series, not close", "value / value before - 1, over holidays too", True, 2)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for source in (yahoo_history, yahoo_history_unadjusted, yahoo_history_tokyo, yahoo_download_single, yahoo_download_one_ticker,
                   yahoo_download_three_tickers, yahoo_download_by_ticker, yahoo_download_two_rows, stooq_daily, stooq_bulk, alpha_vantage, crsp,
                   binances, ib_daily, ib_async_daily, ib_hourly, freds):
        source()
    (OUT / "expected.json").write_text(json.dumps({"_about": " ".join(ABOUT.split())} | EXPECTED, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    lines = "\n".join(f"- `{file}`: {truth['trap']}" for file, truth in EXPECTED.items())
    unsure = "\n".join(f"- `{file}`: {u}" for file, truth in EXPECTED.items() for u in truth["unsure"])
    (OUT / "CARD.md").write_text(CARD.format(lines=lines, unsure=unsure), encoding="utf-8")
    print(f"{len(EXPECTED)} files, {sum(f.stat().st_size for f in OUT.iterdir()):,} bytes")


CARD = """# bars

Bars of made-up instruments in the layouts of the providers that people take them from, and how each file is read
rightly: `expected.json`, with total returns that are known exactly.

- **Source**: made up by `tests/reference/make_bars.py` with seeded generators. No instrument exists, no price is real.
- **Licence**: the project's own. Nothing was taken from a provider but the shape of its files.
- **Instruments**: KRS splits 4 for 1, MOL 3 for 2, TAV (listed 150 days later) 4 for 1; each pays two ordinary dividends
  and a special one of a tenth of its price or so. KARUSDT has neither.

## What each one is for

{lines}

## Not sure

The layouts are from memory, but for yfinance and ib_async, which wrote the same bytes from the same prices.

{unsure}
"""

if __name__ == "__main__":
    main()
