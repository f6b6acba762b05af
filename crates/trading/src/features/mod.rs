//! Features of a bar from what was known when it was complete. One engine serves history and live use: it is
//! given the bars of one instant after the other and answers with a row a bar.

mod indicators;
mod windows;

pub use windows::{ewma, garman_klass, parkinson, rms, yang_zhang};

use rayon::prelude::*;

use crate::bars::{Bar, Market};
use indicators::{Ema, Wilder};
use windows::{beta, dot, sd, sum, tail};

/// Bars that an asset needs before its first row.
pub const WARM_UP: usize = 253;
/// A bar this many seconds after the one before it starts a new history.
pub const LONGEST_GAP: i64 = 21 * 86_400;
/// Weights of a fractional difference that are used.
const FRACTIONAL: usize = 100;
/// The order of the fractional difference.
const ORDER: f64 = 0.4;
const FAST: f64 = 0.94;

/// What the data offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// Open, high and low.
    pub range: bool,
    /// Volume.
    pub volume: bool,
    /// A sector of every asset.
    pub sectors: bool,
}

/// The features' names, in the order of a row.
#[must_use]
pub fn names(offers: Offers) -> Vec<&'static str> {
    let mut out = vec![
        "return-1",
        "return-5",
        "return-21",
        "return-63",
        "momentum-12-1",
        "har-1",
        "har-5",
        "har-22",
        "vol-5-22",
        "vol-22-66",
        "vol-66-252",
        "ewma-66",
        "vol-of-vol-22",
        "downside-22",
        "largest-22",
        "rsi-14",
        "macd",
        "bollinger-b",
        "bollinger-width",
        "fractional-difference",
        "drawdown-252",
        "bars-since-high",
        "weekday",
        "month",
        "days-since-bar",
        "beta-63",
        "correlation-63",
        "relative-vol-22",
        "market-return-1",
        "market-return-21",
        "market-vol-5-66",
        "market-vol-22",
        "dispersion",
        "rank-return-1",
        "rank-return-21",
        "rank-vol-22",
    ];
    if offers.range {
        out.extend(["parkinson-21", "garman-klass-21", "yang-zhang-21", "atr-14", "overnight"]);
    }
    if offers.volume {
        out.extend(["volume-21", "turnover-5-63"]);
    }
    if offers.sectors {
        out.extend(["sector-beta-63", "sector-correlation-63", "beside-sector-21"]);
    }
    out
}

/// What is remembered of an asset.
#[derive(Debug, Clone, Default)]
struct State {
    bars: Vec<Bar>,
    prices: Vec<f64>,
    returns: Vec<f64>,
    market: Vec<f64>,
    sector: Vec<f64>,
    seen: usize,
    fast: f64,
    gains: Wilder,
    losses: Wilder,
    range: Wilder,
    short: Ema,
    long: Ema,
    signal: Ema,
}

/// Streams bars into rows.
pub struct Engine {
    offers: Offers,
    width: usize,
    weights: [f64; FRACTIONAL],
    assets: Vec<State>,
    /// Mean log return of all bars of an instant.
    market: Vec<f64>,
    /// The sector of each asset; empty where there are none.
    sectors: Vec<usize>,
}

/// Bars kept an asset: enough for the longest window.
const KEPT: usize = WARM_UP + 1;

/// Keeps the last values in one piece: every so often the older half goes.
fn push<T: Copy>(values: &mut Vec<T>, value: T) {
    if values.len() == 2 * KEPT {
        values.drain(..KEPT);
    }
    values.push(value);
}

/// The cells of a row that are still to be written.
struct Row<'a>(std::slice::IterMut<'a, f64>);

impl Row<'_> {
    fn push(&mut self, value: f64) {
        *self.0.next().expect("a row is as wide as its names") = value;
    }

    fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        values.into_iter().for_each(|v| self.push(v));
    }
}

