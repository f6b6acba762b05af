//! What may be chosen.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::Domain;
use crate::params::{Param, Params};
use crate::value::Value;

/// What two or more parameters must hold to together, where all of them are active.
///
/// ```
/// use specialist_search::{Constraint, Space};
/// let space = Space::new().int("a", 0, 9).int("b", 0, 9).less("a", "b");
/// assert!(!space.allows(&space.decode(&[0.9, 0.1])));
/// let kept: Vec<Constraint> = serde_json::from_value(serde_json::json!(space)["constraints"].clone()).unwrap();
/// assert_eq!(kept, [Constraint::Less("a".into(), "b".into())]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// The first is smaller than the second.
    Less(String, String),
    /// Not all of these at once.
    Forbidden(Vec<(String, Value)>),
}

/// Why a space makes no sense.
///
/// ```
/// use specialist_search::{Space, SpaceError};
/// let reversed = Space::new().float("x", 1.0, 0.0);
/// assert_eq!(reversed.check(), Err(SpaceError::Empty("x".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// Two parameters of one name.
    #[error("parameter `{0}` is there twice")]
    Twice(String),
    /// An empty or reversed range, a level that is there twice, a logarithm of nothing or on steps.
    #[error("parameter `{0}` has an empty range, a level that is there twice, or a logarithm of nothing or on steps")]
    Empty(String),
    /// A condition on something that is not an earlier categorical parameter.
    #[error("parameter `{0}` depends on `{1}`, which is not an earlier categorical parameter with those levels")]
    Parent(String, String),
    /// A constraint on a parameter that is not there, or an order of what has none.
    #[error("a constraint names `{0}`, which is not there or has no order")]
    Constraint(String),
}

/// The parameters in the order they are chosen: a parent before what depends on it.
///
/// ```
/// use specialist_search::Space;
/// let space = Space::new()
///     .categorical("model", ["linear", "trees"])
///     .log_float("ridge", 1e-3, 1e3).when("model", ["linear"])
///     .int("depth", 1, 8).when("model", ["trees"])
///     .int("leaf", 1, 64).step(4.0).when("model", ["trees"])
///     .less("depth", "leaf");
/// assert_eq!(space.check(), Ok(()));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Space {
    params: Vec<Param>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<Constraint>,
}

