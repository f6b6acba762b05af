//! Bars of many assets, read from a long table (a row an asset and time) or a wide one (a column an asset).

use std::collections::BTreeMap;
use std::path::Path;

use specialist_core::{Column, ColumnKind, Dataset, Dialect, Error, FeatureKind, KeyRole, Role, Schema};
use specialist_tabular::read::{
    DayOrder, Input, LOCAL_DAY, Options, ReadError, columns_of, day_order_of, first_cells, read_all,
};

use crate::layout::{Field, Layout, grown_header};
use crate::performance::periods_per_year;

/// One bar: what happened up to `time`. Prices and volume that the data does not have are `NaN`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// When the bar is complete, in seconds since 1970-01-01 UTC (midnight for a daily bar).
    pub time: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Units traded.
    pub volume: f64,
}

impl Bar {
    /// A bar of which only the last price is known.
    #[must_use]
    pub fn close_only(time: i64, close: f64) -> Self {
        Self { time, open: f64::NAN, high: f64::NAN, low: f64::NAN, close, volume: f64::NAN }
    }
}

/// The bars of one asset in order of time; a day without a bar has no bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its name.
    pub name: String,
    /// Its bars.
    pub bars: Vec<Bar>,
    /// Where each bar stands in the file.
    pub lines: Vec<u64>,
    /// Its sector, where a universe says it.
    pub sector: Option<String>,
}

/// The bars of all assets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Market {
    /// In the order of the file.
    pub assets: Vec<Asset>,
    /// The file's name.
    pub file: String,
    /// Rows that were out of order in the file and were put in order.
    pub unsorted: Vec<u64>,
    /// Columns that nothing was read from.
    pub unread: Vec<String>,
    /// What there is to say of how the table was read.
    pub notes: Vec<String>,
}

impl Market {
    /// Whether every asset has open, high and low.
    #[must_use]
    pub fn has_range(&self) -> bool {
        self.assets.iter().all(|a| a.bars.first().is_some_and(|b| !b.high.is_nan() && !b.open.is_nan()))
    }

    /// Whether every asset has volume.
    #[must_use]
    pub fn has_volume(&self) -> bool {
        self.assets.iter().all(|a| a.bars.first().is_some_and(|b| !b.volume.is_nan()))
    }

    /// All times at which any asset has a bar.
    #[must_use]
    pub fn calendar(&self) -> Vec<i64> {
        let mut times: Vec<i64> = self.assets.iter().flat_map(|a| a.bars.iter().map(|b| b.time)).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Bars of an asset in a year: the days that have bars, counted, times the usual number of bars a day.
    #[must_use]
    pub fn bars_per_year(&self) -> f64 {
        let calendar = self.calendar();
        let mut days: Vec<(i64, usize)> = Vec::new();
        for time in calendar {
            match days.last_mut() {
                Some((last, n)) if last.div_euclid(86_400) == time.div_euclid(86_400) => *n += 1,
                _ => days.push((time, 1)),
            }
        }
        let times: Vec<i64> = days.iter().map(|d| d.0.div_euclid(86_400) * 86_400).collect();
        let mut counts: Vec<usize> = days.iter().map(|d| d.1).collect();
        counts.sort_unstable();
        let usual = counts.get(counts.len() / 2).copied().unwrap_or(1);
        periods_per_year(&times) * usual as f64
    }

    /// The position of the asset called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.assets.iter().position(|a| a.name == name)
    }

    /// The same market as it was known at `time`: nothing later is in it.
    #[must_use]
    pub fn until(&self, time: i64) -> Self {
        let cut = |a: &Asset| {
            let n = a.bars.partition_point(|b| b.time <= time);
            Asset {
                bars: a.bars[..n].to_vec(),
                lines: a.lines[..n].to_vec(),
                name: a.name.clone(),
                sector: a.sector.clone(),
            }
        };
        Self { assets: self.assets.iter().map(cut).collect(), file: self.file.clone(), ..Self::default() }
    }

    /// The sector of each asset by number; empty unless every asset has one.
    #[must_use]
    pub fn sectors(&self) -> Vec<usize> {
        let mut names: Vec<&String> = self.assets.iter().filter_map(|a| a.sector.as_ref()).collect();
        if names.len() < self.assets.len() {
            return Vec::new();
        }
        names.sort();
        names.dedup();
        let number = |a: &Asset| names.binary_search(&a.sector.as_ref().expect("each has one")).expect("it is listed");
        self.assets.iter().map(number).collect()
    }

