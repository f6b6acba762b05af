//! Figures of a series of returns, and what is left of them after one has searched for them.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, Normal};

/// Periods of a series in a year, counted from the times at which it has a value, in order, one a period. A count within 1.5 % of
/// what markets have by convention (252 trading days, 365 days, 52 weeks, 12 months) is that convention, so that a
/// few bars more change no figure; so is that of a series too short to be counted.
///
/// Why not 252 always? A coin trades on 365 days, and its volatility a year is a fifth larger than 252 days say.
#[must_use]
pub fn periods_per_year(times: &[i64]) -> f64 {
    const CONVENTIONS: [f64; 4] = [252.0, 365.0, 52.0, 12.0];
    const FEWEST: usize = 126;
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return CONVENTIONS[0] };
    if times.len() < FEWEST {
        let mut steps: Vec<i64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        steps.sort_unstable();
        let weekend = times.iter().filter(|t| (t.div_euclid(86_400) + 3).rem_euclid(7) >= 5).count();
        return match steps.get(steps.len() / 2).map_or(1, |s| s / 86_400) {
            0..=2 if weekend * 5 > times.len() => CONVENTIONS[1],
            0..=2 => CONVENTIONS[0],
            3..=14 => CONVENTIONS[2],
            _ => CONVENTIONS[3],
        };
    }
    let years = (last - first) as f64 / (365.25 * 86_400.0);
    let count = (times.len() - 1) as f64 / years;
    let near = CONVENTIONS.into_iter().find(|c| (count / c - 1.0).abs() < 0.015);
    near.unwrap_or_else(|| count.round().max(1.0))
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Sample standard deviation.
fn sd(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (x.len() as f64 - 1.0)).sqrt()
}

/// The Sharpe ratio per period, against a rate of 0; 0 for a series that does not move.
#[must_use]
pub fn sharpe_per_period(returns: &[f64]) -> f64 {
    let s = sd(returns);
    if s > 0.0 { mean(returns) / s } else { 0.0 }
}

/// The Sharpe ratio per year of so many periods.
#[must_use]
pub fn sharpe(returns: &[f64], periods: f64) -> f64 {
    sharpe_per_period(returns) * periods.sqrt()
}

/// The Sortino ratio per year: falls below 0 are the risk, over all periods.
#[must_use]
pub fn sortino(returns: &[f64], periods: f64) -> f64 {
    let below = (returns.iter().map(|r| r.min(0.0).powi(2)).sum::<f64>() / returns.len() as f64).sqrt();
    if below > 0.0 { mean(returns) / below * periods.sqrt() } else { 0.0 }
}

/// Compound return per year of so many periods.
#[must_use]
pub fn annual_return(returns: &[f64], periods: f64) -> f64 {
    let log: f64 = returns.iter().map(|r| r.ln_1p()).sum();
    (log * periods / returns.len() as f64).exp_m1()
}

/// Volatility per year of so many periods.
#[must_use]
pub fn annual_volatility(returns: &[f64], periods: f64) -> f64 {
    sd(returns) * periods.sqrt()
}

/// The largest fall from a peak, as a negative share; the start counts as a peak.
#[must_use]
pub fn max_drawdown(returns: &[f64]) -> f64 {
    let (mut wealth, mut peak, mut worst) = (1.0, 1.0f64, 0.0f64);
    for r in returns {
        wealth *= 1.0 + r;
        peak = peak.max(wealth);
        worst = worst.min(wealth / peak - 1.0);
    }
    worst
}

/// The Calmar ratio: compound return per year over the largest fall.
#[must_use]
pub fn calmar(returns: &[f64], periods: f64) -> f64 {
    let fall = max_drawdown(returns);
    if fall < 0.0 { annual_return(returns, periods) / -fall } else { 0.0 }
}

/// Alpha per year (compounded) and beta against `benchmark`.
#[must_use]
pub fn alpha_beta(returns: &[f64], benchmark: &[f64], periods: f64) -> (f64, f64) {
    let beta = slope(returns, benchmark);
    let alpha = mean(returns) - beta * mean(benchmark);
    ((1.0 + alpha).powf(periods) - 1.0, beta)
}

fn slope(y: &[f64], x: &[f64]) -> f64 {
    let (my, mx) = (mean(y), mean(x));
    let xx: f64 = x.iter().map(|v| (v - mx) * (v - mx)).sum();
    let xy: f64 = y.iter().zip(x).map(|(a, b)| (a - my) * (b - mx)).sum();
    if xx > 0.0 { xy / xx } else { 0.0 }
}

