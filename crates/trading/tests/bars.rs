//! Bars as Yahoo, Stooq, Alpha Vantage, CRSP, Binance, Interactive Brokers and FRED write them: assets, days and total returns.
//! `tests/reference/make_bars.py` made the files and says what was traded and paid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::Dialect;
use specialist_tabular::read::Input;
use trading::bars::{day, read};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/bars")
}

/// Files that are refused, and a word of what is said of each.
const REFUSED: [(&str, &str); 2] = [
    // The unit of time changes within the file.
    ("KARUSDT-1d-ms-us.csv", "several units"),
    // A rate that goes through 0 is no price.
    ("fred_yield_old.csv", "a price must be above 0"),
];

#[test]
fn exports_of_seven_vendors_have_the_returns_that_a_holder_gets() {
    let all: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (file, table) in all.iter().filter(|(name, _)| !name.starts_with('_')) {
        let found = read(&Input::File(folder().join(file)), Dialect::default());
        if let Some((_, word)) = REFUSED.iter().find(|r| r.0 == file) {
            match found {
                Err(e) if e.to_string().contains(word) => {}
                other => wrong.push(format!("{file}: {:?}", other.map(|m| m.assets.len()))),
            }
            continue;
        }
        let market = match found {
            Ok(market) => market,
            Err(e) => {
                wrong.push(format!("{file}: {e}"));
                continue;
            }
        };
        let expected = table["assets"].as_object().unwrap();
        if market.assets.len() != expected.len() {
            let names: Vec<&str> = market.assets.iter().map(|a| a.name.as_str()).collect();
            wrong.push(format!("{file}: the assets {names:?}"));
            continue;
        }
        // A file of one instrument may not name it; CRSP's names are numbers.
        let by_name = |name: &str, i: usize| market.find(name).unwrap_or(i);
        for (i, (name, asset)) in expected.iter().enumerate() {
            let own = &market.assets[by_name(name, i)];
            let first = &asset["first"].as_str().unwrap()[..10];
            if own.bars.len() as u64 != asset["bars"].as_u64().unwrap() || day(own.bars[0].time) != first {
                wrong.push(format!("{file} {name}: {} bars from {}", own.bars.len(), day(own.bars[0].time)));
            }
        }
        let tolerance = table["tolerance"].as_f64().unwrap();
        for entry in table["returns"].as_array().unwrap() {
            let name = entry["asset"].as_str().unwrap();
            let place = expected.keys().position(|k| k == name).unwrap();
            let own = &market.assets[by_name(name, place)];
            let at = entry["day"].as_str().unwrap();
            if at.len() > 10 {
                continue;
            }
            let Some(i) = own.bars.iter().position(|b| day(b.time) == at).filter(|i| *i > 0) else {
                wrong.push(format!("{file} {name} {at}: no bar"));
                continue;
            };
            let Some(exact) = entry["from_file"].as_f64() else { continue };
            let found = own.bars[i].close / own.bars[i - 1].close - 1.0;
            compared += 1;
            if (found - exact).abs() > tolerance.max(1e-9) {
                wrong.push(format!("{file} {name} {at}: {found} for {exact} ({})", entry["differs"]));
            }
        }
        let year = table["bars_per_year"].as_f64().unwrap();
        if (market.bars_per_year() / year - 1.0).abs() > 0.05 {
            wrong.push(format!("{file}: {} bars a year, {year}", market.bars_per_year()));
        }
    }
    println!("{compared} returns of {} files", all.len() - 1);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 200, "{compared}");
}
