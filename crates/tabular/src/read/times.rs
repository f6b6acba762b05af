//! Times as files write them: texts, and bare numbers whose unit must be known before they mean anything.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Seconds from 1960-01-01 to 1970-01-01.
const FROM_1960: f64 = 3_653.0 * DAY;

/// What a bare number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    /// `20240131`, as CRSP, Stooq and SAS write a date.
    DateNumber,
    /// `20240131093000`.
    DateTimeNumber,
    /// Days since 1899-12-30, as spreadsheets keep a date.
    SpreadsheetDays,
    /// Seconds since 1960-01-01, as SAS keeps a time of day.
    SecondsSince1960,
    /// Milliseconds since 1960-01-01, as Stata does.
    MillisecondsSince1960,
    /// Days since 1960-01-01, as SAS and Stata do.
    DaysSince1960,
    /// Days since 1970-01-01, as R does.
    DaysSince1970,
    Years,
}

/// The words that a column's `format` may be, beside a pattern.
const WORDS: [(&str, Unit); 12] = [
    ("seconds", Unit::Seconds),
    ("milliseconds", Unit::Milliseconds),
    ("microseconds", Unit::Microseconds),
    ("nanoseconds", Unit::Nanoseconds),
    ("yyyymmdd", Unit::DateNumber),
    ("yyyymmddhhmmss", Unit::DateTimeNumber),
    ("spreadsheet-days", Unit::SpreadsheetDays),
    ("seconds-since-1960", Unit::SecondsSince1960),
    ("milliseconds-since-1960", Unit::MillisecondsSince1960),
    ("days-since-1960", Unit::DaysSince1960),
    ("days-since-1970", Unit::DaysSince1970),
    ("years", Unit::Years),
];

/// The day that a text begins with, whatever its clock and its zone: what a bar of a day at midnight in Tokyo is of, which
/// in UTC is the day before.
pub const LOCAL_DAY: &str = "local-day";

/// The words that a time column's `format` may be; a text with `%` is a pattern.
#[must_use]
pub fn time_formats() -> Vec<&'static str> {
    WORDS.iter().map(|w| w.0).chain([LOCAL_DAY]).collect()
}

/// Whether `format` says how a time is written: one of the words, or a pattern that chrono knows and that names a day.
#[must_use]
pub fn is_time_format(format: &str) -> bool {
    if format == LOCAL_DAY || WORDS.iter().any(|w| w.0 == format) {
        return true;
    }
    let items: Vec<_> = chrono::format::StrftimeItems::new(format).collect();
    let known = items.iter().all(|i| !matches!(i, chrono::format::Item::Error));
    // A day that the pattern writes is one that it reads.
    let Some(day) = NaiveDate::from_ymd_opt(2021, 11, 23).and_then(|d| d.and_hms_opt(14, 5, 6)) else { return false };
    known
        && format.contains('%')
        && read_pattern(&Utc.from_utc_datetime(&day).format(format).to_string(), format).is_some()
}

/// 1000-01-01: chrono reads the year 23 where a pattern has `%Y` and the cell two digits.
const FOUR_DIGITS: f64 = -30_610_224_000.0;

fn read_pattern(text: &str, pattern: &str) -> Option<f64> {
    any_pattern(text, pattern).filter(|t| *t >= FOUR_DIGITS || !pattern.contains("%Y"))
}

fn any_pattern(text: &str, pattern: &str) -> Option<f64> {
    if let Ok(t) = DateTime::parse_from_str(text, pattern) {
        return Some(exact(&t.to_utc()));
    }
    if let Ok(t) = NaiveDateTime::parse_from_str(text, pattern) {
        return Some(exact(&t.and_utc()));
    }
    midnight(NaiveDate::parse_from_str(text, pattern).ok()?)
}

fn exact(t: &DateTime<Utc>) -> f64 {
    t.timestamp() as f64 + f64::from(t.timestamp_subsec_nanos()) * 1e-9
}

fn midnight(day: NaiveDate) -> Option<f64> {
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp() as f64)
}

