//! Estimates of times against R's `survival`, scikit-survival and lifelines: `fixtures/survival.txt`, made by
//! tests/reference/survival.R and survival.py (R 4.2.2, survival 3.5-3; scikit-survival 0.28.0; lifelines 0.30.3).

use std::collections::HashMap;

use ndarray::{Array1, Array2};
use specialist_core::metric::{Metric, Scored, by_name, descending};
use specialist_core::survival::{
    Baseline, Steps, Ties, baseline, censoring, cox_slope, cumulative_incidence, dynamic_auc, harrell, kaplan_meier,
    nelson_aalen, ranks, uno,
};
use specialist_core::{Context, Dataset, Estimand, Feature, Followed};
use specialist_tabular::survival::{Cox, CoxFit, Penalty};

const AT: [u32; 5] = [12, 24, 36, 48, 60];
const Z: f64 = 1.959_963_984_540_054;

struct Figures(HashMap<String, f64>);

impl Figures {
    fn read() -> Self {
        let pair = |l: &str| l.split_once(' ').map(|(n, v)| (n.to_string(), v.trim().parse().unwrap())).unwrap();
        Self(include_str!("fixtures/survival.txt").lines().map(pair).collect())
    }

    fn get(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("there is no figure {name}"))
    }

    fn close(&self, name: &str, found: f64, digits: f64) {
        let expected = self.get(name);
        let off = (found - expected).abs();
        assert!(off <= digits * expected.abs().max(1e-3), "{name}: {found} against {expected}");
    }

    fn list(&self, stem: &str) -> Vec<f64> {
        (1..=9).filter_map(|k| self.0.get(&format!("{stem}.{k}")).copied()).collect()
    }

    fn all_close(&self, stem: &str, found: &[f64], digits: f64) {
        let expected = self.list(stem);
        assert_eq!(expected.len(), found.len(), "{stem}");
        for (k, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert!((f - e).abs() <= digits * e.abs().max(1e-3), "{stem} {k}: {f} against {e}");
        }
    }
}

/// Nine covariates, months, events and causes (0 censored, 1 recurrence, 2 death).
struct Cohort {
    x: Array2<f64>,
    months: Vec<f64>,
    event: Vec<bool>,
    cause: Vec<u32>,
}

fn cohort(text: &str) -> Cohort {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|h| *h == name);
    let (mut x, mut months, mut event, mut cause) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let text = |name: &str| cells[place(name).unwrap()];
        let number = |name: &str| text(name).parse::<f64>().unwrap();
        let is = |name: &str, level: &str| f64::from(u8::from(text(name) == level));
        x.extend([number("age"), number("meno"), is("size", "20-50"), is("size", ">50"), is("grade", "3")]);
        x.extend(["nodes", "pgr", "er", "hormon"].map(number));
        months.push(number("days") / 30.4375);
        event.push(text("event") == "1");
        let of = place("cause").map(|c| cells[c]);
        cause.push(match of {
            Some("death") => 2,
            _ => u32::from(text("event") == "1"),
        });
    }
    Cohort { x: Array2::from_shape_vec((months.len(), 9), x).unwrap(), months, event, cause }
}

fn gbsg() -> Cohort {
    cohort(include_str!("../../../data/gbsg/gbsg.csv"))
}

fn rotterdam() -> Cohort {
    cohort(include_str!("../../../data/rotterdam/rotterdam.csv"))
}

impl Cohort {
    fn labels(&self) -> Vec<Followed> {
        self.months.iter().zip(&self.event).map(|(t, e)| Followed::new(*t, *e)).collect()
    }

    /// Months rounded up, so that many are tied.
    fn tied(&self) -> Vec<Followed> {
        self.months.iter().zip(&self.event).map(|(t, e)| Followed::new(t.ceil(), *e)).collect()
    }

    fn until_84(&self) -> Vec<Followed> {
        self.labels().iter().map(|l| l.until(84.0)).collect()
    }
}

