//! Estimates against statsmodels and grf (tests/reference/effect.py), and coverage on simulated trials.

use ndarray::Array2;
use rand::Rng;
use specialist_core::{Context, Dataset, Estimand, Feature};
use statrs::distribution::{ContinuousCDF, Normal};

use super::average::*;
use super::benefit::*;
use super::who::who_benefits;
use super::{by_chance, effect_model, overlap};

fn close(found: f64, expected: f64, digits: f64) {
    assert!((found - expected).abs() <= digits * expected.abs().max(1e-2), "{found} against {expected}");
}

/// 400 patients without a random number; also made by the script.
fn arms() -> Arms {
    let n = 400usize;
    let x1 = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
    let x2 = |i: usize| ((i * 53 + 7) % 97) as f64 / 48.0 - 1.0;
    let x3 = |i: usize| f64::from(u8::from((i * 29).is_multiple_of(3)));
    let p = |i: usize| specialist_core::sigmoid(0.4 * x1(i) - 0.3 * x3(i));
    let treated: Vec<bool> = (0..n).map(|i| (((i * 71 + 13) % 103) as f64 / 103.0) < p(i)).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            let effect = if treated[i] { 0.5 + 0.6 * x1(i) } else { 0.0 };
            1.0 + 0.8 * x1(i) - 0.5 * x2(i) + 0.3 * x3(i) + effect + (((i * 89 + 5) % 107) as f64 / 53.0 - 1.0)
        })
        .collect();
    let x = Array2::from_shape_fn((n, 3), |(i, j)| [x1(i), x2(i), x3(i)][j]);
    let mut covariates = Dataset::new(["x1", "x2", "x3"].map(Feature::number).to_vec(), x, y).unwrap();
    covariates.estimand = Estimand::Mean;
    Arms { covariates, treated, randomised: false }
}

fn column(arms: &Arms, c: usize) -> Vec<f64> {
    arms.covariates.records().column(c).to_vec()
}

#[test]
fn average_effects_are_those_of_statsmodels() {
    let (arms, ctx) = (arms(), Context::new(1, 1));
    let nuisances = arms.fit_with(1e-9, &ctx).unwrap().of(&arms).unwrap();
    close(weighting(&arms, &nuisances.propensity), 0.482_828_287_953_121_8, 1e-6);
    close(standardisation(&nuisances), 0.482_238_028_254_219_2, 1e-6);
    let score = scores(&arms, &nuisances);
    let robust = mean_interval(&score);
    close(robust.estimate, 0.482_163_698_610_571_2, 1e-6);
    close(robust.low, 0.360_850_670_165_430_8, 1e-6);
    close(robust.high, 0.603_476_727_056_711_5, 1e-6);
    for (c, before, after) in [
        (0, 0.275_445_609_169_266_3, 3.441_095_832_037_914_5e-5),
        (1, 0.034_012_659_850_799_38, -0.004_269_222_138_982_938),
        (2, -0.119_962_968_044_012_98, -0.000_292_535_643_592_064),
    ] {
        let found = standardised_difference(&column(&arms, c), &arms.treated, &nuisances.propensity);
        close(found[0], before, 1e-6);
        close(found[1], after, 1e-4);
    }
    close(effective_size(&arms.treated, &nuisances.propensity, true), 188.227_689_758_400_2, 1e-6);
    close(effective_size(&arms.treated, &nuisances.propensity, false), 202.675_119_742_56, 1e-6);
    close(e_value(1.8, 1.2)[0], 3.0, 1e-12);
    close(e_value(1.8, 1.2)[1], 1.689_897_948_556_635_4, 1e-12);
    close(e_value(0.7, 0.9)[0], 2.211_032_225_007_38, 1e-12);
    close(e_value(0.7, 0.9)[1], 1.462_475_295_574_264_6, 1e-12);
    assert_eq!(e_value(1.3, 0.9)[1], 1.0);
}

#[test]
fn targeting_and_the_best_linear_predictor_are_those_of_grf() {
    let (arms, ctx) = (arms(), Context::new(1, 1));
    let nuisances = arms.fit_with(1e-9, &ctx).unwrap().of(&arms).unwrap();
    let (score, x1) = (scores(&arms, &nuisances), column(&arms, 0));
    close(targeting(&score, &x1, false), 0.309_651_836_257_902_93, 1e-6);
    close(targeting(&score, &x1, true), 0.102_026_550_046_467_06, 1e-6);
    let effect: Vec<f64> = nuisances.outcome[1].iter().zip(&nuisances.outcome[0]).map(|(a, b)| a - b).collect();
    close(targeting(&score, &effect, false), 0.323_151_428_299_383_15, 1e-6);
    close(targeting(&score, &effect, true), 0.102_755_366_029_238_71, 1e-6);
    let line = best_linear_predictor(&score, &x1);
    close(line.mean, 0.482_163_698_610_571_57, 1e-6);
    close(line.slope, 0.606_296_744_928_124_3, 1e-6);
    close(line.mean_error, 0.059_531_591_082_374_57, 1e-6);
    close(line.slope_error, 0.101_086_163_059_366_71, 1e-6);
    close(line.p, 4.494_321_599_429_248e-9, 1e-2);
    assert!(targeting(&score, &vec![1.0; 400], false).abs() < 1e-12, "one priority says nothing");
}

