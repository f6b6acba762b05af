//! Bars of many assets, read from a long table (a row an asset and time) or a wide one (a column an asset).

use std::collections::BTreeMap;
use std::path::Path;

use specialist_core::{Column, ColumnKind, Dataset, Error, FeatureKind, KeyRole, Role, Schema};
use specialist_tabular::read::{Input, Options, ReadError, read_all, sniff_header};

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

    /// Bars of an asset in a year, by convention: 252 days, or 365 where weekends are traded, times the usual number of
    /// bars a day. It does not change with a few bars more.
    #[must_use]
    pub fn bars_per_year(&self) -> f64 {
        let calendar = self.calendar();
        let mut days: Vec<(i64, usize)> = Vec::new();
        for day in calendar.iter().map(|t| t.div_euclid(86_400)) {
            match days.last_mut() {
                Some((last, n)) if *last == day => *n += 1,
                _ => days.push((day, 1)),
            }
        }
        let weekends = days.iter().filter(|(d, _)| (d + 3).rem_euclid(7) >= 5).count();
        let mut counts: Vec<usize> = days.iter().map(|d| d.1).collect();
        counts.sort_unstable();
        let usual = counts.get(counts.len() / 2).copied().unwrap_or(1);
        let year = if weekends * 5 > days.len() { 365.0 } else { 252.0 };
        year * usual as f64
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
        Self { assets: self.assets.iter().map(cut).collect(), file: self.file.clone(), unsorted: Vec::new() }
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

/// The header of `input`.
fn header(input: &Input, delimiter: u8) -> Result<Vec<String>, Error> {
    match input {
        Input::File(path) => Ok(sniff_header(path, 1).map_err(|e| unreadable(&e))?.header),
        Input::Embedded { text, .. } => {
            let first = text.split(|&b| b == b'\n').next().unwrap_or_default();
            let cells = first.split(|&b| b == delimiter);
            Ok(cells.map(|c| String::from_utf8_lossy(c).trim().to_string()).collect())
        }
    }
}

fn unreadable(e: &ReadError) -> Error {
    if e.is_usage() {
        return Error::Setting { setting: "data".into(), expected: format!("a file that exists ({e})") };
    }
    Error::Data { what: e.to_string(), hint: e.hint() }
}

const TIMES: [&str; 4] = ["time", "date", "timestamp", "datetime"];
const ASSETS: [&str; 5] = ["asset", "symbol", "ticker", "instrument", "permno"];

/// Reads bars. A table with a column `asset`, `symbol` or `ticker` is long (`close`, and perhaps `open`, `high`,
/// `low`, `volume`, `split`, `dividend`); any other is wide: a column of closes per asset.
///
/// A split of `n` for 1 multiplies the prices from its day on by `n`, and a dividend from its day on by
/// `1 + dividend / close before`: earlier prices are never touched, so that what is known on a day does not
/// change with what happens later.
///
/// # Errors
/// [`Error::Data`] with file, line and column.
pub fn read(input: &Input, delimiter: u8) -> Result<Market, Error> {
    let header = header(input, delimiter)?;
    let among = |names: &[&str]| header.iter().position(|h| names.contains(&h.to_lowercase().as_str()));
    let file = input.name().rsplit('/').next().unwrap_or_default().to_string();
    let time = among(&TIMES).ok_or_else(|| Error::Data {
        what: format!("{file}, line 1: there is no column for the time of a bar"),
        hint: "call it `date` or `time`; dates are written 2024-01-31".into(),
    })?;
    let asset = among(&ASSETS);
    let numbers: Vec<usize> = match asset {
        Some(_) => {
            ["open", "high", "low", "close", "volume", "split", "dividend"].iter().filter_map(|n| among(&[n])).collect()
        }
        None => (0..header.len()).filter(|&i| i != time).collect(),
    };
    if asset.is_some() && among(&["close"]).is_none() {
        return Err(Error::Data {
            what: format!("{file}, line 1: a long table needs a column `close`"),
            hint: "name the columns date, asset, close and perhaps open, high, low, volume, split, dividend".into(),
        });
    }
    let column = |i: usize, role, kind| Column { name: header[i].clone(), role, kind, ..Column::default() };
    let mut columns = vec![column(time, Role::Time, ColumnKind::Time)];
    columns.extend(asset.map(|i| column(i, Role::Site, ColumnKind::Category)));
    columns.extend(numbers.iter().map(|&i| column(i, Role::Feature, ColumnKind::Number)));
    let options = Options { delimiter, filter: BTreeMap::new(), labelled: false };
    let (data, _) = read_all(input, &Schema { columns }, &options).map_err(|e| unreadable(&e))?;
    let mut market = if asset.is_some() { long(&data, &file)? } else { wide(&data, &file) };
    market.assets.retain(|a| !a.bars.is_empty());
    sort(&mut market);
    check_times(&market)?;
    check_prices(&market)?;
    Ok(market)
}

fn wide(data: &Dataset, file: &str) -> Market {
    let time = data.time.as_ref().expect("the time column was declared");
    let asset = |(c, feature): (usize, &specialist_core::Feature)| {
        let rows = (0..data.rows()).filter(|&r| !data.records()[[r, c]].is_nan());
        let (bars, lines) = rows.map(|r| (Bar::close_only(time[r], data.records()[[r, c]]), data.lines[r])).unzip();
        Asset { name: feature.name.clone(), bars, lines, sector: None }
    };
    let assets = data.features.iter().enumerate().map(asset).collect();
    Market { assets, file: file.into(), unsorted: Vec::new() }
}

fn long(data: &Dataset, file: &str) -> Result<Market, Error> {
    let time = data.time.as_ref().expect("the time column was declared");
    let key = data.key(KeyRole::Site).expect("the asset column was declared");
    let place = |name: &str| data.features.iter().position(|f| f.name.eq_ignore_ascii_case(name));
    let columns = ["open", "high", "low", "close", "volume"].map(place);
    let (split, dividend) = (place("split"), place("dividend"));
    let cell = |r: usize, c: Option<usize>| c.map_or(f64::NAN, |c| data.records()[[r, c]]);
    let mut assets: Vec<Asset> = key
        .levels
        .iter()
        .map(|l| Asset { name: l.clone(), bars: Vec::new(), lines: Vec::new(), sector: None })
        .collect();
    let mut order: Vec<usize> = (0..data.rows()).collect();
    order.sort_by_key(|&r| time[r]);
    let mut factor = vec![1.0; assets.len()];
    let mut before = vec![f64::NAN; assets.len()];
    for r in order {
        let a = key.codes[r] as usize;
        let [open, high, low, close, volume] = columns.map(|c| cell(r, c));
        if close.is_nan() {
            continue;
        }
        let (ratio, paid) = (cell(r, split), cell(r, dividend));
        if ratio <= 0.0 || paid < 0.0 {
            let what = format!("{file}, line {}: a split must be above 0 and a dividend 0 or more", data.lines[r]);
            return Err(Error::Data { what, hint: "leave the cell empty on days without one".into() });
        }
        if ratio > 0.0 {
            factor[a] *= ratio;
            before[a] /= ratio;
        }
        if paid > 0.0 && before[a] > 0.0 {
            factor[a] *= 1.0 + paid / before[a];
        }
        before[a] = close;
        let f = factor[a];
        let bar =
            Bar { time: time[r], open: open * f, high: high * f, low: low * f, close: close * f, volume: volume / f };
        assets[a].bars.push(bar);
        assets[a].lines.push(data.lines[r]);
    }
    Ok(Market { assets, file: file.into(), unsorted: Vec::new() })
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
pub fn members(market: &mut Market, path: &Path, delimiter: u8) -> Result<Members, Error> {
    let column = |name: &str, role, kind| Column { name: name.into(), role, kind, ..Column::default() };
    let mut columns = vec![
        column("asset", Role::Site, ColumnKind::Category),
        column("entry", Role::Feature, ColumnKind::Time),
        column("exit", Role::Feature, ColumnKind::Time),
    ];
    let input = Input::File(path.into());
    if header(&input, delimiter)?.iter().any(|h| h == "sector") {
        columns.push(column("sector", Role::Feature, ColumnKind::Category));
    }
    let options = Options { delimiter, filter: BTreeMap::new(), labelled: false };
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
