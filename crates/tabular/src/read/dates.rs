//! Dates that begin with a day or a month: which of the two is told by a whole column, never by one cell.

/// What a column's cells tell of their dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayOrder {
    /// They are no such dates.
    None,
    /// The pattern that all of them have.
    Pattern(String),
    /// No cell has a day above 12: both orders are as good.
    Unclear,
}

/// Looks at one cell after the other.
#[derive(Debug, Clone, Default)]
pub struct DayOrderFinder {
    /// Mark, digits of the year, and the pattern of the clock; that of the first cell.
    form: Option<(u8, usize, &'static str)>,
    highest: [u32; 2],
    other: bool,
}

impl DayOrderFinder {
    /// Whether nothing that is still to come can change the answer.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.other || self.highest.iter().any(|h| *h > 12)
    }

    /// Takes one more cell; empty ones tell nothing.
    pub fn see(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() || self.other {
            return;
        }
        match parted(cell) {
            Some((form, [a, b])) if self.form.is_none_or(|f| f == form) => {
                self.form = Some(form);
                self.highest = [self.highest[0].max(a), self.highest[1].max(b)];
            }
            _ => self.other = true,
        }
    }

    /// What the cells tell. A dot between the numbers is written where the day stands first (German, French, Russian, …).
    #[must_use]
    pub fn order(&self) -> DayOrder {
        let Some((mark, year, clock)) = self.form.filter(|_| !self.other) else { return DayOrder::None };
        let mark = char::from(mark);
        let year = if year == 4 { "%Y" } else { "%y" };
        let day = |first: &str, second: &str| DayOrder::Pattern(format!("{first}{mark}{second}{mark}{year}{clock}"));
        match self.highest {
            [13..=31, ..=12] => day("%d", "%m"),
            [..=12, 13..=31] => day("%m", "%d"),
            [..=12, ..=12] if mark == '.' => day("%d", "%m"),
            [..=12, ..=12] => DayOrder::Unclear,
            _ => DayOrder::None,
        }
    }
}

/// What these cells tell of their dates.
#[must_use]
pub fn day_first<'a>(cells: impl IntoIterator<Item = &'a str>) -> DayOrder {
    let mut finder = DayOrderFinder::default();
    cells.into_iter().for_each(|c| finder.see(c));
    finder.order()
}

type Form = (u8, usize, &'static str);

fn parted(cell: &str) -> Option<(Form, [u32; 2])> {
    let (day, clock) = cell.split_once(' ').map_or((cell, ""), |(d, c)| (d, c.trim()));
    let mark = day.bytes().find(|b| !b.is_ascii_digit()).filter(|b| b"/.-".contains(b))?;
    let mut parts = day.split(char::from(mark));
    let mut number = |least: usize, most: usize| {
        let part = parts.next().filter(|p| (least..=most).contains(&p.len()))?;
        Some((part.parse::<u32>().ok()?, part.len()))
    };
    let (a, b, year) = (number(1, 2)?.0, number(1, 2)?.0, number(2, 4)?.1);
    if parts.next().is_some() || year == 3 || a == 0 || b == 0 {
        return None;
    }
    let half = clock.ends_with(['M', 'm']);
    let clock = match (clock.matches(':').count(), half) {
        (0, _) if clock.is_empty() => "",
        (1, false) => " %H:%M",
        (2, false) => " %H:%M:%S",
        (1, true) => " %I:%M %p",
        (2, true) => " %I:%M:%S %p",
        _ => return None,
    };
    Some(((mark, year, clock), [a, b]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_tells_what_a_cell_does_not() {
        let pattern = |p: &str| DayOrder::Pattern(p.into());
        assert_eq!(day_first(["03/04/2023", "31/12/2023"]), pattern("%d/%m/%Y"));
        assert_eq!(day_first(["03/04/2023", "", "12/31/2023"]), pattern("%m/%d/%Y"));
        assert_eq!(day_first(["3/4/23 2:05 PM", "12/31/23 11:00 AM"]), pattern("%m/%d/%y %I:%M %p"));
        assert_eq!(day_first(["01.02.2023 14:05", "02.03.2023 09:00"]), pattern("%d.%m.%Y %H:%M"));
        assert_eq!(day_first(["03-04-2023", "04-05-2023"]), DayOrder::Unclear);
        for other in [
            ["2023-01-31", "2023-02-01"],
            ["1.5", "2.25"],
            ["31/12/2023", "12/31/2023"],
            ["31/12/2023", "soon"],
            ["1/2", "3/4"],
        ] {
            assert_eq!(day_first(other), DayOrder::None, "{other:?}");
        }
    }
}
