use proptest::prelude::*;

use super::*;
use crate::bars::Asset;
use crate::reference::{bars, reference};

const DAY: i64 = 86_400;

fn row_at(bar: usize) -> std::collections::HashMap<String, f64> {
    let bars = bars()[..=bar].to_vec();
    let lines = (2..bars.len() as u64 + 2).collect();
    let market = Market { assets: vec![Asset { name: "A".into(), bars, lines, sector: None }], ..Market::default() };
    let rows = Standard.rows(&market);
    let width = rows.names.len();
    rows.names.iter().cloned().zip(rows.values[rows.values.len() - width..].iter().copied()).collect()
}

#[test]
fn indicators_are_those_of_ta_lib() {
    for bar in ["350", "599"] {
        let i: usize = bar.parse().unwrap();
        let (row, expected) = (row_at(i), &reference()["indicators"][bar]);
        let at = |key: &str| expected[key].as_f64().unwrap();
        let close = bars()[i].close;
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-8 * b.abs().max(1.0), "{a} against {b}");
        near(row["rsi-14"], at("rsi"));
        near(row["macd"] * close, at("macd_hist"));
        let middle = at("bb_middle");
        near(row["bollinger-b"], (close - middle) / (at("bb_upper") - middle));
        near(row["bollinger-width"], (at("bb_upper") - at("bb_lower")) / middle);
        let v66 = crate::labels::realised(&bars(), i, 66);
        near(row["atr-14"] * v66 * close, at("atr"));
        let range = &reference()["range_volatility"][bar];
        near(row["parkinson-21"].exp() * v66, range["parkinson"].as_f64().unwrap());
        near(row["garman-klass-21"].exp() * v66, range["garman_klass"].as_f64().unwrap());
        near(row["yang-zhang-21"].exp() * v66, range["yang_zhang"].as_f64().unwrap());
        near(row["fractional-difference"], reference()["fracdiff"]["values"][bar].as_f64().unwrap());
    }
}

/// Random walks of a few assets, with days that are missing.
fn market(seed: u64, assets: usize, days: i64) -> Market {
    crate::simulate::Universe { assets, days: days as usize, missing: 0.03, range: true, ..Default::default() }
        .market(seed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn nothing_later_changes_a_row(seed in 0u64..1000, cut in 270i64..330) {
        let market = market(seed, 3, 340);
        let all = Standard.rows(&market);
        prop_assert!(!all.at.is_empty());
        let time = market.assets[0].bars[0].time + cut * DAY;
        prop_assert_eq!(knows_the_future(&Standard, &market, time, &all), None);
    }
}

#[test]
fn live_rows_are_those_of_history_to_the_bit() {
    let market = market(5, 4, 400);
    let all = Standard.rows(&market);
    let offers = Offers { range: true, volume: true, sectors: false };
    let mut engine = Engine::new(4, offers, Vec::new());
    let (mut found, mut row, mut i) = (Vec::new(), Vec::new(), 0);
    market.each_instant(|_, bars| {
        // What a live feed would do: one instant, then the row.
        found.clear();
        row.clear();
        engine.step(bars, &mut found, &mut row);
        for (k, values) in row.chunks(all.names.len()).enumerate() {
            assert_eq!(bars[found[k]].0, all.at[i].0);
            let stored = &all.values[i * all.names.len()..][..all.names.len()];
            assert!(stored.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits()), "row {i}");
            i += 1;
        }
    });
    assert_eq!(i, all.at.len());
}

/// The mistakes of published work, as features: each must be found out, with the bar named.
enum Planted {
    /// Scaled by the smallest and largest close of the whole history.
    MinMax,
    /// A window normalised together with the five bars that are to be forecast.
    WithHorizon,
    /// A missing day is filled with the bar that comes after it.
    BackFilled,
}

impl Features for Planted {
    fn rows(&self, market: &Market) -> Rows {
        let mut out = Rows { names: vec!["planted".into()], ..Rows::default() };
        for (a, asset) in market.assets.iter().enumerate() {
            let close: Vec<f64> = asset.bars.iter().map(|b| b.close).collect();
            let (low, high) = close.iter().fold((f64::MAX, f64::MIN), |(l, h), c| (l.min(*c), h.max(*c)));
            for i in 20..asset.bars.len() {
                let window = &close[i - 20..(i + 6).min(close.len())];
                let next = asset.bars.get(i + 1);
                out.at.push((a, i));
                out.values.push(match self {
                    Self::MinMax => (close[i] - low) / (high - low),
                    Self::WithHorizon => close[i] / (window.iter().sum::<f64>() / window.len() as f64),
                    Self::BackFilled => {
                        next.filter(|n| n.time - asset.bars[i].time > DAY).map_or(close[i], |n| n.close)
                    }
                });
            }
        }
        out
    }
}

#[test]
fn features_that_know_the_future_are_found_with_the_bar() {
    let market = market(9, 2, 300);
    for planted in [Planted::MinMax, Planted::WithHorizon, Planted::BackFilled] {
        let all = planted.rows(&market);
        // Rows of one asset after the other are not in order of time: each asset is looked at alone.
        let found = (0..180).any(|k| {
            let one = Market { assets: vec![market.assets[0].clone()], ..Market::default() };
            let all = planted.rows(&one);
            let time = one.assets[0].bars[100 + k].time;
            knows_the_future(&planted, &one, time, &all).is_some()
        });
        assert!(found && !all.at.is_empty());
    }
}

#[test]
fn a_sector_moves_with_its_own() {
    let mut market = crate::simulate::Universe { assets: 6, days: 400, ..Default::default() }.market(5);
    let plain = Standard.rows(&market);
    for (i, a) in market.assets.iter_mut().enumerate() {
        a.sector = Some(["energy", "banks"][i % 2].into());
    }
    let rows = Standard.rows(&market);
    let width = rows.names.len();
    assert_eq!(rows.names[width - 3..], ["sector-beta-63", "sector-correlation-63", "beside-sector-21"]);
    assert!(rows.values.chunks(width).zip(plain.values.chunks(width - 3)).all(|(a, b)| a[..width - 3] == *b));
    // The means of three assets' betas and of what they did beside their sector are 1 and 0 by construction.
    let last = &rows.values[rows.values.len() - 6 * width..];
    for sector in 0..2 {
        let of = |k: usize| (0..3).map(|i| last[(2 * i + sector) * width + k]).sum::<f64>() / 3.0;
        assert!(
            (of(width - 3) - 1.0).abs() < 1e-9 && of(width - 1).abs() < 1e-9,
            "{} {}",
            of(width - 3),
            of(width - 1)
        );
    }
    assert_eq!(knows_the_future(&Standard, &market, market.calendar()[300], &rows), None);
}
