//! Models of several classes against the contracts of the core: every estimator that can learn them, every rung.

mod shared;

use specialist_core::{Context, Estimand, FineTune, Labels, Predict, Pretrain, Scaling, metric};
use specialist_search::{Params, Value};
use specialist_tabular::estimator::{BoostedTrees, LinfaLogistic, Regression, SmartcoreLogistic};
use specialist_tabular::ladder::{Continue, Intercept, LeafRefit, Offset, PriorCentred, Slope};
use specialist_tabular::{
    Base, ESTIMATORS, Estimator, EstimatorSettings, Forest, Model, Rung, TuningPlan, ladder_space,
};
use specialist_testing::rows;

const TRIED: [&'static dyn Estimator; 4] = [&Regression, &BoostedTrees, &LinfaLogistic, &SmartcoreLogistic];

fn settings(estimator: &str) -> EstimatorSettings {
    ESTIMATORS.named(estimator).expect("an estimator").defaults()
}

/// Rows of three classes: two lines part them, with noise; the third column says nothing.
fn of_classes(n: usize, shift: f64, seed: u64) -> specialist_core::Dataset {
    let mut data = rows(n, 0.0, seed);
    let x = |i: usize, c: usize| Some(data.records()[[i, c]]).filter(|v| v.is_finite()).unwrap_or(5.0);
    let noise = |i: usize| ((i * 37) % 41) as f64 / 20.0 - 1.0;
    let class = |i: usize| match 1.5 * x(i, 0) + 0.2 * (x(i, 1) - 5.0) + shift + noise(i) {
        m if m < -1.0 => 0,
        m if m < 1.2 => 1,
        _ => 2,
    };
    let levels = ["mild", "moderate", "severe"].map(String::from).to_vec();
    data.base.targets = Labels::Classes { codes: (0..n).map(class).collect(), levels };
    data.estimand = Estimand::of(data.labels());
    data
}

#[test]
fn several_classes_are_told_apart_by_linear_models_and_trees() {
    let ctx = Context::new(1, 2);
    let (source, target) = (of_classes(800, 0.0, 1), of_classes(400, 0.3, 2));
    let metrics = metric::usual(Estimand::Classes(3));
    let (loss, area) = (&metrics[0], &metrics[1]);
    // What the classes' shares alone come to.
    let share = |k: u32| target.labels().codes().iter().filter(|c| **c == k).count() as f64 / 400.0;
    let entropy: f64 = (0..3).map(|k| -share(k) * share(k).ln()).sum();
    for estimator in TRIED {
        let name = estimator.name();
        let model = estimator.defaults().pretrain(&source, &ctx).unwrap();
        assert_eq!(model.estimand(), Estimand::Classes(3), "{name}");
        let found = model.predictions(&target).unwrap();
        assert_eq!((found.rows(), found.width()), (400, 3));
        assert!(found.iter_rows().all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-6), "{name}");
        assert!(metric::evaluate_model(loss.as_ref(), &target, &model).unwrap() < 0.8 * entropy, "{name}");
        assert!(metric::evaluate_model(area.as_ref(), &target, &model).unwrap() > 0.85, "{name}");
        let again = Model::from_json(&model.to_json().unwrap()).unwrap();
        assert_eq!(again.predictions(&target).unwrap(), found, "{name}");
        assert!(model.predict(&target).is_err(), "several probabilities are not one");
        // One row is scored as it is among others, and columns in another order as in this.
        let one = model.predictions(&target.select(&[17])).unwrap();
        assert!(one.row(0).iter().zip(found.row(17)).all(|(a, b)| (a - b).abs() < 1e-12), "{name}");
    }
    let refused = settings("linfa-tree").pretrain(&source, &ctx).unwrap_err();
    let expected =
        "one that predicts the probabilities of 3 classes: boosted-trees, glm, linfa-logistic, smartcore-logistic";
    assert!(refused.to_string().contains(expected), "{refused}");
}

/// A rung with one setting, beside what it needs.
fn plan(rung: &'static dyn Rung, setting: &str, value: f64) -> TuningPlan {
    let usual = [("rounds", 20.0), ("learning-rate", 0.05), ("max-depth", 2.0), (setting, value)];
    let mut params = Params(usual.into_iter().map(|(n, v)| (n.to_string(), Value::Float(v))).collect());
    params.0.insert("tuning".into(), Value::Text(rung.name().into()));
    TuningPlan { rung, params }
}

/// `plan` of the rung slope with a slope a class.
fn by_class(mut plan: TuningPlan) -> TuningPlan {
    plan.params.0.insert("slope-per".into(), Value::Text("class".into()));
    plan
}

/// A plain generalist, one that was recalibrated, and one with an addition that was recalibrated.
fn generalists(estimator: &'static dyn Estimator, target: &specialist_core::Dataset) -> [Model; 3] {
    let ctx = Context::new(1, 1);
    let plain = estimator.defaults().pretrain(&of_classes(600, 0.0, 1), &ctx).unwrap();
    let mut scaled = plain.clone();
    scaled.scaling = Some(Scaling { intercept: vec![0.3, -0.7, 0.0], slope: vec![0.5, 0.9, 1.5] });
    let mut added = plan(&Offset, "offset-ridge", 10.0).fine_tune(&plain, target, &ctx).unwrap();
    added.scaling = Some(Scaling { intercept: vec![0.0, 0.1, 0.2], slope: vec![1.2; 3] });
    [plain, scaled, added]
}

