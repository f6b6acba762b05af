//! What was observed of every row.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;

/// When a row was last seen, and what ended its time.
///
/// ```
/// use specialist_core::Followed;
/// let relapsed = Followed::event(12.5);
/// let lost = Followed::censored(30.0);
/// assert!(relapsed.had_event() && !lost.had_event());
/// assert_eq!(relapsed.until(6.0), Followed::censored(6.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Followed {
    /// When it was last seen, in the unit of the table; `NaN` where nothing is known of the row.
    pub time: f64,
    /// What happened then: 0 nothing (censored), 1 the event, from 2 on a competing cause, after which the event cannot
    /// happen any more.
    pub cause: u32,
}

impl Followed {
    /// Nothing is known of the row.
    pub const UNKNOWN: Self = Self { time: f64::NAN, cause: 0 };

    /// Last seen at `time`, with the event or without one.
    #[must_use]
    pub const fn new(time: f64, event: bool) -> Self {
        Self { time, cause: event as u32 }
    }

    /// The event at `time`.
    #[must_use]
    pub const fn event(time: f64) -> Self {
        Self { time, cause: 1 }
    }

    /// Last seen at `time` without an event.
    #[must_use]
    pub const fn censored(time: f64) -> Self {
        Self { time, cause: 0 }
    }

    /// Whether the event happened. A competing cause is no event: for risks of the event alone it censors.
    #[must_use]
    pub const fn had_event(self) -> bool {
        self.cause == 1
    }

    /// The same row followed until `horizon` and no longer.
    #[must_use]
    pub fn until(self, horizon: f64) -> Self {
        if self.time > horizon { Self::censored(horizon) } else { self }
    }
}

/// What was observed of every row: one kind for a whole table.
///
/// A binary label is two classes, of which the second is the positive one; that is what a probability is the
/// probability of. Times hold their causes, so that no second column can get out of step with them (XGBoost's and
/// earlier versions' negative times for censored rows cannot say an event at time 0, nor a competing cause).
///
/// ```
/// use specialist_core::Labels;
/// let labels = Labels::binary([true, false, true]);
/// assert_eq!(labels.codes(), [1, 0, 1]);
/// assert_eq!(labels.select(&[2, 0]).rows(), 2);
/// assert_eq!(Labels::from(vec![2.5, f64::NAN]).is_known(1), false);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// One of some classes.
    Classes {
        /// The class of every row by its place in `levels`; [`Labels::UNKNOWN`] where it is not known.
        codes: Vec<u32>,
        /// The classes' names, at least two.
        levels: Vec<String>,
    },
    /// A number; `NaN` where it is not known.
    Numbers(Vec<f64>),
    /// A text that is to be written; empty where it is not known.
    Texts(Vec<Arc<str>>),
    /// A time with what ended it.
    Times {
        /// Of every row.
        followed: Vec<Followed>,
        /// The causes' names, from cause 1 on: the event, then competing causes.
        causes: Vec<String>,
    },
}

impl From<Vec<f64>> for Labels {
    fn from(numbers: Vec<f64>) -> Self {
        Self::Numbers(numbers)
    }
}

impl From<Vec<Followed>> for Labels {
    fn from(followed: Vec<Followed>) -> Self {
        Self::Times { followed, causes: vec!["event".into()] }
    }
}

impl Labels {
    /// The code of a class that is not known.
    pub const UNKNOWN: u32 = u32::MAX;

    /// Two classes, of which `true` is the positive one.
    #[must_use]
    pub fn binary(positive: impl IntoIterator<Item = bool>) -> Self {
        let codes = positive.into_iter().map(u32::from).collect();
        Self::Classes { codes, levels: ["0", "1"].map(String::from).to_vec() }
    }

