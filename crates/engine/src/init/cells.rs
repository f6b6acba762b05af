//! What single cells say.

use specialist_core::NumberStyle;
use specialist_tabular::read::AROUND;

/// Cells that mean "missing" wherever they stand: those of pandas, R, SQL, SAS and Stata, SPSS, and of spreadsheets in
/// several languages.
pub(crate) const MARKERS: [&str; 31] = [
    "NA",
    "N/A",
    "n/a",
    "n.a.",
    "NaN",
    "nan",
    "null",
    "NULL",
    "(null)",
    "None",
    "?",
    "-",
    "--",
    ".",
    "\\N",
    "<NA>",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "#NV",
    "#NULL!",
    "#NUL!",
    "#DIV/0!",
    "#VALUE!",
    "#WERT!",
    "#REF!",
    "#BEZUG!",
    "#NAME?",
    "#NUM!",
    "k.A.",
    "0000-00-00",
];

/// Whether a cell means "missing"; `.A` to `.Z` are missing values of SAS and Stata.
pub(crate) fn is_marker(cell: &str) -> bool {
    let lettered = matches!(cell.as_bytes(), [b'.', b'A'..=b'Z' | b'a'..=b'z' | b'_']);
    lettered || MARKERS.contains(&cell) || cell.starts_with("0000-00-00")
}

/// The number in `cell`, whatever usual text stands around it.
pub(crate) fn bare(cell: &str, style: NumberStyle) -> Option<f64> {
    if let Some(v) = style.parse(cell) {
        return Some(v).filter(|v| v.is_finite());
    }
    let mut text = cell.trim_start_matches(['<', '>', '\u{2264}', '\u{2265}', '=']).to_string();
    for mark in AROUND {
        text = text.replace(mark, "");
    }
    style.parse(text.trim()).filter(|v| v.is_finite())
}
