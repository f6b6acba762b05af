//! How a CSV file is written, and how its numbers are. A cell that does not keep to the style is no number: `1,5` must never
//! become 15.

/// How a CSV file is written; Parquet says so itself.
///
/// ```
/// use specialist_core::{Dialect, NumberStyle};
/// let german = Dialect { delimiter: b';', numbers: NumberStyle { decimal: ',', thousands: Some('.') }, skip: 0 };
/// assert_eq!(german.numbers.parse("1.234,56"), Some(1234.56));
/// assert_ne!(german, Dialect::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between the cells.
    pub delimiter: u8,
    /// Of its numbers.
    pub numbers: NumberStyle,
    /// Lines before the header: titles, remarks.
    pub skip: usize,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', numbers: NumberStyle::default(), skip: 0 }
    }
}

/// How a file writes its numbers.
///
/// ```
/// use specialist_core::NumberStyle;
/// let swiss = NumberStyle { decimal: '.', thousands: Some('\'') };
/// assert_eq!(swiss.parse("1'234.50"), Some(1234.5));
/// assert_eq!(NumberStyle::default().parse("1,5"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberStyle {
    /// Between whole and fraction: `.` or `,`.
    pub decimal: char,
    /// Between groups of digits, where there are groups; a space stands for every kind of space.
    pub thousands: Option<char>,
}

impl Default for NumberStyle {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

impl NumberStyle {
    /// The styles that are told apart in a file that nobody has described.
    pub const USUAL: [Self; 8] = [
        Self { decimal: '.', thousands: None },
        Self { decimal: ',', thousands: None },
        Self { decimal: '.', thousands: Some(',') },
        Self { decimal: ',', thousands: Some('.') },
        Self { decimal: ',', thousands: Some(' ') },
        Self { decimal: '.', thousands: Some('\'') },
        Self { decimal: '.', thousands: Some(' ') },
        Self { decimal: ',', thousands: Some('\'') },
    ];

    /// The number that `text` is in this style; `None` where it is none. `(1)` is −1, as accountants write it.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<f64> {
        if self == Self::default()
            && let Ok(v) = text.parse::<f64>()
        {
            return Some(v);
        }
        if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            return self.parse(inner.trim()).filter(|v| *v >= 0.0).map(|v| -v);
        }
        // A typographic minus, and a sign parted from its number.
        let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => ("-", rest.trim_start()),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match digits.find(['e', 'E']) {
            Some(place) => (&digits[..place], digits[place + 1..].parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once(self.decimal).unwrap_or((mantissa, ""));
        let whole = self.ungrouped(whole)?;
        if !fraction.bytes().all(|b| b.is_ascii_digit()) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        format!("{sign}{whole}.{fraction}e{power}").parse().ok()
    }

    /// Digits without the marks between their groups; groups have three digits, or two and the last three (lakh).
    fn ungrouped(self, whole: &str) -> Option<String> {
        let Some(mark) = self.thousands else {
            return whole.bytes().all(|b| b.is_ascii_digit()).then(|| whole.to_string());
        };
        let is_mark = |c: char| match mark {
            ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            '\'' => matches!(c, '\'' | '\u{2019}'),
            mark => c == mark,
        };
        let groups: Vec<&str> = whole.split(is_mark).collect();
        let digits = groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_digit()));
        let sound = match groups.as_slice() {
            [_] => true,
            // No number begins with a group of nothing: 0.031 is a fraction.
            [first, .., _] if first.starts_with('0') => false,
            [first, middle @ .., last] => {
                let by = |n: usize| middle.iter().all(|g| g.len() == n) && (1..=n).contains(&first.len());
                last.len() == 3 && (by(3) || by(2))
            }
            [] => false,
        };
        (digits && sound).then(|| groups.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: NumberStyle = NumberStyle { decimal: ',', thousands: Some('.') };
    const FRENCH: NumberStyle = NumberStyle { decimal: ',', thousands: Some(' ') };
    const US: NumberStyle = NumberStyle { decimal: '.', thousands: Some(',') };
    const SWISS: NumberStyle = NumberStyle { decimal: '.', thousands: Some('\'') };

    #[test]
    fn numbers_as_they_are_written_in_many_places() {
        for (style, text, value) in [
            (NumberStyle::default(), "1.5", 1.5),
            (NumberStyle::default(), "-1e-3", -0.001),
            (NumberStyle::default(), "(2.5)", -2.5),
            (NumberStyle::default(), "\u{2212}2", -2.0),
            (GERMAN, "1.234,56", 1234.56),
            (GERMAN, "-0,5", -0.5),
            (GERMAN, "12", 12.0),
            (GERMAN, "1,5e3", 1500.0),
            (GERMAN, "1.234.567", 1_234_567.0),
            (FRENCH, "1\u{202f}234,5", 1234.5),
            (FRENCH, "1\u{a0}234", 1234.0),
            (US, "1,234.50", 1234.5),
            (US, "12,34,567.00", 1_234_567.0),
            (US, "(1,234)", -1234.0),
            (SWISS, "1'234.50", 1234.5),
            (SWISS, "1\u{2019}234", 1234.0),
            (NumberStyle { decimal: ',', thousands: None }, "0,25", 0.25),
        ] {
            assert_eq!(style.parse(text), Some(value), "{style:?} {text}");
        }
    }

    #[test]
    fn what_is_not_in_the_style_is_no_number() {
        for (style, text) in [
            (NumberStyle::default(), "1,5"),
            (NumberStyle::default(), "1.234,5"),
            (NumberStyle::default(), "1 234"),
            (GERMAN, "1.5"),
            (GERMAN, "12.34"),
            (GERMAN, "0.031"),
            (US, "0,031"),
            (US, "1,5"),
            (US, "1234,5"),
            (US, "1,2345"),
            (US, ",123"),
            (FRENCH, "1.5"),
            (GERMAN, ""),
            (GERMAN, ","),
            (GERMAN, "a"),
            (GERMAN, "1,2,3"),
        ] {
            assert_eq!(style.parse(text), None, "{style:?} {text}");
        }
    }

    /// Whatever style: grouping a number and reading it back gives the number.
    #[test]
    fn grouped_numbers_are_read_back() {
        for style in NumberStyle::USUAL {
            for n in [0u64, 7, 999, 1000, 12_345, 1_234_567, 98_765_432_100] {
                let digits = n.to_string();
                let mut text = String::new();
                for (i, d) in digits.chars().enumerate() {
                    if i > 0 && (digits.len() - i).is_multiple_of(3) {
                        text.extend(style.thousands);
                    }
                    text.push(d);
                }
                let text = format!("-{text}{}25", style.decimal);
                assert_eq!(style.parse(&text), Some(-(n as f64) - 0.25), "{style:?} {text}");
            }
        }
    }
}