impl Engine {
    /// An engine for `assets` assets without history; `sectors` has a number an asset, or is empty.
    #[must_use]
    pub fn new(assets: usize, offers: Offers, sectors: Vec<usize>) -> Self {
        let mut weights = [1.0; FRACTIONAL];
        for k in 1..FRACTIONAL {
            weights[k] = -weights[k - 1] * (ORDER - k as f64 + 1.0) / k as f64;
        }
        // The oldest price first, as prices are kept.
        weights.reverse();
        let state =
            || State { short: Ema::new(12, 14), long: Ema::new(26, 0), signal: Ema::new(9, 0), ..State::default() };
        let assets = (0..assets).map(|_| state()).collect();
        Self { offers, width: names(offers).len(), weights, assets, market: Vec::new(), sectors }
    }

    /// Takes the bars of one instant (asset, bar) and appends the row of each bar whose history is long enough to
    /// `rows`; `found` gets the asset of each row.
    pub fn step(&mut self, bars: &[(usize, Bar)], found: &mut Vec<usize>, rows: &mut Vec<f64>) {
        let day: Vec<f64> = bars.iter().map(|(a, bar)| self.assets[*a].accept(bar)).collect();
        let known = day.iter().filter(|r| !r.is_nan()).count();
        let mean = if known > 0 { day.iter().filter(|r| !r.is_nan()).sum::<f64>() / known as f64 } else { f64::NAN };
        if known > 0 {
            push(&mut self.market, mean);
        }
        let sectors = self.sector_returns(bars, &day);
        for ((a, bar), r) in bars.iter().zip(&day) {
            let sector = self.sectors.get(*a).map_or(f64::NAN, |s| sectors[*s]);
            self.assets[*a].update(bar, *r, mean, sector);
        }
        let moved: Vec<f64> = day.iter().copied().filter(|r| !r.is_nan()).collect();
        let dispersion = sd(&moved);
        let month: Vec<f64> = bars.iter().map(|(a, _)| sum(tail(&self.assets[*a].returns, 21))).collect();
        let vol: Vec<f64> = bars.iter().map(|(a, _)| rms(tail(&self.assets[*a].returns, 22))).collect();
        let ranks = [ranks(&day), ranks(&month), ranks(&vol)];
        let m = &self.market;
        if m.len() < 66 {
            return;
        }
        let ratio = (rms(tail(m, 5)) / rms(tail(m, 66))).ln();
        let market = [mean, sum(tail(m, 21)), ratio, rms(tail(m, 22)).max(1e-6).ln(), dispersion];
        let first = found.len();
        found.extend((0..bars.len()).filter(|&i| self.assets[bars[i].0].seen >= WARM_UP));
        let from = rows.len();
        rows.resize(from + (found.len() - first) * self.width, f64::NAN);
        let (assets, weights, offers) = (&self.assets, &self.weights, self.offers);
        let write = |(cells, &i): (&mut [f64], &usize)| {
            let (a, bar) = &bars[i];
            let mut row = Row(cells.iter_mut());
            assets[*a].own(bar, weights, &mut row);
            row.extend(market);
            row.extend(ranks.iter().map(|r| r[i]));
            assets[*a].of_range(offers, bar, &mut row);
            assets[*a].of_sector(offers, &mut row);
        };
        // A few assets are done before other threads are awake.
        const MANY: usize = 64;
        let cells = &mut rows[from..];
        if found.len() - first < MANY {
            cells.chunks_mut(self.width).zip(&found[first..]).for_each(write);
        } else {
            cells.par_chunks_mut(self.width).zip(&found[first..]).for_each(write);
        }
    }
}

impl Engine {
    /// The mean log return of each sector at this instant.
    fn sector_returns(&self, bars: &[(usize, Bar)], day: &[f64]) -> Vec<f64> {
        let count = self.sectors.iter().max().map_or(0, |m| m + 1);
        let mut sums = vec![(0.0, 0.0); count];
        for ((a, _), r) in bars.iter().zip(day).filter(|(_, r)| !r.is_nan() && count > 0) {
            let sum = &mut sums[self.sectors[*a]];
            *sum = (sum.0 + r, sum.1 + 1.0);
        }
        sums.iter().map(|(sum, n)| sum / n).collect()
    }
}

