//! Who is best.

use super::Study;
use crate::params::Params;
use crate::pareto;
use crate::trial::{State, Trial};

/// The point with the best mean over its evaluations.
///
/// ```
/// use specialist_search::{Incumbent, Random, Repeated, Space, Study};
/// let mut study = Study::minimise("s", Space::new().float("x", 0.0, 1.0), 0);
/// study.optimize(&Repeated { times: 3, of: &Random }, 6, |p| Ok(p.float("x"))).unwrap();
/// let best: Incumbent = study.incumbent().unwrap();
/// assert_eq!(best.evaluations, 3);
/// assert!(best.low <= best.mean && best.mean <= best.high);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Incumbent {
    /// The point.
    pub params: Params,
    /// How often it was evaluated.
    pub evaluations: usize,
    /// The mean of its values.
    pub mean: f64,
    /// Lower end of the 95 % interval of the mean, by Student's t; the mean itself for one evaluation.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Study {
    /// The complete trial with the best value of one objective; the earliest of equals.
    #[must_use]
    pub fn best(&self) -> Option<&Trial> {
        self.best_where(|_| true)
    }

    /// The best among the trials that `keep` keeps.
    #[must_use]
    pub fn best_where(&self, keep: impl Fn(&Trial) -> bool) -> Option<&Trial> {
        let direction = self.directions[0];
        let loss = |t: &Trial| direction.loss(t.value().expect("it has one"));
        // `min_by` keeps the first of equals.
        self.trials.iter().filter(|t| t.value().is_some() && keep(t)).min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The complete trials that no other one beats in every objective, by number.
    #[must_use]
    pub fn pareto_front(&self) -> Vec<&Trial> {
        let complete: Vec<&Trial> = self
            .trials
            .iter()
            .filter(|t| t.state == State::Complete && t.values.len() == self.directions.len())
            .collect();
        let loss = |t: &&Trial| t.values.iter().zip(&self.directions).map(|(v, d)| d.loss(*v)).collect();
        let losses: Vec<Vec<f64>> = complete.iter().map(loss).collect();
        let front = pareto::fronts(&losses);
        complete.iter().zip(front).filter(|(_, f)| *f == 0).map(|(t, _)| *t).collect()
    }

    /// The point with the best mean over its evaluations, of one objective: where the objective is
    /// noisy and [`Repeated`](crate::Repeated), the best single value is not the best point. Only the
    /// most often evaluated points compete.
    #[must_use]
    pub fn incumbent(&self) -> Option<Incumbent> {
        let mut points: Vec<(&Params, Vec<f64>)> = Vec::new();
        for t in &self.trials {
            let Some(v) = t.value() else { continue };
            match points.iter_mut().find(|(p, _)| **p == t.params) {
                Some((_, values)) => values.push(v),
                None => points.push((&t.params, vec![v])),
            }
        }
        let most = points.iter().map(|(_, v)| v.len()).max()?;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let loss = |v: &[f64]| self.directions[0].loss(mean(v));
        let often = points.iter().filter(|(_, v)| v.len() == most);
        let (params, values) = often.min_by(|a, b| loss(&a.1).total_cmp(&loss(&b.1)))?;
        let (n, m) = (values.len() as f64, mean(values));
        let half = if values.len() < 2 {
            0.0
        } else {
            let variance = values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (n - 1.0);
            student_95(values.len() - 1) * (variance / n).sqrt()
        };
        Some(Incumbent { params: (*params).clone(), evaluations: values.len(), mean: m, low: m - half, high: m + half })
    }
}

/// The 0.975 quantile of Student's t (tables to 10 degrees of freedom; Cornish–Fisher beyond).
fn student_95(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281];
    let z = 1.959_964f64;
    let v = freedom as f64;
    let far = z
        + (z.powi(3) + z) / (4.0 * v)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v.powi(2))
        + (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / (384.0 * v.powi(3));
    TABLE.get(freedom - 1).copied().unwrap_or(far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Direction;
    use crate::sampler::tpe::Tpe;
    use crate::space::Space;

    #[test]
    fn two_objectives_have_a_front() {
        let space = Space::new().float("x", 0.0, 1.0).float("y", 0.0, 1.0);
        let mut s = Study::in_memory("s", space, &[Direction::Minimise, Direction::Maximise], 1);
        for _ in 0..60 {
            let n = s.ask(&Tpe::default()).unwrap().unwrap();
            let (x, y) = (s.trials()[n].params.float("x"), s.trials()[n].params.float("y"));
            s.tell(n, Ok(&[x, x - (y - 0.3).abs()])).unwrap();
        }
        let front = s.pareto_front();
        assert!(front.len() >= 5 && front.len() < 60, "{}", front.len());
        let mean = front.iter().map(|t| (t.params.float("y") - 0.3).abs()).sum::<f64>() / front.len() as f64;
        assert!(mean < 0.15, "{mean}");
    }

    #[test]
    fn student_quantiles() {
        // scipy.stats.t.ppf(.975, df)
        for (freedom, expected) in [(1, 12.706_205), (10, 2.228_139), (11, 2.200_985), (30, 2.042_272)] {
            assert!((student_95(freedom) - expected).abs() < 5e-4, "{freedom}");
        }
    }
}
