//! The effect as pages and sentences.

use specialist_core::bootstrap::quantile;
use specialist_core::evidence::{Interval, Z};
use specialist_core::survival::{decimals, kaplan_meier};
use specialist_core::{Context, Dataset, Error, Estimand, FeatureKind, Labels, Panel, PanelInput, Predict, Series};
use specialist_tabular::glm::Glm;

use super::average::{
    Arms, Nuisances, e_value, effective_size, mean_interval, scores, standardisation, standardised_difference,
    weighting,
};
use super::benefit::{best_linear_predictor, targeting_interval};
use super::who::who_benefits;
use super::{arms, by_chance, effect_model, overlap, risks};
use crate::settings::{Design, EffectSettings};
use crate::subgroups::SMALLEST;

const REPLICATES: usize = 200;
const PARTINGS: usize = 21;
const BINS: usize = 20;
/// Standardised differences below this are small by convention (Austin 2009).
const ALIKE: f64 = 0.1;
/// A test of chance below this says that it was not chance.
const CHANCE: f64 = 0.001;

/// One population's effect, or why there is none.
struct Population<'a> {
    name: &'a str,
    design: Design,
    data: &'a Dataset,
    arms: Arms,
    nuisances: Nuisances,
    /// Rows with overlap; all where chance decided.
    rows: Result<Vec<usize>, String>,
}

impl<'a> Population<'a> {
    fn of(
        name: &'a str,
        design: Design,
        data: &'a Dataset,
        settings: &EffectSettings,
        ctx: &Context,
    ) -> Result<Self, Error> {
        let arms = arms(data, settings, design)?;
        let nuisances = arms.cross_fitted(&ctx.child(name))?;
        let rows = match design {
            Design::Randomised => match by_chance(&arms, ctx)? {
                p if p < CHANCE => Err(format!(
                    "it is declared randomised, but covariates tell the arms apart as chance would not (p = {p:.1e}): declare it observational"
                )),
                _ => Ok((0..data.rows()).collect()),
            },
            Design::Observational => overlap(&arms, &nuisances.propensity),
        };
        Ok(Self { name, design, data, arms, nuisances, rows })
    }

    /// Scores of the rows with overlap.
    fn scores(&self, rows: &[usize]) -> Vec<f64> {
        let all = scores(&self.arms, &self.nuisances);
        rows.iter().map(|&r| all[r]).collect()
    }

    fn word(&self) -> &'static str {
        match self.design {
            Design::Randomised => "randomised",
            Design::Observational => "observational",
        }
    }
}

/// Average effect, balance, and who benefits.
///
/// # Errors
/// When the treatment is not as the recipe says, or an arm is empty.
pub fn panels(input: &PanelInput<'_>, settings: &EffectSettings) -> Result<Vec<Panel>, Error> {
    // The verdict is reached: the average effect may use every row of the target.
    of_rows(&both(input.train, input.rows)?, input.source, settings, input.ctx)
}

/// As [`panels`], of all rows of the target, and of a source if there is one.
///
/// # Errors
/// As [`panels`].
pub fn of_rows(
    target: &Dataset,
    source: Option<&Dataset>,
    settings: &EffectSettings,
    ctx: &Context,
) -> Result<Vec<Panel>, Error> {
    let ctx = &ctx.child("effect");
    let mut populations = vec![Population::of("target", settings.target, target, settings, ctx)?];
    if let (Some(design), Some(source)) = (settings.source, source) {
        populations.push(Population::of("source", design, source, settings, ctx)?);
    }
    let mut out = vec![average(&populations, settings, ctx)];
    out.extend(populations.iter().map(balance));
    if populations[0].rows.is_ok() {
        out.push(benefit(settings, &populations, ctx)?);
    }
    Ok(out)
}

fn both(train: &Dataset, sealed: &Dataset) -> Result<Dataset, Error> {
    train.pooled(sealed, 1.0)
}

fn unit(estimand: Estimand) -> String {
    match estimand {
        Estimand::Survival { horizon } => {
            format!("time lived without the event, of {horizon:.places$}", places = decimals(horizon))
        }
        _ => "risk".into(),
    }
}

/// Digits that an effect is shown with.
fn digits(estimand: Estimand) -> usize {
    match estimand {
        Estimand::Survival { horizon } => decimals(horizon),
        _ => 3,
    }
}

fn ranged(i: &Interval, decimals: usize) -> String {
    format!("{:.decimals$} ({:.decimals$} to {:.decimals$})", i.estimate, i.low, i.high)
}

