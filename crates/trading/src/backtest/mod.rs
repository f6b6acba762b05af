//! What a strategy would have earned. A signal that is known at a bar's end is filled at the next bar of its asset
//! or later, by construction: [`Signal`] carries no price and no fill time.

mod events;
mod vectors;

pub use events::events;
pub use vectors::vectors;

use serde::{Deserialize, Serialize};

use specialist_tabular::write::Cells;

use crate::bars::{Asset, instant};
use crate::features::LONGEST_GAP;
use crate::performance::periods_per_year;

/// A wish that is known when the bar at `time` is complete: hold this share of the equity in the asset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// When it is known.
    pub time: i64,
    /// The asset, by position.
    pub asset: usize,
    /// Share of the equity; negative is short.
    pub weight: f64,
}

/// What trading costs, in basis points (hundredths of a percent) of the traded value unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Costs {
    /// Broker and exchange.
    pub commission: f64,
    /// Half of the distance between bid and ask.
    pub half_spread: f64,
    /// Added for every percent of the bar's volume that an order takes; without volume nothing is added.
    pub slippage: f64,
    /// Per year on the value of a short position.
    pub borrow: f64,
    /// Per year on cash that is owed.
    pub margin: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self { commission: 1.0, half_spread: 2.0, slippage: 1.0, borrow: 50.0, margin: 0.0 }
    }
}

impl Costs {
    /// All costs `times` over.
    #[must_use]
    pub fn scaled(self, times: f64) -> Self {
        let Self { commission, half_spread, slippage, borrow, margin } = self;
        let [commission, half_spread, slippage, borrow, margin] =
            [commission, half_spread, slippage, borrow, margin].map(|c| c * times);
        Self { commission, half_spread, slippage, borrow, margin }
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Account {
    /// What it starts with.
    pub capital: f64,
    /// The largest sum of absolute weights.
    pub leverage: f64,
    /// Whether weights may be negative.
    pub short: bool,
    /// A weight is left alone until it is this far from the wished one.
    pub band: f64,
    /// The largest share of a bar's volume that an order may take.
    pub participation: f64,
    /// What a holding loses of its last price when there was no bar of it for three weeks: it is sold then. Where the
    /// reason is not known this is Shumway's (1997) figure for stocks that were delisted for cause; a short position
    /// gains nothing.
    pub delisting: f64,
}

impl Default for Account {
    fn default() -> Self {
        Self { capital: 1e6, leverage: 2.0, short: false, band: 0.05, participation: 0.1, delisting: 0.3 }
    }
}

/// One fill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// When the signal was known.
    pub signal: i64,
    /// When it was filled: later.
    pub time: i64,
    /// The asset, by position.
    pub asset: usize,
    /// Units; negative is a sale.
    pub units: f64,
    /// The market's price.
    pub price: f64,
    /// What the fill cost beyond it.
    pub cost: f64,
    /// Of that, what grows with the order's share of the bar's volume.
    pub slippage: f64,
}

/// An account's history.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The instants from the first signal on.
    pub time: Vec<i64>,
    /// Value at the last prices of each instant.
    pub equity: Vec<f64>,
    /// Every fill.
    pub trades: Vec<Trade>,
    /// Interest on shorts and debts, over all.
    pub interest: f64,
    /// Orders that were larger than the account may take of a bar's volume: the rest of each lapsed.
    pub cut: usize,
}

impl History {
    /// Simple returns from instant to instant: one fewer than instants.
    #[must_use]
    pub fn returns(&self) -> Vec<f64> {
        self.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
    }

    /// The same account at the last bar of every day: figures of performance are of daily returns.
    #[must_use]
    pub fn daily(self) -> Self {
        let day = |i: usize| self.time[i].div_euclid(86_400);
        let kept: Vec<usize> =
            (0..self.time.len()).filter(|&i| i + 1 == self.time.len() || day(i) != day(i + 1)).collect();
        Self {
            time: kept.iter().map(|&i| self.time[i]).collect(),
            equity: kept.iter().map(|&i| self.equity[i]).collect(),
            ..self
        }
    }

    /// How many of its instants a year has.
    #[must_use]
    pub fn periods(&self) -> f64 {
        periods_per_year(&self.time)
    }

    /// Traded value per year as a share of the mean equity.
    #[must_use]
    pub fn turnover(&self) -> f64 {
        let traded: f64 = self.trades.iter().map(|t| (t.units * t.price).abs()).sum();
        let mean = self.equity.iter().sum::<f64>() / self.equity.len().max(1) as f64;
        traded / mean / self.years()
    }

