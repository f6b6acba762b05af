use proptest::prelude::*;

use super::*;
use crate::bars::{Asset, Bar};

const DAY: i64 = 86_400;

fn asset(name: &str, closes: &[f64]) -> Asset {
    let bars = closes.iter().enumerate().map(|(i, c)| Bar::close_only(i as i64 * DAY, *c)).collect();
    Asset { name: name.into(), bars, lines: (2..closes.len() as u64 + 2).collect(), sector: None }
}

fn free() -> Costs {
    Costs { commission: 0.0, half_spread: 0.0, slippage: 0.0, borrow: 0.0, margin: 0.0 }
}

#[test]
fn a_signal_is_filled_at_the_next_bar_at_its_price_and_cost() {
    // Known at 100, filled at 110: the rise from 100 to 110 is not earned.
    let assets = [asset("A", &[100.0, 110.0, 121.0])];
    let account = Account { capital: 1000.0, band: 0.0, ..Account::default() };
    let signals = [Signal { time: 0, asset: 0, weight: 1.0 }];
    let h = events(&assets, &signals, &account, &free());
    // 10 units bought for 1,100: 100 are owed. At 121: 10 × 121 − 100 = 1,110.
    assert_eq!(h.equity, [1000.0, 1000.0, 1110.0]);
    assert_eq!(
        h.trades,
        [Trade { signal: 0, time: DAY, asset: 0, units: 10.0, price: 110.0, cost: 0.0, slippage: 0.0 }]
    );
    let costs = Costs { commission: 10.0, ..free() };
    let h = events(&assets, &signals, &account, &costs);
    // 10 basis points of 1,100.
    assert!((h.equity[1] - 998.9).abs() < 1e-9, "{:?}", h.equity);
}

#[test]
fn shorts_pay_for_what_they_borrow_and_volume_limits_an_order() {
    let mut a = asset("A", &[100.0, 100.0, 100.0]);
    let account = Account { capital: 1000.0, short: true, band: 0.0, ..Account::default() };
    let signals = [Signal { time: 0, asset: 0, weight: -1.0 }];
    let costs = Costs { borrow: 100.0, ..free() };
    let h = events(&[a.clone()], &signals, &account, &costs);
    // One percent a year on 1,000 for a day.
    assert!((1000.0 - h.equity[2] - 10.0 / 365.25).abs() < 1e-9, "{:?}", h.equity);
    for b in &mut a.bars {
        b.volume = 50.0;
    }
    let h = events(&[a], &signals, &account, &free());
    assert_eq!(h.trades[0].units, -5.0, "a tenth of the volume");
}

#[test]
fn what_is_held_of_a_delisted_asset_is_lost_in_part() {
    let assets = [asset("A", &[100.0; 3]), asset("B", &[100.0; 30])];
    let account = Account { capital: 1000.0, band: 0.0, ..Account::default() };
    let signals = [0, 1].map(|asset| Signal { time: 0, asset, weight: 0.5 });
    let h = events(&assets, &signals, &account, &free());
    // Half of the capital was in A, of which 30 % are gone.
    assert_eq!(*h.equity.last().unwrap(), 850.0);
    let sale = h.trades.last().unwrap();
    assert_eq!((sale.asset, sale.units, sale.price, sale.signal), (0, -5.0, 70.0, 2 * DAY));
    assert!(sale.time > 2 * DAY + crate::features::LONGEST_GAP);
    assert_eq!(vectors(&assets, &signals, &account, &free()), h);
    let short = [Signal { time: 0, asset: 0, weight: -0.5 }];
    let h = events(&assets, &short, &Account { short: true, ..account }, &free());
    assert_eq!(*h.equity.last().unwrap(), 1000.0, "a short position gains nothing by it");
}

#[test]
fn an_account_is_looked_at_once_a_day() {
    let mut a = asset("A", &[100.0, 110.0, 121.0, 121.0]);
    a.bars[1].time = 3600;
    let signals = [Signal { time: 0, asset: 0, weight: 1.0 }];
    let account = Account { capital: 1000.0, band: 0.0, ..Account::default() };
    let h = events(&[a], &signals, &account, &free()).daily();
    assert_eq!((h.time, h.equity), (vec![3600, 2 * DAY, 3 * DAY], vec![1000.0, 1110.0, 1110.0]));
}