/// The plain difference of the arms.
fn unadjusted(p: &Population<'_>) -> Interval {
    let label = p.data.labels();
    let arm = |wanted: bool| -> Vec<f64> { p.arms.treated.iter().map(|t| f64::from(u8::from(*t == wanted))).collect() };
    let of = |wanted: bool| match p.data.estimand {
        Estimand::Survival { horizon } => kaplan_meier(label.times(), &arm(wanted)).restricted_mean(horizon),
        _ => {
            let rows: Vec<usize> = (0..label.rows()).filter(|&r| p.arms.treated[r] == wanted).collect();
            let y = label.select(&rows).responses();
            let (mean, sd) = specialist_core::bootstrap::mean_sd(&y);
            (mean, sd / (y.len() as f64).sqrt())
        }
    };
    let ((a, ea), (b, eb)) = (of(true), of(false));
    let half = Z * ea.hypot(eb);
    Interval { estimate: a - b, low: a - b - half, high: a - b + half }
}

/// A statistic of the rows with an interval by the bootstrap of rows within arms.
fn resampled(p: &Population<'_>, rows: &[usize], ctx: &Context, statistic: impl Fn(&[usize]) -> f64) -> Interval {
    use rand::Rng;
    let mut rng = ctx.rng(p.name);
    let arm = |wanted: bool| rows.iter().copied().filter(|&r| p.arms.treated[r] == wanted).collect::<Vec<_>>();
    let arms = [arm(false), arm(true)];
    let drawn: Vec<f64> = (0..REPLICATES)
        .map(|_| {
            let mut again = Vec::with_capacity(rows.len());
            for arm in &arms {
                again.extend((0..arm.len()).map(|_| arm[rng.random_range(0..arm.len())]));
            }
            statistic(&again)
        })
        .collect();
    Interval { estimate: statistic(rows), low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975) }
}