#[test]
fn every_rung_with_firm_settings_leaves_the_generalist_of_classes_as_it_is() {
    let target = of_classes(300, 0.4, 3);
    let firm = [
        plan(&Intercept, "intercept-strength", 1e9),
        plan(&Slope, "slope-strength", 1e9),
        by_class(plan(&Slope, "slope-strength", 1e9)),
        plan(&PriorCentred, "prior-strength", 1e9),
        plan(&Offset, "offset-ridge", 1e10),
        plan(&LeafRefit, "decay", 1.0),
        plan(&Continue, "learning-rate", 1e-7),
    ];
    for estimator in TRIED {
        for (g, generalist) in generalists(estimator, &target).into_iter().enumerate() {
            let before = generalist.predictions(&target).unwrap();
            let mut tried = 0;
            for plan in firm.iter().filter(|p| p.rung.fits(&generalist, &generalist.features())) {
                let what = format!("{} {g} {}", estimator.name(), plan.rung.name());
                let tuned = plan.fine_tune(&generalist, &target, &Context::new(1, 1)).expect(&what);
                let again = Model::from_json(&tuned.to_json().unwrap()).unwrap();
                for (a, b) in again.predictions(&target).unwrap().values().iter().zip(before.values()) {
                    assert!((a - b).abs() < 1e-4, "{what}: {a} against {b}");
                }
                tried += 1;
            }
            // An addition leaves no coefficients and no leaves to start from.
            let expected = match (estimator.name(), g) {
                (_, 2) => 4,
                ("boosted-trees", _) => 6,
                _ => 5,
            };
            assert_eq!(tried, expected, "{} {g}", estimator.name());
        }
    }
}

#[test]
fn every_rung_learns_from_the_target_of_classes() {
    let (target, sealed) = (of_classes(400, 1.0, 3), of_classes(2000, 1.0, 4));
    let loss = &metric::usual(Estimand::Classes(3))[0];
    let plans = [
        plan(&Intercept, "intercept-strength", 2.0),
        plan(&Slope, "slope-strength", 2.0),
        by_class(plan(&Slope, "slope-strength", 2.0)),
        plan(&PriorCentred, "prior-strength", 3.0),
        plan(&Offset, "offset-ridge", 10.0),
        plan(&LeafRefit, "decay", 0.5),
        plan(&Continue, "rounds", 20.0),
    ];
    for estimator in [&Regression as &'static dyn Estimator, &BoostedTrees] {
        let generalist = &generalists(estimator, &target)[0];
        let before = metric::evaluate_model(loss.as_ref(), &sealed, generalist).unwrap();
        for plan in plans.iter().filter(|p| p.rung.fits(generalist, &generalist.features())) {
            let tuned = plan.fine_tune(generalist, &target, &Context::new(1, 1)).unwrap();
            let after = metric::evaluate_model(loss.as_ref(), &sealed, &tuned).unwrap();
            assert!(after < 0.95 * before, "{} {}: {after} from {before}", estimator.name(), plan.rung.name());
        }
        // What may be searched names a slope for all and one a class.
        let space = format!("{:?}", ladder_space(generalist, &generalist.features(), 300, &[]));
        assert!(space.contains("slope-per") && space.contains("continue") == (estimator.name() == BoostedTrees.name()));
    }
}

#[test]
fn parts_add_up_to_each_class_less_the_mean_of_all() {
    let target = of_classes(120, 0.4, 3);
    for estimator in TRIED {
        for (g, model) in generalists(estimator, &target).into_iter().enumerate() {
            let (parts, margins) = (model.contributions(&target).unwrap().unwrap(), model.margins(&target).unwrap());
            assert_eq!((parts.rows(), parts.outputs()), (120, 3));
            for (r, row) in margins.iter_rows().enumerate() {
                let mean = row.iter().sum::<f64>() / 3.0;
                for (k, margin) in row.iter().enumerate() {
                    let sum: f64 = parts.parts(r, k).iter().sum();
                    assert!((sum - (margin - mean)).abs() < 1e-4, "{} {g}: {sum} {margin}", estimator.name());
                }
            }
        }
    }
}

#[test]
fn xgboost_json_keeps_a_recalibration_of_classes() {
    let target = of_classes(200, 0.4, 3);
    let [plain, scaled, added] = generalists(&BoostedTrees, &target);
    for model in [&plain, &scaled] {
        let back = Forest::from_xgboost(&model.to_xgboost().unwrap(), model.features().to_vec()).unwrap();
        let (a, b) = (back.predictions(&target).unwrap(), model.predictions(&target).unwrap());
        assert!(a.values().iter().zip(b.values()).all(|(a, b)| (a - b).abs() < 1e-5));
    }
    assert!(added.to_xgboost().is_err(), "trees with an addition have no such form");
    // What the recalibration became is refitted and continued like any other tree.
    let refit = plan(&LeafRefit, "decay", 0.5).fine_tune(&scaled, &target, &Context::new(1, 1)).unwrap();
    assert!(matches!(refit.base, Base::Trees(_)) && refit.scaling.is_none());
}

#[test]
fn whatever_a_model_file_of_classes_says_it_is_refused_or_scored() {
    let target = of_classes(80, 0.4, 3);
    let mut models: Vec<Model> = Vec::new();
    for estimator in [&Regression as &'static dyn Estimator, &BoostedTrees] {
        let mut settings = estimator.defaults();
        settings.params.0.insert("rounds".into(), 3.into());
        let mut model = settings.pretrain(&target, &Context::new(1, 1)).unwrap();
        model.scaling = Some(Scaling { intercept: vec![0.3, -0.7, 0.0], slope: vec![0.5, 0.9, 1.5] });
        models.push(model);
    }
    models.push(generalists(&Regression, &target)[2].clone());
    models.iter().for_each(|model| shared::refused_or_scored(&model.describe(), model, &target));
}