#[test]
fn orders_that_fill_on_their_own_bar_are_named() {
    assert_eq!(fills_too_early(&[(0, DAY), (DAY, DAY), (3 * DAY, 2 * DAY)]), [1, 2]);
}

fn market() -> impl Strategy<Value = Vec<Asset>> {
    let one = prop::collection::vec((-0.08f64..0.08, prop::bool::weighted(0.9), 10.0f64..1e4), 5..60);
    prop::collection::vec(one, 1..4).prop_map(|assets| {
        let build = |(k, moves): (usize, Vec<(f64, bool, f64)>)| {
            let mut price = 50.0 + k as f64;
            let mut out = asset(&format!("A{k}"), &[]);
            for (i, (r, present, volume)) in moves.into_iter().enumerate() {
                let open = price * (1.0 + r / 3.0);
                price *= 1.0 + r;
                if present {
                    let (high, low) = (open.max(price), open.min(price));
                    out.bars.push(Bar { time: i as i64 * DAY, open, high, low, close: price, volume });
                    out.lines.push(i as u64);
                }
            }
            out
        };
        assets.into_iter().enumerate().map(build).collect()
    })
}

fn signals(assets: &[Asset], weights: &[f64]) -> Vec<Signal> {
    let mut out: Vec<Signal> = Vec::new();
    for (a, asset) in assets.iter().enumerate() {
        let wish =
            |(i, b): (usize, &Bar)| Signal { time: b.time, asset: a, weight: weights[(i * 7 + a) % weights.len()] };
        out.extend(asset.bars.iter().enumerate().map(wish));
    }
    out.sort_by_key(|s| s.time);
    out
}

proptest! {
    #[test]
    fn both_ways_agree_to_the_cent(assets in market(), weights in prop::collection::vec(-1.5f64..1.5, 1..9), short: bool, band in 0.0f64..0.2) {
        let account = Account { short, band, capital: 1e5, ..Account::default() };
        let costs = Costs::default();
        let wishes = signals(&assets, &weights);
        let (a, b) = (events(&assets, &wishes, &account, &costs), vectors(&assets, &wishes, &account, &costs));
        prop_assert_eq!(&a.time, &b.time);
        prop_assert_eq!(a.trades.len(), b.trades.len());
        for (x, y) in a.equity.iter().zip(&b.equity) {
            prop_assert!((x - y).abs() < 0.005, "{} {}", x, y);
        }
        prop_assert!(a.trades.iter().all(|t| t.time > t.signal));
    }

    #[test]
    fn nothing_later_changes_what_was_earned(assets in market(), weights in prop::collection::vec(-1.0f64..1.0, 1..9), cut in 1i64..60) {
        let account = Account { short: true, ..Account::default() };
        let wishes = signals(&assets, &weights);
        let all = events(&assets, &wishes, &account, &Costs::default());
        let until = cut * DAY;
        let past: Vec<Asset> = assets.iter().map(|a| {
            let n = a.bars.partition_point(|b| b.time <= until);
            Asset { name: a.name.clone(), bars: a.bars[..n].to_vec(), lines: a.lines[..n].to_vec(), sector: None }
        }).collect();
        let known: Vec<Signal> = wishes.iter().copied().filter(|s| s.time <= until).collect();
        let part = events(&past, &known, &account, &Costs::default());
        prop_assert_eq!(&all.equity[..part.equity.len()], &part.equity[..]);
        prop_assert_eq!(&all.trades[..part.trades.len()], &part.trades[..]);
    }
}

#[test]
fn capacity_is_where_slippage_that_grows_with_capital_eats_the_alpha() {
    let year = 365.25 * 86_400.0;
    let trade = Trade { signal: 0, time: DAY, asset: 0, units: 10.0, price: 100.0, cost: 30.0, slippage: 20.0 };
    let history =
        History { time: vec![0, year as i64], equity: vec![1000.0, 1000.0], trades: vec![trade], ..History::default() };
    // Slippage costs 2 % of the account a year, with 6 % left after it: four times as much capital pays 8 %.
    assert!((history.capacity(0.06) - 4000.0).abs() < 1e-9);
    assert_eq!(history.capacity(-0.01), 0.0, "there is no alpha to eat");
    assert_eq!(History { trades: Vec::new(), ..history }.capacity(0.06), f64::INFINITY);
}