/// What is left of `returns` beside `benchmark`: returns less beta times the benchmark's. Its mean is alpha.
#[must_use]
pub fn beside(returns: &[f64], benchmark: &[f64]) -> Vec<f64> {
    let beta = slope(returns, benchmark);
    returns.iter().zip(benchmark).map(|(r, b)| r - beta * b).collect()
}

/// Skewness and kurtosis (3 for the normal distribution), without small-sample corrections.
#[must_use]
pub fn skew_kurtosis(returns: &[f64]) -> (f64, f64) {
    let m = mean(returns);
    let moment = |k: i32| returns.iter().map(|r| (r - m).powi(k)).sum::<f64>() / returns.len() as f64;
    let variance = moment(2);
    if variance > 0.0 { (moment(3) / variance.powf(1.5), moment(4) / variance.powi(2)) } else { (0.0, 3.0) }
}

fn normal() -> Normal {
    Normal::standard()
}

/// Bailey and López de Prado (2012): the probability that the true Sharpe ratio is above `bar`, from `n` returns
/// with the Sharpe ratio `sharpe` (both per period), skewness and kurtosis.
#[must_use]
pub fn probabilistic_sharpe(sharpe: f64, bar: f64, n: usize, skew: f64, kurtosis: f64) -> f64 {
    normal().cdf((sharpe - bar) * (n as f64 - 1.0).sqrt() / spread(sharpe, skew, kurtosis))
}

fn spread(sharpe: f64, skew: f64, kurtosis: f64) -> f64 {
    (1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe).max(1e-12).sqrt()
}

/// Bailey and López de Prado (2014): the Sharpe ratio per period that the best of `trials` without any skill is
/// expected to show, where the trials' Sharpe ratios have this variance.
#[must_use]
pub fn expected_best(trials: usize, variance: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let n = trials.max(2) as f64;
    let z = |p: f64| normal().inverse_cdf(p);
    variance.sqrt() * ((1.0 - EULER) * z(1.0 - 1.0 / n) + EULER * z(1.0 - 1.0 / (n * std::f64::consts::E)))
}

/// The deflated Sharpe ratio: [`probabilistic_sharpe`] against [`expected_best`].
#[must_use]
pub fn deflated_sharpe(returns: &[f64], trials: usize, variance: f64) -> f64 {
    let (skew, kurtosis) = skew_kurtosis(returns);
    let bar = if trials > 1 { expected_best(trials, variance) } else { 0.0 };
    probabilistic_sharpe(sharpe_per_period(returns), bar, returns.len(), skew, kurtosis)
}

/// How many periods it takes to show that a Sharpe ratio like this one is above 0, with this confidence; infinite
/// for one that is not.
#[must_use]
pub fn minimum_track_record(returns: &[f64], confidence: f64) -> f64 {
    let sharpe = sharpe_per_period(returns);
    if sharpe <= 0.0 {
        return f64::INFINITY;
    }
    let (skew, kurtosis) = skew_kurtosis(returns);
    1.0 + (spread(sharpe, skew, kurtosis) * normal().inverse_cdf(confidence) / sharpe).powi(2)
}

/// The probability of back-test overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, López
/// de Prado and Zhu 2017): `series` are the returns of the configurations that were tried, `blocks` (even) the
/// parts of time. Returns the probability and the mean logit of the rank of the in-sample best out of sample.
///
/// # Panics
/// Never with `blocks` even and at least 2.
#[must_use]
pub fn overfitting(series: &[Vec<f64>], blocks: usize) -> (f64, f64) {
    let n = series.len();
    let length = series.first().map_or(0, Vec::len);
    if n < 2 || length < 2 * blocks {
        return (f64::NAN, f64::NAN);
    }
    let edge = |b: usize| b * length / blocks;
    let (mut below, mut sum, mut count) = (0.0, 0.0, 0.0);
    for chosen in (0u32..1 << blocks).filter(|c| c.count_ones() as usize == blocks / 2) {
        let part = |inside: bool, s: &Vec<f64>| {
            let of = (0..blocks).filter(|b| (chosen >> b & 1 == 1) == inside);
            sharpe_per_period(&of.flat_map(|b| s[edge(b)..edge(b + 1)].iter().copied()).collect::<Vec<_>>())
        };
        let seen: Vec<f64> = series.iter().map(|s| part(true, s)).collect();
        let best = (0..n).max_by(|&a, &b| seen[a].total_cmp(&seen[b])).expect("there are two at least");
        let unseen: Vec<f64> = series.iter().map(|s| part(false, s)).collect();
        let rank = 1 + unseen.iter().filter(|v| **v < unseen[best]).count();
        let share = rank as f64 / (n as f64 + 1.0);
        let logit = (share / (1.0 - share)).ln();
        below += f64::from(u8::from(logit <= 0.0));
        sum += logit;
        count += 1.0;
    }
    (below / count, sum / count)
}