    /// Calls `step` once for every time at which any asset has a bar, in order, with the bars of that time.
    pub fn each_instant(&self, mut step: impl FnMut(i64, &[(usize, Bar)])) {
        let mut next = vec![0; self.assets.len()];
        let mut bars = Vec::with_capacity(self.assets.len());
        loop {
            let due = |a: usize, i: usize| self.assets[a].bars.get(i).map(|b| b.time);
            let Some(time) = next.iter().enumerate().filter_map(|(a, &i)| due(a, i)).min() else { return };
            bars.clear();
            for (a, i) in next.iter_mut().enumerate() {
                if due(a, *i) == Some(time) {
                    bars.push((a, self.assets[a].bars[*i]));
                    *i += 1;
                }
            }
            step(time, &bars);
        }
    }
}

/// Where a bar stands, for people.
#[must_use]
pub fn place(market: &Market, asset: usize, bar: usize) -> String {
    let a = &market.assets[asset];
    format!("{} line {} ({}, {})", market.file, a.lines[bar], a.name, day(a.bars[bar].time))
}

/// The date of a time.
#[must_use]
pub fn day(time: i64) -> String {
    chrono::DateTime::from_timestamp(time, 0).map_or(String::new(), |t| t.format("%Y-%m-%d").to_string())
}

