//! The values that one parameter may take.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The values a parameter may take.
///
/// ```
/// use specialist_search::{Domain, Value};
/// let odd = Domain::Int { lo: 1, hi: 9, log: false, step: 2 };
/// assert_eq!(odd.count(), Some(5));
/// assert_eq!(odd.value(0.5), Value::Int(5));
/// assert_eq!(odd.code(&Value::Int(10)), None);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Domain {
    /// `lo ≤ x ≤ hi`; uniform in the logarithm with `log`, on `lo + k·step` with `step`.
    Float {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
        /// Uniform in the logarithm.
        log: bool,
        /// Distance of neighbouring values; every value between the ends without it.
        step: Option<f64>,
    },
    /// `lo ≤ i ≤ hi`, on `lo + k·step`; uniform in the logarithm with `log`.
    Int {
        /// Lower end.
        lo: i64,
        /// Upper end.
        hi: i64,
        /// Uniform in the logarithm.
        log: bool,
        /// Distance of neighbouring values, 1 or more.
        step: i64,
    },
    /// One of these.
    Categorical {
        /// The levels.
        levels: Vec<Value>,
        /// Whether neighbours in the list are alike.
        ordered: bool,
    },
}

impl Domain {
    /// How many values there are, where they can be counted.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Float { lo, hi, .. } if lo == hi => Some(1),
            Self::Float { step: None, .. } => None,
            // Rounding must not lose the last step: 0.3 / 0.1 is less than 3.
            Self::Float { lo, hi, step: Some(step), .. } => Some(((hi - lo) / step + 1e-9) as u64 + 1),
            Self::Int { lo, hi, step, .. } => Some((hi - lo) as u64 / *step as u64 + 1),
            Self::Categorical { levels, .. } => Some(levels.len() as u64),
        }
    }

    /// Whether samplers may take neighbouring codes for alike.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        !matches!(self, Self::Categorical { ordered: false, .. })
    }

    /// The ends of the numeric scale (logarithms with `log`), widened by half a step where values are
    /// countable, so that each of them has an equal share.
    fn scale(&self) -> (f64, f64) {
        match self {
            Self::Float { lo, hi, log: true, .. } => (lo.ln(), hi.ln()),
            Self::Float { lo, step: Some(step), .. } => (lo - step / 2.0, lo + step * (self.last() as f64 + 0.5)),
            Self::Float { lo, hi, .. } => (*lo, *hi),
            Self::Int { lo, log: true, step, .. } => {
                let half = *step as f64 / 2.0;
                let top = *lo as f64 + self.last() as f64 * *step as f64;
                // Half of a wide step below the lower end there may be no logarithm.
                ((*lo as f64 - half).max(0.5 * *lo as f64).ln(), (top + half).ln())
            }
            Self::Int { lo, step, .. } => {
                let half = *step as f64 / 2.0;
                (*lo as f64 - half, *lo as f64 + self.last() as f64 * *step as f64 + half)
            }
            Self::Categorical { levels, .. } => (-0.5, levels.len() as f64 - 0.5),
        }
    }

    fn last(&self) -> u64 {
        self.count().map_or(0, |n| n - 1)
    }

    /// The code of `value`: its place from 0 to 1 on the scale of a numeric parameter, the index of an
    /// unordered level; `None` for a value outside.
    #[must_use]
    pub fn code(&self, value: &Value) -> Option<f64> {
        let (a, b) = self.scale();
        let place = |x: f64| if a == b { 0.5 } else { ((x - a) / (b - a)).clamp(0.0, 1.0) };
        match (self, value) {
            (Self::Float { lo, hi, log, .. }, Value::Float(_) | Value::Int(_)) => {
                let v = value.number()?;
                (*lo <= v && v <= *hi).then(|| place(if *log { v.ln() } else { v }))
            }
            (Self::Int { lo, hi, log, .. }, Value::Int(v)) => {
                (lo <= v && v <= hi).then(|| place(if *log { (*v as f64).ln() } else { *v as f64 }))
            }
            (Self::Categorical { levels, ordered }, v) => {
                let index = levels.iter().position(|l| l == v)? as f64;
                Some(if *ordered { place(index) } else { index })
            }
            _ => None,
        }
    }

    /// The value nearest to a code (see [`Domain::code`]).
    #[must_use]
    pub fn value(&self, code: f64) -> Value {
        let (a, b) = self.scale();
        let x = a + code.clamp(0.0, 1.0) * (b - a);
        match self {
            Self::Float { lo, hi, log: true, .. } => Value::Float(x.exp().clamp(*lo, *hi)),
            Self::Float { lo, hi, step: Some(step), .. } => {
                let k = ((x - lo) / step).round().clamp(0.0, self.last() as f64);
                Value::Float((lo + k * step).min(*hi))
            }
            Self::Float { lo, hi, .. } => Value::Float(x.clamp(*lo, *hi)),
            Self::Int { lo, log, step, .. } => {
                let x = if *log { x.exp() } else { x };
                let k = ((x - *lo as f64) / *step as f64).round().clamp(0.0, self.last() as f64) as i64;
                Value::Int(lo + k * step)
            }
            Self::Categorical { levels, ordered } => {
                let index = if *ordered { x.round() } else { code.round() };
                levels[(index.max(0.0) as usize).min(levels.len() - 1)].clone()
            }
        }
    }

    /// The code of the value nearest to a code: what becomes of it once it is chosen.
    #[must_use]
    pub fn snap(&self, code: f64) -> f64 {
        match self {
            Self::Float { step: None, .. } => code.clamp(0.0, 1.0),
            _ => self.code(&self.value(code)).unwrap_or(code),
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Float { lo, hi, log, step } => {
                lo <= hi
                    && (hi - lo).is_finite()
                    && (!log || *lo > 0.0)
                    && step.is_none_or(|s| s > 0.0 && s.is_finite() && !log)
            }
            Self::Int { lo, hi, log, step } => {
                lo <= hi && hi.checked_sub(*lo).is_some() && *step >= 1 && (!log || *lo > 0)
            }
            Self::Categorical { levels, .. } => {
                !levels.is_empty() && levels.iter().enumerate().all(|(i, l)| !levels[..i].contains(l))
            }
        }
    }
}