fn average(populations: &[Population<'_>], settings: &EffectSettings, ctx: &Context) -> Panel {
    let mut table = Vec::new();
    let mut said = Vec::new();
    let decimals = digits(populations[0].data.estimand);
    for p in populations {
        let plain = unadjusted(p);
        let name = format!("{} ({}, {} patients)", p.name, p.word(), p.data.rows());
        table.push(vec![name.clone(), "plain difference of the arms".into(), ranged(&plain, decimals)]);
        let rows = match &p.rows {
            Ok(rows) => rows,
            Err(reason) => {
                table.push(vec![String::new(), "refused".into(), reason.clone()]);
                said.push(format!("in the {} no effect is stated: {reason}", p.name));
                continue;
            }
        };
        // Models of treatment and outcome are fitted anew on every sample: their error is part of the interval.
        let again = |r: &[usize]| {
            let arms = p.arms.select(r);
            let fitted = arms.fit(ctx).and_then(|f| f.of(&arms));
            fitted.ok().map(|n| (arms, n))
        };
        let ipw = resampled(p, rows, ctx, |r| again(r).map_or(f64::NAN, |(arms, n)| weighting(&arms, &n.propensity)));
        let standardised = resampled(p, rows, ctx, |r| again(r).map_or(f64::NAN, |(_, n)| standardisation(&n)));
        let robust = mean_interval(&p.scores(rows));
        table.push(vec![String::new(), "weighting (IPW)".into(), ranged(&ipw, decimals)]);
        table.push(vec![String::new(), "regression (g-computation)".into(), ranged(&standardised, decimals)]);
        table.push(vec![String::new(), "both (AIPW, cross-fitted)".into(), ranged(&robust, decimals)]);
        let ratio = resampled(p, rows, ctx, |r| {
            again(r).map_or(f64::NAN, |(arms, n)| {
                let [without, with] = risks(&p.data.select(r), &arms, &n.propensity);
                with / without
            })
        });
        let until = if matches!(p.data.estimand, Estimand::Survival { .. }) { " until the horizon" } else { "" };
        table.push(vec![String::new(), format!("risk ratio{until}"), ranged(&ratio, 2)]);
        if p.design == Design::Observational {
            let near = if ratio.estimate < 1.0 { ratio.high } else { ratio.low };
            let [value, limit] = e_value(ratio.estimate, near);
            table.push(vec![
                String::new(),
                "E-value of the risk ratio".into(),
                format!("{value:.2} times each ({limit:.2} for the interval)"),
            ]);
        }
        let kept = if rows.len() < p.data.rows() {
            format!(", {} of {} patients with overlap", rows.len(), p.data.rows())
        } else {
            format!(", {} patients", p.data.rows())
        };
        said.push(format!("{} in the {} ({}{kept})", ranged(&robust, decimals), p.name, p.word()));
    }
    let unit = unit(populations[0].data.estimand);
    let note =
        if settings.note.is_empty() { String::new() } else { format!(" Chance is documented: {}.", settings.note) };
    Panel {
        title: format!("Effect of {} = {}", settings.treatment, settings.treated),
        note: format!(
            "Treated less untreated, {unit}; 95 % intervals.{note} What must hold for these numbers: outcomes of one patient do not \
             depend on the treatment of another; treatment means one thing; and censoring does not depend on prognosis within an \
             arm. By chance treatment depends on nothing else. By judgement it may depend on what the table of balance shows, and \
             on nothing that is not there: that cannot be checked, the E-value says how strongly \
             something unmeasured would have to go with treatment and with the event."
        ),
        header: ["population", "estimate of", "treated − untreated"].map(String::from).to_vec(),
        table,
        headline: Some(format!(
            "EFFECT of {} = {}: {unit}: {}.",
            settings.treatment,
            settings.treated,
            said.join("; ")
        )),
        ..Panel::default()
    }
}

fn balance(p: &Population<'_>) -> Panel {
    let data = &p.arms.covariates;
    let mut table = Vec::new();
    let rows = p.rows.clone().unwrap_or_else(|_| (0..data.rows()).collect());
    let treated: Vec<bool> = rows.iter().map(|&r| p.arms.treated[r]).collect();
    // By chance, arms of so few patients differ by this much in one covariate of twenty.
    let arm = |wanted: bool| treated.iter().filter(|t| **t == wanted).count().max(1) as f64;
    let by_chance = Z * (1.0 / arm(true) + 1.0 / arm(false)).sqrt();
    let limit = if p.design == Design::Randomised { by_chance.max(ALIKE) } else { ALIKE };
    let propensity: Vec<f64> = rows.iter().map(|&r| p.nuisances.propensity[r]).collect();
    let mut row = |name: String, value: &dyn Fn(f64) -> f64, column: usize| {
        let values: Vec<f64> = rows.iter().map(|&r| value(data.records()[[r, column]])).collect();
        let [before, after] = standardised_difference(&values, &treated, &propensity);
        let flag = if after.abs() > limit { " not alike" } else { "" };
        table.push(vec![name, format!("{before:+.3}"), format!("{after:+.3}{flag}")]);
    };
    for (c, f) in data.features.iter().enumerate() {
        match &f.kind {
            FeatureKind::Number => row(f.name.clone(), &|v| v, c),
            FeatureKind::Category { levels } => {
                for (code, level) in levels.iter().enumerate().skip(1) {
                    row(format!("{} {level}", f.name), &|v| f64::from(u8::from(v == code as f64)), c);
                }
            }
        }
    }
    let share = |wanted: bool| -> Series {
        let arm: Vec<f64> = (0..p.arms.treated.len())
            .filter(|&r| p.arms.treated[r] == wanted)
            .map(|r| p.nuisances.propensity[r])
            .collect();
        let bin = |b: usize| {
            let inside = arm.iter().filter(|v| ((**v * BINS as f64) as usize).min(BINS - 1) == b).count();
            let estimate = inside as f64 / arm.len().max(1) as f64;
            let point = ((b as f64 + 0.5) / BINS as f64, Interval { estimate, low: f64::NAN, high: f64::NAN });
            // A point for fewer than a cell's patients would count them.
            (inside == 0 || inside >= SMALLEST).then_some(point)
        };
        Series {
            name: if wanted { "treated".into() } else { "untreated".into() },
            points: (0..BINS).filter_map(bin).collect(),
        }
    };
    let alone = match one_armed(p) {
        levels if levels.is_empty() => String::new(),
        levels => format!("Only one arm occurs among: {}. ", levels.join(", ")),
    };
    let chance = if limit > ALIKE { " (what chance does in one covariate of twenty, where it decided)" } else { "" };
    let sizes = [false, true].map(|arm| effective_size(&treated, &propensity, arm));
    Panel {
        title: format!("Overlap and balance in the {}", p.name),
        note: format!(
            "{alone}Standardised differences between the arms before weighting and after; beyond ±{limit:.2} arms are not alike{chance}. The plot shows who \
             was likely to be treated, by arm: where the lines do not overlap there is nobody to compare with, and those patients \
             ({} of {}) are left out. The weighted arms are worth {:.0} untreated and {:.0} treated patients.",
            data.rows() - rows.len(),
            data.rows(),
            sizes[0],
            sizes[1]
        ),
        header: ["covariate", "before", "after"].map(String::from).to_vec(),
        table,
        axes: ("probability of treatment".into(), "share of the arm".into()),
        series: vec![share(true), share(false)],
        ..Panel::default()
    }
}

/// Levels of at least ten patients in which one arm does not occur.
fn one_armed(p: &Population<'_>) -> Vec<String> {
    let data = &p.arms.covariates;
    let mut out = Vec::new();
    for (c, f) in data.features.iter().enumerate() {
        let FeatureKind::Category { levels } = &f.kind else { continue };
        for (code, level) in levels.iter().enumerate() {
            let rows = || (0..data.rows()).filter(|&r| data.records()[[r, c]] == code as f64);
            let (n, treated) = (rows().count(), rows().filter(|&r| p.arms.treated[r]).count());
            if n >= SMALLEST && (treated == 0 || treated == n) {
                out.push(format!("{} {level}", f.name));
            }
        }
    }
    out
}

/// Whether the effect model tells those who benefit from those who do not, over many partings of the target.
fn benefit(settings: &EffectSettings, populations: &[Population<'_>], ctx: &Context) -> Result<Panel, Error> {
    let source: Option<Glm> = match populations.get(1) {
        Some(p) => match &p.rows {
            Ok(rows) => Some(effect_model(&p.arms.covariates.select(rows), &p.scores(rows), None, ctx)?),
            Err(_) => None,
        },
        None => None,
    };
    let target = &populations[0];
    let rows = target.rows.as_ref().map_err(|reason| Error::Mismatch(reason.clone()))?;
    let arms = target.arms.select(rows);
    let decimals = digits(target.data.estimand);
    let mut table = Vec::new();
    if let Some(model) = &source {
        // It knows nothing of the target: every patient can judge it.
        let (score, predicted) = (target.scores(rows), model.predict(&arms.covariates)?);
        let area = |qini| ranged(&targeting_interval(&score, &predicted, qini, ctx), decimals);
        let line = best_linear_predictor(&score, &predicted);
        table.push(vec![
            "pre-trained on the source, all patients".into(),
            area(false),
            area(true),
            format!("{:.2}", line.slope),
            format!("{:.3}", line.p),
        ]);
    }
    let who = who_benefits(&arms, source.as_ref(), PARTINGS, ctx)?;
    table.push(vec![
        format!("fine-tuned on half of the target, judged on the other, {PARTINGS} partings"),
        ranged(&who.autoc, decimals),
        ranged(&who.qini, decimals),
        format!("{:.2}", who.slope),
        format!("{:.3}", who.p),
    ]);
    for (name, [predicted, found]) in ["lowest", "middle", "highest"].into_iter().zip(who.thirds) {
        let cells = [format!("predicted {predicted:.decimals$}"), format!("found {found:.decimals$}")];
        table.push([vec![format!("{name} third")], cells.to_vec(), vec![String::new(), String::new()]].concat());
    }
    let word = if who.is_shown() {
        "those whom the effect model calls first benefit more"
    } else {
        "it is not shown that some benefit more than others"
    };
    Ok(Panel {
        title: format!("Who benefits from {} = {}: {word}", settings.treatment, settings.treated),
        note: "An effect model (DR-learner) judged by doubly robust scores of patients whom neither it nor the models of treatment \
               and outcome saw. AUTOC and Qini: how much more those gain who are called first; 0 where the order says nothing. The \
               slope of the scores on predicted effects is 1 where these are right, 0 where they say nothing. Over partings: \
               medians, with intervals and p that hold for medians of partings (Chernozhukov and others 2018: the level is \
               halved). One parting alone may say anything. Below, thirds by predicted effect."
            .into(),
        header: ["effect model", "AUTOC", "Qini", "slope", "p"].map(String::from).to_vec(),
        table,
        headline: Some(format!(
            "WHO BENEFITS: {word} (AUTOC {}, p = {:.3}, over {PARTINGS} partings).",
            ranged(&who.autoc, decimals),
            who.p
        )),
        ..Panel::default()
    })
}

/// Why no effect is stated on the outcome of these rows, if none can be.
pub fn refused(rows: &Dataset) -> Option<Panel> {
    let reason = match rows.labels() {
        // An effect on one of them is no effect on what patients live through.
        Labels::Times { causes, .. } if causes.len() > 1 => {
            "causes compete: a treatment that changes the others changes this one too. Count every cause as the event"
        }
        Labels::Classes { levels, .. } if levels.len() > 2 => {
            "the outcome is one of several classes: say with `positive` which of them the effect is asked on"
        }
        Labels::Texts(_) => "the outcome is a text",
        Labels::Classes { .. } | Labels::Numbers(_) | Labels::Times { .. } => return None,
    };
    Some(Panel {
        title: "Effect: refused".into(),
        note: format!("No effect is stated where {reason}."),
        headline: Some(format!("EFFECT: refused: {reason}.")),
        ..Panel::default()
    })
}