/// Patterns that can be read one way only: the year stands first, or the month is a word.
const CLEAR: [&str; 20] = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f %#z",
    "%Y-%m-%d %H:%M%#z",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d",
    "%Y.%m.%d %H:%M:%S%.f",
    "%d%b%Y",
    "%d%b%Y:%H:%M:%S%.f",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d-%b-%Y %H:%M:%S%.f",
];

/// How the cells of one column are read; remembers the pattern that the last cell had, because the next one has it too.
#[derive(Debug, Clone, Default)]
pub(super) struct TimeReader {
    last: usize,
}

impl TimeReader {
    /// Seconds since 1970-01-01 UTC of a text that can be read one way only; `None` where it is none.
    pub(super) fn read(&mut self, text: &str) -> Option<f64> {
        // A year first has four digits, a month as a word has letters: everything else needs a `format`.
        if !text.bytes().any(|b| b.is_ascii_alphabetic()) && !text.as_bytes().get(4).is_some_and(|b| b"-/.".contains(b))
        {
            return None;
        }
        for i in 0..CLEAR.len() {
            let place = (self.last + i) % CLEAR.len();
            if let Some(t) = read_pattern(text, CLEAR[place]) {
                self.last = place;
                return Some(t);
            }
        }
        zoned(text)
    }
}

/// `2023-01-03 09:30:00 US/Eastern`: the clock of a place. A time that its clock shows twice is the earlier one.
fn zoned(text: &str) -> Option<f64> {
    let (time, zone) = text.rsplit_once(' ')?;
    if zone == "UTC" || zone == "GMT" || zone == "Z" {
        return TimeReader::default().read(time);
    }
    let zone: Tz = zone.parse().ok()?;
    let clock = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y%m%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"];
    let local = clock.iter().find_map(|p| NaiveDateTime::parse_from_str(time.trim(), p).ok())?;
    zone.from_local_datetime(&local).earliest().map(|t| exact(&t.to_utc()))
}

/// What a declared `format` makes of `text`.
pub(super) fn declared(text: &str, format: &str) -> Option<f64> {
    if format == LOCAL_DAY {
        return midnight(NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?);
    }
    match WORDS.iter().find(|w| w.0 == format) {
        Some((_, unit)) => to_seconds(text.parse().ok().filter(|v: &f64| v.is_finite())?, *unit),
        // Months are written in capitals by SAS and Oracle; chrono reads them so.
        None => read_pattern(text, format),
    }
}

/// Seconds since 1970 of a bare number; `None` where the calendar has no such day.
pub(super) fn to_seconds(value: f64, unit: Unit) -> Option<f64> {
    Some(match unit {
        Unit::Seconds => value,
        Unit::Milliseconds => value / 1e3,
        Unit::Microseconds => value / 1e6,
        Unit::Nanoseconds => value / 1e9,
        Unit::DateNumber => midnight(calendar_day(value)?)?,
        Unit::DateTimeNumber => {
            let clock = (value % 1e6) as u32;
            let day = calendar_day((value / 1e6).floor())?;
            exact(&day.and_hms_opt(clock / 10_000, clock / 100 % 100, clock % 100)?.and_utc())
        }
        // 1899-12-30 makes up for the day 1900-02-29 that spreadsheets believe in; right from 1900-03-01 on.
        Unit::SpreadsheetDays => (value - 25_569.0) * DAY,
        Unit::SecondsSince1960 => value - FROM_1960,
        Unit::MillisecondsSince1960 => value / 1e3 - FROM_1960,
        Unit::DaysSince1960 => value * DAY - FROM_1960,
        Unit::DaysSince1970 => value * DAY,
        Unit::Years => midnight(NaiveDate::from_ymd_opt(value as i32, 1, 1).filter(|_| value.fract() == 0.0)?)?,
    })
}

/// Seconds since 1970 of today.
fn now() -> f64 {
    Utc::now().timestamp() as f64
}

fn calendar_day(value: f64) -> Option<NaiveDate> {
    let whole = value.fract() == 0.0 && (19_000_101.0..=22_001_231.0).contains(&value);
    let v = value as i32;
    NaiveDate::from_ymd_opt(v / 10_000, (v / 100 % 100) as u32, (v % 100) as u32).filter(|_| whole)
}