    /// `rows` labels of two classes of which none is known.
    #[must_use]
    pub fn unknown(rows: usize) -> Self {
        Self::Classes { codes: vec![Self::UNKNOWN; rows], levels: ["0", "1"].map(String::from).to_vec() }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Classes { codes, .. } => codes.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
            Self::Times { followed, .. } => followed.len(),
        }
    }

    /// Whether the row's label is known.
    #[must_use]
    pub fn is_known(&self, row: usize) -> bool {
        match self {
            Self::Classes { codes, .. } => codes[row] != Self::UNKNOWN,
            Self::Numbers(numbers) => !numbers[row].is_nan(),
            Self::Texts(texts) => !texts[row].is_empty(),
            Self::Times { followed, .. } => !followed[row].time.is_nan(),
        }
    }

    /// The classes' names; none where labels are no classes.
    #[must_use]
    pub fn levels(&self) -> &[String] {
        match self {
            Self::Classes { levels, .. } => levels,
            Self::Numbers(_) | Self::Texts(_) | Self::Times { .. } => &[],
        }
    }

    /// The class of every row.
    ///
    /// # Panics
    /// Where labels are no classes: who asks has looked at the estimand.
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        match self {
            Self::Classes { codes, .. } => codes,
            Self::Numbers(_) | Self::Texts(_) | Self::Times { .. } => panic!("the labels are no classes"),
        }
    }

    /// The number of every row.
    ///
    /// # Panics
    /// Where labels are no numbers: who asks has looked at the estimand.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Classes { .. } | Self::Texts(_) | Self::Times { .. } => panic!("the labels are no numbers"),
        }
    }

    /// The text of every row.
    ///
    /// # Panics
    /// Where labels are no texts: who asks has looked at the estimand.
    #[must_use]
    pub fn texts(&self) -> &[Arc<str>] {
        match self {
            Self::Texts(texts) => texts,
            Self::Classes { .. } | Self::Numbers(_) | Self::Times { .. } => panic!("the labels are no texts"),
        }
    }

    /// The time of every row.
    ///
    /// # Panics
    /// Where labels are no times: who asks has looked at the estimand.
    #[must_use]
    pub fn times(&self) -> &[Followed] {
        match self {
            Self::Times { followed, .. } => followed,
            Self::Classes { .. } | Self::Numbers(_) | Self::Texts(_) => panic!("the labels are no times"),
        }
    }

    /// Whether the row is of the positive class, or had the event; never where labels are numbers or more than two classes.
    #[must_use]
    pub fn had_event(&self, row: usize) -> bool {
        match self {
            Self::Classes { codes, levels } => levels.len() == 2 && codes[row] == 1,
            Self::Numbers(_) | Self::Texts(_) => false,
            Self::Times { followed, .. } => followed[row].had_event(),
        }
    }

    /// What a loss that is a sum over rows takes for its response: the number itself, or of two classes 1 for the positive
    /// and 0 for the other; `NaN` where it is not known, and for times, texts and more classes, whose losses are others.
    #[must_use]
    pub fn responses(&self) -> Vec<f64> {
        match self {
            Self::Numbers(numbers) => numbers.clone(),
            Self::Classes { codes, levels } if levels.len() == 2 => {
                let response = |code: &u32| if *code == Self::UNKNOWN { f64::NAN } else { f64::from(*code) };
                codes.iter().map(response).collect()
            }
            Self::Classes { .. } | Self::Texts(_) | Self::Times { .. } => vec![f64::NAN; self.rows()],
        }
    }

    /// The labels of the rows at `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes { codes, levels } => {
                Self::Classes { codes: rows.iter().map(|&r| codes[r]).collect(), levels: levels.clone() }
            }
            Self::Numbers(numbers) => Self::Numbers(rows.iter().map(|&r| numbers[r]).collect()),
            Self::Texts(texts) => Self::Texts(rows.iter().map(|&r| Arc::clone(&texts[r])).collect()),
            Self::Times { followed, causes } => {
                Self::Times { followed: rows.iter().map(|&r| followed[r]).collect(), causes: causes.clone() }
            }
        }
    }

    /// These labels, then `other`'s. Classes are told apart by their names; those that only `other` has come behind.
    ///
    /// # Errors
    /// [`Error::Mismatch`] when the two are of different kinds.
    pub fn followed_by(&self, other: &Self) -> Result<Self, Error> {
        match (self, other) {
            (Self::Classes { codes, levels }, Self::Classes { codes: more, levels: theirs }) => {
                let (levels, place) = joined(levels, theirs);
                let translated = more.iter().map(|&c| if c == Self::UNKNOWN { c } else { place[c as usize] });
                Ok(Self::Classes { codes: codes.iter().copied().chain(translated).collect(), levels })
            }
            (Self::Numbers(a), Self::Numbers(b)) => Ok(Self::Numbers(a.iter().chain(b).copied().collect())),
            (Self::Texts(a), Self::Texts(b)) => Ok(Self::Texts(a.iter().chain(b).cloned().collect())),
            (Self::Times { followed, causes }, Self::Times { followed: more, causes: theirs }) => {
                let (causes, place) = joined(causes, theirs);
                let of = |f: &Followed| Followed {
                    cause: f.cause.checked_sub(1).map_or(0, |c| place[c as usize] + 1),
                    ..*f
                };
                Ok(Self::Times { followed: followed.iter().copied().chain(more.iter().map(of)).collect(), causes })
            }
            _ => Err(Error::Mismatch("the labels of two tables are of different kinds".into())),
        }
    }
}

/// The names `a`, then those that only `b` has, and where each of `b` stands among them.
fn joined(a: &[String], b: &[String]) -> (Vec<String>, Vec<u32>) {
    let mut names = a.to_vec();
    let mut place = Vec::with_capacity(b.len());
    for name in b {
        let known = names.iter().position(|n| crate::same_value(n, name));
        place.push(known.unwrap_or(names.len()) as u32);
        if known.is_none() {
            names.push(name.clone());
        }
    }
    (names, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_two_tables_are_told_apart_by_name() {
        let of = |codes: &[u32], levels: &[&str]| Labels::Classes {
            codes: codes.to_vec(),
            levels: levels.iter().map(ToString::to_string).collect(),
        };
        let both =
            of(&[0, 1], &["no", "yes"]).followed_by(&of(&[2, 0, Labels::UNKNOWN], &["yes", "no", "other"])).unwrap();
        assert_eq!(both, of(&[0, 1, 2, 1, Labels::UNKNOWN], &["no", "yes", "other"]));
        assert!(both.followed_by(&Labels::Numbers(vec![1.0])).is_err());
    }

    #[test]
    fn an_event_at_the_start_is_one() {
        let labels =
            Labels::from(vec![Followed::event(0.0), Followed::censored(0.0), Followed { time: 1.0, cause: 2 }]);
        assert_eq!([0, 1, 2].map(|r| labels.had_event(r)), [true, false, false]);
        assert!(!Labels::from(vec![Followed::UNKNOWN]).is_known(0));
    }
}
