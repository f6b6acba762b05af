//! Thresholds of boosted trees where no cell of a row may stand in a model; see [`specialist_core::discretion`].

use ndarray::ArrayView2;
use serde_json::Value;
use specialist_core::Error;
use specialist_core::discretion::{between, outwards};

use crate::document::trees_mut;
use crate::exchange::doubles::Doubles;
use crate::trees::{failed, narrow};

/// Moves the thresholds of the trees from the `first` on to a short number between the two train values that they part, so
/// that none is a row's own cell. Every train row takes the side that it took.
pub(crate) fn part_between_rows(
    document: &mut Value,
    first: usize,
    records: ArrayView2<'_, f64>,
    doubles: &Doubles,
) -> Result<(), Error> {
    let width = records.ncols();
    let mut cells = Vec::with_capacity(records.len());
    narrow(records, doubles, &mut cells);
    // Only the columns that trees part by are sorted.
    let mut sorted: Vec<Option<Vec<f32>>> = vec![None; width];
    let list = |tree: &Value, key: &str| tree[key].as_array().cloned().unwrap_or_default();
    for tree in trees_mut(document)?.iter_mut().skip(first) {
        let (left, columns, kinds) =
            (list(tree, "left_children"), list(tree, "split_indices"), list(tree, "split_type"));
        let at = tree.get_mut("split_conditions").and_then(Value::as_array_mut);
        for (node, threshold) in at.ok_or_else(|| failed("a tree has no split_conditions"))?.iter_mut().enumerate() {
            let is_leaf = left.get(node).and_then(Value::as_i64).is_none_or(|l| l < 0);
            let by_levels = kinds.get(node).and_then(Value::as_u64) == Some(1);
            let (Some(column), Some(t)) = (columns.get(node).and_then(Value::as_u64), threshold.as_f64()) else {
                continue;
            };
            let (column, t) = (column as usize, t as f32);
            if is_leaf || by_levels || column >= width {
                continue;
            }
            let values = sorted[column].get_or_insert_with(|| {
                let cells = cells.iter().skip(column).step_by(width).copied();
                let mut values: Vec<f32> = cells.filter(|v| v.is_finite()).collect();
                values.sort_unstable_by(f32::total_cmp);
                values
            });
            let above = values.partition_point(|v| *v < t);
            let low = above.checked_sub(1).map(|i| values[i]);
            let high = values.get(above).copied();
            // What rounds to a single between the two, and to neither of them.
            let half = |a: f32, b: f32| f64::from(a) / 2.0 + f64::from(b) / 2.0;
            let new = match (low, high) {
                (Some(low), Some(high)) => between(half(low, low.next_up()), half(high.next_down(), high)),
                // Parts what is missing from what is there: beyond all rows on the side where it is.
                (None, Some(high)) => outwards(f64::from(high.next_down()), false),
                (Some(low), None) => outwards(f64::from(low.next_up()), true),
                (None, None) => continue,
            } as f32;
            let high = high.unwrap_or(f32::INFINITY);
            // In single precision as the rows are: a number between two doubles may be none between two singles.
            if low.is_none_or(|low| low < new) && new <= high {
                *threshold = Value::from(new);
            }
        }
    }
    Ok(())
}
