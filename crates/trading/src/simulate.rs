//! SIMULATED universes: random walks without any edge, and the same with an edge of a known size. They show how
//! often the whole pipeline claims what is not there, and how often it finds what is.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use specialist_core::Context;

use crate::bars::{Asset, Bar, Market};

/// How a universe is made.
#[derive(Debug, Clone)]
pub struct Universe {
    /// Assets.
    pub assets: usize,
    /// Days.
    pub days: usize,
    /// The share of days on which an asset has no bar.
    pub missing: f64,
    /// Whether there are open, high, low and volume.
    pub range: bool,
    /// Reversal: the mean of the next bar's return, in daily standard deviations, is minus this times [`push`].
    pub edge: f64,
}

impl Default for Universe {
    fn default() -> Self {
        Self { assets: 8, days: 5040, missing: 0.0, range: false, edge: 0.0 }
    }
}

const DAY: i64 = 86_400;
/// Daily volatility.
const VOLATILITY: f64 = 0.012;
/// The edge with which trading against the last five bars' move earns a Sharpe ratio of about 1.5 a year after the
/// costs of the recipe `simulated`.
pub const EDGE: f64 = 0.158;
/// How far a price has gone in five bars, in standard deviations of such a move, within −2 and 2.
#[must_use]
pub fn push(ratio: f64) -> f64 {
    (ratio.ln() / (VOLATILITY * 5f64.sqrt())).clamp(-2.0, 2.0)
}

/// What all assets have in common.
const COMMON: f64 = 0.5;

impl Universe {
    /// The bars of universe `seed`, one a calendar day from 2000-01-01 on.
    #[must_use]
    pub fn market(&self, seed: u64) -> Market {
        let mut rng = Context::new(seed, 1).rng("universe");
        let mut assets: Vec<Asset> = (0..self.assets)
            .map(|i| Asset {
                name: format!("S{i:02}"),
                bars: Vec::with_capacity(self.days),
                lines: Vec::new(),
                sector: None,
            })
            .collect();
        let mut paths: Vec<Vec<f64>> = vec![vec![100.0]; self.assets];
        for t in 0..self.days {
            let common = normal(&mut rng);
            for (asset, path) in assets.iter_mut().zip(&mut paths) {
                let own = normal(&mut rng);
                let last = path[t];
                let week = if t >= 5 { push(last / path[t - 5]) } else { 0.0 };
                let noise = COMMON * common + (1.0 - COMMON * COMMON).sqrt() * own;
                let r = VOLATILITY * (noise - self.edge * week);
                let close = last * (r - VOLATILITY * VOLATILITY / 2.0).exp();
                path.push(close);
                let bar = self.bar(t, last, close, &mut rng);
                if rng.random::<f64>() >= self.missing {
                    asset.bars.push(bar);
                    asset.lines.push(t as u64 + 2);
                }
            }
        }
        Market { assets, file: "simulated".into(), ..Market::default() }
    }

    /// The closes of universe `seed` as a wide table.
    #[must_use]
    pub fn csv(&self, seed: u64) -> String {
        use std::fmt::Write;
        let market = self.market(seed);
        let mut out = String::from("date");
        market.assets.iter().for_each(|a| out.extend([",", a.name.as_str()]));
        market.each_instant(|time, bars| {
            let _ = write!(out, "\n{}", crate::bars::day(time));
            let mut next = bars.iter().peekable();
            for a in 0..market.assets.len() {
                match next.next_if(|b| b.0 == a) {
                    Some((_, bar)) => _ = write!(out, ",{:.6}", bar.close),
                    None => out.push(','),
                }
            }
        });
        out.push('\n');
        out
    }

    fn bar(&self, t: usize, last: f64, close: f64, rng: &mut ChaCha8Rng) -> Bar {
        let time = (10_957 + t as i64) * DAY;
        if !self.range {
            return Bar::close_only(time, close);
        }
        let open = last * (VOLATILITY / 4.0 * normal(rng)).exp();
        let mut stretch = || (VOLATILITY / 3.0 * normal(rng).abs()).exp();
        let (high, low) = (open.max(close) * stretch(), open.min(close) / stretch());
        let volume = (1e6 * (0.3 * normal(rng)).exp()).round();
        Bar { time, open, high, low, close, volume }
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::{Account, Costs, Signal, events};
    use crate::performance::sharpe;

    /// The Sharpe ratio after costs of whoever knows how the universe was made, over 40 universes.
    #[test]
    fn the_planted_edge_is_worth_a_sharpe_ratio_of_one_and_a_half() {
        let costs = Costs { commission: 0.5, half_spread: 0.5, slippage: 0.0, borrow: 0.0, margin: 0.0 };
        let account = Account { short: true, leverage: 1.0, band: 0.1, ..Account::default() };
        let of = |edge: f64, seed: u64| {
            let market = Universe { assets: 1, edge, ..Universe::default() }.market(seed);
            let bars = &market.assets[0].bars;
            let wish = |i: usize| Signal {
                time: bars[i].time,
                asset: 0,
                weight: -push(bars[i].close / bars[i - 5].close) / 2.0,
            };
            let signals: Vec<Signal> = (5..bars.len()).map(wish).collect();
            sharpe(&events(&market.assets, &signals, &account, &costs).returns(), 252.0)
        };
        let mean = |edge: f64| (0..40).map(|s| of(edge, s)).sum::<f64>() / 40.0;
        let (planted, none) = (mean(EDGE), mean(0.0));
        // A mean of 40 ratios over twenty years has a standard error of .035.
        assert!((planted - 1.5).abs() < 0.1, "{planted}");
        assert!(none < 0.1, "{none}");
    }
}
