//! Bars of many assets.

mod held;
mod read;
mod universe;

pub use read::{read, read_dated};
pub use universe::{Members, members};

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
