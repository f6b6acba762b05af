//! Every estimator and every rung against the contracts of the core.

mod shared;

use specialist_core::{Context, Estimand, FineTune, Followed, Labels, Predict, Pretrain, metric};
use specialist_search::{Params, Value};
use specialist_tabular::estimator::{
    BoostedAft, BoostedTrees, CoxElasticNet, LinfaLogistic, LinfaTree, Regression, SmartcoreForest, SmartcoreLogistic,
};
use specialist_tabular::ladder::{Continue, Intercept, Keep, LeafRefit, Offset, PriorCentred, Slope};
use specialist_tabular::{Base, ESTIMATORS, Estimator, EstimatorSettings, Model, Rung, TuningPlan, ladder_space};
use specialist_testing::{FullDisk, fine_tune_contract, predict_contract, rows};

const TRIED: [&'static dyn Estimator; 6] =
    [&BoostedTrees, &Regression, &LinfaLogistic, &LinfaTree, &SmartcoreLogistic, &SmartcoreForest];

fn settings(estimator: &str) -> EstimatorSettings {
    ESTIMATORS.named(estimator).expect("an estimator").defaults()
}

fn generalist(estimator: &'static dyn Estimator) -> Model {
    estimator.defaults().pretrain(&rows(800, 0.0, 1), &Context::new(1, 2)).unwrap()
}

fn plan(rung: &'static dyn Rung) -> TuningPlan {
    let numbers = [
        ("intercept-strength", 5.0),
        ("slope-strength", 5.0),
        ("prior-strength", 5.0),
        ("offset-ridge", 10.0),
        ("decay", 0.7),
        ("rounds", 30.0),
        ("learning-rate", 0.05),
        ("max-depth", 2.0),
    ];
    let mut params = Params(numbers.into_iter().map(|(n, v)| (n.to_string(), Value::Float(v))).collect());
    params.0.insert("tuning".into(), Value::Text(rung.name().into()));
    TuningPlan { rung, params }
}

#[test]
fn estimators_predict_as_they_must() {
    let target = rows(150, 1.0, 2);
    for estimator in TRIED {
        let model = generalist(estimator);
        predict_contract(&model, &target);
        let auc = metric::evaluate(&metric::RocAuc, &target, &model.predict(&target).unwrap());
        assert!(auc > 0.75, "{}: {auc}", estimator.name());
        let again = Model::from_json(&model.to_json().unwrap()).unwrap();
        assert_eq!(again.margin(&target).unwrap(), model.margin(&target).unwrap(), "{}", estimator.name());
    }
}

#[test]
fn forests_come_back_to_the_bit_for_any_prevalence() {
    for seed in 0..25 {
        let data = rows(60 + 7 * seed as usize, seed as f64 / 8.0 - 1.5, seed);
        let mut settings = self::settings("boosted-trees");
        settings.params.0.insert("rounds".into(), 8.into());
        let model = settings.pretrain(&data, &Context::new(1, 1)).unwrap();
        for rung in [&Keep as &'static dyn Rung, &LeafRefit, &Continue] {
            let tuned = plan(rung).fine_tune(&model, &data, &Context::new(1, 1)).unwrap();
            let again = Model::from_json(&tuned.to_json().unwrap()).unwrap();
            assert_eq!(again.margin(&data).unwrap(), tuned.margin(&data).unwrap(), "{seed} {}", rung.name());
        }
    }
}

#[test]
fn rungs_tune_as_they_must() {
    let target = rows(300, 1.5, 2);
    for estimator in [&BoostedTrees as &'static dyn Estimator, &Regression] {
        let generalist = generalist(estimator);
        let before = metric::evaluate(&metric::LogLoss, &target, &generalist.predict(&target).unwrap());
        for rung in <dyn Rung>::all().into_iter().filter(|r| r.fits(&generalist, &generalist.features())) {
            let plan = plan(rung);
            fine_tune_contract(&plan, &generalist, &target);
            let tuned = plan.fine_tune(&generalist, &target, &Context::new(1, 1)).unwrap();
            predict_contract(&tuned, &target);
            let after = metric::evaluate(&metric::LogLoss, &target, &tuned.predict(&target).unwrap());
            assert_eq!(
                after < before,
                rung.name() != "keep",
                "{} {}: {before} to {after}",
                estimator.name(),
                rung.name()
            );
            assert!(tuned.line.slope > 0.0);
        }
    }
}

#[test]
fn firm_settings_keep_the_generalist() {
    let target = rows(300, 1.5, 2);
    for (estimator, rung, name, value) in [
        (&Regression as &'static dyn Estimator, &PriorCentred as &'static dyn Rung, "prior-strength", 1e9),
        (&Regression, &Offset, "offset-ridge", 1e10),
        (&BoostedTrees, &LeafRefit, "decay", 1.0),
        (&BoostedTrees, &Slope, "slope-strength", 1e9),
    ] {
        let generalist = generalist(estimator);
        let mut plan = plan(rung);
        plan.params.0.insert(name.into(), Value::Float(value));
        let tuned = plan.fine_tune(&generalist, &target, &Context::new(1, 1)).unwrap();
        for (a, b) in tuned.margin(&target).unwrap().iter().zip(generalist.margin(&target).unwrap()) {
            assert!((a - b).abs() < 1e-4, "{}: {a} against {b}", rung.name());
        }
    }
}

/// A generalist that has a line or an addition already (one of several brought models, an artifact that was recalibrated): a
/// rung with firm settings leaves what it predicts as it is, whatever it is made of.
#[test]
fn every_rung_starts_from_all_that_the_generalist_is() {
    let target = rows(300, 1.5, 2);
    let firm = [
        (&Intercept as &'static dyn Rung, "intercept-strength", 1e9),
        (&Slope, "slope-strength", 1e9),
        (&PriorCentred, "prior-strength", 1e9),
        (&Offset, "offset-ridge", 1e10),
        (&LeafRefit, "decay", 1.0),
        (&Continue, "learning-rate", 1e-7),
    ];
    for estimator in TRIED {
        let plain = generalist(estimator);
        let mut lined = plain.clone();
        lined.line = specialist_core::Affine { intercept: -0.7, slope: 0.25 };
        let mut added = plan(&Offset).fine_tune(&plain, &target, &Context::new(1, 1)).unwrap();
        added.line = specialist_core::Affine { intercept: 0.4, slope: 1.6 };
        for generalist in [plain, lined, added] {
            let before = generalist.margin(&target).unwrap();
            let mut tried = 0;
            for (rung, name, value) in firm.iter().filter(|f| f.0.fits(&generalist, &generalist.features())) {
                let mut plan = plan(*rung);
                plan.params.0.insert((*name).into(), Value::Float(*value));
                let tuned = plan.fine_tune(&generalist, &target, &Context::new(1, 1)).unwrap();
                let again = Model::from_json(&tuned.to_json().unwrap()).unwrap();
                for (a, b) in again.margin(&target).unwrap().iter().zip(&before) {
                    let what = format!("{} {}", estimator.name(), rung.name());
                    assert!((a - b).abs() < 2e-4 * (1.0 + b.abs()), "{what}: {a} against {b}");
                }
                tried += 1;
            }
            assert!(tried >= 3, "{}: {tried} rungs", estimator.name());
        }
    }
}

#[test]
fn a_broken_source_cannot_turn_the_ranking_around() {
    // The generalist knows the opposite: the slope stays positive, so it cannot be repaired by
    // accident, and the ladder of few events offers nothing that could.
    let mut source = rows(800, 0.0, 1);
    source.base.targets = Labels::binary((0..source.rows()).map(|r| !source.had_event(r)).collect::<Vec<_>>());
    let broken = settings("boosted-trees").pretrain(&source, &Context::new(1, 1)).unwrap();
    let tuned = plan(&Slope).fine_tune(&broken, &rows(300, 0.0, 2), &Context::new(1, 1)).unwrap();
    assert!(tuned.line.slope > 0.0);
    let levels = format!("{:?}", ladder_space(&broken, &broken.features(), 30, &[]).params()[0].domain);
    assert!(levels.contains("slope") && !levels.contains("continue") && !levels.contains("offset"), "{levels}");
}

#[test]
fn contributions_add_up_and_xgboost_json_keeps_a_recalibration() {
    let target = rows(200, 1.0, 2);
    for estimator in [&BoostedTrees as &'static dyn Estimator, &Regression] {
        for rung in [&Slope as &'static dyn Rung, &Offset] {
            let tuned = plan(rung).fine_tune(&generalist(estimator), &target, &Context::new(1, 1)).unwrap();
            let parts = tuned.contributions(&target).unwrap().unwrap();
            for (r, margin) in tuned.margin(&target).unwrap().into_iter().enumerate() {
                let sum: f64 = parts.parts(r, 0).iter().sum();
                assert!((sum - margin).abs() < 1e-4, "{} {}", estimator.name(), rung.name());
            }
        }
    }
    let tuned = plan(&Slope).fine_tune(&generalist(&BoostedTrees), &target, &Context::new(1, 1)).unwrap();
    let doc = tuned.to_xgboost().unwrap();
    let back = specialist_tabular::Forest::from_xgboost(&doc, tuned.features().to_vec()).unwrap();
    for (a, b) in back.margin(&target).unwrap().iter().zip(tuned.margin(&target).unwrap()) {
        assert!((a - b).abs() < 1e-4, "{a} against {b}");
    }
    assert!(matches!(tuned.base, Base::Trees(_)));
}

#[test]
fn monotone_constraints_hold() {
    let mut source = rows(800, 0.0, 1);
    source.features[0].monotone = -1; // against the data, which rises
    let model = settings("boosted-trees").pretrain(&source, &Context::new(1, 1)).unwrap();
    let mut ladder = source.select(&[0; 9]);
    for (r, v) in (-4..=4).enumerate() {
        ladder.base.records[[r, 0]] = f64::from(v) / 2.0;
    }
    assert!(model.margin(&ladder).unwrap().is_sorted_by(|a, b| a >= b), "the prediction only falls");
}

#[test]
fn row_weights_and_offsets_count() {
    // A row of weight two is the row twice.
    let data = rows(300, 0.0, 4);
    let twice: Vec<usize> = (0..300).chain(0..100).collect();
    let mut weighted = data.clone();
    weighted.base.weights.iter_mut().take(100).for_each(|w| *w = 2.0);
    for estimator in [&Regression as &'static dyn Estimator, &BoostedTrees] {
        let mut settings = estimator.defaults();
        settings.params.0.insert("rounds".into(), 10.into());
        let fit =
            |d: &specialist_core::Dataset| settings.pretrain(d, &Context::new(1, 1)).unwrap().predict(&data).unwrap();
        let (a, b) = (fit(&weighted), fit(&data.select(&twice)));
        let apart = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).sum::<f64>() / a.len() as f64;
        assert!(apart < 0.02, "{}: {apart}", estimator.name());
    }
}

#[test]
fn a_full_disk_is_an_error_not_a_loss() {
    let (key, value) = ("line".to_string(), "probability".to_string());
    let columns =
        specialist_tabular::write::ScoreColumns { key, texts: false, value, classes: Vec::new(), notes: None };
    let mut writer = specialist_tabular::write::ScoreWriter::csv(FullDisk { left: 1000 }, columns).unwrap();
    let lines: Vec<u64> = (0..200_000).collect();
    let predicted = vec![0.5; 200_000].into();
    let rows = specialist_tabular::write::ScoredRows { ids: None, lines: &lines, predicted: &predicted, notes: None };
    let written = writer.write(&rows);
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

/// Rows whose label is a number: twice the first feature, a shift, and noise of ±1.
fn numbers(n: usize, shift: f64, seed: u64, estimand: Estimand) -> specialist_core::Dataset {
    let mut data = rows(n, 0.0, seed);
    data.estimand = estimand;
    let noise = |i: usize| ((i * 37) % 41) as f64 / 20.0 - 1.0;
    let x = |i: usize| Some(data.records()[[i, 0]]).filter(|v| v.is_finite()).unwrap_or(0.0);
    data.base.targets = Labels::Numbers((0..n).map(|i| 2.0 * x(i) + shift + noise(i)).collect());
    data
}

#[test]
fn numbers_are_predicted_and_every_rung_moves_them_towards_the_target() {
    let ctx = Context::new(1, 2);
    for estimand in [Estimand::Mean, Estimand::Quantile(0.1)] {
        let (source, target) = (numbers(800, 0.0, 1, estimand), numbers(400, 1.0, 2, estimand));
        let primary = &metric::usual(estimand)[0];
        let goodness = |m: &Model| {
            primary.goal().goodness(metric::evaluate(primary.as_ref(), &target, &m.predict(&target).unwrap()))
        };
        for estimator in [&BoostedTrees as &'static dyn Estimator, &Regression] {
            let generalist = estimator.defaults().pretrain(&source, &ctx).unwrap();
            assert!(generalist.estimand().agrees(estimand));
            predict_contract(&generalist, &target);
            for rung in <dyn Rung>::all()
                .into_iter()
                .filter(|r| r.fits(&generalist, &generalist.features()) && r.name() != "keep")
            {
                let tuned = plan(rung).fine_tune(&generalist, &target, &ctx).unwrap();
                let name = format!("{estimand:?} {} {}", estimator.name(), rung.name());
                assert!(goodness(&tuned) > goodness(&generalist), "{name}");
                let again = Model::from_json(&tuned.to_json().unwrap()).unwrap();
                assert_eq!(again.predict(&target).unwrap(), tuned.predict(&target).unwrap(), "{name}");
            }
        }
        let refused = settings("linfa-tree").pretrain(&source, &ctx).unwrap_err();
        assert!(refused.to_string().ends_with("boosted-trees, glm"), "{refused}");
        let of_classes = generalist(&Regression);
        assert!(plan(&Slope).fine_tune(&of_classes, &target, &ctx).is_err(), "labels of another kind");
    }
}

#[test]
fn whatever_a_model_file_says_it_is_refused_or_scored() {
    let data = rows(120, 0.0, 3);
    let mut bent = data.clone();
    bent.features[0].knots = 4;
    let ctx = Context::new(1, 1);
    let mut models: Vec<(String, Model)> = Vec::new();
    for estimator in TRIED {
        let mut settings = estimator.defaults();
        settings.params.0.extend(["rounds", "trees"].map(|count| (count.into(), 3.into())));
        let model = settings.pretrain(&bent, &ctx).unwrap();
        if estimator.name() == BoostedTrees.name() {
            let offset = plan(&Offset).fine_tune(&model, &data, &ctx).unwrap();
            models.push(("offset".into(), offset));
        }
        models.push((estimator.name().into(), model));
    }
    models.push(("mean".into(), Model::new(Base::Mean(models.iter().take(2).map(|m| m.1.clone()).collect()))));
    models.iter().for_each(|(name, model)| shared::refused_or_scored(name, model, &data));
}

/// Every number that stands in a model, as its file has it; of a tree those that it parts by: among thousands of leaves one
/// is some cell by chance.
fn numbers_in(document: &serde_json::Value, out: &mut Vec<f64>) {
    match document {
        serde_json::Value::Number(n) => out.extend(n.as_f64()),
        // XGBoost writes some of its numbers as texts.
        serde_json::Value::String(text) => out.extend(text.trim_matches(['[', ']']).parse::<f64>()),
        serde_json::Value::Array(list) => list.iter().for_each(|v| numbers_in(v, out)),
        serde_json::Value::Object(map) if map.contains_key("split_conditions") => {
            let list = |key: &str| map[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
            out.extend(list("split_conditions").zip(list("left_children")).filter(|(_, l)| *l >= 0.0).map(|(t, _)| t));
        }
        serde_json::Value::Object(map) => map.values().for_each(|v| numbers_in(v, out)),
        _ => {}
    }
}

/// Where the data asks for it, no cell and no event time of a row stands in what is fitted on it, in double or single
/// precision or standardised; and no train row is scored otherwise for it by trees that are told to keep to it.
#[test]
fn no_cell_of_a_row_stands_in_a_discreet_model() {
    let ctx = Context::new(1, 2);
    let mut open = rows(900, 0.0, 8);
    open.features[1].knots = 5;
    // Cells beside shorter decimals: what is short between two doubles rounds to one of two singles.
    for r in (0..900).step_by(3) {
        let cell = &mut open.base.records[[r, 0]];
        *cell = (*cell * 100.0).round() / 100.0 + if r % 2 == 0 { 0.000_123 } else { 0.000_123_5 };
    }
    let discreet = specialist_core::Dataset { fewest_rows: 10, ..open.clone() };
    let mut times = discreet.clone();
    times.estimand = Estimand::Survival { horizon: 3.0 };
    let time =
        |i: usize| (f64::from(u32::try_from((i * 7919) % 900).unwrap()) + 0.123) / 200.0 - open.records()[[i, 0]] / 8.0;
    times.base.targets =
        (0..900).map(|i| Followed::new(time(i).max(0.010_135_7), i % 3 != 0)).collect::<Vec<_>>().into();

    let mut cells: Vec<u64> = Vec::new();
    let mut learn = |v: f64| {
        if v.is_finite() && v.fract() != 0.0 {
            cells.extend([v.to_bits(), f64::from(v as f32).to_bits()]);
        }
    };
    let encoded = specialist_tabular::Encoder::fit(&discreet).encode(&discreet);
    open.records().columns().into_iter().take(2).flatten().for_each(|v| learn(*v));
    encoded.columns().into_iter().take(2).flatten().for_each(|v| learn(*v));
    open.records().column(1).iter().for_each(|v| learn(v.ln_1p()));
    times.labels().times().iter().for_each(|v| learn(v.time));
    cells.sort_unstable();
    let among = |model: &Model| {
        let mut numbers = Vec::new();
        numbers_in(&serde_json::from_str(&model.to_json().unwrap()).unwrap(), &mut numbers);
        assert!(numbers.len() > 10);
        numbers.iter().filter(|n| cells.binary_search(&n.to_bits()).is_ok()).count()
    };
    for estimator in TRIED {
        let (plain, kept) = (
            estimator.defaults().pretrain(&open, &ctx).unwrap(),
            estimator.defaults().pretrain(&discreet, &ctx).unwrap(),
        );
        assert_eq!(among(&kept), 0, "{}", estimator.name());
        if estimator.name() != BoostedTrees.name() {
            continue;
        }
        assert!(among(&plain) > 100, "the test sees what it is about");
        assert_eq!(plain.margin(&open).unwrap(), kept.margin(&open).unwrap());
        for rung in <dyn Rung>::all().into_iter().filter(|r| r.fits(&kept, &kept.features())) {
            let few = discreet.select(&(0..300).collect::<Vec<_>>());
            assert_eq!(among(&plan(rung).fine_tune(&kept, &few, &ctx).unwrap()), 0, "{}", rung.name());
        }
    }
    for estimator in [&Regression as &'static dyn Estimator, &CoxElasticNet, &BoostedTrees, &BoostedAft] {
        let model = estimator.defaults().pretrain(&times, &ctx).unwrap();
        assert_eq!(among(&model), 0, "times, {}", estimator.name());
        let open = specialist_core::Dataset { fewest_rows: 0, ..times.clone() };
        let exact = estimator.defaults().pretrain(&open, &ctx).unwrap();
        assert!(among(&exact) > 300, "the test sees what it is about");
        let (a, b) = (model.baseline.as_ref().unwrap(), exact.baseline.as_ref().unwrap());
        assert!((30..=55).contains(&a.shape.time.len()), "{} steps of ten events", a.shape.time.len());
        for i in 1..=30 {
            let t = f64::from(i) / 10.0;
            assert!((a.shape.at(t) - b.shape.at(t)).abs() < 0.05, "{t}: {} {}", a.shape.at(t), b.shape.at(t));
        }
        assert_eq!(a.shape.at(3.0), 1.0);
    }
}
