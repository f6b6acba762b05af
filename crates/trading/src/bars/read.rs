//! Bars read from a long table (a row an asset and time), one instrument's, or a wide one (a column an asset).

use specialist_core::{Column, ColumnKind, Dataset, Dialect, Error, FeatureKind, KeyRole, Role, Schema};
use specialist_tabular::read::{
    DayOrder, Input, LOCAL_DAY, Options, ReadError, columns_of, day_order_of, first_cells, read_all,
};

use super::held::one;
use super::{Bar, Market, day, place};
use crate::layout::{Field, Layout, grown_header};

/// The names of `input`'s columns, and how its file is written.
pub(super) fn header(input: &Input, dialect: Dialect) -> Result<(Vec<String>, Options), Error> {
    let mut options = Options { dialect, labelled: false, ..Options::default() };
    if let Input::File(path) = input
        && let Some((names, skip)) = grown_header(path, dialect.delimiter)
    {
        options.dialect.skip += skip;
        options.names = Some(names.clone());
        return Ok((names, options));
    }
    Ok((columns_of(input, &options).map_err(|e| unreadable(&e))?, options))
}

pub(super) fn unreadable(e: &ReadError) -> Error {
    if e.is_usage() {
        return Error::Setting { setting: "data".into(), expected: format!("a file that exists ({e})") };
    }
    Error::Data { what: e.to_string(), hint: e.hint() }
}

/// Cells that stand for no price: FRED, Yahoo, spreadsheets, R, SQL.
const NO_PRICE: [&str; 12] = [".", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "ND", "-", "\\N"];

/// Reads bars: a long table (a column names the asset), one instrument's (`close` and perhaps `open`, `high`, …), or a
/// wide one (a column of closes an asset); see [`Layout`] for the names that are known.
///
/// What a holder gets changes later prices, never earlier ones, so that what is known on a day does not change with
/// what happens later: from a split of `n` for 1 on, prices count `n` times; from a dividend `D` on, `1 + D / close` times,
/// which makes the return of that day `(close + D) / close before`, exactly. Both count from the next bar on where
/// they stand in a row without a price. A vendor's adjusted close is used where the table has no splits and dividends.
///
/// # Errors
/// [`Error::Data`] with file, line and column.
pub fn read(input: &Input, dialect: Dialect) -> Result<Market, Error> {
    read_dated(input, dialect, None)
}

/// As [`read`]; `dates` says how the times are written where the file does not tell: a pattern such as `%d/%m/%Y`, or a
/// word such as `milliseconds`.
///
/// # Errors
/// As [`read`].
pub fn read_dated(input: &Input, dialect: Dialect, dates: Option<&str>) -> Result<Market, Error> {
    let (header, options) = header(input, dialect)?;
    let file = input.name().rsplit('/').next().unwrap_or_default().to_string();
    let layout = Layout::of(&header, &file).ok_or_else(|| Error::Data {
        what: format!("{file}, line 1: there is no column for the time of a bar"),
        hint: "call it `date` or `time`; dates are written 2024-01-31".into(),
    })?;
    if !layout.has_close() {
        return Err(Error::Data {
            what: format!("{file}, line 1: one instrument's bars, or a long table, need a column `close`"),
            hint: "name the columns date, asset, close and perhaps open, high, low, volume, split, dividend".into(),
        });
    }
    let missing: Vec<String> = NO_PRICE.map(String::from).to_vec();
    let column = |i: usize, role, kind| Column { name: header[i].clone(), role, kind, ..Column::default() };
    let time = Column {
        format: match dates {
            Some(dates) => Some(dates.into()),
            None => date_format(input, &options, &header[layout.time])?,
        },
        ..column(layout.time, Role::Time, ColumnKind::Time)
    };
    let mut columns = vec![time];
    columns.extend(layout.asset.map(|i| column(i, Role::Site, ColumnKind::Category)));
    columns.extend(layout.clock.map(|i| column(i, Role::Feature, ColumnKind::Category)));
    let number = |i: usize| Column {
        missing: missing.clone(),
        strip: vec!["$".into()],
        ..column(i, Role::Feature, ColumnKind::Number)
    };
    columns.extend(layout.fields.iter().map(|f| number(f.0)));
    let (mut data, _) = read_all(input, &Schema { columns }, &options).map_err(|e| unreadable(&e))?;
    add_clock(&mut data, &layout, &header, &file)?;
    let mut market = Market { file, unread: layout.unread(&header), ..Market::default() };
    assemble(&data, &layout, &header, &mut market)?;
    market.assets.retain(|a| !a.bars.is_empty());
    sort(&mut market);
    check_times(&market)?;
    check_prices(&market)?;
    Ok(market)
}

