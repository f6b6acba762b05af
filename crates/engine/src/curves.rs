//! ROC, precision–recall, calibration and score curves of every candidate, coarse enough that no
//! point stands for one person.

use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::evidence::{Interval, Prediction, Z, wilson};
use specialist_core::metric::descending;
use specialist_core::survival::kaplan_meier;
use specialist_core::{Dataset, Estimand, Labels};
use specialist_report::{Curves, SMALLEST_CELL};

/// Points of a curve, at most.
const POINTS: usize = 80;
/// Bins of the calibration plot and of the score distribution.
const BINS: usize = 10;
const SCORE_BINS: usize = 20;

pub(crate) fn curves(rows: &Dataset, predictions: &[Prediction]) -> Vec<Curves> {
    if rows.estimand == Estimand::Text {
        return Vec::new();
    }
    predictions
        .iter()
        .flat_map(|p| if rows.estimand.width() > 1 { of_classes(rows, p) } else { vec![curve(rows, p)] })
        .collect()
}

/// Each class against the rest: whether its probabilities are what happens.
fn of_classes(rows: &Dataset, p: &Prediction) -> Vec<Curves> {
    let of = |(k, class): (usize, &String)| {
        let labels = Labels::binary(rows.labels().codes().iter().map(|c| *c as usize == k));
        let predicted: Vec<f64> = p.outputs.column(k).collect();
        let calibration = calibration(Estimand::Probability, &labels, &predicted, &descending(&predicted));
        Curves { name: p.name.clone(), class: Some(class.clone()), calibration, ..Curves::default() }
    };
    rows.labels().levels().iter().enumerate().map(of).collect()
}

fn curve(rows: &Dataset, p: &Prediction) -> Curves {
    let order = descending(p.predicted());
    if rows.estimand != Estimand::Probability {
        let calibration = calibration(rows.estimand, rows.labels(), p.predicted(), &order);
        return Curves { name: p.name.clone(), calibration, ..Curves::default() };
    }
    let n = order.len();
    let (positives, negatives) = (rows.events() as f64, (n - rows.events()) as f64);
    let (mut roc, mut precision_recall) = (vec![(0.0, 0.0)], Vec::new());
    let (mut hits, mut next) = (0.0, SMALLEST_CELL);
    for (i, &row) in order.iter().enumerate() {
        hits += f64::from(u8::from(rows.had_event(row as usize)));
        let seen = i + 1;
        // A point where the score changes, evenly along the rows, never for fewer than a cell's rows.
        let changes = order.get(seen).is_none_or(|&r| p.predicted()[r as usize] != p.predicted()[row as usize]);
        if changes && (seen >= next || seen == n) {
            roc.push(((seen as f64 - hits) / negatives, hits / positives));
            precision_recall.push((hits / positives, hits / seen as f64));
            next = seen + (n / POINTS).max(SMALLEST_CELL);
        }
    }
    Curves {
        name: p.name.clone(),
        class: None,
        roc,
        precision_recall,
        calibration: calibration(rows.estimand, rows.labels(), p.predicted(), &order),
        histogram: histogram(rows, p),
    }
}

fn calibration(estimand: Estimand, labels: &Labels, predicted: &[f64], order: &[u32]) -> Vec<(f64, Interval)> {
    let size = order.len().div_ceil(BINS).max(SMALLEST_CELL);
    let bins = order.rchunks(size).filter(|b| b.len() >= SMALLEST_CELL);
    bins.map(|bin| {
        let n = bin.len() as f64;
        let mean = bin.iter().map(|&r| predicted[r as usize]).sum::<f64>() / n;
        let member: Vec<usize> = bin.iter().map(|&r| r as usize).collect();
        (mean, observed(estimand, &labels.select(&member)))
    })
    .collect()
}

/// What a bin's labels say of the estimand, with a 95 % interval that takes rows for independent.
fn observed(estimand: Estimand, labels: &Labels) -> Interval {
    let n = labels.rows() as f64;
    let (mean, sd) = mean_sd(&labels.responses());
    match estimand {
        Estimand::Probability => wilson(mean, n),
        // Of one class against the rest only: the labels of a bin are then two classes.
        Estimand::Classes(_) | Estimand::Text => Interval { estimate: f64::NAN, low: f64::NAN, high: f64::NAN },
        Estimand::Survival { horizon } => {
            let curve = kaplan_meier(labels.times(), &vec![1.0; labels.rows()]);
            let (low, high) = curve.interval(horizon, Z);
            Interval { estimate: 1.0 - curve.at(horizon), low: 1.0 - high, high: 1.0 - low }
        }
        Estimand::Mean => {
            let half = Z * sd / n.sqrt();
            Interval { estimate: mean, low: mean - half, high: mean + half }
        }
        Estimand::Quantile(q) => {
            let half = Z * (q * (1.0 - q) / n).sqrt();
            let at = |level: f64| quantile(labels.numbers(), level.clamp(0.0, 1.0));
            Interval { estimate: at(q), low: at(q - half), high: at(q + half) }
        }
    }
}

/// The share of each class in every bin of probability.
fn histogram(rows: &Dataset, p: &Prediction) -> Vec<(f64, f64)> {
    let mut bins = vec![(0.0, 0.0); SCORE_BINS];
    for (row, &probability) in p.predicted().iter().enumerate() {
        let bin = &mut bins[((probability * SCORE_BINS as f64) as usize).min(SCORE_BINS - 1)];
        if rows.had_event(row) { bin.1 += 1.0 } else { bin.0 += 1.0 }
    }
    let (negatives, positives) = ((rows.rows() - rows.events()) as f64, rows.events() as f64);
    bins.iter().map(|b| (b.0 / negatives.max(1.0), b.1 / positives.max(1.0))).collect()
}
