//! The back-test as it would happen: bar by bar, with orders, fills and a cash account.

use std::collections::BTreeMap;

use super::{Account, Costs, History, Signal, Trade, YEAR, cost_of, delisted_price, fill_price, is_gone, limited};
use crate::bars::{Asset, Bar};

struct Order {
    signal: i64,
    units: f64,
}

struct Book<'a> {
    account: &'a Account,
    costs: &'a Costs,
    cash: f64,
    units: Vec<f64>,
    last: Vec<f64>,
    seen: Vec<i64>,
    wishes: Vec<Option<f64>>,
    orders: BTreeMap<usize, Order>,
    history: History,
}

/// Runs `signals`, which come in order of time, over the bars of `assets`.
#[must_use]
pub fn events(assets: &[Asset], signals: &[Signal], account: &Account, costs: &Costs) -> History {
    let Some(first) = signals.first().map(|s| s.time) else { return History::default() };
    let n = assets.len();
    let mut book = Book {
        account,
        costs,
        cash: account.capital,
        units: vec![0.0; n],
        last: vec![f64::NAN; n],
        seen: vec![first; n],
        wishes: vec![None; n],
        orders: BTreeMap::new(),
        history: History::default(),
    };
    let mut next: Vec<usize> = assets.iter().map(|a| a.bars.partition_point(|b| b.time < first)).collect();
    let mut signals = signals.iter().peekable();
    let mut before = first;
    loop {
        let due = |a: usize, i: usize| assets[a].bars.get(i).map(|b| b.time);
        let Some(now) = (0..n).filter_map(|a| due(a, next[a])).min() else { return book.history };
        let bars: Vec<(usize, Bar)> =
            (0..n).filter(|&a| due(a, next[a]) == Some(now)).map(|a| (a, assets[a].bars[next[a]])).collect();
        bars.iter().for_each(|(a, _)| next[*a] += 1);
        book.charge((now - before) as f64 / YEAR);
        before = now;
        (0..n).for_each(|a| book.delist(a, now));
        bars.iter().for_each(|(a, bar)| book.fill(*a, bar));
        bars.iter().for_each(|(a, bar)| (book.last[*a], book.seen[*a]) = (bar.close, now));
        book.mark(now);
        let mut heard = false;
        while let Some(s) = signals.next_if(|s| s.time <= now) {
            book.wishes[s.asset] = Some(s.weight);
            heard = true;
        }
        if heard {
            book.order(now);
        }
    }
}

impl Book<'_> {
    fn equity(&self) -> f64 {
        let held = self.units.iter().zip(&self.last).filter(|(u, _)| **u != 0.0);
        self.cash + held.map(|(u, p)| u * p).sum::<f64>()
    }

    /// Interest for the time since the bar before.
    fn charge(&mut self, years: f64) {
        let short: f64 = self.units.iter().zip(&self.last).filter(|(u, _)| **u < 0.0).map(|(u, p)| -u * p).sum();
        let due = years * (short * self.costs.borrow + (-self.cash).max(0.0) * self.costs.margin) / 1e4;
        self.cash -= due;
        self.history.interest += due;
    }

    fn fill(&mut self, asset: usize, bar: &Bar) {
        let Some(order) = self.orders.remove(&asset) else { return };
        let price = fill_price(bar.open, bar.close);
        let most = if bar.volume.is_nan() { f64::INFINITY } else { self.account.participation * bar.volume };
        let units = order.units.clamp(-most, most);
        self.history.cut += usize::from(units != order.units);
        if units == 0.0 {
            return;
        }
        let (cost, slippage) = cost_of(units, price, bar.volume, self.costs);
        self.cash -= units * price + cost;
        self.units[asset] += units;
        self.history.trades.push(Trade { signal: order.signal, time: bar.time, asset, units, price, cost, slippage });
    }

    /// Closes what is held of an asset that has had no bar for long.
    fn delist(&mut self, asset: usize, now: i64) {
        let signal = self.seen[asset];
        if self.units[asset] == 0.0 || !is_gone(signal, now) {
            return;
        }
        self.orders.remove(&asset);
        let units = -std::mem::take(&mut self.units[asset]);
        let price = delisted_price(-units, self.last[asset], self.account);
        self.cash -= units * price;
        self.history.trades.push(Trade { signal, time: now, asset, units, price, cost: 0.0, slippage: 0.0 });
    }

    fn mark(&mut self, now: i64) {
        let equity = self.equity();
        self.history.time.push(now);
        self.history.equity.push(equity);
    }

    /// Orders towards the wished weights, for the next bar of each asset.
    fn order(&mut self, now: i64) {
        let equity = self.equity();
        if equity <= 0.0 {
            return;
        }
        let mut weights: Vec<f64> = self.wishes.iter().map(|w| w.unwrap_or(0.0)).collect();
        limited(&mut weights, self.account);
        for (asset, weight) in weights.iter().enumerate() {
            let price = self.last[asset];
            if self.wishes[asset].is_none() || price.is_nan() {
                continue;
            }
            let held = self.units[asset] * price / equity;
            // A position that is to be closed is closed, however small.
            if (weight - held).abs() < self.account.band && *weight != 0.0 || *weight == held {
                self.orders.remove(&asset);
                continue;
            }
            self.orders.insert(asset, Order { signal: now, units: (weight - held) * equity / price });
        }
    }
}
