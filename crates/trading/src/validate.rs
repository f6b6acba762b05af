//! Beyond one split: walk-forward with re-tuning on a schedule, and combinatorial purged cross-validation.

use specialist_core::bootstrap::{Bootstrap, mean_sd, quantile};
use specialist_core::evidence::{Difference, Prediction, differences, judge};
use specialist_core::{Candidate, Context, Dataset, Error, FineTune, Metric, Panel, Predict, Pretrain, SplitKeys};
use specialist_tabular::{EstimatorSettings, Model, TuningPlan};

/// What is judged.
pub struct Subject<'a> {
    /// The generalist.
    pub generalist: &'a Model,
    /// The tuning that was chosen.
    pub tuning: TuningPlan,
    /// Scratch's settings.
    pub scratch: &'a EstimatorSettings,
    /// The primary metric.
    pub metric: &'a dyn Metric,
    /// Seconds after a row until its label is settled: train rows are purged by it on both sides.
    pub gap: i64,
}

/// One way to keep a model up to date, over the sealed rows.
pub struct Walk {
    /// Names and primary metric of each schedule, with interval.
    pub schedules: Vec<(String, specialist_core::evidence::Interval)>,
    /// Each against never tuning again.
    pub gains: Vec<Difference>,
    /// How often each was tuned.
    pub tunings: usize,
}

fn times(data: &Dataset) -> &[i64] {
    data.time.as_deref().expect("bars have a time")
}

/// Predicts the sealed rows piece by piece, each by models that were made on what was settled before it: the
/// specialist as it is (never), tuned again on all rows so far (expanding) or on the last `window` of them (rolling),
/// and scratch fitted again on all rows so far.
///
/// # Errors
/// When a model cannot be fitted.
pub fn walk_forward(
    subject: &Subject<'_>,
    train: &Dataset,
    sealed: &Dataset,
    every: usize,
    window: usize,
    ctx: &Context,
) -> Result<Walk, Error> {
    let ctx = &ctx.child("walk-forward");
    // Keys of one market mean the same in both, so the rows can be stacked.
    let mut all = train.pooled(sealed, 1.0)?;
    all.time = Some(times(train).iter().chain(times(sealed)).copied().collect());
    let first = train.rows();
    let fit = ctx.child("fit").single();
    let never = subject.tuning.fine_tune(subject.generalist, train, &fit)?;
    let pieces: Vec<(usize, usize)> =
        (0..sealed.rows()).step_by(every.max(1)).map(|s| (s, (s + every).min(sealed.rows()))).collect();
    let names = ["tuned once", "tuned again, expanding", "tuned again, rolling", "scratch again, expanding"];
    ctx.observer().begin("walk forward", pieces.len());
    let parts = ctx.map(pieces.len(), |k| {
        let (from, to) = pieces[k];
        let part = sealed.select(&(from..to).collect::<Vec<_>>());
        let start = times(sealed)[from];
        let known: Vec<usize> = (0..first + from).filter(|&r| times(&all)[r] + subject.gap < start).collect();
        let rolling = all.select(&known[known.len().saturating_sub(window)..]);
        let known = all.select(&known);
        let both = |d: &Dataset| d.informative() > 0;
        let tuned = |rows: &Dataset| match both(rows) {
            true => subject.tuning.fine_tune(subject.generalist, rows, &fit),
            false => Ok(never.clone()),
        };
        let models = [never.clone(), tuned(&known)?, tuned(&rolling)?, subject.scratch.pretrain(&known, &fit)?];
        ctx.observer().step(None);
        models.iter().map(|m| m.predict(&part)).collect::<Result<Vec<_>, Error>>()
    });
    ctx.observer().end();
    let mut predicted = vec![Vec::new(); names.len()];
    for part in parts {
        predicted.iter_mut().zip(part?).for_each(|(p, mut more)| p.append(&mut more));
    }
    let of = |(name, predicted): (&&str, Vec<f64>)| Prediction {
        name: (*name).into(),
        outputs: predicted.into(),
        ..Prediction::default()
    };
    let predictions: Vec<Prediction> = names.iter().zip(predicted).map(of).collect();
    const REPLICATES: usize = 1000;
    let keys = SplitKeys { time: true, gap: subject.gap, ..SplitKeys::default() };
    let bootstrap = Bootstrap::new(sealed, keys, REPLICATES, ctx);
    let metric: Vec<Box<dyn Metric>> = specialist_core::metric::by_name(subject.metric.name()).into_iter().collect();
    let (candidates, primary) = judge(sealed, &predictions, &metric, &bootstrap, 0.95, ctx);
    let gains = differences(&names, &[(1, 0), (2, 0), (3, 0)], &primary, 0.95);
    let schedules = candidates.iter().map(|c| (c.name.clone(), c.figures[0].interval)).collect();
    Ok(Walk { schedules, gains, tunings: pieces.len() })
}

/// One way to choose the judged groups: the metric of specialist, generalist and scratch on them.
pub struct Fold {
    /// Specialist, generalist, scratch.
    pub values: [f64; 3],
}

