//! What suggestions are made of.

use specialist_core::{ColumnKind, Role};

use crate::recipe::ColumnSpec;

/// Fewer rows than this tell nothing about repeats.
pub(super) const FEWEST: usize = 50;
/// Fewer than this tell nothing, whatever a column is called.
pub(super) const FEW: usize = 10;

/// A column of this role and kind.
pub(super) fn spec(role: Role, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { role, kind, ..ColumnSpec::default() }
}

/// `20-50`, `20 to 50`: a range of numbers, which is none itself.
pub(super) fn is_band(cell: &str) -> bool {
    let mut parts = cell.splitn(2, ['-', '\u{2013}']);
    let (Some(low), Some(high)) = (parts.next(), parts.next()) else {
        return cell
            .split_once(" to ")
            .is_some_and(|(a, b)| a.trim().parse::<f64>().is_ok() && b.trim().parse::<f64>().is_ok());
    };
    low.trim().parse::<f64>().is_ok() && high.trim().parse::<f64>().is_ok()
}