/// Positions of a stationary bootstrap sample (Politis and Romano 1994) with blocks of this mean length.
pub fn stationary(n: usize, block: f64, rng: &mut ChaCha8Rng, out: &mut Vec<usize>) {
    out.clear();
    let mut at = 0;
    for i in 0..n {
        at = if i == 0 || rng.random::<f64>() < 1.0 / block { rng.random_range(0..n) } else { (at + 1) % n };
        out.push(at);
    }
}

/// White's (2000) reality check: as [`superior`], but not studentised, and every series raises the bar.
#[must_use]
pub fn reality_check(series: &[Vec<f64>], block: f64, replicates: usize, rng: &mut ChaCha8Rng) -> f64 {
    let t = series.first().map_or(0, Vec::len);
    if t < 10 {
        return f64::NAN;
    }
    let means: Vec<f64> = series.iter().map(|s| mean(s)).collect();
    let found = means.iter().copied().fold(f64::MIN, f64::max);
    let mut at = Vec::new();
    let mut above = 0;
    for _ in 0..replicates {
        stationary(t, block, rng, &mut at);
        let of = |(s, m): (&Vec<f64>, &f64)| at.iter().map(|&i| s[i]).sum::<f64>() / t as f64 - m;
        above += usize::from(series.iter().zip(&means).map(of).fold(f64::MIN, f64::max) > found);
    }
    above as f64 / replicates as f64
}

/// Hansen's (2005) test of superior predictive ability, consistent version, studentised: the probability that the
/// best of `series` (returns in excess of the benchmark) looks this good although none is better.
#[must_use]
pub fn superior(series: &[Vec<f64>], block: f64, replicates: usize, rng: &mut ChaCha8Rng) -> f64 {
    let t = series.first().map_or(0, Vec::len);
    if t < 10 {
        return f64::NAN;
    }
    let root = (t as f64).sqrt();
    let threshold = -(2.0 * (t as f64).ln().ln()).sqrt();
    let stats: Vec<(f64, f64)> =
        series.iter().map(|s| (mean(s), long_run_sd(s, block))).filter(|s| s.1 > 0.0).collect();
    let alive: Vec<&Vec<f64>> = series.iter().filter(|s| long_run_sd(s, block) > 0.0).collect();
    let found = stats.iter().map(|(m, w)| root * m / w).fold(0.0, f64::max);
    let mut at = Vec::new();
    let mut above = 0;
    for _ in 0..replicates {
        stationary(t, block, rng, &mut at);
        let of = |(s, (m, w)): (&&Vec<f64>, &(f64, f64))| {
            let drawn = at.iter().map(|&i| s[i]).sum::<f64>() / t as f64;
            // A model that is plainly worse than the benchmark does not raise the bar.
            let centre = if root * m / w >= threshold { *m } else { 0.0 };
            root * (drawn - centre) / w
        };
        let largest = alive.iter().zip(&stats).map(of).fold(0.0, f64::max);
        above += usize::from(largest > found);
    }
    above as f64 / replicates as f64
}

/// Standard deviation of √n × the mean of a stationary bootstrap (Politis and Romano 1994, eq. 7).
fn long_run_sd(x: &[f64], block: f64) -> f64 {
    let (n, m, q) = (x.len(), mean(x), 1.0 / block);
    let covariance = |lag: usize| (0..n - lag).map(|i| (x[i] - m) * (x[i + lag] - m)).sum::<f64>() / n as f64;
    let kernel = |lag: usize| {
        let (i, n) = (lag as f64, n as f64);
        (n - i) / n * (1.0 - q).powf(i) + i / n * (1.0 - q).powf(n - i)
    };
    // Beyond twenty blocks the kernel is below 1e-8.
    let lags = (20.0 * block) as usize;
    let sum: f64 = (1..n.min(lags)).map(|i| 2.0 * kernel(i) * covariance(i)).sum();
    (covariance(0) + sum).max(0.0).sqrt()
}