/// The candidates on every pair of `groups` consecutive groups of the train rows, fitted on the other groups but for
/// rows whose labels live into a judged group or that follow one at once (López de Prado 2018, ch. 12): the gap
/// purges before it and is the embargo behind it.
///
/// # Errors
/// When a model cannot be fitted.
pub fn combinatorial(subject: &Subject<'_>, train: &Dataset, groups: usize, ctx: &Context) -> Result<Vec<Fold>, Error> {
    let ctx = &ctx.child("combinatorial");
    let time = times(train);
    let edge = |g: usize| g * train.rows() / groups;
    let pairs: Vec<(usize, usize)> = (0..groups).flat_map(|a| (a + 1..groups).map(move |b| (a, b))).collect();
    ctx.observer().begin("combinatorial folds", pairs.len());
    let found = ctx.map(pairs.len(), |k| {
        let (a, b) = pairs[k];
        let judged: Vec<usize> = [a, b].iter().flat_map(|&g| edge(g)..edge(g + 1)).collect();
        let spans = [a, b].map(|g| (time[edge(g)], time[edge(g + 1) - 1]));
        let rest = train.select(&clear_of(time, &spans, subject.gap));
        let test = train.select(&judged);
        let fit = ctx.child("fit").single();
        let value = |m: &Model| Ok(specialist_core::metric::evaluate(subject.metric, &test, &m.predict(&test)?));
        let specialist = subject.tuning.fine_tune(subject.generalist, &rest, &fit)?;
        let scratch = subject.scratch.pretrain(&rest, &fit)?;
        ctx.observer().step(None);
        Ok::<Fold, Error>(Fold { values: [value(&specialist)?, value(subject.generalist)?, value(&scratch)?] })
    });
    ctx.observer().end();
    found.into_iter().collect()
}

/// The rows that are further than `gap` from every span.
fn clear_of(time: &[i64], spans: &[(i64, i64)], gap: i64) -> Vec<usize> {
    let clear = |t: i64| spans.iter().all(|&(start, end)| t + gap < start || t > end + gap);
    (0..time.len()).filter(|&r| clear(time[r])).collect()
}

/// For terminal and page.
#[must_use]
pub fn walk_panel(walk: &Walk, metric: &str, every: usize) -> Panel {
    let row = |(i, (name, value)): (usize, &(String, specialist_core::evidence::Interval))| {
        let gain = if i == 0 {
            "–".into()
        } else {
            let g = &walk.gains[i - 1].interval;
            format!("{:+.4} ({:+.4} to {:+.4})", g.estimate, g.low, g.high)
        };
        vec![name.clone(), format!("{:.3} ({:.3} to {:.3})", value.estimate, value.low, value.high), gain]
    };
    Panel {
        title: "Walk-forward over the sealed rows".into(),
        note: format!(
            "Each of {} pieces of {every} rows is predicted by models made on what was settled before it. The gain is over the specialist that is never tuned again; the intervals hold at once.",
            walk.tunings
        ),
        header: ["schedule", metric, "gain"].map(String::from).to_vec(),
        table: walk.schedules.iter().enumerate().map(row).collect(),
        ..Panel::default()
    }
}

/// For terminal and page.
#[must_use]
pub fn fold_panel(folds: &[Fold], metric: &str) -> Panel {
    let row = |(i, candidate): (usize, Candidate)| {
        let v: Vec<f64> = folds.iter().map(|f| f.values[i]).filter(|v| v.is_finite()).collect();
        let ((mean, sd), q) = (mean_sd(&v), |q| quantile(&v, q));
        vec![
            candidate.to_string(),
            format!("{mean:.3} ± {sd:.3}"),
            format!("{:.3}", q(0.05)),
            format!("{:.3}", q(0.95)),
        ]
    };
    let ahead = folds.iter().filter(|f| f.values[0] > f.values[1]).count();
    Panel {
        title: "Combinatorial purged cross-validation of the train rows".into(),
        note: format!(
            "{} ways to judge two groups by the others, purged and embargoed; the specialist is ahead of the generalist in {ahead}. The generalist's source rows are of the same years, so its figure is too good by what all assets share.",
            folds.len()
        ),
        header: ["candidate", &format!("{metric}, mean ± sd"), "5 %", "95 %"].map(String::from).to_vec(),
        table: [Candidate::Specialist, Candidate::Generalist, Candidate::Scratch]
            .into_iter()
            .enumerate()
            .map(row)
            .collect(),
        ..Panel::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// skfolio 1.12.2 `CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=5, embargo_size=0)` on 240 rows, made
    /// by tests/reference/trading_pbo.py: judged rows | rows to train on, first and last of each run.
    const SKFOLIO: &str = "
        0-39 40-79 | 85-239
        0-39 80-119 | 45-74 125-239
        0-39 120-159 | 45-114 165-239
        0-39 160-199 | 45-154 205-239
        0-39 200-239 | 45-194
        40-79 80-119 | 0-34 125-239
        40-79 120-159 | 0-34 85-114 165-239
        40-79 160-199 | 0-34 85-154 205-239
        40-79 200-239 | 0-34 85-194
        80-119 120-159 | 0-74 165-239
        80-119 160-199 | 0-74 125-154 205-239
        80-119 200-239 | 0-74 125-194
        120-159 160-199 | 0-114 205-239
        120-159 200-239 | 0-114 165-194
        160-199 200-239 | 0-154";

    fn runs(text: &str) -> Vec<(usize, usize)> {
        let run = |w: &str| w.split_once('-').map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap())).unwrap();
        text.split_whitespace().map(run).collect()
    }

    #[test]
    fn purged_rows_are_those_of_skfolio() {
        let time: Vec<i64> = (0..240).collect();
        let lines: Vec<&str> = SKFOLIO.lines().filter(|l| !l.trim().is_empty()).collect();
        assert_eq!(lines.len(), 15);
        for line in lines {
            let (judged, rest) = line.split_once('|').unwrap();
            let spans: Vec<(i64, i64)> = runs(judged).iter().map(|(a, b)| (*a as i64, *b as i64)).collect();
            let expected: Vec<usize> = runs(rest).into_iter().flat_map(|(a, b)| a..=b).collect();
            assert_eq!(clear_of(&time, &spans, 5), expected, "{line}");
        }
    }
}
