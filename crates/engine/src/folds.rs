//! The folds that a search is judged on, and how a trial is judged on them.

use specialist_core::{Context, Dataset, Metric, Predict, Pretrain, Split, metric};
use specialist_search::{Job, Stopped, Study};
use specialist_tabular::{EstimatorSettings, Model};

use crate::Error;
use crate::recipe::Recipe;

/// What a search starts from.
pub struct Start<'a> {
    /// The model to tune.
    pub generalist: &'a Model,
    /// Source rows, and what the generalist was fitted with.
    pub pooled: Option<(&'a Dataset, &'a EstimatorSettings)>,
    /// The study that tuned the generalist.
    pub study: Option<&'a Study>,
    /// The target's train rows.
    pub train: &'a Dataset,
}

/// Rows to fit on and rows to judge on.
pub(crate) struct Fold {
    pub(crate) train: Dataset,
    pub(crate) test: Dataset,
    /// Where source rows have a time of their own: the generalist as it would have been before the test rows.
    pub(crate) generalist: Option<Model>,
    /// Source rows must be earlier than this.
    pub(crate) border: Option<i64>,
}

/// Everything a trial is judged by.
pub(crate) struct Judge<'a> {
    pub(crate) folds: &'a [Fold],
    pub(crate) primary: &'a dyn Metric,
    pub(crate) ctx: &'a Context,
}

impl Judge<'_> {
    /// Goodness of `fit` on each fold, for all of `n` trials, in parallel over trials and folds.
    pub(crate) fn values<M: Predict>(
        &self,
        n: usize,
        fit: impl Fn(usize, &Fold, &Context) -> Result<M, specialist_core::Error> + Sync,
    ) -> Vec<Result<Vec<f64>, String>> {
        let k = self.folds.len();
        let inner = self.ctx.child("trial").single();
        let cells = self.ctx.map(n * k, |cell| {
            let (trial, fold) = (cell / k, &self.folds[cell % k]);
            self.one(fold, &inner, |fold, ctx| fit(trial, fold, ctx))
        });
        let whole = |parts: &[Result<f64, specialist_core::Error>]| -> Result<Vec<f64>, String> {
            let parts: Vec<f64> = parts.iter().cloned().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
            if parts.iter().any(|v| v.is_nan()) { Err("the metric is not defined on a fold".into()) } else { Ok(parts) }
        };
        cells.chunks(k).map(whole).collect()
    }

    /// Goodness of a fit on each fold in turn; each is reported, so that a pruner may end it.
    pub(crate) fn trial<M: Predict>(
        &self,
        job: &Job<'_>,
        fit: impl Fn(&Fold, &Context) -> Result<M, specialist_core::Error>,
    ) -> Result<Vec<f64>, Stopped> {
        let inner = self.ctx.child("trial").single();
        let mut sum = 0.0;
        for (k, fold) in self.folds.iter().enumerate() {
            let value = self.one(fold, &inner, &fit).map_err(|e| match e {
                // Nothing is known of the settings: the trial stays as it is, for whoever goes on with the search.
                specialist_core::Error::Cancelled => Stopped::Lost,
                e => Stopped::Failed(e.to_string()),
            })?;
            if value.is_nan() {
                return Err(Stopped::Failed("the metric is not defined on a fold".into()));
            }
            sum += value;
            job.report(k as u64 + 1, sum / (k + 1) as f64)?;
        }
        Ok(vec![sum / self.folds.len() as f64])
    }

    pub(crate) fn one<M: Predict>(
        &self,
        fold: &Fold,
        ctx: &Context,
        fit: impl Fn(&Fold, &Context) -> Result<M, specialist_core::Error>,
    ) -> Result<f64, specialist_core::Error> {
        let model = fit(fold, ctx)?;
        let value = metric::evaluate_model(self.primary, &fold.test, &model)?;
        Ok(self.primary.goal().goodness(value))
    }
}

