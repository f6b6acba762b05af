//! A piece of evidence beside the figures: a table, a plot or both.

use crate::evidence::Interval;

/// One line of a plot.
///
/// ```
/// use specialist_core::{Series, evidence::Interval};
/// let at = |estimate: f64| Interval { estimate, low: estimate - 0.1, high: estimate + 0.1 };
/// let calibration = Series { name: "specialist".into(), points: vec![(0.2, at(0.25)), (0.8, at(0.75))] };
/// assert!(calibration.points.iter().all(|(_, value)| value.low < value.high));
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points with interval: x, value, low, high.
    pub points: Vec<(f64, Interval)>,
}

/// A domain's own piece of evidence: a table, a plot or both.
///
/// ```
/// use specialist_core::Panel;
/// let panel = Panel {
///     title: "Cost".into(),
///     header: vec!["candidate".into(), "cost".into()],
///     table: vec![vec!["specialist".into(), "1200".into()]],
///     ..Panel::default()
/// };
/// assert!(panel.series.is_empty() && panel.table[0].len() == panel.header.len());
/// ```
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Panel {
    /// The heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// The table's header and rows; may be empty.
    pub header: Vec<String>,
    /// Rows of cells.
    pub table: Vec<Vec<String>>,
    /// The numbers that a program reads of each row of the table, as they are and not as they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Vec<f64>>,
    /// The plot's axes, x then y.
    pub axes: (String, String),
    /// The plot's lines; may be empty.
    pub series: Vec<Series>,
    /// Whether the y axis is logarithmic.
    #[serde(default)]
    pub log_y: bool,
    /// Whether the table's numbers are shaded by their size, red below 0 and green above.
    #[serde(default)]
    pub heat: bool,
    /// Whether the terminal shows the table too.
    #[serde(default)]
    pub printed: bool,
    /// A sentence that belongs beside the verdict.
    #[serde(default)]
    pub headline: Option<String>,
}