impl Space {
    /// An empty space.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number between `lo` and `hi`.
    #[must_use]
    pub fn float(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Domain::Float { lo, hi, log: false, step: None })
    }

    /// Adds a number between `lo` and `hi`, uniform in its logarithm.
    #[must_use]
    pub fn log_float(self, name: &str, lo: f64, hi: f64) -> Self {
        self.with(name, Domain::Float { lo, hi, log: true, step: None })
    }

    /// Adds a whole number between `lo` and `hi`, both included.
    #[must_use]
    pub fn int(self, name: &str, lo: i64, hi: i64) -> Self {
        self.with(name, Domain::Int { lo, hi, log: false, step: 1 })
    }

    /// Adds a whole number between `lo` and `hi`, uniform in its logarithm.
    #[must_use]
    pub fn log_int(self, name: &str, lo: i64, hi: i64) -> Self {
        self.with(name, Domain::Int { lo, hi, log: true, step: 1 })
    }

    /// Adds a choice among levels that have no order.
    #[must_use]
    pub fn categorical<V: Into<Value>>(self, name: &str, levels: impl IntoIterator<Item = V>) -> Self {
        self.with(name, Domain::Categorical { levels: levels.into_iter().map(Into::into).collect(), ordered: false })
    }

    /// Adds a choice among levels that stand in order.
    #[must_use]
    pub fn ordered<V: Into<Value>>(self, name: &str, levels: impl IntoIterator<Item = V>) -> Self {
        self.with(name, Domain::Categorical { levels: levels.into_iter().map(Into::into).collect(), ordered: true })
    }

    /// Adds a switch.
    #[must_use]
    pub fn bool(self, name: &str) -> Self {
        self.categorical(name, [false, true])
    }

    /// The number added last takes the values `lo + k·step` only.
    #[must_use]
    pub fn step(mut self, by: f64) -> Self {
        match self.params.last_mut().map(|p| &mut p.domain) {
            Some(Domain::Float { step, .. }) => *step = Some(by),
            Some(Domain::Int { step, .. }) => *step = by as i64,
            _ => {}
        }
        self
    }

    /// The parameter added last exists only where `parent` took one of `levels`.
    #[must_use]
    pub fn when<V: Into<Value>>(mut self, parent: &str, levels: impl IntoIterator<Item = V>) -> Self {
        if let Some(last) = self.params.last_mut() {
            last.when = Some((parent.into(), levels.into_iter().map(Into::into).collect()));
        }
        self
    }

    /// Allows only points where `smaller < larger`, as far as both are active.
    #[must_use]
    pub fn less(mut self, smaller: &str, larger: &str) -> Self {
        self.constraints.push(Constraint::Less(smaller.into(), larger.into()));
        self
    }

    /// Forbids points that have all of these values.
    #[must_use]
    pub fn forbid<V: Into<Value>>(mut self, together: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let together = together.into_iter().map(|(n, v)| (n.to_string(), v.into())).collect();
        self.constraints.push(Constraint::Forbidden(together));
        self
    }

    /// Adds a parameter of any domain.
    #[must_use]
    pub fn with(mut self, name: &str, domain: Domain) -> Self {
        self.params.push(Param { name: name.into(), domain, when: None });
        self
    }

    /// The parameters, parents first.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The parameter called `name`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| p.name == name)
    }

    /// # Errors
    /// [`SpaceError`] for a name used twice, an empty range, a condition or constraint on nothing.
    pub fn check(&self) -> Result<(), SpaceError> {
        for (i, p) in self.params.iter().enumerate() {
            let earlier = &self.params[..i];
            if earlier.iter().any(|q| q.name == p.name) {
                return Err(SpaceError::Twice(p.name.clone()));
            }
            if !p.domain.is_sound() {
                return Err(SpaceError::Empty(p.name.clone()));
            }
            if let Some((parent, levels)) = &p.when {
                let has = |q: &Param| matches!(&q.domain, Domain::Categorical { levels: l, .. } if levels.iter().all(|x| l.contains(x)));
                if !earlier.iter().any(|q| &q.name == parent && has(q)) {
                    return Err(SpaceError::Parent(p.name.clone(), parent.clone()));
                }
            }
        }
        for constraint in &self.constraints {
            let number = |n: &String| self.param(n).is_some_and(|p| !matches!(p.domain, Domain::Categorical { .. }));
            let wrong = match constraint {
                Constraint::Less(a, b) => [a, b].into_iter().find(|n| !number(n)),
                Constraint::Forbidden(all) => all.iter().map(|(n, _)| n).find(|n| self.param(n).is_none()),
            };
            if let Some(name) = wrong {
                return Err(SpaceError::Constraint(name.clone()));
            }
        }
        Ok(())
    }

    /// Whether `params` holds to every constraint.
    #[must_use]
    pub fn allows(&self, params: &Params) -> bool {
        self.constraints.iter().all(|c| match c {
            Constraint::Less(a, b) => match (params.get(a), params.get(b)) {
                (Some(a), Some(b)) => a.number() < b.number(),
                _ => true,
            },
            Constraint::Forbidden(all) => !all.iter().all(|(n, v)| params.get(n) == Some(v)),
        })
    }

    /// How many points there are, constraints aside; `None` when they cannot be counted.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let roots = self.params.iter().filter(|p| p.when.is_none());
        roots.map(|p| self.subtree(p)).try_fold(1u64, |a, b| a.checked_mul(b?))
    }

    /// Points of `p` and of everything that depends on it.
    fn subtree(&self, p: &Param) -> Option<u64> {
        let Domain::Categorical { levels, .. } = &p.domain else { return p.domain.count() };
        let mut total = 0u64;
        for level in levels {
            let mut product = 1u64;
            for child in &self.params {
                if matches!(&child.when, Some((parent, on)) if *parent == p.name && on.contains(level)) {
                    product = product.checked_mul(self.subtree(child)?)?;
                }
            }
            total = total.checked_add(product)?;
        }
        Some(total)
    }

    /// Chooses every active parameter in order; `choose` is asked once for each.
    pub fn choose(&self, mut choose: impl FnMut(&Param) -> Value) -> Params {
        let mut out = Params::default();
        for p in &self.params {
            if out.activates(p) {
                let value = choose(p);
                out.0.insert(p.name.clone(), value);
            }
        }
        out
    }

    /// The code of each parameter (see [`Domain::code`]), `NaN` where it is not active; `None` when an
    /// active one is missing or outside its domain, as in trials of an earlier, different space.
    #[must_use]
    pub fn encode(&self, params: &Params) -> Option<Vec<f64>> {
        let code = |p: &Param| {
            if params.activates(p) { p.domain.code(params.get(&p.name)?) } else { Some(f64::NAN) }
        };
        self.params.iter().map(code).collect()
    }

    /// The parameters that `codes` stand for; inactive ones are left out whatever their code.
    #[must_use]
    pub fn decode(&self, codes: &[f64]) -> Params {
        let mut codes = codes.iter();
        let mut out = Params::default();
        for p in &self.params {
            let code = codes.next().copied().unwrap_or(f64::NAN);
            if out.activates(p) {
                let value = p.domain.value(if code.is_nan() { 0.5 } else { code });
                out.0.insert(p.name.clone(), value);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_space_is_checked() {
        assert_eq!(Space::new().float("x", 1.0, 0.0).check(), Err(SpaceError::Empty("x".into())));
        assert_eq!(Space::new().log_float("x", 0.0, 1.0).check(), Err(SpaceError::Empty("x".into())));
        assert_eq!(Space::new().categorical("x", ["a", "a"]).check(), Err(SpaceError::Empty("x".into())));
        assert_eq!(Space::new().int("x", 0, 1).int("x", 0, 1).check(), Err(SpaceError::Twice("x".into())));
        let orphan = Space::new().int("x", 0, 1).when("model", ["glm"]);
        assert_eq!(orphan.check(), Err(SpaceError::Parent("x".into(), "model".into())));
        let tree = Space::new().categorical("model", ["glm", "trees"]).int("depth", 1, 6).when("model", ["trees"]);
        assert_eq!(tree.check(), Ok(()));
        assert_eq!(tree.clone().less("depth", "leaf").check(), Err(SpaceError::Constraint("leaf".into())));
        assert_eq!(tree.less("depth", "model").check(), Err(SpaceError::Constraint("model".into())));
    }

    #[test]
    fn points_are_counted_along_the_tree() {
        let space = Space::new()
            .categorical("model", ["glm", "trees", "none"])
            .bool("intercept")
            .when("model", ["glm"])
            .int("depth", 1, 6)
            .when("model", ["trees"])
            .float("share", 0.0, 1.0)
            .step(0.25)
            .when("model", ["trees"])
            .ordered("size", [1, 2, 4]);
        assert_eq!(space.size(), Some((2 + 6 * 5 + 1) * 3));
        assert_eq!(space.float("x", 0.0, 1.0).size(), None);
    }

    #[test]
    fn constraints_hold_only_where_everything_is_active() {
        let space = Space::new().int("a", 0, 9).int("b", 0, 9).less("a", "b").forbid([("a", 1), ("b", 2)]);
        let point = |a: i64, b: i64| space.choose(|p| Value::Int(if p.name == "a" { a } else { b }));
        assert!(space.allows(&point(1, 3)) && !space.allows(&point(3, 3)) && !space.allows(&point(1, 2)));
        assert!(space.allows(&Params::default()));
    }

    proptest! {
        #[test]
        fn codes_come_back(u in 0.0f64..=1.0, v in 0.0f64..=1.0, level in 0usize..3) {
            let space = Space::new()
                .log_float("x", 1e-5, 10.0).int("i", -3, 9).log_int("j", 1, 100).float("s", 0.0, 1.0).step(0.1)
                .int("k", 2, 20).step(3.0).ordered("o", [1, 2, 4]).categorical("c", ["a", "b", "d"]);
            let params = space.decode(&[u, v, u, v, u, v, level as f64]);
            let codes = space.encode(&params).unwrap();
            prop_assert_eq!(&space.decode(&codes), &params);
            prop_assert!((codes[0] - u).abs() < 1e-9 && codes[6] == level as f64);
            prop_assert_eq!((params.int("k") - 2) % 3, 0);
            prop_assert!((1..=20).contains(&params.int("k")) && (1..=100).contains(&params.int("j")));
        }

        #[test]
        fn every_countable_value_has_the_same_share(n in 1i64..9) {
            let domain = Domain::Int { lo: 3, hi: 3 + n, log: false, step: 1 };
            let mut counts = vec![0; n as usize + 1];
            for i in 0..1000 {
                let Value::Int(v) = domain.value((f64::from(i) + 0.5) / 1000.0) else { unreachable!() };
                counts[(v - 3) as usize] += 1;
            }
            prop_assert!(counts.iter().all(|&c| (c - 1000 / (n as i32 + 1)).abs() <= 1));
        }
    }

    #[test]
    fn a_value_set_may_grow() {
        let small = Space::new().categorical("c", ["a", "b"]).int("n", 1, 4);
        let large = Space::new().categorical("c", ["a", "b", "d"]).int("n", 1, 8);
        let point = large.decode(&[2.0, 0.9]);
        assert_eq!(small.encode(&point), None);
        assert!(large.encode(&small.decode(&[1.0, 0.9])).is_some());
    }
}