/// A trial with three covariates whose effect is `base + slope · x1`; by judgement where `confounded`.
fn trial(n: usize, base: f64, slope: f64, confounded: bool, ctx: &Context) -> Arms {
    let mut rng = ctx.rng("trial");
    let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let x = Array2::from_shape_simple_fn((n, 3), &mut normal);
    let noise: Vec<f64> = (0..n).map(|_| normal()).collect();
    let mut rng = ctx.rng("arm");
    let tilt = if confounded { 0.5 } else { 0.0 };
    let treated: Vec<bool> =
        (0..n).map(|i| rng.random::<f64>() < specialist_core::sigmoid(tilt * (x[[i, 0]] - x[[i, 1]]))).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            let effect = if treated[i] { base + slope * x[[i, 0]] } else { 0.0 };
            0.7 * x[[i, 0]] + 0.4 * x[[i, 1]] + effect + noise[i]
        })
        .collect();
    let mut covariates = Dataset::new(["x1", "x2", "x3"].map(Feature::number).to_vec(), x, y).unwrap();
    covariates.estimand = Estimand::Mean;
    Arms { covariates, treated, randomised: !confounded }
}

#[test]
fn intervals_cover_the_truth_in_simulated_trials() {
    const RUNS: usize = 1000;
    let ctx = Context::new(11, 2);
    for confounded in [false, true] {
        let covered = ctx.map(RUNS, |k| {
            let ctx = ctx.child(&format!("{k} {confounded}")).single();
            let arms = trial(400, 0.3, 0.0, confounded, &ctx);
            let interval = mean_interval(&scores(&arms, &arms.cross_fitted(&ctx).unwrap()));
            usize::from(interval.low <= 0.3 && 0.3 <= interval.high)
        });
        let share = covered.iter().sum::<usize>() as f64 / RUNS as f64;
        assert!((0.93..=0.97).contains(&share), "{share} with confounding {confounded}");
    }
}

#[test]
fn who_benefits_is_claimed_where_it_is_so_and_seldom_elsewhere() {
    const RUNS: usize = 200;
    let ctx = Context::new(12, 2);
    let claims = |slope: f64| {
        let found = ctx.map(RUNS, |k| {
            let ctx = ctx.child(&format!("{k} {slope}")).single();
            let source = trial(800, 0.2, slope, true, &ctx.child("source"));
            let target = trial(550, 0.3, slope, false, &ctx.child("target"));
            let score = scores(&source, &source.cross_fitted(&ctx).unwrap());
            let prior = effect_model(&source.covariates, &score, None, &ctx).unwrap();
            usize::from(who_benefits(&target, Some(&prior), 9, &ctx).unwrap().is_shown())
        });
        found.iter().sum::<usize>() as f64 / RUNS as f64
    };
    let (none, some) = (claims(0.0), claims(0.6));
    assert!(none <= 0.05, "{none} of the runs without it");
    assert!(some >= 0.8, "{some} of the runs with it");
}

#[test]
fn intervals_of_targeting_cover_the_truth() {
    const RUNS: usize = 400;
    // With scores 0.6 · z + noise and the priority z the area is 0.6 times that of a normal z itself, which is the mean of
    // −z ln(1 − Φ(z)): integrated here.
    let normal = Normal::standard();
    let point = |i: usize| (i as f64 + 0.5) / 100_000.0;
    let truth = 0.6 * (0..100_000).map(|i| -normal.inverse_cdf(point(i)) * (1.0 - point(i)).ln()).sum::<f64>() / 1e5;
    let ctx = Context::new(13, 2);
    let covered = ctx.map(RUNS, |k| {
        let ctx = ctx.child(&k.to_string()).single();
        let mut rng = ctx.rng("z");
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let z: Vec<f64> = (0..400).map(|_| normal()).collect();
        let score: Vec<f64> = z.iter().map(|z| 0.6 * z + normal()).collect();
        let i = targeting_interval(&score, &z, false, &ctx);
        usize::from(i.low <= truth && truth <= i.high)
    });
    let share = covered.iter().sum::<usize>() as f64 / RUNS as f64;
    assert!((0.91..=0.98).contains(&share), "{share}");
}

#[test]
fn chance_is_told_from_judgement() {
    let ctx = Context::new(14, 2);
    let p =
        |confounded, k: usize| by_chance(&trial(400, 0.3, 0.0, confounded, &ctx.child(&k.to_string())), &ctx).unwrap();
    let share = |confounded| (0..200).filter(|&k| p(confounded, k) < 0.05).count() as f64 / 200.0;
    assert!((0.02..=0.09).contains(&share(false)), "{}", share(false));
    assert!(share(true) > 0.95, "{}", share(true));
}

#[test]
fn without_overlap_the_effect_is_refused() {
    let arms = arms();
    let all: Vec<f64> = vec![0.5; arms.treated.len()];
    assert_eq!(overlap(&arms, &all).unwrap().len(), arms.treated.len());
    let never: Vec<f64> = (0..arms.treated.len()).map(|r| if r < 20 { 0.4 } else { 0.01 }).collect();
    let reason = overlap(&arms, &never).unwrap_err();
    assert!(reason.starts_with("of 400 patients 20 could have been in either arm"), "{reason}");
}
