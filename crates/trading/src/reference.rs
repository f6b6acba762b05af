//! Reference figures that `tests/reference/trading.py` made with TA-Lib, arch, empyrical, statsmodels and scipy.

use serde_json::Value;

use specialist_core::Dialect;

use crate::bars::{Bar, read};
use specialist_tabular::read::Input;

/// The figures.
pub fn reference() -> Value {
    serde_json::from_str(include_str!("../tests/fixtures/reference.json")).unwrap()
}

/// The 600 bars that they are of.
pub fn bars() -> Vec<Bar> {
    let text = include_str!("../tests/fixtures/bars.csv");
    // As a long table of one asset.
    let with_asset = |(i, line): (usize, &str)| format!("{},{line}\n", if i == 0 { "asset" } else { "A" });
    let text: String = text.lines().enumerate().map(with_asset).collect();
    let input = Input::Embedded { name: "embedded:bars".into(), text: text.into_bytes().into() };
    read(&input, Dialect::default()).unwrap().assets.remove(0).bars
}

/// A list of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A list of lists of numbers.
pub fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}