/// How the times are written where they cannot be read without being told: dates that begin with a day or a month, by the
/// whole column; and days as midnight of a place, of which the place's day counts and not that of UTC.
fn date_format(input: &Input, options: &Options, column: &str) -> Result<Option<String>, Error> {
    const LOOKED_AT: usize = 200;
    let cells = first_cells(input, options, column, LOOKED_AT).map_err(|e| unreadable(&e))?;
    // 2023-01-03 00:00:00+09:00
    let at_midnight = |c: &String| c.len() > 19 && c.get(11..19) == Some("00:00:00") && c[19..].starts_with(['+', '-']);
    if !cells.is_empty() && cells.iter().all(at_midnight) {
        return Ok(Some(LOCAL_DAY.into()));
    }
    match day_order_of(input, options, column).map_err(|e| unreadable(&e))? {
        DayOrder::None => Ok(None),
        DayOrder::Pattern(pattern) => Ok(Some(pattern)),
        DayOrder::Unclear => Err(Error::Data {
            what: format!(
                "{}, column `{column}`: no date tells whether the day or the month stands first",
                input.name()
            ),
            hint: "say how they are written with date-format = \"%d/%m/%Y\" (or \"%m/%d/%Y\") under [domain] of the recipe, or write them as 2024-01-31".into(),
        }),
    }
}

/// Adds the clock that stands in a column of its own: Stooq's `<TIME>`, 000000 for a day's bar.
fn add_clock(data: &mut Dataset, layout: &Layout, header: &[String], file: &str) -> Result<(), Error> {
    let Some(clock) = layout.clock else { return Ok(()) };
    let place = data.feature(&header[clock])?;
    let FeatureKind::Category { levels } = &data.features[place].kind else { return Ok(()) };
    let wrong = |line: u64| Error::Data {
        what: format!("{file}, line {line}, column `{}`: a time of day is expected: 093000 or 09:30:00", header[clock]),
        hint: "write the time of day as 09:30:00, or leave the column out for bars of days".into(),
    };
    let seconds: Vec<Option<i64>> = levels.iter().map(|l| time_of_day(l)).collect();
    let codes: Vec<f64> = data.records().column(place).to_vec();
    let times = data.time.as_mut().expect("the time column was declared");
    for (r, (time, code)) in times.iter_mut().zip(codes).enumerate() {
        if !code.is_nan() {
            *time += seconds[code as usize].ok_or_else(|| wrong(data.lines[r]))?;
        }
    }
    Ok(())
}

fn time_of_day(text: &str) -> Option<i64> {
    // A spreadsheet takes the zeros in front away.
    let digits: String = if text.contains(':') { text.replace(':', "") } else { format!("{text:0>6}") };
    let digits = if digits.len() == 4 { digits + "00" } else { digits };
    let number: i64 = digits.parse().ok().filter(|_| digits.len() == 6)?;
    let (h, m, s) = (number / 10_000, number / 100 % 100, number % 100);
    (h < 24 && m < 60 && s < 60).then_some(h * 3600 + m * 60 + s)
}

/// The columns of one asset.
#[derive(Default)]
pub(super) struct Places {
    fields: Vec<(Field, usize)>,
}