/// Ranks from 0 to 1; `NaN` where there are fewer than three values.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    let mut out = vec![f64::NAN; values.len()];
    if order.len() < 3 {
        return out;
    }
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let last = (order.len() - 1) as f64;
    order.iter().enumerate().for_each(|(rank, &i)| out[i] = rank as f64 / last);
    out
}

impl State {
    /// Starts anew behind a long gap; the log return of `bar`, `NaN` for a first bar.
    fn accept(&mut self, bar: &Bar) -> f64 {
        if self.bars.last().is_some_and(|last| bar.time - last.time > LONGEST_GAP) {
            let Self { short, long, signal, .. } = self;
            (*short, *long, *signal) = (Ema::new(12, 14), Ema::new(26, 0), Ema::new(9, 0));
            *self = Self { short: *short, long: *long, signal: *signal, ..Self::default() };
        }
        self.bars.last().map_or(f64::NAN, |last| (bar.close / last.close).ln())
    }

    fn update(&mut self, bar: &Bar, r: f64, market: f64, sector: f64) {
        if let Some(last) = self.bars.last() {
            let change = bar.close - last.close;
            self.gains.push(change.max(0.0), 14);
            self.losses.push((-change).max(0.0), 14);
            let range = if bar.high.is_nan() {
                change.abs()
            } else {
                (bar.high - bar.low).max((bar.high - last.close).abs()).max((bar.low - last.close).abs())
            };
            self.range.push(range, 14);
            self.fast = ewma(self.fast, r, self.seen, FAST);
            push(&mut self.returns, r);
            push(&mut self.market, market);
            push(&mut self.sector, sector);
        }
        if let (Some(short), Some(long)) = (self.short.push(bar.close), self.long.push(bar.close)) {
            self.signal.push(short - long);
        }
        push(&mut self.prices, bar.close.ln());
        push(&mut self.bars, *bar);
        self.seen += 1;
    }

    /// The features that only closes are needed for, but for those of the market.
    fn own(&self, bar: &Bar, weights: &[f64], rows: &mut Row<'_>) {
        let r = &self.returns;
        let moved = |n: usize| sum(tail(r, n));
        let vol = |n: usize| rms(tail(r, n)).max(1e-6);
        let (v5, v22, v66, v252) = (vol(5), vol(22), vol(66), vol(252));
        let last = r.last().copied().unwrap_or(f64::NAN);
        let month = tail(r, 22);
        let squares = dot(month, month).max(1e-12);
        let below: f64 = month.iter().filter(|x| **x < 0.0).map(|x| x * x).sum();
        let largest = month.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let sizes: [f64; 22] = std::array::from_fn(|i| month[i].abs());
        rows.extend([last, moved(5), moved(21), moved(63), moved(252) - moved(21)]);
        rows.extend([
            last.abs().max(1e-5).ln(),
            v5.ln(),
            v22.ln(),
            (v5 / v22).ln(),
            (v22 / v66).ln(),
            (v66 / v252).ln(),
        ]);
        rows.push((self.fast.max(1e-12).sqrt() / v66).ln());
        rows.push(sd(&sizes) / v22);
        rows.extend([below / squares, largest / v22]);
        let (up, down) = (self.gains.value(), self.losses.value());
        rows.push(if up + down > 0.0 { 100.0 * up / (up + down) } else { 50.0 });
        let macd = self.short.value() - self.long.value();
        rows.push((macd - self.signal.value()) / bar.close);
        let closes = || self.bars.iter().rev().take(20).map(|b| b.close);
        let middle = closes().sum::<f64>() / 20.0;
        let band = (closes().map(|c| (c - middle) * (c - middle)).sum::<f64>() / 20.0).sqrt().max(1e-12);
        rows.extend([(bar.close - middle) / (2.0 * band), 4.0 * band / middle]);
        rows.push(dot(tail(&self.prices, FRACTIONAL), weights));
        let (mut since, mut high) = (0, f64::MIN);
        for (i, p) in self.prices.iter().rev().take(252).enumerate() {
            if *p > high {
                (since, high) = (i, *p);
            }
        }
        rows.extend([self.prices.last().map_or(f64::NAN, |p| p - high), since as f64]);
        let days = bar.time.div_euclid(86_400);
        let before = self.bars.iter().rev().nth(1).map_or(days, |b| b.time.div_euclid(86_400));
        rows.extend([(days + 3).rem_euclid(7) as f64, crate::bars::month(bar.time), (days - before) as f64]);
        let (b, correlation) = beta(tail(r, 63), tail(&self.market, 63));
        rows.extend([b, correlation, (v22 / rms(tail(&self.market, 22)).max(1e-6)).ln()]);
    }

