//! Search that starts from an earlier study: how many trials it takes to reach what a cold study reaches
//! with 50, and what a misleading past costs.

use std::path::Path;

use specialist_search::{Auto, Params, PastStudy, Sampler, Space, Study, Transfer, Value};

use crate::Error;
use crate::objective::Objective;
use crate::statistics::mean_se;

/// The past is this much of each numeric range away from the present.
const SHIFT: f64 = 0.05;
const TRIALS: usize = 50;
/// Normalised regrets this close count as the same: on smooth functions a study of 50 trials gets within
/// a billionth of the optimum, which says nothing about the past.
const NEAR: f64 = 0.01;

/// The point moved along every numeric axis, reflected at the ends.
fn shifted(space: &Space, p: &Params) -> Params {
    let moved = |domain: &specialist_search::Domain, v: &Value| {
        let code = domain.code(v).unwrap_or(0.5);
        let to = code + SHIFT;
        domain.value(if to > 1.0 { 2.0 - to } else { to })
    };
    space.choose(|q| {
        let v = p.get(&q.name).cloned().unwrap_or(Value::Null);
        if q.domain.is_numeric() { moved(&q.domain, &v) } else { v }
    })
}

fn study(space: &Space, sampler: &dyn Sampler, seed: u64, f: impl Fn(&Params) -> f64) -> Study {
    let mut study = Study::minimise("bench", space.clone(), seed);
    study.optimize(sampler, TRIALS, |p| Ok(f(p))).expect("memory keeps everything");
    study
}

fn best_after(study: &Study, n: usize) -> f64 {
    study.trials()[..n].iter().filter_map(specialist_search::Trial::value).fold(f64::INFINITY, f64::min)
}

pub fn print(data: &Path, seeds: usize) -> Result<(), Error> {
    println!(
        "\ntransfer: a past study of {TRIALS} trials on a copy shifted by {SHIFT} of each range, and on the negated objective"
    );
    println!("reached: within {NEAR} of the cold study's normalised regret");
    println!("{:<26}{:>28}{:>40}", "", "trials to the cold value at 50", "misleading − cold, regret at 50 (± 2 se)");
    let mut all = Vec::new();
    for name in ["branin", "hartmann6", "rosen5", "hpobench:phoneme", "hpolib:protein_structure", "lgbm_diabetes"] {
        let o = Objective::load(data, name)?;
        let (mut reached, mut harm) = (Vec::new(), Vec::new());
        for seed in 0..seeds as u64 {
            let here = |p: &Params| o.value(p);
            let cold = study(&o.space, &Auto::default(), 7 * seed + 1, here);
            let past = study(&o.space, &Auto::default(), 7 * seed + 2, |p| o.value(&shifted(&o.space, p)));
            let warm = study(&o.space, &Transfer::new(vec![PastStudy::of(&past)]), 7 * seed + 3, here);
            let target = best_after(&cold, TRIALS);
            let near = o.normalised_regret(target) + NEAR;
            let first = (1..=TRIALS).find(|n| o.normalised_regret(best_after(&warm, *n)) <= near);
            reached.push(first.unwrap_or(TRIALS + 1) as f64);
            let misleading = study(&o.space, &Auto::default(), 7 * seed + 4, |p| -o.value(p));
            let misled = study(&o.space, &Transfer::new(vec![PastStudy::of(&misleading)]), 7 * seed + 3, here);
            harm.push(o.normalised_regret(best_after(&misled, TRIALS)) - o.normalised_regret(target));
        }
        reached.sort_by(f64::total_cmp);
        let (mean, se) = mean_se(&harm);
        println!(
            "{name:<26}{:>14} median{:>8.1} mean{:>23} ± {:.4}",
            reached[seeds / 2],
            mean_se(&reached).0,
            format!("{mean:+.4}"),
            2.0 * se
        );
        all.extend(reached);
    }
    all.sort_by(f64::total_cmp);
    println!("all: median {} trials, mean {:.1}", all[all.len() / 2], mean_se(&all).0);
    Ok(())
}