/// The information coefficient of each instant: rank correlation where `ranks`, else Pearson's; instants with fewer
/// than three assets are left out. Groups are given as (predictions, outcomes).
#[must_use]
pub fn information(groups: &[(Vec<f64>, Vec<f64>)], ranked: bool) -> Vec<f64> {
    let of = |(p, y): &(Vec<f64>, Vec<f64>)| match ranked {
        true => correlation(&ranks(p), &ranks(y)),
        false => correlation(p, y),
    };
    groups.iter().filter(|g| g.0.len() >= 3).map(of).filter(|c| !c.is_nan()).collect()
}

/// Pearson's correlation.
#[must_use]
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    slope(a, b) * sd(b) / sd(a)
}

/// Ranks from 1; ties share their mean.
#[must_use]
pub fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut out = vec![0.0; x.len()];
    let mut i = 0;
    while i < order.len() {
        let mut j = i;
        while j + 1 < order.len() && x[order[j + 1]] == x[order[i]] {
            j += 1;
        }
        order[i..=j].iter().for_each(|&r| out[r] = (i + j) as f64 / 2.0 + 1.0);
        i = j + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: f64 = 252.0;
    use crate::reference::{numbers, reference, table};
    use specialist_core::Context;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} against {b}");
    }

    #[test]
    fn figures_are_those_of_empyrical_and_scipy() {
        let expected = &reference()["performance"];
        let (s, b) = (numbers(&expected["strategy"]), numbers(&expected["benchmark"]));
        let at = |key: &str| expected[key].as_f64().unwrap();
        close(sharpe(&s, YEAR), at("sharpe_ratio"));
        close(sortino(&s, YEAR), at("sortino_ratio"));
        close(calmar(&s, YEAR), at("calmar_ratio"));
        close(max_drawdown(&s), at("max_drawdown"));
        close(annual_return(&s, YEAR), at("annual_return"));
        close(annual_volatility(&s, YEAR), at("annual_volatility"));
        let (alpha, beta) = alpha_beta(&s, &b, YEAR);
        close(alpha, at("alpha"));
        close(beta, at("beta"));
        let (skew, kurtosis) = skew_kurtosis(&s);
        close(skew, at("skew"));
        close(kurtosis, at("kurtosis"));
        close(probabilistic_sharpe(sharpe_per_period(&s), 0.0, s.len(), skew, kurtosis), at("psr_vs_0"));
        close(minimum_track_record(&s, 0.95), at("min_track_record_length_95"));
    }

    #[test]
    fn the_deflated_sharpe_ratio_of_the_papers_example() {
        // Bailey and López de Prado (2014), numerical example: SR0 = .1132 and DSR = .9004 for 100 trials.
        let variance = 0.5 / 250.0;
        close((expected_best(100, variance) * 1e4).round(), 1132.0);
        let psr = |n| probabilistic_sharpe(2.5 / 250f64.sqrt(), expected_best(n, variance), 1250, -3.0, 10.0);
        close((psr(100) * 1e4).round(), 9004.0);
        let at = |n: &str, key: &str| reference()["deflated_sharpe"][n][key].as_f64().unwrap();
        for (n, key) in [(46, "n46"), (88, "n88"), (100, "n100")] {
            close(expected_best(n, variance), at(key, "sr0"));
            close(psr(n), at(key, "dsr"));
        }
    }

    #[test]
    fn overfitting_counts_the_combinations_as_the_reference_does() {
        let rows = table(&reference()["pbo"]["matrix"]);
        let series: Vec<Vec<f64>> = (0..10).map(|c| rows.iter().map(|r| r[c]).collect()).collect();
        let (p, logit) = overfitting(&series, 8);
        close(p, reference()["pbo"]["pbo"].as_f64().unwrap());
        close(logit, reference()["pbo"]["mean_logit"].as_f64().unwrap());
    }

    #[test]
    fn overfitting_is_that_of_three_python_packages() {
        // phacker 0.1.0, purgedcv 0.1.11 and sharpe-gate 0.1.1 agree with each other (tests/reference/trading_pbo.py).
        let all: Vec<Vec<f64>> = (0..8usize)
            .map(|j| {
                let cell = |t: usize| (((t * 37 + j * 101 + 11) * (j + 3)) % 199) as f64 / 199.0 * 0.02 - 0.0098;
                (0..240).map(|t| cell(t) + 0.0001 * j as f64).collect()
            })
            .collect();
        let cases = [
            (8, 10, 0.5, -0.032_776_817_830_337_7),
            (8, 8, 0.314_285_714_285_714_3, 0.457_530_522_716_312_2),
            (7, 8, 0.528_571_428_571_428_6, -0.004_631_967_127_898_136),
            (7, 10, 0.674_603_174_603_174_7, -0.352_376_135_640_661_7),
        ];
        for (columns, blocks, p, logit) in cases {
            let found = overfitting(&all[..columns], blocks);
            close(found.0, p);
            close(found.1, logit);
        }
    }

    #[test]
    fn the_worked_example_of_the_pbo_vignette_is_overfitted_for_sure() {
        // CRAN's `pbo` vignette: noise whose columns all have one mean and one deviation, so that the best half of a
        // column leaves the worst; it prints a probability of 1 (100 columns of 2,400 days, 8 blocks).
        let mut rng = Context::new(765, 1).rng("vignette");
        let series: Vec<Vec<f64>> = (0..30)
            .map(|_| {
                let raw: Vec<f64> = (0..800).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect();
                let (m, s) = (mean(&raw), sd(&raw));
                raw.iter().map(|v| (v - m) / s / YEAR.sqrt() - 0.03 / YEAR).collect()
            })
            .collect();
        assert_eq!(overfitting(&series, 8).0, 1.0);
    }

    #[test]
    fn superior_ability_has_the_p_values_of_hansens_test() {
        let rows = table(&reference()["pbo"]["matrix"]);
        let p = |more: f64| {
            let column = |c: usize| rows.iter().map(|r| r[c] + if c == 3 { more } else { 0.0 }).collect();
            let series: Vec<Vec<f64>> = (0..10).map(column).collect();
            let white = reality_check(&series, 5.0, 4000, &mut Context::new(5, 1).rng("white"));
            (superior(&series, 5.0, 4000, &mut Context::new(5, 1).rng("spa")), white)
        };
        // An own studentised Hansen test in Python, 10,000 replicates: .359 and, with .0008 more, .011. (arch's SPA
        // does not studentise: .391 and .021.)
        let (none, some) = (p(0.0), p(0.0008));
        assert!((none.0 - 0.359).abs() < 0.03, "{none:?}");
        assert!((some.0 - 0.011).abs() < 0.006, "{some:?}");
        // White's reality check is arch's upper p-value, 10,000 replicates: .4187 and .0227.
        assert!((none.1 - 0.4187).abs() < 0.03, "{none:?}");
        assert!((some.1 - 0.0227).abs() < 0.008, "{some:?}");
    }

    #[test]
    fn information_coefficients_are_scipys() {
        let ic = &reference()["information_coefficient"];
        let groups: Vec<(Vec<f64>, Vec<f64>)> =
            table(&ic["predictions"]).into_iter().zip(table(&ic["outcomes"])).collect();
        for (ranked, key) in [(false, "pearson"), (true, "spearman")] {
            let found = information(&groups, ranked);
            for (a, b) in found.iter().zip(numbers(&ic[key]["per_date"])) {
                close(*a, b);
            }
            close(sharpe_per_period(&found), ic[key]["icir"].as_f64().unwrap());
        }
    }

    #[test]
    fn periods_are_counted() {
        const DAY: i64 = 86_400;
        let start = 1_609_459_200;
        let every = |step: i64, n: i64| (0..n).map(|i| start + i * step * DAY).collect::<Vec<_>>();
        let weekdays =
            |n: i64| every(1, n).into_iter().filter(|t| (t.div_euclid(DAY) + 3).rem_euclid(7) < 5).collect::<Vec<_>>();
        assert_eq!(periods_per_year(&every(1, 800)), 365.0);
        assert_eq!(periods_per_year(&every(1, 60)), 365.0);
        assert_eq!(periods_per_year(&every(7, 200)), 52.0);
        assert_eq!(periods_per_year(&every(7, 20)), 52.0);
        assert_eq!(periods_per_year(&weekdays(60)), 252.0);
        // Every weekday, without a holiday.
        assert_eq!(periods_per_year(&weekdays(2000)), 261.0);
        // Nine holidays a year.
        let held: Vec<i64> = weekdays(2000).into_iter().enumerate().filter(|(i, _)| i % 29 != 0).map(|d| d.1).collect();
        assert_eq!(periods_per_year(&held), 252.0);
        // Three days a week.
        let three: Vec<i64> =
            every(1, 2000).into_iter().filter(|t| (t.div_euclid(DAY) + 3).rem_euclid(7) < 3).collect();
        assert!((periods_per_year(&three) - 156.5).abs() < 1.0);
    }
}