impl Places {
    pub(super) fn cell(&self, data: &Dataset, row: usize, field: Field) -> f64 {
        let place = self.fields.iter().find(|f| f.0 == field);
        place.map_or(f64::NAN, |f| data.records()[[row, f.1]])
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.fields.iter().any(|f| f.0 == field)
    }
}

fn assemble(data: &Dataset, layout: &Layout, header: &[String], market: &mut Market) -> Result<(), Error> {
    let time = data.time.as_ref().expect("the time column was declared");
    let mut order: Vec<usize> = (0..data.rows()).collect();
    order.sort_by_key(|&r| time[r]);
    let place = |i: usize| data.feature(&header[i]);
    if layout.asset.is_none() {
        let mut names: Vec<&String> = layout.fields.iter().filter_map(|f| f.2.as_ref()).collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|n| seen.insert(*n));
        for name in names {
            let of = layout.fields.iter().filter(|f| f.2.as_ref() == Some(name));
            let fields = of.map(|f| Ok((f.1, place(f.0)?))).collect::<Result<_, Error>>()?;
            let asset = one(data, &order, &Places { fields }, layout, header, name, market)?;
            market.assets.push(asset);
        }
        return Ok(());
    }
    let key = data.key(KeyRole::Site).expect("the asset column was declared");
    let fields = layout.fields.iter().map(|f| Ok((f.1, place(f.0)?))).collect::<Result<_, Error>>()?;
    let places = Places { fields };
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); key.levels.len()];
    order.iter().for_each(|&r| rows[key.codes[r] as usize].push(r));
    for (name, rows) in key.levels.iter().zip(rows) {
        let asset = one(data, &rows, &places, layout, header, name, market)?;
        market.assets.push(asset);
    }
    Ok(())
}

/// Puts the bars in order of time and remembers which rows stood behind a later one.
fn sort(market: &mut Market) {
    let mut unsorted = Vec::new();
    for a in &mut market.assets {
        let mut rows: Vec<(Bar, u64)> = a.bars.iter().copied().zip(a.lines.iter().copied()).collect();
        let mut by_line = rows.clone();
        by_line.sort_by_key(|r| r.1);
        unsorted.extend(by_line.windows(2).filter(|w| w[1].0.time < w[0].0.time).map(|w| w[1].1));
        rows.sort_by_key(|r| (r.0.time, r.1));
        (a.bars, a.lines) = rows.into_iter().unzip();
    }
    unsorted.sort_unstable();
    unsorted.dedup();
    market.unsorted = unsorted;
}

fn check_times(market: &Market) -> Result<(), Error> {
    for a in &market.assets {
        if let Some(i) = a.bars.windows(2).position(|w| w[0].time == w[1].time) {
            let (first, second) = (a.lines[i], a.lines[i + 1]);
            return Err(Error::Data {
                what: format!(
                    "{}, lines {first} and {second}: two bars of {} at {}",
                    market.file,
                    a.name,
                    day(a.bars[i].time)
                ),
                hint: "keep one bar an asset and time; which of two is right cannot be known here".into(),
            });
        }
    }
    Ok(())
}

fn check_prices(market: &Market) -> Result<(), Error> {
    for (at, a) in market.assets.iter().enumerate() {
        for (i, b) in a.bars.iter().enumerate() {
            let prices = [b.open, b.high, b.low, b.close];
            let what = if prices.iter().any(|p| *p <= 0.0 || p.is_infinite()) {
                "a price must be above 0"
            } else if b.volume < 0.0 {
                "a volume must be 0 or more"
            } else if b.high < b.low * (1.0 - 1e-9) {
                "the highest price is below the lowest"
            } else if b.close > b.high * (1.0 + 1e-6) || b.close < b.low * (1.0 - 1e-6) {
                "the last price lies outside the bar's range"
            } else {
                continue;
            };
            return Err(Error::Data {
                what: format!("{}: {what}", place(market, at, i)),
                hint: "mend the bar, or leave its cells empty: a missing bar is better than a wrong one".into(),
            });
        }
    }
    Ok(())
}