/// The time of a bar as bars are written: its date, and within the day its hour.
#[must_use]
pub fn instant(time: i64) -> String {
    if time.rem_euclid(86_400) == 0 {
        return day(time);
    }
    chrono::DateTime::from_timestamp(time, 0).map_or(String::new(), |t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The names of `input`'s columns, and how its file is written.
fn header(input: &Input, dialect: Dialect) -> Result<(Vec<String>, Options), Error> {
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

fn unreadable(e: &ReadError) -> Error {
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
        format: date_format(input, &options, &header[layout.time])?,
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
            hint: "write the dates as 2024-01-31".into(),
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
struct Places {
    fields: Vec<(Field, usize)>,
}

impl Places {
    fn cell(&self, data: &Dataset, row: usize, field: Field) -> f64 {
        let place = self.fields.iter().find(|f| f.0 == field);
        place.map_or(f64::NAN, |f| data.records()[[row, f.1]])
    }

    fn has(&self, field: Field) -> bool {
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

/// What a holder of one share at the last close has by now: shares, and cash that is not yet put back.
struct Holding {
    shares: f64,
    cash: f64,
}

/// The bars of one asset, whose rows stand in order of time.
fn one(
    data: &Dataset,
    rows: &[usize],
    places: &Places,
    layout: &Layout,
    header: &[String],
    name: &str,
    market: &mut Market,
) -> Result<Asset, Error> {
    let time = data.time.as_ref().expect("the time column was declared");
    let mut asset = Asset { name: name.into(), bars: Vec::new(), lines: Vec::new(), sector: None };
    let of_crsp =
        layout.fields.iter().any(|f| f.1 == Field::Close && ["PRC", "prc", "DlyPrc"].contains(&header[f.0].as_str()));
    let close = |r: usize| {
        let close = places.cell(data, r, Field::Close);
        // CRSP marks the mean of bid and ask, where nothing was traded, by a minus.
        let marked = of_crsp && close < 0.0;
        if marked {
            -close
        } else if close.is_nan() && !places.has(Field::Close) {
            places.cell(data, r, Field::AdjustedClose)
        } else {
            close
        }
    };
    let has = adjusted_already(data, rows, places, layout, header, &close, market)?;
    let (mut factor, mut before) = (1.0, f64::NAN);
    let mut held = Holding { shares: 1.0, cash: 0.0 };
    // What the last bar was made of: its holding, and the factor before it.
    let (mut at_bar, mut base) = (Holding { shares: 1.0, cash: 0.0 }, 1.0);
    let mut last_factor = f64::NAN;
    let vendors = vendors_factor(places);
    let mut first_ratio = f64::NAN;
    for &r in rows {
        let (mut ratio, paid) = (places.cell(data, r, Field::Split), places.cell(data, r, Field::Dividend));
        if ratio < 0.0 || paid < 0.0 || ratio.is_infinite() || paid.is_infinite() {
            let what =
                format!("{}, line {}: a split must be above 0 and a dividend 0 or more", market.file, data.lines[r]);
            return Err(Error::Data { what, hint: "leave the cell empty, or write 0, on days without one".into() });
        }
        let cumulative = places.cell(data, r, Field::PriceFactor);
        if places.has(Field::SplitLessOne) {
            ratio = 1.0 + places.cell(data, r, Field::SplitLessOne);
        } else if !places.has(Field::Split) && cumulative > 0.0 {
            ratio = last_factor / cumulative;
            last_factor = cumulative;
        }
        // A split comes before the dividend of its day, which is paid on the new shares. 0 means none.
        if ratio > 0.0 && !has.splits {
            held.shares *= ratio;
        }
        if paid > 0.0 && !has.dividends {
            held.cash += held.shares * paid;
        }
        let price = close(r);
        // Two distributions of a day are two rows of one bar in CRSP: they add up.
        if let (Some(bar), true) = (asset.bars.last_mut(), price == before)
            && bar.time == time[r]
            && (ratio > 0.0 || paid > 0.0)
        {
            at_bar.cash += held.cash * at_bar.shares;
            at_bar.shares *= held.shares;
            held = Holding { shares: 1.0, cash: 0.0 };
            let more = base * (at_bar.shares * price + at_bar.cash) / price / factor;
            factor *= more;
            (bar.open, bar.high, bar.low, bar.close) =
                (bar.open * more, bar.high * more, bar.low * more, bar.close * more);
            bar.volume /= more;
            continue;
        }
        if price.is_nan() {
            // What happened counts from the next bar on.
            continue;
        }
        if before.is_nan() {
            held = Holding { shares: 1.0, cash: 0.0 };
        }
        base = factor;
        // A price of 0 is refused later, by its line.
        if price > 0.0 {
            factor *= (held.shares * price + held.cash) / price;
        }
        at_bar = std::mem::replace(&mut held, Holding { shares: 1.0, cash: 0.0 });
        before = price;
        if vendors {
            let ratio = places.cell(data, r, Field::AdjustedClose) / price;
            if first_ratio.is_nan() {
                first_ratio = ratio;
            }
            factor = ratio / first_ratio;
        }
        let [open, high, low, volume] =
            [Field::Open, Field::High, Field::Low, Field::Volume].map(|f| places.cell(data, r, f));
        let sign = if of_crsp { f64::abs } else { |x: f64| x };
        let f = factor;
        asset.bars.push(Bar {
            time: time[r],
            open: sign(open) * f,
            high: sign(high) * f,
            low: sign(low) * f,
            close: price * f,
            volume: volume / f,
        });
        asset.lines.push(data.lines[r]);
    }
    Ok(asset)
}

/// Whether a vendor's adjusted close says what a holder gets: where nothing else in the table does.
fn vendors_factor(places: &Places) -> bool {
    let events =
        [Field::Split, Field::Dividend, Field::PriceFactor, Field::SplitLessOne].iter().any(|f| places.has(*f));
    places.has(Field::AdjustedClose) && places.has(Field::Close) && !events
}

/// What prices hold already, so that it must not be counted again.
#[derive(Debug, Clone, Copy, Default)]
struct Adjusted {
    splits: bool,
    dividends: bool,
}

/// Whether the prices already hold the splits that the table tells of: told by the prices themselves at each split, since
/// yfinance writes both, and a factor must not be counted twice.
fn adjusted_already(
    data: &Dataset,
    rows: &[usize],
    places: &Places,
    layout: &Layout,
    header: &[String],
    close: &dyn Fn(usize) -> f64,
    market: &mut Market,
) -> Result<Adjusted, Error> {
    if !places.has(Field::Split) && !places.has(Field::Dividend) {
        return Ok(Adjusted::default());
    }
    let (mut moved, mut still) = (Vec::new(), Vec::new());
    let (mut before, mut ratio) = (f64::NAN, 1.0);
    for &r in rows {
        let split = places.cell(data, r, Field::Split);
        if split > 0.0 {
            ratio *= split;
        }
        let price = close(r);
        if price.is_nan() {
            continue;
        }
        // A ratio near 1 is no more than a day's noise.
        if before > 0.0 && (ratio - 1.0f64).abs() > 0.1 {
            let change = (price / before).ln();
            let of = if (change + ratio.ln()).abs() < change.abs() { &mut moved } else { &mut still };
            of.push(data.lines[r]);
        }
        (before, ratio) = (price, 1.0);
    }
    // yfinance's `history` adjusts what it writes for splits and dividends alike, unless told otherwise; then it writes `Adj Close`.
    let named = |field: Field, name: &str| layout.fields.iter().any(|f| f.1 == field && header[f.0] == name);
    let of_yfinance = named(Field::Split, "Stock Splits") && !places.has(Field::AdjustedClose);
    let note = |market: &mut Market, what: &str| {
        let note = format!("prices are taken as adjusted already: {what}");
        if !market.notes.contains(&note) {
            market.notes.push(note);
        }
    };
    match (moved.first(), still.first()) {
        (Some(a), Some(b)) => Err(Error::Data {
            what: format!("{}: prices fall by the split's ratio on line {a} and do not on line {b}", market.file),
            hint: "bring prices that are all adjusted for splits, or none".into(),
        }),
        (Some(_), None) => Ok(Adjusted::default()),
        // `Adj Close` beside them says that the others do not hold dividends.
        (None, Some(_)) if places.has(Field::AdjustedClose) => {
            note(market, "for splits, at which they do not fall; dividends are counted");
            Ok(Adjusted { splits: true, dividends: false })
        }
        (None, Some(_)) => {
            note(
                market,
                "they do not fall at the splits that the table tells of. Its splits and dividends are not counted again",
            );
            Ok(Adjusted { splits: true, dividends: true })
        }
        (None, None) if of_yfinance => {
            note(
                market,
                "`Stock Splits` without `Adj Close` is how yfinance writes adjusted prices. Call the columns split and dividend to have them counted",
            );
            Ok(Adjusted { splits: true, dividends: true })
        }
        (None, None) => Ok(Adjusted::default()),
    }
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

/// When each asset belonged to the universe; everything, where there is no such list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members(Option<Vec<Vec<(i64, i64)>>>);

impl Members {
    /// Spans (first and last time) an asset.
    #[must_use]
    pub fn of(spans: Vec<Vec<(i64, i64)>>) -> Self {
        Self(Some(spans))
    }

    /// Whether the asset at this position belongs to it at `time`.
    #[must_use]
    pub fn has(&self, asset: usize, time: i64) -> bool {
        let inside = |spans: &Vec<(i64, i64)>| spans.iter().any(|(from, to)| (*from..=*to).contains(&time));
        self.0.as_ref().is_none_or(|all| all.get(asset).is_some_and(inside))
    }
}

/// Reads a universe (`asset,entry,exit` and perhaps `sector`; an empty exit is none) and leaves only its assets in the market. Their bars
/// outside the dates stay: they are history, and no rows are made of them.
///
/// # Errors
/// [`Error::Data`] when the file is not such a table, or names no asset of the market.
pub fn members(market: &mut Market, path: &Path, dialect: Dialect) -> Result<Members, Error> {
    let column = |name: &str, role, kind| Column { name: name.into(), role, kind, ..Column::default() };
    let mut columns = vec![
        column("asset", Role::Site, ColumnKind::Category),
        column("entry", Role::Feature, ColumnKind::Time),
        column("exit", Role::Feature, ColumnKind::Time),
    ];
    let input = Input::File(path.into());
    let (header, options) = header(&input, dialect)?;
    if header.iter().any(|h| h == "sector") {
        columns.push(column("sector", Role::Feature, ColumnKind::Category));
    }
    let (data, _) = read_all(&input, &Schema { columns }, &options).map_err(|e| unreadable(&e))?;
    let key = data.key(KeyRole::Site).expect("declared above");
    let mut spans: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for r in 0..data.rows() {
        let time = |c: usize, or: i64| Some(data.records()[[r, c]]).filter(|t| !t.is_nan()).map_or(or, |t| t as i64);
        let name = key.levels[key.codes[r] as usize].as_str();
        spans.entry(name).or_default().push((time(0, i64::MIN), time(1, i64::MAX)));
        if let Some(FeatureKind::Category { levels }) = data.features.get(2).map(|f| &f.kind)
            && let Some(sector) =
                levels.get(data.records()[[r, 2]] as usize).filter(|_| !data.records()[[r, 2]].is_nan())
            && let Some(asset) = market.assets.iter_mut().find(|a| a.name == name)
        {
            asset.sector = Some(sector.clone());
        }
    }
    market.assets.retain(|a| spans.contains_key(a.name.as_str()));
    if market.assets.is_empty() {
        return Err(Error::Data {
            what: format!("{}: none of its assets has bars in {}", path.display(), market.file),
            hint: "spell the assets as the bars do".into(),
        });
    }
    Ok(Members::of(market.assets.iter().map(|a| spans[a.name.as_str()].clone()).collect()))
}

/// The month of a time, from 1 to 12.
#[must_use]
pub fn month(time: i64) -> f64 {
    use chrono::Datelike;
    chrono::DateTime::from_timestamp(time, 0).map_or(f64::NAN, |t| f64::from(t.month()))
}

/// The year of a time.
#[must_use]
pub fn year(time: i64) -> i32 {
    use chrono::Datelike;
    chrono::DateTime::from_timestamp(time, 0).map_or(0, |t| t.year())
}

/// The present, in seconds since 1970-01-01 UTC.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(i64::MAX / 2, |d| d.as_secs() as i64)
}