fn fit(x: &Array2<f64>, label: &[Followed], penalty: &Penalty, change: impl Fn(&mut Cox<'_>)) -> CoxFit {
    let weight = vec![1.0; label.len()];
    let mut cox = Cox { x: x.view(), label, weight: &weight, offset: None, strata: None, ties: Ties::Efron };
    change(&mut cox);
    cox.fit(penalty, &Context::new(1, 1)).unwrap()
}

/// Roots of the diagonal of the inverse information.
fn errors(fit: &CoxFit) -> Vec<f64> {
    let n = fit.coefficients.len();
    let column = |j: usize| {
        // Gauss–Jordan on one unit vector.
        let mut a = fit.information.clone();
        let mut b = Array1::<f64>::zeros(n);
        b[j] = 1.0;
        for p in 0..n {
            let d = a[[p, p]];
            for r in (0..n).filter(|r| *r != p) {
                let f = a[[r, p]] / d;
                for c in 0..n {
                    a[[r, c]] -= f * a[[p, c]];
                }
                b[r] -= f * b[p];
            }
        }
        (b[j] / a[[j, j]]).sqrt()
    };
    (0..n).map(column).collect()
}

fn without(x: &Array2<f64>, column: usize) -> Array2<f64> {
    let kept: Vec<usize> = (0..x.ncols()).filter(|c| *c != column).collect();
    x.select(ndarray::Axis(1), &kept)
}

#[test]
fn curves_are_those_of_survfit() {
    let (f, g) = (Figures::read(), gbsg());
    let ones = vec![1.0; g.months.len()];
    for (name, labels) in [("months", g.labels()), ("tied", g.tied())] {
        let km = kaplan_meier(&labels, &ones);
        let (na, na_error) = nelson_aalen(&labels, &ones);
        for t in AT {
            let at = f64::from(t);
            f.close(&format!("km.{name}.surv.{t}"), km.at(at), 1e-12);
            f.close(&format!("km.{name}.se.{t}"), km.error(at), 1e-10);
            f.close(&format!("na.{name}.cumhaz.{t}"), na.at(at), 1e-12);
            let error = na_error[na.time.partition_point(|s| *s <= at) - 1];
            f.close(&format!("na.{name}.se.{t}"), error, 1e-10);
            if name == "months" {
                let (low, high) = km.interval(at, Z);
                f.close(&format!("km.months.lower.{t}"), low, 1e-10);
                f.close(&format!("km.months.upper.{t}"), high, 1e-10);
            }
        }
    }
    let km = kaplan_meier(&g.labels(), &ones);
    f.close("km.months.median", km.median().unwrap(), 1e-12);
    let arm =
        |treated: f64| -> Vec<f64> { (0..ones.len()).map(|r| f64::from(u8::from(g.x[[r, 8]] == treated))).collect() };
    for (name, weight) in [("all", ones.clone()), ("hormon0", arm(0.0)), ("hormon1", arm(1.0))] {
        let (mean, error) = kaplan_meier(&g.labels(), &weight).restricted_mean(60.0);
        f.close(&format!("rmst.60.{name}"), mean, 1e-12);
        f.close(&format!("rmst.60.{name}.se"), error, 1e-10);
    }
}

#[test]
fn competing_causes_are_those_of_survfit() {
    let (f, r) = (Figures::read(), rotterdam());
    let followed: Vec<Followed> =
        r.months.iter().zip(&r.cause).map(|(time, cause)| Followed { time: *time, cause: *cause }).collect();
    let found = cumulative_incidence(&followed, &vec![1.0; r.months.len()], 2);
    for t in [24, 60, 120] {
        f.close(&format!("aj.rotterdam.recurrence.{t}"), found[0].at(f64::from(t)), 1e-12);
        f.close(&format!("aj.rotterdam.death.{t}"), found[1].at(f64::from(t)), 1e-12);
    }
}

#[test]
fn regressions_are_those_of_coxph() {
    let (f, g) = (Figures::read(), gbsg());
    let (x, tied) = (&g.x, g.tied());
    let free = Penalty::ridge(9, 0.0);
    let check = |stem: &str, fit: &CoxFit, with_errors: bool| {
        f.all_close(&format!("{stem}.beta"), fit.coefficients.as_slice().unwrap(), 1e-7);
        if with_errors {
            f.all_close(&format!("{stem}.se"), &errors(fit), 1e-7);
            f.close(&format!("{stem}.loglik.fit"), fit.value, 1e-10);
        }
    };
    check("cox.efron.tied", &fit(x, &tied, &free, |_| ()), true);
    check("cox.breslow.tied", &fit(x, &tied, &free, |c| c.ties = Ties::Breslow), true);
    check("cox.efron.months", &fit(x, &g.labels(), &free, |_| ()), true);
    check("cox.rotterdam", &fit(&rotterdam().x, &rotterdam().until_84(), &free, |_| ()), true);

    let weight: Vec<f64> = (0..tied.len()).map(|i| 1.0 + (i % 3) as f64).collect();
    let weighted = |penalty: &Penalty, ties: Ties| {
        let cox = Cox { x: x.view(), label: &tied, weight: &weight, offset: None, strata: None, ties };
        cox.fit(penalty, &Context::new(1, 1)).unwrap()
    };
    check("cox.efron.tied.weighted", &weighted(&free, Ties::Efron), true);
    f.all_close(
        "cox.breslow.tied.weighted.beta",
        weighted(&free, Ties::Breslow).coefficients.as_slice().unwrap(),
        1e-7,
    );
    let ridge = Penalty::ridge(9, 20.0);
    check("cox.efron.tied.ridge", &fit(x, &tied, &ridge, |_| ()), false);
    check("cox.efron.tied.weighted.ridge", &weighted(&ridge, Ties::Efron), false);

    let strata: Vec<u32> = x.column(4).iter().map(|g| *g as u32).collect();
    let plain = vec![1.0; tied.len()];
    let few = without(x, 4);
    let stratified =
        Cox { x: few.view(), label: &tied, weight: &plain, offset: None, strata: Some(&strata), ties: Ties::Efron };
    check("cox.efron.tied.strata", &stratified.fit(&Penalty::ridge(8, 0.0), &Context::new(1, 1)).unwrap(), true);
    let (offset, few): (Vec<f64>, _) = (x.column(0).iter().map(|a| 0.02 * a).collect(), without(x, 0));
    let with_offset =
        Cox { x: few.view(), label: &tied, weight: &plain, offset: Some(&offset), strata: None, ties: Ties::Efron };
    check("cox.efron.tied.offset", &with_offset.fit(&Penalty::ridge(8, 0.0), &Context::new(1, 1)).unwrap(), true);
}

fn standardised(x: &Array2<f64>) -> Array2<f64> {
    let mut z = x.clone();
    for mut column in z.columns_mut() {
        let mean = column.mean().unwrap();
        column -= mean;
        let sd = column.mapv(|v| v * v).mean().unwrap().sqrt();
        column /= sd;
    }
    z
}

#[test]
fn a_prior_is_that_of_an_optimum_found_in_r_and_an_elastic_net_that_of_coxnet() {
    let (f, g) = (Figures::read(), gbsg());
    let (z, tied) = (standardised(&g.x), g.tied());
    let prior =
        Penalty { mean: f.list("prior.m").into_iter().collect(), precision: Array1::from_elem(9, 50.0), lasso: 0.0 };
    let found = fit(&z, &tied, &prior, |_| ());
    f.all_close("cox.efron.tied.prior.beta", found.coefficients.as_slice().unwrap(), 1e-7);
    f.close("cox.efron.tied.prior.loglik", found.value, 1e-10);
    // coxnet divides the likelihood by the rows: −l / n + .05 (.5 |b| + .25 b²).
    let n = tied.len() as f64;
    let net = Penalty { lasso: 0.05 * 0.5 * n, ..Penalty::ridge(9, 0.05 * 0.5 * n) };
    for (name, labels) in [("months", g.labels()), ("tied", tied)] {
        let found = fit(&z, &labels, &net, |c| c.ties = Ties::Breslow);
        f.all_close(&format!("coxnet.{name}.exact.beta"), found.coefficients.as_slice().unwrap(), 1e-6);
    }
}

/// The Rotterdam model's linear predictor in gbsg and its baseline.
fn validated() -> (Cohort, Vec<f64>, Steps) {
    let r = rotterdam();
    let labels = r.until_84();
    let model = fit(&r.x, &labels, &Penalty::ridge(9, 0.0), |_| ());
    let eta = r.x.dot(&model.coefficients).to_vec();
    let hazard = baseline(&eta, &labels, &vec![1.0; labels.len()], Ties::Efron, None);
    let g = gbsg();
    let predictor = g.x.dot(&model.coefficients).to_vec();
    (g, predictor, hazard)
}

#[test]
fn baselines_are_those_of_basehaz() {
    let (f, g) = (Figures::read(), gbsg());
    let (tied, ones) = (g.tied(), vec![1.0; g.months.len()]);
    for (name, ties) in [("efron", Ties::Efron), ("breslow", Ties::Breslow)] {
        let model = fit(&g.x, &tied, &Penalty::ridge(9, 0.0), |c| c.ties = ties);
        let eta = g.x.dot(&model.coefficients).to_vec();
        let hazard = baseline(&eta, &tied, &ones, ties, None);
        for t in AT {
            f.close(&format!("basehaz.tied.{name}.{t}"), hazard.at(f64::from(t)), 1e-7);
        }
        if ties == Ties::Efron {
            let (shape, level) = Baseline::of(hazard, 60.0).unwrap();
            for (row, eta) in eta.iter().take(3).enumerate() {
                for t in [24, 60] {
                    let found = shape.survival(f64::from(t), level + eta);
                    f.close(&format!("surv.tied.efron.row{}.{t}", row + 1), found, 1e-7);
                }
            }
        }
    }
    let (_, _, hazard) = validated();
    for t in [6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 84] {
        f.close(&format!("basehaz.rotterdam.efron.{t}"), hazard.at(f64::from(t)), 1e-7);
    }
}

#[test]
fn concordance_is_that_of_r_and_scikit_survival() {
    let f = Figures::read();
    let (g, predictor, _) = validated();
    let ones = vec![1.0; predictor.len()];
    let order = descending(&predictor);
    let ranks = ranks(&predictor, &order);
    for (name, labels) in [("months", g.labels()), ("tied", g.tied())] {
        f.close(&format!("concordance.harrell.{name}"), harrell(&labels, &ranks, &ones), 1e-12);
        f.close(&format!("sksurv.{name}.cindex"), harrell(&labels, &ranks, &ones), 1e-12);
        let uncensored = censoring(&labels, &ones);
        f.close(&format!("concordance.uno60.{name}"), uno(&labels, &ranks, &ones, &uncensored, 60.0), 1e-10);
        for t in AT {
            let auc = dynamic_auc(&labels, &predictor, &order, &ones, &uncensored, f64::from(t));
            // scikit-survival takes the censoring at the event's own time, which the textbook's left limit does not.
            // Nor does it count a row that is censored at the horizon itself, which had no event until then.
            if name == "months" {
                f.close(&format!("hand.{name}.auc.left.{t}"), auc, 1e-10);
            }
            f.close(&format!("sksurv.{name}.auc.{t}"), auc, if name == "months" { 1e-3 } else { 0.01 });
        }
    }
    let slope = cox_slope(&predictor, &g.labels(), &ones, 0.0).unwrap();
    f.close("calslope.beta", slope, 1e-7);
}

#[test]
fn brier_scores_are_those_of_scikit_survival_and_metrics_stand_on_the_same_figures() {
    let f = Figures::read();
    let (g, predictor, hazard) = validated();
    let ones = vec![1.0; predictor.len()];
    let value = |name: &str, labels: &[Followed], horizon: f64, metric: &str| {
        let (shape, level) = Baseline::of(hazard.clone(), horizon).unwrap();
        let estimand = Estimand::Survival { horizon };
        let predicted: Vec<f64> = predictor.iter().map(|p| estimand.response(p + level)).collect();
        let x = Array2::zeros((labels.len(), 1));
        let mut rows = Dataset::new(vec![Feature::number("x")], x, labels.to_vec()).unwrap();
        rows.estimand = estimand;
        let order = descending(&predicted);
        let outputs = predicted.into();
        let scored = Scored {
            rows: &rows,
            outputs: &outputs,
            order: &order,
            weight: &ones,
            baseline: Some(&shape),
            counts: None,
        };
        let metric: Box<dyn Metric> = by_name(metric).unwrap_or_else(|| panic!("{name}"));
        metric.value(&scored)
    };
    for (name, labels) in [("months", g.labels()), ("tied", g.tied())] {
        for t in AT {
            let brier = value(name, &labels, f64::from(t), "brier-at-horizon");
            if name == "months" {
                f.close(&format!("hand.{name}.brier.left.{t}"), brier, 1e-10);
            }
            f.close(&format!("sksurv.{name}.brier.{t}"), brier, if name == "months" { 1e-3 } else { 0.03 });
        }
    }
    let labels = g.labels();
    // scikit-survival integrates from 6 to 60 months by steps of 6, the metric from 0 by steps of 3.
    let integrated = value("months", &labels, 60.0, "integrated-brier");
    assert!((integrated - f.get("sksurv.months.ibs") * 54.0 / 60.0).abs() < 0.01, "{integrated}");
    f.close("calibration60.oe", value("months", &labels, 60.0, "observed-expected"), 1e-7);
    f.close("concordance.harrell.months", value("months", &labels, 60.0, "c-index"), 1e-9);
}
