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
    /// The part of the next bar's mean return, in daily standard deviations, that the sign of the last five bars'
    /// return tells: reversal.
    pub edge: f64,
}

impl Default for Universe {
    fn default() -> Self {
        Self { assets: 8, days: 2520, missing: 0.0, range: false, edge: 0.0 }
    }
}

const DAY: i64 = 86_400;
/// Daily volatility.
const VOLATILITY: f64 = 0.012;
/// What all assets have in common.
const COMMON: f64 = 0.5;

impl Universe {
    /// The bars of universe `seed`, one a calendar day from 2000-01-01 on.
    #[must_use]
    pub fn market(&self, seed: u64) -> Market {
        let mut rng = Context::new(seed, 1).rng("universe");
        let mut assets: Vec<Asset> = (0..self.assets)
            .map(|i| Asset { name: format!("S{i:02}"), bars: Vec::with_capacity(self.days), lines: Vec::new() })
            .collect();
        let mut paths: Vec<Vec<f64>> = vec![vec![100.0]; self.assets];
        for t in 0..self.days {
            let common = normal(&mut rng);
            for (asset, path) in assets.iter_mut().zip(&mut paths) {
                let own = normal(&mut rng);
                let last = path[t];
                let week = if t >= 5 { (last / path[t - 5]).ln() } else { 0.0 };
                let noise = COMMON * common + (1.0 - COMMON * COMMON).sqrt() * own;
                let r = VOLATILITY * (noise - self.edge * week.signum());
                let close = last * (r - VOLATILITY * VOLATILITY / 2.0).exp();
                path.push(close);
                let bar = self.bar(t, last, close, &mut rng);
                if rng.random::<f64>() >= self.missing {
                    asset.bars.push(bar);
                    asset.lines.push(t as u64 + 2);
                }
            }
        }
        Market { assets, file: "simulated".into(), unsorted: Vec::new() }
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
