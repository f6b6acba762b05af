//! Numbers with what people write around them: units, percent signs, limits of detection. Nothing is taken off that was not
//! declared, and a cell that does not keep to what was declared is refused.

use specialist_core::{Column, Limits, NumberStyle};

/// What a cell of a number column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Written {
    Number(f64),
    /// Below (or above) a limit of detection.
    Below(f64),
    Above(f64),
}

/// The number in `text`, with what `column` says may stand around it.
pub(super) fn written(text: &str, style: NumberStyle, column: &Column) -> Option<Written> {
    if column.strip.is_empty() && !text.starts_with(['<', '>', '\u{2264}', '\u{2265}']) {
        return style.parse(text).map(Written::Number);
    }
    let mut bare = text.trim().to_string();
    for mark in &column.strip {
        bare = bare.replace(mark.as_str(), "");
    }
    let bare = bare.trim();
    let number = |t: &str| style.parse(t.trim_start_matches('=').trim());
    match bare.chars().next() {
        Some('<' | '\u{2264}') => number(&bare[bare.chars().next()?.len_utf8()..]).map(Written::Below),
        Some('>' | '\u{2265}') => number(&bare[bare.chars().next()?.len_utf8()..]).map(Written::Above),
        _ => style.parse(bare).map(Written::Number),
    }
}

impl Written {
    /// The value that stands for it; `None` where the column's limits are to be refused.
    pub(super) fn value(self, limits: Limits) -> Option<f64> {
        match (self, limits) {
            (Self::Number(v), _)
            | (Self::Below(v) | Self::Above(v), Limits::Value)
            | (Self::Above(v), Limits::Half) => Some(v),
            (Self::Below(v), Limits::Half) => Some(v / 2.0),
            (_, Limits::Missing) => Some(f64::NAN),
            (_, Limits::Refuse) => None,
        }
    }
}

/// Texts that stand around numbers: what `init` takes off, and what an error can name.
pub const AROUND: [&str; 21] = [
    "R$", "%", "€", "$", "£", "₹", "¥", "円", "元", "₩", "zł", "kr.", "kr", "CHF", "EUR", "USD", "GBP", "SEK", "NOK",
    "DKK", "Rs.",
];

/// What to do about a cell that is no number in `style`, told by its shape and never by its content.
pub(super) fn advice(text: &str, style: NumberStyle, column: &Column) -> String {
    let name = &column.name;
    if let Some(mark) = AROUND.iter().find(|m| text.contains(**m) && !column.strip.iter().any(|s| s == *m)) {
        return format!("take it off with strip = [\"{mark}\"] in [columns.{name}]; the number stays as it is written");
    }
    if text.starts_with(['<', '>', '\u{2264}', '\u{2265}']) {
        return format!(
            "a limit of detection: say with `limits` of [columns.{name}] what it stands for: \"value\", \"half\" or \"missing\""
        );
    }
    let other = NumberStyle::USUAL.iter().find(|s| **s != style && s.parse(text).is_some_and(f64::is_finite));
    if let Some(other) = other {
        let thousands = other.thousands.map_or(String::new(), |t| format!(" and thousands = \"{t}\""));
        return format!(
            "it looks like a number with decimal = \"{}\"{thousands}: set that under [source] or [target]",
            other.decimal
        );
    }
    format!(
        "if the cell means \"missing\", add it to `missing` of [columns.{name}]; if it is text, declare kind = \"category\""
    )
}

/// A decimal's zeros behind the point are its type's, not its value's.
#[must_use]
pub fn without_trailing_zeros(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: NumberStyle = NumberStyle { decimal: ',', thousands: Some('.') };

    #[test]
    fn texts_around_numbers_and_limits() {
        let column = Column { strip: vec!["%".into(), "€".into()], ..Column::default() };
        assert_eq!(written("12.5%", NumberStyle::default(), &column), Some(Written::Number(12.5)));
        assert_eq!(written("1.234,50 €", GERMAN, &column), Some(Written::Number(1234.5)));
        let below = written("<0.5", NumberStyle::default(), &Column::default()).unwrap();
        assert_eq!(below, Written::Below(0.5));
        assert_eq!(below.value(Limits::Half), Some(0.25));
        assert_eq!(below.value(Limits::Value), Some(0.5));
        assert!(below.value(Limits::Missing).unwrap().is_nan());
        assert_eq!(below.value(Limits::Refuse), None);
        assert_eq!(written("≥ 100", NumberStyle::default(), &Column::default()), Some(Written::Above(100.0)));
        assert_eq!(written("12.5%", NumberStyle::default(), &Column::default()), None);
    }
}