    fn of_sector(&self, offers: Offers, rows: &mut Row<'_>) {
        if offers.sectors {
            let (slope, correlation) = beta(tail(&self.returns, 63), tail(&self.sector, 63));
            let month = sum(tail(&self.returns, 21)) - sum(tail(&self.sector, 21));
            rows.extend([slope, correlation, month]);
        }
    }

    fn of_range(&self, offers: Offers, bar: &Bar, rows: &mut Row<'_>) {
        let v66 = rms(tail(&self.returns, 66)).max(1e-6);
        let recent = |n: usize| self.bars.iter().skip(self.bars.len() - n);
        if offers.range {
            let ratio = |v: f64| (v.max(1e-6) / v66).ln();
            rows.extend([
                ratio(parkinson(recent(21))),
                ratio(garman_klass(recent(21))),
                ratio(yang_zhang(&recent(22))),
            ]);
            let before = self.bars.iter().rev().nth(1).map_or(bar.open, |b| b.close);
            rows.extend([self.range.value() / bar.close / v66, (bar.open / before).ln() / v66]);
        }
        if offers.volume {
            let mean = |n: usize| recent(n).map(|b| b.volume).sum::<f64>() / n as f64;
            let ratio = |a: f64, b: f64| ((a + 1.0) / (b + 1.0)).ln();
            rows.extend([ratio(bar.volume, mean(21)), ratio(mean(5), mean(63))]);
        }
    }
}

/// Rows of features, in order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Asset and bar (both by position) of each row.
    pub at: Vec<(usize, usize)>,
    /// Rows × columns.
    pub values: Vec<f64>,
}

/// Something that makes features of a market.
pub trait Features {
    /// A row for every bar that has enough history, in order of time.
    fn rows(&self, market: &Market) -> Rows;
}

/// The features of this crate.
pub struct Standard;

impl Features for Standard {
    fn rows(&self, market: &Market) -> Rows {
        let sectors = market.sectors();
        let offers = Offers { range: market.has_range(), volume: market.has_volume(), sectors: !sectors.is_empty() };
        let mut engine = Engine::new(market.assets.len(), offers, sectors);
        let mut out = Rows { names: names(offers).iter().map(ToString::to_string).collect(), ..Rows::default() };
        let (mut next, mut found) = (vec![0; market.assets.len()], Vec::new());
        market.each_instant(|_, bars| {
            found.clear();
            engine.step(bars, &mut found, &mut out.values);
            out.at.extend(found.iter().map(|&i| (bars[i].0, next[bars[i].0])));
            bars.iter().for_each(|(a, _)| next[*a] += 1);
        });
        out
    }
}

/// The first bar whose features change when everything after `time` is taken away: such features know the future.
#[must_use]
pub fn knows_the_future(features: &dyn Features, market: &Market, time: i64, all: &Rows) -> Option<(usize, usize)> {
    let part = features.rows(&market.until(time));
    let width = all.names.len();
    if part.names != all.names {
        return part.at.first().copied();
    }
    let until = |at: &&(usize, usize)| market.assets[at.0].bars[at.1].time <= time;
    let expected: Vec<&(usize, usize)> = all.at.iter().filter(until).collect();
    for (i, at) in part.at.iter().enumerate() {
        if expected.get(i).is_none_or(|e| *e != at) {
            return Some(*at);
        }
    }
    if let Some(lost) = expected.get(part.at.len()) {
        return Some(**lost);
    }
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    let mut rows = part.values.chunks(width).zip(all.values.chunks(width));
    let changed = rows.position(|(a, b)| a.iter().zip(b).any(|(a, b)| !same(*a, *b)))?;
    Some(part.at[changed])
}

#[cfg(test)]
mod tests;
