//! The features of the Fraud Detection Handbook (Le Borgne et al. 2022), made in one pass: every
//! transaction sees its own past, and only the labels that were known by then.
//!
//! - `amount`, `night` (0 to 6 h), `weekend`;
//! - per card over 1, 7 and 30 days up to and including the transaction: count and mean amount;
//! - per terminal over 1, 7 and 30 days that end one label delay before the transaction: count of
//!   transactions whose label is known, and the share of fraud among them (the *risk*).

use std::collections::{HashMap, VecDeque};

use ndarray::Array2;
use specialist_core::{Dataset, Error, Feature, FeatureStep, Key, KeyRole};

const DAY: i64 = 86_400;
/// The windows, in seconds, ascending.
const WINDOWS: [i64; 3] = [DAY, 7 * DAY, 30 * DAY];
const WINDOW_NAMES: [&str; 3] = ["1d", "7d", "30d"];
/// 1970-01-01 was a Thursday: day 2 was a Saturday.
const FIRST_SATURDAY: i64 = 2;

/// Count and sum over the windows. Sums are whole numbers, so that what was added is taken away again
/// without a rest; they are twice as wide as what is added, so that no number of rows overflows them.
#[derive(Debug, Default, Clone)]
struct Rolling {
    events: VecDeque<(i64, i64)>,
    /// Per window: the position of its first event, and the sum from there on.
    first: [usize; 3],
    sum: [i128; 3],
}

impl Rolling {
    fn push(&mut self, time: i64, value: i64) {
        self.events.push_back((time, value));
        self.sum.iter_mut().for_each(|s| *s += i128::from(value));
    }

    /// Drops what is a window's length or more before `now`.
    fn advance(&mut self, now: i64) {
        for (w, length) in WINDOWS.iter().enumerate() {
            while let Some(&(time, value)) = self.events.get(self.first[w]) {
                if time > now.saturating_sub(*length) {
                    break;
                }
                self.sum[w] -= i128::from(value);
                self.first[w] += 1;
            }
        }
        let gone = self.first[2];
        self.events.drain(..gone);
        self.first.iter_mut().for_each(|f| *f -= gone);
    }

    fn count(&self, window: usize) -> f64 {
        (self.events.len() - self.first[window]) as f64
    }

    fn mean(&self, window: usize) -> f64 {
        let n = self.count(window);
        if n > 0.0 { self.sum[window] as f64 / n } else { 0.0 }
    }
}

/// A terminal: labels that are not known yet, and those that are.
#[derive(Debug, Default, Clone)]
struct Terminal {
    pending: VecDeque<(i64, i64)>,
    known: Rolling,
}

/// Codes of a column that mean the same in every file: a reader numbers cards in the order in which it meets them.
#[derive(Debug, Default)]
struct Places(HashMap<u64, usize>);

impl Places {
    fn of(&mut self, key: &Key, row: usize) -> usize {
        let code = key.codes[row] as usize;
        // Tables that are made and not read have no digests, and one numbering.
        let Some(&digest) = key.digests.get(code) else { return code };
        let next = self.0.len();
        *self.0.entry(digest).or_insert(next)
    }
}

/// The step; it remembers 30 days and the label delay per card and terminal, not the rows.
pub struct PointInTime {
    delay: i64,
    last: i64,
    card: Places,
    terminal: Places,
    cards: Vec<Rolling>,
    terminals: Vec<Terminal>,
}

impl PointInTime {
    /// Labels become known `delay` seconds after their transaction.
    pub fn new(delay: i64) -> Self {
        let (card, terminal) = (Places::default(), Places::default());
        Self { delay, last: i64::MIN, card, terminal, cards: Vec::new(), terminals: Vec::new() }
    }

    /// One transaction's features into `out`; `fraud` is `None` where the label is not known.
    fn one(&mut self, time: i64, card: usize, terminal: usize, amount: f64, fraud: Option<bool>, out: &mut [f64]) {
        grow(&mut self.cards, card);
        grow(&mut self.terminals, terminal);
        let (day, second) = (time.div_euclid(DAY), time.rem_euclid(DAY));
        out[0] = amount;
        out[1] = f64::from(u8::from(second < 6 * 3600));
        out[2] = f64::from(u8::from((day - FIRST_SATURDAY).rem_euclid(7) < 2));
        let c = &mut self.cards[card];
        c.push(time, (amount * 100.0).round() as i64);
        c.advance(time);
        let t = &mut self.terminals[terminal];
        while let Some(&(when, label)) = t.pending.front() {
            if when > time.saturating_sub(self.delay) {
                break;
            }
            t.known.push(when, label);
            t.pending.pop_front();
        }
        t.known.advance(time.saturating_sub(self.delay));
        for w in 0..WINDOWS.len() {
            out[3 + 2 * w] = c.count(w);
            out[4 + 2 * w] = c.mean(w) / 100.0;
            out[9 + 2 * w] = t.known.count(w);
            out[10 + 2 * w] = t.known.mean(w);
        }
        if let Some(fraud) = fraud {
            t.pending.push_back((time, i64::from(fraud)));
        }
    }
}

fn grow<T: Default + Clone>(list: &mut Vec<T>, index: usize) {
    if index >= list.len() {
        list.resize(index + 1, T::default());
    }
}

fn features() -> Vec<Feature> {
    let mut names: Vec<String> = ["amount", "night", "weekend"].map(String::from).to_vec();
    names.extend(WINDOW_NAMES.iter().flat_map(|w| [format!("card_count_{w}"), format!("card_mean_amount_{w}")]));
    names.extend(WINDOW_NAMES.iter().flat_map(|w| [format!("terminal_count_{w}"), format!("terminal_risk_{w}")]));
    names.into_iter().map(Feature::number).collect()
}

