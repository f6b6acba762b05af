//! The same back-test over arrays: instants × assets, with no orders and no book. It exists because two programs
//! that were written differently seldom make the same mistake: a test holds them equal to the cent.

use super::{Account, Costs, History, Signal, Trade, YEAR, cost_of, delisted_price, fill_price, is_gone, limited};
use crate::bars::{Asset, Bar};

/// Instants × assets: a bar or none.
fn grid(assets: &[Asset], time: &[i64]) -> Vec<Vec<Option<Bar>>> {
    let column = |a: &Asset| {
        let mut out = vec![None; time.len()];
        for b in &a.bars {
            if let Ok(t) = time.binary_search(&b.time) {
                out[t] = Some(*b);
            }
        }
        out
    };
    assets.iter().map(column).collect()
}

/// Runs `signals`, which come in order of time, over the bars of `assets`.
#[must_use]
pub fn vectors(assets: &[Asset], signals: &[Signal], account: &Account, costs: &Costs) -> History {
    let Some(first) = signals.first().map(|s| s.time) else { return History::default() };
    let mut time: Vec<i64> =
        assets.iter().flat_map(|a| a.bars.iter().map(|b| b.time)).filter(|t| *t >= first).collect();
    time.sort_unstable();
    time.dedup();
    let bars = grid(assets, &time);
    let n = assets.len();
    // The wished weight of each asset at each instant, limited; and whether anything was said there.
    let mut wished = vec![vec![f64::NAN; n]; time.len()];
    let mut said = vec![false; time.len()];
    for s in signals {
        let t = time.partition_point(|t| *t < s.time);
        if t < time.len() {
            (wished[t][s.asset], said[t]) = (s.weight, true);
        }
    }
    for t in 1..time.len() {
        let (past, now) = wished.split_at_mut(t);
        now[0].iter_mut().zip(&past[t - 1]).filter(|(w, _)| w.is_nan()).for_each(|(w, p)| *w = *p);
    }
    let (mut units, mut price, mut pending) = (vec![0.0; n], vec![f64::NAN; n], vec![(0i64, 0.0f64); n]);
    let mut out = History { time: time.clone(), ..History::default() };
    let mut cash = account.capital;
    let mut seen = vec![first; n];
    for t in 0..time.len() {
        let years = if t > 0 { (time[t] - time[t - 1]) as f64 / YEAR } else { 0.0 };
        let short: f64 = (0..n).filter(|&a| units[a] < 0.0).map(|a| -units[a] * price[a]).sum();
        let due = years * (short * costs.borrow + (-cash).max(0.0) * costs.margin) / 1e4;
        cash -= due;
        out.interest += due;
        for a in (0..n).filter(|&a| is_gone(seen[a], time[t])) {
            let held = std::mem::take(&mut units[a]);
            if held != 0.0 {
                let at = delisted_price(held, price[a], account);
                (cash, pending[a]) = (cash + held * at, Default::default());
                let (signal, units, slippage) = (seen[a], -held, 0.0);
                out.trades.push(Trade { signal, time: time[t], asset: a, units, price: at, cost: 0.0, slippage });
            }
        }
        for a in 0..n {
            let Some(bar) = bars[a][t] else { continue };
            let (signal, wanted) = std::mem::take(&mut pending[a]);
            let most = if bar.volume.is_nan() { f64::INFINITY } else { account.participation * bar.volume };
            let traded = wanted.clamp(-most, most);
            out.cut += usize::from(traded != wanted);
            let at = fill_price(bar.open, bar.close);
            let (cost, slippage) = cost_of(traded, at, bar.volume, costs);
            cash -= traded * at + cost;
            units[a] += traded;
            if traded != 0.0 {
                out.trades.push(Trade { signal, time: time[t], asset: a, units: traded, price: at, cost, slippage });
            }
            (price[a], seen[a]) = (bar.close, time[t]);
        }
        let equity = cash + (0..n).filter(|&a| units[a] != 0.0).map(|a| units[a] * price[a]).sum::<f64>();
        out.equity.push(equity);
        if !said[t] || equity <= 0.0 {
            continue;
        }
        let mut weights: Vec<f64> = wished[t].iter().map(|w| if w.is_nan() { 0.0 } else { *w }).collect();
        limited(&mut weights, account);
        for a in (0..n).filter(|&a| !wished[t][a].is_nan() && !price[a].is_nan()) {
            let held = units[a] * price[a] / equity;
            let moves = (weights[a] - held).abs() >= account.band || weights[a] == 0.0;
            pending[a] = if moves && weights[a] != held {
                (time[t], (weights[a] - held) * equity / price[a])
            } else {
                Default::default()
            };
        }
    }
    out
}