/// The folds of the target's train rows that can judge: early windows of a time split may hold no event
/// of one side.
pub(crate) fn folds(recipe: &Recipe, start: &Start<'_>, ctx: &Context, name: &str) -> Result<Vec<Fold>, Error> {
    let (train, keys) = (start.train, recipe.split_keys()?);
    let k = recipe.tune.folds.min(train.informative()).max(2);
    let splits = keys.folds(train, k, recipe.tune.repeats, &mut ctx.rng(name))?;
    let judges = |rows: &[usize]| train.informative_among(rows) > 0;
    let usable = splits.iter().filter(|s| judges(&s.train) && judges(&s.test));
    let fold = |s: &Split| {
        let (train, test) = (train.select(&s.train), train.select(&s.test));
        let first = test.time.as_ref().and_then(|t| t.iter().min().copied());
        let border = first.filter(|_| recipe.split.cut_source && keys.time).map(|first| first - keys.gap);
        Fold { train, test, generalist: None, border }
    };
    let mut folds = Vec::new();
    for mut fold in usable.map(fold) {
        if let Some((source, settings)) = start.pooled
            && let Some(rows) = earlier(source, fold.border)
        {
            // Where the source begins later than this, there was no generalist to tune.
            if source.informative_among(&rows) == 0 {
                continue;
            }
            fold.generalist = Some(settings.pretrain(&source.select(&rows), &ctx.child("fold"))?);
        }
        folds.push(fold);
    }
    if folds.is_empty() {
        let what = "folds with both labels on both sides".into();
        return Err(specialist_core::Error::TooFew { what, found: 0, needed: 1 }.into());
    }
    Ok(folds)
}

/// The rows before `border`, where there is one and the rows have a time.
pub(crate) fn earlier(source: &Dataset, border: Option<i64>) -> Option<Vec<usize>> {
    let (time, border) = (source.time.as_ref()?, border?);
    Some((0..source.rows()).filter(|&r| time[r] < border).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use specialist_core::Labels;
    use specialist_core::{Feature, metric::RocAuc};

    struct Constant;

    impl Predict for Constant {
        fn margins(&self, data: &Dataset) -> Result<specialist_core::Outputs, specialist_core::Error> {
            Ok(data.records().column(0).to_vec().into())
        }
    }

    #[test]
    fn a_failed_trial_leaves_the_others_their_values() {
        let rows = |flip: f64| {
            let x = ndarray::Array2::from_shape_fn((10, 1), |(i, _)| i as f64);
            let y = Labels::binary((0..10).map(|i| (i < 5) == (flip > 0.0)));
            Dataset::new(vec![Feature::number("x")], x, y).unwrap()
        };
        let fold = |flip| Fold { train: rows(flip), test: rows(flip), generalist: None, border: None };
        let ctx = Context::new(1, 2);
        let judge = Judge { folds: &[fold(0.0), fold(1.0)], primary: &RocAuc, ctx: &ctx };
        let values = judge.values(3, |trial, _, _| match trial {
            0 => Err(specialist_core::Error::Mismatch("no".into())),
            _ => Ok(Constant),
        });
        assert!(values[0].is_err());
        assert_eq!(values[1..], [Ok(vec![1.0, 0.0]), Ok(vec![1.0, 0.0])]);
    }

    #[test]
    fn a_generalist_of_a_fold_knows_nothing_of_its_test_rows_time() {
        let text = "[source]\ndata = 'a'\n[target]\ndata = 'b'\n[split]\ntime_on = 't'\ngap = '1d'\ncut_source = true\n\
                    [columns.t]\nrole = 'time'\nkind = 'time'\n[columns.x]\nrole = 'feature'\n[columns.y]\nrole = 'label'\n\
                    [tune]\nfolds = 2\n[pretrain]\nestimator = 'glm'\n";
        let recipe = crate::recipe::parse("recipe.toml", text, &[]).unwrap();
        // From the day 150 on the source says the opposite of what it said before.
        let rows = |turns: bool| {
            let x = ndarray::Array2::from_shape_fn((200, 1), |(i, _)| f64::from(u8::from(i % 3 == 0)));
            let y = Labels::binary((0..200).map(|i| (turns && i >= 150) != (x[[i, 0]] > 0.0)));
            let mut data = Dataset::new(vec![Feature::number("x")], x, y).unwrap();
            data.time = Some((0..200).map(|i| i * 86_400).collect());
            data
        };
        let (source, train) = (rows(true), rows(false));
        let (ctx, settings) = (Context::new(1, 1), specialist_tabular::ESTIMATORS.named("glm").unwrap().defaults());
        let generalist = settings.pretrain(&source, &ctx).unwrap();
        let start = Start { generalist: &generalist, pooled: Some((&source, &settings)), study: None, train: &train };
        let found = folds(&recipe, &start, &ctx, "folds").unwrap();
        let expected = |until: usize| settings.pretrain(&source.select(&(0..until).collect::<Vec<_>>()), &ctx).unwrap();
        assert_eq!(found.len(), 2);
        for (fold, first) in found.iter().zip([100, 150]) {
            assert_eq!(fold.test.time.as_ref().unwrap()[0], first * 86_400);
            // A day of gap lies between.
            let theirs = fold.generalist.as_ref().unwrap().margin(&fold.test).unwrap();
            assert_eq!(theirs, expected(first as usize - 1).margin(&fold.test).unwrap());
        }
    }
}