impl FeatureStep for PointInTime {
    fn apply(&mut self, raw: Dataset) -> Result<Dataset, Error> {
        let no = |what: &str| Error::NoColumn { column: format!("a column with the role {what}"), nearest: None };
        let time = raw.time.as_ref().ok_or_else(|| no("time"))?;
        let amount = raw.amount.as_ref().ok_or_else(|| no("amount"))?;
        let card = raw.key(KeyRole::Group).ok_or_else(|| no("group (the card)"))?;
        let terminal = raw.key(KeyRole::Other).ok_or_else(|| no("key (the terminal)"))?;
        if raw.estimand != specialist_core::Estimand::Probability {
            let expected =
                "\"as-is\" where the label is not yes or no: what is remembered is whether a payment was fraud";
            return Err(Error::Setting { setting: "features".into(), expected: expected.into() });
        }
        let features = features();
        let mut records = Array2::zeros((raw.rows(), features.len()));
        for (r, mut row) in records.rows_mut().into_iter().enumerate() {
            if time[r] < self.last {
                let line = raw.lines[r];
                return Err(Error::Data {
                    what: format!("line {line} is earlier than what was read before it"),
                    hint: "sort the rows by time, and end a history before they begin".into(),
                });
            }
            self.last = time[r];
            let fraud = raw.labels().is_known(r).then(|| raw.had_event(r));
            let (c, t) = (self.card.of(card, r), self.terminal.of(terminal, r));
            let paid = if amount[r].is_nan() { 0.0 } else { amount[r] };
            self.one(time[r], c, t, paid, fraud, row.as_slice_mut().expect("rows are contiguous"));
        }
        let mut out = raw.clone_without_records();
        out.base.records = records;
        out.features = features;
        Ok(out)
    }

    fn memory(&self) -> Option<&'static str> {
        Some("what each card did in the 30 days before, and the frauds that were known of each terminal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Issuer, Transaction, transactions};

    fn run(rows: &[Transaction], delay: i64) -> Vec<Vec<f64>> {
        let mut step = PointInTime::new(delay);
        let width = features().len();
        let one = |t: &Transaction| {
            let mut out = vec![0.0; width];
            step.one(t.time, t.card, t.terminal, t.cents as f64 / 100.0, Some(t.fraud), &mut out);
            out
        };
        rows.iter().map(one).collect()
    }

    /// The definition, by looking at all rows for every row.
    fn slow(rows: &[Transaction], delay: i64) -> Vec<Vec<f64>> {
        let feature = |(i, t): (usize, &Transaction)| {
            let past = &rows[..=i];
            let mut out = vec![t.cents as f64 / 100.0];
            out.push(f64::from(u8::from(t.time.rem_euclid(DAY) < 6 * 3600)));
            out.push(f64::from(u8::from([2, 3].contains(&(t.time.div_euclid(DAY)).rem_euclid(7)))));
            let mean = |v: &[f64]| if v.is_empty() { 0.0 } else { v.iter().sum::<f64>() / v.len() as f64 };
            for w in WINDOWS {
                let of_card: Vec<f64> = past
                    .iter()
                    .filter(|p| p.card == t.card && p.time > t.time - w)
                    .map(|p| p.cents as f64 / 100.0)
                    .collect();
                out.extend([of_card.len() as f64, mean(&of_card)]);
            }
            for w in WINDOWS {
                let known = |p: &&Transaction| {
                    p.terminal == t.terminal && p.time <= t.time - delay && p.time > t.time - delay - w
                };
                let labels: Vec<f64> = rows[..i].iter().filter(known).map(|p| f64::from(u8::from(p.fraud))).collect();
                out.extend([labels.len() as f64, mean(&labels)]);
            }
            out
        };
        rows.iter().enumerate().map(feature).collect()
    }

    #[test]
    fn one_pass_equals_the_definition() {
        let rows = transactions(&Issuer {
            cards: 25,
            terminals: 6,
            days: 40,
            frauds: [1.0, 0.3, 0.3, 0.3],
            ..Issuer::small()
        });
        for (fast, slow) in run(&rows, 7 * DAY).iter().zip(slow(&rows, 7 * DAY)) {
            for (a, b) in fast.iter().zip(&slow) {
                assert!((a - b).abs() < 1e-9, "{fast:?} {slow:?}");
            }
        }
    }

    #[test]
    fn the_future_changes_nothing() {
        let rows = transactions(&Issuer { cards: 25, terminals: 6, days: 30, ..Issuer::small() });
        let half = rows.len() / 2;
        let mut other = rows.clone();
        other[half..].iter_mut().for_each(|t| t.fraud = !t.fraud);
        assert_eq!(run(&rows, DAY)[..half], run(&other, DAY)[..half]);
        // A label flipped less than the delay ago is not seen yet either.
        let flipped = run(&other, 60 * DAY);
        assert_eq!(run(&rows, 60 * DAY), flipped);
    }

    #[test]
    fn saturday_is_a_weekend() {
        // 2024-01-06 was a Saturday, 2024-01-08 a Monday.
        let at = |day: i64| {
            let t = Transaction { time: (19_723 + day) * DAY, card: 0, terminal: 0, cents: 100, fraud: false };
            run(&[t], 0)[0][2]
        };
        assert_eq!([at(4), at(5), at(6), at(7)], [0.0, 1.0, 1.0, 0.0]);
    }
}
