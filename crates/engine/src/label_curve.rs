//! How many labels it takes: candidates made anew from a few of them.

use specialist_core::bootstrap::{mean_sd, quantile};
use specialist_core::evidence::{CurvePoint, Interval, LabelCurve};
use specialist_core::{Context, Error, Goal};

/// What candidates made of one draw came to.
pub struct Drawn {
    /// Rows that were drawn.
    pub rows: usize,
    /// Events among them.
    pub events: usize,
    /// The primary metric of every candidate; none where it was not made of this draw.
    pub values: Vec<Option<f64>>,
}

/// The curve of candidates called `names` over so many budgets and repeats of each; `draw` makes and judges them for a budget and a
/// repeat, and gives none where that is no budget. What is said of where one candidate passes another is said of `pairs`.
///
/// # Errors
/// Those of `draw`, the first by budget; when the run is cancelled.
pub fn curve<E: From<Error> + Send>(
    names: &[&str],
    (budgets, repeats): (usize, usize),
    goal: Goal,
    pairs: &[(usize, usize)],
    ctx: &Context,
    draw: impl Fn(usize, usize) -> Result<Option<Drawn>, E> + Sync,
) -> Result<LabelCurve, E> {
    ctx.observer().begin("label curve", budgets * repeats);
    let draws = ctx.map(budgets * repeats, |i| {
        ctx.check()?;
        let drawn = draw(i / repeats, i % repeats);
        ctx.observer().step(None);
        drawn
    });
    ctx.observer().end();
    let draws = draws.into_iter().collect::<Result<Vec<_>, E>>()?;
    let mut points = Vec::new();
    for chunk in draws.chunks(repeats) {
        let drawn: Vec<&Drawn> = chunk.iter().flatten().collect();
        let Some(first) = drawn.first() else { continue };
        let value = |i: usize| {
            let v: Vec<f64> = drawn.iter().filter_map(|d| d.values[i]).collect();
            Interval { estimate: mean_sd(&v).0, low: quantile(&v, 0.025), high: quantile(&v, 0.975) }
        };
        let values = names.iter().enumerate().map(|(i, n)| ((*n).to_string(), value(i))).collect();
        points.push(CurvePoint { rows: first.rows, events: first.events, values });
    }
    let crossings = pairs.iter().filter_map(|&(riser, bar)| crossing(&points, goal, riser, bar)).collect();
    Ok(LabelCurve { points, repeats, crossings })
}

/// Where the curve of one candidate first reaches another's and stays: between two budgets by linear
/// interpolation over the logarithm of the rows.
fn crossing(points: &[CurvePoint], goal: Goal, riser: usize, bar: usize) -> Option<String> {
    let lead = |p: &CurvePoint| goal.goodness(p.values[riser].1.estimate) - goal.goodness(p.values[bar].1.estimate);
    let (first, last) = (points.first()?, points.last()?);
    let (riser_name, bar_name) = (&first.values[riser].0, &first.values[bar].0);
    if lead(last).is_nan() || lead(first).is_nan() {
        return None;
    }
    if points.iter().all(|p| lead(p) == 0.0) {
        return Some(format!("{riser_name} and {bar_name} are equal at every budget."));
    }
    if lead(last) <= 0.0 {
        return Some(format!(
            "{riser_name} does not reach the {bar_name} with all {} labelled target rows; it would take more than that.",
            last.rows
        ));
    }
    let Some(below) = points.iter().rposition(|p| lead(p) <= 0.0) else {
        return Some(format!("{riser_name} is ahead of the {bar_name} from {} labelled target rows on.", first.rows));
    };
    let (a, b) = (&points[below], &points[below + 1]);
    let share = -lead(a) / (lead(b) - lead(a));
    let rows = ((a.rows as f64).ln() + share * ((b.rows as f64).ln() - (a.rows as f64).ln())).exp();
    Some(format!("{riser_name} passes the {bar_name} at about {rows:.0} labelled target rows."))
}
