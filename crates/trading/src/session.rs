//! The hours in which an exchange trades: bars within the day are compared with its own clock.

use chrono::{Datelike, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use specialist_core::{Error, Finding, Severity};

use crate::bars::{Market, place};

/// An exchange's hours, as a recipe says them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    /// The exchange's time zone, such as `America/New_York`: summer time follows from it.
    pub zone: String,
    /// When it opens, `09:30` by its own clock.
    pub open: String,
    /// When it closes.
    pub close: String,
}

/// A session that was checked.
pub struct Hours {
    zone: Tz,
    open: NaiveTime,
    close: NaiveTime,
}

impl Session {
    /// The checked hours.
    ///
    /// # Errors
    /// [`Error::Setting`] with the key.
    pub fn hours(&self) -> Result<Hours, Error> {
        let wrong = |key: &str, expected: &str| Error::Setting { setting: key.into(), expected: expected.into() };
        let clock = |key, text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| wrong(key, "a time of day such as \"09:30\""))
        };
        let zone = self.zone.parse();
        let hours = Hours {
            zone: zone.map_err(|_| wrong("domain.session.zone", "a zone such as \"America/New_York\""))?,
            open: clock("domain.session.open", &self.open)?,
            close: clock("domain.session.close", &self.close)?,
        };
        if hours.open >= hours.close {
            return Err(wrong("domain.session.close", "later than `open`, by the clock of the exchange"));
        }
        Ok(hours)
    }
}

impl Hours {
    /// Whether a bar that is complete at `time` lies within: after the opening, until the close, from Monday to
    /// Friday.
    #[must_use]
    pub fn has(&self, time: i64) -> bool {
        let Some(utc) = chrono::DateTime::from_timestamp(time, 0) else { return false };
        let local = utc.with_timezone(&self.zone);
        let clock = local.time();
        !matches!(local.weekday(), Weekday::Sat | Weekday::Sun) && clock > self.open && clock <= self.close
    }

    /// Leaves the bars of the session only. An asset most of whose bars lie outside is stamped by the clock of
    /// another place.
    ///
    /// # Errors
    /// [`Error::TooFew`] when no bar is left.
    pub fn keep(&self, market: &mut Market) -> Result<Finding, Error> {
        let name = "session";
        let mut elsewhere = Vec::new();
        let (mut all, mut left) = (0, 0);
        for (a, asset) in market.assets.iter().enumerate() {
            let inside = asset.bars.iter().filter(|b| self.has(b.time)).count();
            (all, left) = (all + asset.bars.len(), left + inside);
            if let Some(first) =
                asset.bars.iter().position(|b| !self.has(b.time)).filter(|_| 2 * inside < asset.bars.len())
            {
                elsewhere.push(place(market, a, first));
            }
        }
        if !elsewhere.is_empty() {
            let message = format!(
                "most bars of {} asset(s) lie outside of the session: times are those of another clock, or bars are daily",
                elsewhere.len()
            );
            return Ok(Finding::new(name, Severity::Leak, message, elsewhere));
        }
        if left == 0 {
            return Err(Error::TooFew { what: "bars within domain.session".into(), found: 0, needed: 1 });
        }
        for asset in &mut market.assets {
            let mut kept = asset.bars.iter().map(|b| self.has(b.time)).collect::<Vec<_>>().into_iter();
            asset.lines.retain(|_| kept.next().unwrap_or(false));
            asset.bars.retain(|b| self.has(b.time));
        }
        market.assets.retain(|a| !a.bars.is_empty());
        let message = format!("{} of {all} bars lie outside of the session and are left out", all - left);
        Ok(Finding::new(name, Severity::Ok, message, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::{Asset, Bar};
    use specialist_tabular::read::seconds;

    fn hours(open: &str, close: &str) -> Result<Hours, Error> {
        Session { zone: "America/New_York".into(), open: open.into(), close: close.into() }.hours()
    }

    #[test]
    fn hours_follow_the_clock_of_the_exchange() {
        let nyse = hours("09:30", "16:00").unwrap();
        let has = |text: &str| nyse.has(seconds(text).unwrap() as i64);
        // Summer time began on 2024-03-10: 16:00 in New York was 21:00 UTC before and 20:00 UTC after.
        assert!(has("2024-03-08T21:00:00Z") && !has("2024-03-08T21:01:00Z"));
        assert!(has("2024-03-11T20:00:00Z") && !has("2024-03-11T20:01:00Z"));
        assert!(!has("2024-03-08T14:30:00Z"), "a bar that ends at the opening was made before it");
        assert!(!has("2024-03-09T18:00:00Z"), "a Saturday");
        assert!(hours("16:00", "09:30").is_err() && hours("9.30", "16:00").is_err());
    }

    #[test]
    fn bars_outside_are_left_out_and_another_clock_is_named() {
        let asset = |name: &str, shift: i64| {
            // Half-hours from 13:00 to 22:00 UTC on five days.
            let times = (0..5).flat_map(|d| (0..19).map(move |h| (19_793 + d) * 86_400 + 13 * 3600 + h * 1800 + shift));
            let bars: Vec<Bar> = times.map(|t| Bar::close_only(t, 100.0)).collect();
            Asset { name: name.into(), lines: (2..bars.len() as u64 + 2).collect(), bars, sector: None }
        };
        let mut market = Market { assets: vec![asset("A", 0)], file: "bars.csv".into(), ..Market::default() };
        let found = hours("09:30", "16:00").unwrap().keep(&mut market).unwrap();
        assert_eq!((found.severity, market.assets[0].bars.len()), (Severity::Ok, 5 * 13), "{}", found.message);
        assert_eq!(market.assets[0].lines.len(), 5 * 13);
        let assets = vec![asset("A", 0), asset("B", 9 * 3600)];
        let mut market = Market { assets, file: "bars.csv".into(), ..Market::default() };
        let found = hours("09:30", "16:00").unwrap().keep(&mut market).unwrap();
        assert_eq!(found.severity, Severity::Leak);
        assert!(found.rows[0].contains("(B, "), "{:?}", found.rows);
    }
}
