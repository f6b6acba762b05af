//! What the contracts of one output and of several classes both ask.

use specialist_core::{Dataset, Predict};
use specialist_tabular::Model;
use specialist_testing::damaged;

/// A model file may say anything. It is refused, or its scores are as many as the rows; no panic, no path without an end.
pub fn refused_or_scored(name: &str, model: &Model, data: &Dataset) {
    let document: serde_json::Value = serde_json::from_str(&model.to_json().unwrap()).unwrap();
    let (mut read, mut refused) = (0, 0);
    // Of the open documents alone and of what is read first: a forest's file holds it in both forms.
    damaged(&document, 1500, |place, changed| {
        let text = changed.to_string();
        let (open, first) = (Model::from_open_json(&text), Model::from_json(&text));
        if open.is_ok() {
            read += 1;
        } else {
            refused += 1;
        }
        for model in [open, first].into_iter().flatten() {
            if let Ok(found) = model.predictions(data) {
                assert_eq!(found.rows(), data.rows(), "{name} {place}");
            }
            _ = model.contributions(&data.select(&[0, 1]));
        }
    });
    assert!(refused > 50 && read > 5, "{name}: {read} read, {refused} refused");
}
