//! One value, several spellings: what counts as the same level, label, id or group.

use std::borrow::Cow;

/// The spelling that stands for all spellings of `cell`: two cells mean the same value when this is equal.
///
/// `1`, `1.0`, `True`, `TRUE` and `true` are one value, and so are `0`, `0.0` and `False`: pandas turns whole
/// numbers into decimals where a column has a gap, R and SQL write truth in capitals, and Parquet keeps it apart
/// from numbers. A whole number loses one `.0` and nothing more.
///
/// Why not compare as numbers? `007` and `7`, or the codes `250.0` and `250.00` of a classification of diseases, are
/// different names; only what a tool adds on its own is taken off.
///
/// ```
/// use specialist_core::canonical;
///
/// assert_eq!(canonical("2.0"), canonical("2"));
/// assert_eq!(canonical("TRUE"), canonical("1"));
/// assert_ne!(canonical("007"), canonical("7"));
/// assert_ne!(canonical("250.00"), canonical("250"));
/// ```
#[must_use]
pub fn canonical(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    if cell.eq_ignore_ascii_case("true") {
        return Cow::Borrowed("1");
    }
    if cell.eq_ignore_ascii_case("false") {
        return Cow::Borrowed("0");
    }
    let Some(whole) = cell.strip_suffix(".0") else { return Cow::Borrowed(cell) };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // A leading zero makes a name of it.
    if !plain || (digits.len() > 1 && digits.starts_with('0')) {
        return Cow::Borrowed(cell);
    }
    Cow::Borrowed(if digits == "0" { "0" } else { whole })
}

/// Whether two cells mean the same value.
///
/// ```
/// use specialist_core::same_value;
/// assert!(same_value("1.0", "True") && !same_value("07", "7"));
/// ```
#[must_use]
pub fn same_value(a: &str, b: &str) -> bool {
    a == b || canonical(a) == canonical(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What pandas, R, SQL, Parquet and spreadsheets write for one value.
    #[test]
    fn spellings_of_one_value_are_one() {
        for same in
            [&["1", "1.0", " 1 ", "True", "TRUE", "true"][..], &["0", "0.0", "-0.0", "False", "FALSE"], &["-3", "-3.0"]]
        {
            for (a, b) in same.iter().zip(same.iter().skip(1)) {
                assert!(same_value(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn names_that_only_look_alike_stay_apart() {
        for (a, b) in [
            ("7", "07"),
            ("07.0", "7"),
            ("250.0", "250.00"),
            ("1.5", "1.50"),
            ("F", "false"),
            ("T", "1"),
            ("a", "A"),
            ("1e0", "1"),
            (".0", "0"),
        ] {
            assert!(!same_value(a, b), "{a} {b}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_projection(cell in ".{0,12}") {
            let once = canonical(&cell).into_owned();
            proptest::prop_assert_eq!(canonical(&once).into_owned(), once);
        }

        #[test]
        fn whole_numbers_are_the_same_with_a_decimal(n in proptest::prelude::any::<i64>()) {
            let decimal = format!("{n}.0");
            proptest::prop_assert!(same_value(&n.to_string(), &decimal));
        }
    }
}