/// What the bare numbers of a whole column count, by their size and spread; `Err` says what they could be.
///
/// Since 1973, counts of seconds, milli-, micro- and nanoseconds have ranges that do not meet: a column that lies in
/// one of them has that unit. Small numbers are seconds from a start of their own, as in simulations and in tables
/// made anonymous, if they begin near 0. Where days of a spreadsheet, years or a day of 1970 are as good a reading, none is taken.
pub(super) fn unit_of(mut values: impl Iterator<Item = f64> + Clone) -> Result<Unit, &'static str> {
    let (mut low, mut high, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
    let each = values.clone();
    for v in values.by_ref() {
        (low, high, whole) = (low.min(v), high.max(v), whole && v.fract() == 0.0);
    }
    let all = |unit| each.clone().all(|v| to_seconds(v, unit).is_some());
    let within = |from: f64, to: f64| low >= from && high <= to;
    if whole && within(19_000_101.0, 22_001_231.0) && all(Unit::DateNumber) {
        return Ok(Unit::DateNumber);
    }
    if whole && within(1.9e13, 2.3e13) && all(Unit::DateTimeNumber) {
        return Ok(Unit::DateTimeNumber);
    }
    for (unit, per_second) in
        [(Unit::Seconds, 1.0), (Unit::Milliseconds, 1e3), (Unit::Microseconds, 1e6), (Unit::Nanoseconds, 1e9)]
    {
        // 1973-03-03 to 2286-11-20.
        if within(1e8 * per_second, 1e10 * per_second) {
            // Rows of a table have happened: what lies more than a year ahead, and in the past if it is counted from
            // 1960, is as well SAS's or Stata's way to count.
            let latest = high / per_second - now() - 366.0 * DAY;
            if latest > 0.0 && latest < FROM_1960 && unit == Unit::Seconds {
                return Err("seconds since 1970, of which some are yet to come, or since 1960 (SAS)");
            }
            if latest > 0.0 && latest < FROM_1960 && unit == Unit::Milliseconds {
                return Err("milliseconds since 1970, of which some are yet to come, or since 1960 (Stata)");
            }
            return Ok(unit);
        }
    }
    if low < 0.0 && high <= 1e10 && (low < -1e8 || high > 1e8) {
        // Before 1970: births, for instance.
        return Ok(Unit::Seconds);
    }
    if whole && within(1_800.0, 2_200.0) {
        return Err("years, or seconds from a start of their own");
    }
    if within(7_000.0, 80_000.0) {
        return Err("days since 1899-12-30 (spreadsheets), since 1960 (SAS, Stata) or since 1970 (R), or seconds");
    }
    if high > 1e8 {
        return Err("of several units: some are far larger than others");
    }
    if low > 1e7 {
        return Err("seconds of the year 1970, or a date written in another way");
    }
    Ok(Unit::Seconds)
}

/// Seconds since 1970-01-01 UTC of `text` as `format` says that it is written.
#[must_use]
pub fn seconds_in(text: &str, format: &str) -> Option<f64> {
    declared(text, format)
}

/// What bare numbers of a whole column count, as a word for `format`; `None` where it cannot be told.
#[must_use]
pub fn unit_word(values: impl Iterator<Item = f64> + Clone) -> Option<&'static str> {
    let unit = unit_of(values).ok()?;
    WORDS.iter().find(|w| w.1 == unit).map(|w| w.0)
}

