//! Whether there are patients enough to fit a model at all: the criteria of Riley and others (2019, 2020), said before
//! anything is fitted.

/// What a model is to be developed on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// A share of the patients has it.
    Binary {
        /// That share.
        prevalence: f64,
    },
    /// It comes in time.
    Survival {
        /// Events per unit of time followed.
        rate: f64,
        /// Mean time followed.
        followed: f64,
    },
}

/// Fewest patients by each criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// So that predictions are shrunk by a tenth at most.
    pub shrinkage: usize,
    /// So that the explained variation looks at most .05 better than it is.
    pub optimism: usize,
    /// So that the overall risk is known to ±.05; for survival the larger of the others.
    pub overall: usize,
}

impl Needed {
    /// All criteria met.
    #[must_use]
    pub fn all(self) -> usize {
        self.shrinkage.max(self.optimism).max(self.overall)
    }
}

impl Outcome {
    /// The largest Cox–Snell R² that this outcome allows.
    #[must_use]
    pub fn largest_r2(self) -> f64 {
        let per_patient = match self {
            Self::Binary { prevalence: p } => p * p.ln() + (1.0 - p) * (1.0 - p).ln(),
            Self::Survival { rate, followed } => {
                const PATIENTS: f64 = 10_000.0;
                let events = (rate * followed * PATIENTS).ceil();
                (events * (events / PATIENTS).ln() - events) / PATIENTS
            }
        };
        1.0 - (2.0 * per_patient).exp()
    }

    /// Fewest patients for `parameters` and an expected Cox–Snell R².
    #[must_use]
    pub fn needed(self, r2: f64, parameters: usize) -> Needed {
        const SHRINKAGE: f64 = 0.9;
        const OPTIMISM: f64 = 0.05;
        const MARGIN: f64 = 0.05;
        let patients = |s: f64| (parameters as f64 / ((s - 1.0) * (1.0 - r2 / s).ln())).ceil() as usize;
        let shrinkage = patients(SHRINKAGE);
        let optimism = patients(r2 / (r2 + OPTIMISM * self.largest_r2()));
        let overall = match self {
            Self::Binary { prevalence: p } => ((1.96 / MARGIN).powi(2) * p * (1.0 - p)).ceil() as usize,
            Self::Survival { .. } => shrinkage.max(optimism),
        };
        Needed { shrinkage, optimism, overall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_pmsampsize() {
        // pmsampsize 0.1.0 (tests/reference/riley.py); the first and third are its documented examples.
        let binary = |prevalence, r2, parameters| Outcome::Binary { prevalence }.needed(r2, parameters);
        let found = [binary(0.174, 0.288, 24), binary(0.3, 0.18, 20), binary(0.15, 0.1, 9), binary(0.5, 0.3, 3)];
        let expected = [(623, 662, 221), (897, 504, 323), (765, 295, 196), (74, 66, 385)];
        let survival = |rate, followed, r2, p| Outcome::Survival { rate, followed }.needed(r2, p);
        let timed = [survival(0.065, 2.07, 0.051, 30), survival(0.1, 4.0, 0.1, 9)];
        let expected = expected.into_iter().chain([(5143, 1039, 5143), (765, 214, 765)]);
        for (f, e) in found.into_iter().chain(timed).zip(expected) {
            assert_eq!((f.shrinkage, f.optimism, f.overall), e);
        }
        assert!(
            (Outcome::Survival { rate: 0.065, followed: 2.07 }.largest_r2() - 0.554_726_493_552_971_8).abs() < 1e-12
        );
        assert!((Outcome::Binary { prevalence: 0.3 }.largest_r2() - 0.705_279_728_325_384_9).abs() < 1e-12);
    }
}