    /// The capital at which slippage would eat an `alpha` a year, with every order scaled: slippage per unit traded
    /// grows with the order, so that its toll on returns grows with capital. Infinite where there is no slippage; 0
    /// where there is no alpha.
    #[must_use]
    pub fn capacity(&self, alpha: f64) -> f64 {
        let mean = self.equity.iter().sum::<f64>() / self.equity.len().max(1) as f64;
        let slipped: f64 = self.trades.iter().map(|t| t.slippage).sum();
        let toll = slipped / mean / self.years();
        let capital = self.equity.first().copied().unwrap_or(0.0);
        match alpha > 0.0 {
            false => 0.0,
            true if toll > 0.0 => capital * (alpha + toll) / toll,
            true => f64::INFINITY,
        }
    }

    fn years(&self) -> f64 {
        let (first, last) = (self.time.first().copied().unwrap_or(0), self.time.last().copied().unwrap_or(0));
        ((last - first) as f64 / YEAR).max(1.0 / 365.0)
    }

    /// Costs of all fills.
    #[must_use]
    pub fn costs(&self) -> f64 {
        self.trades.iter().map(|t| t.cost).sum()
    }
}

const YEAR: f64 = 365.25 * 86_400.0;

/// Orders that somebody brings with times of their own: the first whose fill is not later than its signal.
/// Such a back-test trades on what it cannot know.
#[must_use]
pub fn fills_too_early(orders: &[(i64, i64)]) -> Vec<usize> {
    (0..orders.len()).filter(|&i| orders[i].1 <= orders[i].0).collect()
}

/// The costs of trading `units` at `price` where `volume` is traded, and the slippage among them.
fn cost_of(units: f64, price: f64, volume: f64, costs: &Costs) -> (f64, f64) {
    let share = if volume > 0.0 { 100.0 * units.abs() / volume } else { 0.0 };
    let of = |points: f64| units.abs() * price * points / 1e4;
    (of(costs.commission + costs.half_spread + costs.slippage * share), of(costs.slippage * share))
}

/// The price at which an order is filled at a bar: its first, or where only the last is known, that one.
fn fill_price(open: f64, close: f64) -> f64 {
    if open.is_nan() { close } else { open }
}

/// Whether an asset whose latest bar so far is of `seen` counts as gone at `now`. Only what is known then is asked.
fn is_gone(seen: i64, now: i64) -> bool {
    now - seen > LONGEST_GAP
}

/// What a position is closed at when its asset is gone.
fn delisted_price(units: f64, last: f64, account: &Account) -> f64 {
    if units > 0.0 { last * (1.0 - account.delisting) } else { last }
}

/// Weights within the account's limits.
fn limited(weights: &mut [f64], account: &Account) {
    if !account.short {
        weights.iter_mut().for_each(|w| *w = w.max(0.0));
    }
    let gross: f64 = weights.iter().map(|w| w.abs()).sum();
    if gross > account.leverage {
        weights.iter_mut().for_each(|w| *w *= account.leverage / gross);
    }
}

/// The trades as columns: signal, fill, asset, units, price, cost. Within the day times are written with their hour.
#[must_use]
pub fn trades_table(history: &History, assets: &[Asset]) -> Vec<(&'static str, Cells)> {
    let trades = &history.trades;
    let text = |f: &dyn Fn(&Trade) -> String| Cells::Text(trades.iter().map(f).collect());
    let number = |f: fn(&Trade) -> f64| Cells::Number(trades.iter().map(f).collect());
    vec![
        ("signal", text(&|t| instant(t.signal))),
        ("fill", text(&|t| instant(t.time))),
        ("asset", text(&|t| assets[t.asset].name.clone())),
        ("units", number(|t| t.units)),
        ("price", number(|t| t.price)),
        ("cost", number(|t| t.cost)),
    ]
}

/// The account beside the benchmark's as columns: time, equity, benchmark.
#[must_use]
pub fn equity_table(history: &History, benchmark: &History) -> Vec<(&'static str, Cells)> {
    vec![
        ("time", Cells::Text(history.time.iter().map(|t| instant(*t)).collect())),
        ("equity", Cells::Number(history.equity.clone())),
        ("benchmark", Cells::Number(benchmark.equity.clone())),
    ]
}

#[cfg(test)]
mod tests;