/// Seconds since 1970-01-01 UTC of one time by itself; `None` where it is none, or a bare number whose unit its size
/// does not tell.
#[must_use]
pub fn seconds(text: &str) -> Option<f64> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            let unit = unit_of(std::iter::once(number)).ok()?;
            to_seconds(number, unit)
        }
        Ok(_) => None,
        Err(_) => TimeReader::default().read(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_can_be_read_one_way_are_read() {
        // Python: datetime.fromisoformat(…).timestamp(), strptime for the months as words.
        for (text, at) in [
            ("1970-01-02", 86_400.0),
            ("1970-01-01T00:01:00", 60.0),
            ("1970-01-01 01:00", 3600.0),
            ("1970-01-01T01:00:00+01:00", 0.0),
            ("2023-01-03 00:00:00-05:00", 1_672_722_000.0),
            ("2023-01-03 00:00:00+00", 1_672_704_000.0),
            ("2023-01-03T00:00:00.250Z", 1_672_704_000.25),
            ("2023-01-03 00:00:00 UTC", 1_672_704_000.0),
            ("2023/01/03", 1_672_704_000.0),
            ("31DEC2023", 1_703_980_800.0),
            ("31DEC2023:14:05:00", 1_704_031_500.0),
            ("31-Dec-2023", 1_703_980_800.0),
            ("Dec 31, 2023", 1_703_980_800.0),
            ("20230103 09:30:00 US/Eastern", 1_672_756_200.0),
            ("2023-07-03 09:30:00 Europe/Berlin", 1_688_369_400.0),
        ] {
            assert_eq!(seconds(text), Some(at), "{text}");
        }
        for text in [
            "31-DEC-23",
            "23-01-05",
            "02.01.1970",
            "1/2/2023",
            "soon",
            "2023-13-01",
            "2023-01-03 09:30:00 Nowhere/City",
            "",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn the_size_of_a_column_tells_its_unit() {
        let now = 1_706_659_200.0;
        let column = |scale: f64| (0..100).map(move |i| (now + f64::from(i) * 86_400.0) * scale);
        assert_eq!(unit_of(column(1.0)), Ok(Unit::Seconds));
        assert_eq!(unit_of(column(1e3)), Ok(Unit::Milliseconds));
        assert_eq!(unit_of(column(1e6)), Ok(Unit::Microseconds));
        assert_eq!(unit_of(column(1e9)), Ok(Unit::Nanoseconds));
        assert_eq!(unit_of([20_240_131.0, 20_231_231.0].into_iter()), Ok(Unit::DateNumber));
        assert_eq!(unit_of([20_240_131_093_000.0].into_iter()), Ok(Unit::DateTimeNumber));
        // From a start of their own: two days of card payments.
        assert_eq!(unit_of([0.0, 172_792.0].into_iter()), Ok(Unit::Seconds));
        assert_eq!(unit_of([-8e8, 3e8].into_iter()), Ok(Unit::Seconds));
        // SAS and Stata count from 1960: what would be years ahead is not taken for a time of a row.
        let ahead = super::now() + 5.0 * 365.0 * DAY;
        assert!(unit_of([ahead, now].into_iter()).is_err() && unit_of([ahead * 1e3].into_iter()).is_err());
        for unclear in
            [vec![45_000.0, 45_200.0], vec![2_001.0, 2_020.0], vec![20_241_331.0, 20_240_101.0], vec![now, now * 1e3]]
        {
            assert!(unit_of(unclear.iter().copied()).is_err(), "{unclear:?}");
        }
    }

    #[test]
    fn declared_formats() {
        assert_eq!(declared("31.12.2023", "%d.%m.%Y"), Some(1_703_980_800.0));
        assert_eq!(declared("12/31/2023", "%m/%d/%Y"), Some(1_703_980_800.0));
        assert_eq!(declared("31-DEC-23", "%d-%b-%y"), Some(1_703_980_800.0));
        assert_eq!(declared("45291", "spreadsheet-days"), Some(1_703_980_800.0));
        assert_eq!(declared("23375", "days-since-1960"), Some(1_703_980_800.0));
        assert_eq!(declared("19722", "days-since-1970"), Some(1_703_980_800.0));
        // SAS: '31DEC2023:00:00:00'dt; Stata: clock("31dec2023", "DMY").
        assert_eq!(declared("2019600000", "seconds-since-1960"), Some(1_703_980_800.0));
        assert_eq!(declared("2019600000000", "milliseconds-since-1960"), Some(1_703_980_800.0));
        assert_eq!(declared("20231231", "yyyymmdd"), Some(1_703_980_800.0));
        assert_eq!(declared("2023", "years"), Some(1_672_531_200.0));
        assert_eq!(declared("31.12.2023", "%m.%d.%Y"), None);
        assert!(is_time_format("%d.%m.%Y %H:%M") && is_time_format("yyyymmdd"));
        for wrong in ["dd.mm.yyyy", "%d.%m", "%Q", "day", ""] {
            assert!(!is_time_format(wrong), "{wrong}");
        }
    }
}
