//! Bootstrap replicates as row weights, drawn so that what belongs together stays together.

use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::interval::Interval;
use crate::{Context, Dataset, KeyRole, SplitKeys};

pub use crate::summary::{mean_sd, quantile};

/// How replicates are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Rows, with replacement. Not within each label: how frequent events are is as uncertain as anything, and Brier
    /// scores, calibration and net benefit depend on it.
    Rows,
    /// Whole groups, with replacement.
    Cluster,
    /// Circular moving blocks of consecutive days (Künsch 1989; Politis and Romano 1992).
    MovingBlocks,
    /// Groups, blocks of days, and groups within blocks, each by themselves: the variance of the first and of the
    /// second less that of the third (Cameron, Gelbach and Miller 2011). Rows of one card are alike on all days and
    /// rows of one day over all cards; either draw alone takes the other's likeness for evidence.
    TwoWay,
}

/// What is drawn: units of rows, `block` neighbours at a time.
struct Draw {
    /// Rows that are drawn together; for blocks in order of time.
    units: Vec<Vec<u32>>,
    block: usize,
    /// Random numbers of its own.
    name: &'static str,
    /// How far labels reach, in units: neighbouring rows share what they say.
    reach: usize,
}

impl Draw {
    fn of_units(units: Vec<Vec<u32>>, name: &'static str) -> Self {
        Self { units, block: 1, name, reach: 0 }
    }

    /// Blocks of days: as long as the cube root of their number asks for (Bühlmann and Künsch 1999), and twice as long as
    /// the labels overlap, yet never so long that fewer than [`FEWEST_BLOCKS`] remain.
    fn of_days(time: &[i64], gap: i64) -> Self {
        let (units, starts) = time_units(time);
        let reach = reach(&starts, gap);
        let n = units.len();
        let block = ((n as f64).cbrt().round() as usize).max(2 * reach).clamp(1, (n / FEWEST_BLOCKS).max(1));
        Self { units, block, name: "bootstrap", reach }
    }

    /// How many there are to draw.
    fn number(&self) -> f64 {
        self.units.len() as f64 / self.block as f64
    }

    /// The share of a mean's variance that its blocks show. Labels that overlap by `h` units are a moving average whose
    /// autocovariances fall on a line to 0 at `h`; blocks of `b` weigh them by `1 − k/b` (Künsch 1989, eq. 3.4), which
    /// leaves `1 − h/(3b)` of their sum.
    fn seen(&self) -> f64 {
        // Where few days allow no blocks as long as the overlap, the formula does not hold and falls to 0: at most the variance is
        // doubled.
        (1.0 - self.reach as f64 / (3 * self.block) as f64).max(0.5)
    }

    fn weights(&self, rng: &mut impl Rng, weight: &mut [f64]) {
        let n = self.units.len();
        let mut drawn = 0;
        while drawn < n {
            let start = rng.random_range(0..n);
            // The last block is cut, so that every replicate has as many units as the data.
            for i in 0..self.block.min(n - drawn) {
                self.units[(start + i) % n].iter().for_each(|&r| weight[r as usize] += 1.0);
            }
            drawn += self.block;
        }
    }
}

/// A recipe for `replicates` weight vectors. Replicate `b` depends on the seed and `b` only.
pub struct Bootstrap {
    method: Method,
    replicates: usize,
    rows: usize,
    /// One draw; with groups and time three: groups, days, groups within blocks of days.
    draws: Vec<Draw>,
    ctx: Context,
}

/// Fewer days than this are no basis for blocks of days: equal slices of the time line are used.
const FEWEST_DAYS: usize = 10;
/// Fewer blocks than this tell nothing of their own spread.
const FEWEST_BLOCKS: usize = 10;
const SECONDS_A_DAY: i64 = 86_400;

impl Bootstrap {
    /// Replicates of `data` that respect the keys its split respected, and that labels reach `keys.gap` into the future.
    #[must_use]
    pub fn new(data: &Dataset, keys: SplitKeys, replicates: usize, ctx: &Context) -> Self {
        let rows = data.rows();
        let time = data.time.as_ref().filter(|_| keys.time);
        let group = data.key(KeyRole::Group).filter(|_| keys.group);
        let (method, draws) = match (time, group) {
            (Some(time), None) => (Method::MovingBlocks, vec![Draw::of_days(time, keys.gap)]),
            (None, Some(group)) => (Method::Cluster, vec![Draw::of_units(by_value(&group.codes), "bootstrap")]),
            (Some(time), Some(group)) => {
                let days = Draw { name: "bootstrap of days", ..Draw::of_days(time, keys.gap) };
                // The second way draws blocks of days and not days, so that what both ways share is a group within a block.
                let mut cell: Vec<(u32, usize)> = group.codes.iter().map(|&g| (g, 0)).collect();
                for (day, unit) in days.units.iter().enumerate() {
                    unit.iter().for_each(|&r| cell[r as usize].1 = day / days.block);
                }
                let groups = Draw::of_units(by_value(&group.codes), "bootstrap");
                (Method::TwoWay, vec![groups, days, Draw::of_units(by_value(&cell), "bootstrap of cells")])
            }
            (None, None) => {
                let units = (0..rows as u32).map(|r| vec![r]).collect();
                (Method::Rows, vec![Draw::of_units(units, "bootstrap")])
            }
        };
        Self { method, replicates, rows, draws, ctx: ctx.single() }
    }

    /// Replicates that draw whole groups; `groups` has one code a row.
    #[must_use]
    pub fn clusters(groups: &[u32], replicates: usize, ctx: &Context) -> Self {
        let draws = vec![Draw::of_units(by_value(groups), "bootstrap")];
        Self { method: Method::Cluster, replicates, rows: groups.len(), draws, ctx: ctx.single() }
    }

    /// How replicates are drawn.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// How many there are.
    #[must_use]
    pub fn replicates(&self) -> usize {
        self.replicates
    }

    /// How many independent units (rows, groups or blocks of time) the data holds; the fewer of groups and blocks.
    #[must_use]
    pub fn units(&self) -> usize {
        self.draws.iter().map(|d| d.number() as usize).min().unwrap_or(0)
    }

    /// `work(weights)` for every replicate of every draw, in order, on the threads of `ctx`.
    pub fn replicate<T: Send>(&self, ctx: &Context, work: impl Fn(&[f64]) -> T + Sync) -> Drawn<T> {
        // One vector of weights serves a chunk. Random numbers are drawn by the replicate's number, so chunks and threads change nothing.
        const CHUNK: usize = 50;
        let drawn = |draw: &Draw| {
            let own = self.ctx.child(draw.name);
            let chunks = ctx.map(self.replicates.div_ceil(CHUNK), |chunk| {
                let mut weight = Vec::new();
                let from = chunk * CHUNK;
                let one = |b: usize| {
                    weight.clear();
                    weight.resize(self.rows, 0.0);
                    draw.weights(&mut own.rng(&b.to_string()), &mut weight);
                    work(&weight)
                };
                (from..(from + CHUNK).min(self.replicates)).map(one).collect::<Vec<T>>()
            });
            chunks.into_iter().flatten().collect()
        };
        Drawn {
            draws: self.draws.iter().map(drawn).collect(),
            seen: self.draws.iter().map(Draw::seen).collect(),
            units: self.units(),
        }
    }

    /// `statistic(weights)` on all rows with its interval.
    pub fn interval(&self, ctx: &Context, confidence: f64, statistic: impl Fn(&[f64]) -> f64 + Sync) -> Interval {
        let estimate = statistic(&vec![1.0; self.rows]);
        self.replicate(ctx, &statistic).interval(estimate, confidence, |v| *v)
    }
}

/// What replicates gave, by draw.
pub struct Drawn<T> {
    draws: Vec<Vec<T>>,
    seen: Vec<f64>,
    units: usize,
}

/// One statistic's spread.
struct Spread {
    /// The draw that spreads it most.
    of: usize,
    /// Its standard deviation in that draw.
    drawn: f64,
    /// Its standard error.
    error: f64,
}

impl<T> Drawn<T> {
    /// One draw of rows, of which there are many.
    #[must_use]
    pub fn of_rows(drawn: Vec<T>) -> Self {
        Self { draws: vec![drawn], seen: vec![1.0], units: usize::MAX }
    }

    fn values(&self, draw: usize, value: &impl Fn(&T) -> f64) -> Vec<f64> {
        self.draws[draw].iter().map(value).collect()
    }

    fn spread(&self, value: &impl Fn(&T) -> f64) -> Spread {
        let sd: Vec<f64> = (0..self.draws.len()).map(|d| mean_sd(&self.values(d, value)).1).collect();
        let variance: Vec<f64> = sd.iter().zip(&self.seen).map(|(sd, seen)| sd * sd / seen).collect();
        match variance[..] {
            [groups, days, cells] => {
                let of = usize::from(days > groups);
                // The difference can be negative by chance; neither way alone can be.
                Spread { of, drawn: sd[of], error: (groups + days - cells).max(variance[of]).sqrt() }
            }
            _ => Spread { of: 0, drawn: sd[0], error: variance[0].sqrt() },
        }
    }

    /// The standard error of a statistic.
    pub fn error(&self, value: impl Fn(&T) -> f64) -> f64 {
        self.spread(&value).error
    }

    /// How much longer an interval is than a normal one of the replicates' spread. The bootstrap's variance is that of a
    /// population of `u` units about its own mean, and its quantiles are the normal distribution's: `√(u / (u − 1))`
    /// and Student's quantile with `u − 1` degrees of freedom mend both (Hesterberg 2015, section 5.3; Cameron and
    /// Miller 2015 for groups).
    #[must_use]
    pub fn student(&self, confidence: f64) -> f64 {
        // Beyond so many units the two differ in the sixth decimal.
        if self.units > 1_000_000 {
            return 1.0;
        }
        // One unit has no degree of freedom: it is taken for two, whose interval is the longest.
        let (level, units) = (f64::midpoint(1.0, confidence), (self.units as f64).max(2.0));
        let t = StudentsT::new(0.0, 1.0, units - 1.0).expect("there are two units").inverse_cdf(level);
        (units / (units - 1.0)).sqrt() * t / Normal::standard().inverse_cdf(level)
    }

    /// The interval of a statistic about its `estimate`: percentiles, further out by what the replicates' own spread
    /// leaves out, so that it never leaves the statistic's range.
    pub fn interval(&self, estimate: f64, confidence: f64, value: impl Fn(&T) -> f64) -> Interval {
        let spread = self.spread(&value);
        let wider = if spread.drawn > 0.0 { spread.error / spread.drawn } else { 1.0 } * self.student(confidence);
        let normal = Normal::standard();
        let tail = normal.cdf(wider * normal.inverse_cdf((1.0 - confidence) / 2.0));
        // Replicates where the statistic is not defined (one class only) are left out, here as in the spread.
        let drawn = self.values(spread.of, &value);
        Interval { estimate, low: quantile(&drawn, tail), high: quantile(&drawn, 1.0 - tail) }
    }

    /// The first draw.
    pub(crate) fn first(&self) -> &[T] {
        &self.draws[0]
    }

    /// The same replicates of something that is made of what was drawn.
    pub(crate) fn map<U>(&self, of: impl Fn(&T) -> U) -> Drawn<U> {
        let draws = self.draws.iter().map(|d| d.iter().map(&of).collect()).collect();
        Drawn { draws, seen: self.seen.clone(), units: self.units }
    }
}

fn by_value<T: Ord + Copy>(values: &[T]) -> Vec<Vec<u32>> {
    let mut units: BTreeMap<T, Vec<u32>> = BTreeMap::new();
    for (row, &value) in values.iter().enumerate() {
        units.entry(value).or_default().push(row as u32);
    }
    units.into_values().collect()
}

/// Days with their rows, and when each begins.
fn time_units(time: &[i64]) -> (Vec<Vec<u32>>, Vec<i64>) {
    let days: Vec<i64> = time.iter().map(|t| t.div_euclid(SECONDS_A_DAY)).collect();
    let units = by_value(&days);
    let units = if units.len() >= FEWEST_DAYS {
        units
    } else {
        let mut order: Vec<u32> = (0..time.len() as u32).collect();
        order.sort_by_key(|&r| time[r as usize]);
        order.chunks(order.len().div_ceil(50).max(1)).map(<[u32]>::to_vec).collect()
    };
    let starts = units.iter().map(|u| u.iter().map(|&r| time[r as usize]).min().unwrap_or(0)).collect();
    (units, starts)
}

/// How many units later a label that reaches `gap` seconds ahead still depends on: the median over the units, for
/// weekends and holidays hold none.
fn reach(starts: &[i64], gap: i64) -> usize {
    if gap <= 0 || starts.is_empty() {
        return 0;
    }
    let mut later: Vec<usize> = Vec::with_capacity(starts.len());
    let mut end = 0;
    for (i, start) in starts.iter().enumerate() {
        while end < starts.len() && starts[end] <= start.saturating_add(gap) {
            end += 1;
        }
        // The last units reach beyond what is there.
        if end < starts.len() || i == 0 {
            later.push(end - 1 - i);
        }
    }
    later.sort_unstable();
    later[later.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;
    use crate::{Feature, Key};
    use ndarray::Array2;

    fn data() -> Dataset {
        let labels = Labels::binary((0..100).map(|i| i < 20));
        let mut d = Dataset::new(vec![Feature::number("x")], Array2::zeros((100, 1)), labels).unwrap();
        d.time = Some((0..100).map(|i| i * SECONDS_A_DAY / 4).collect());
        let codes = (0..100).map(|i| i / 5).collect();
        d.keys.push(Key { name: "g".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() });
        d
    }

    #[test]
    fn the_number_of_events_varies_and_groups_move_together() {
        let ctx = Context::new(5, 1);
        let mut w = vec![0.0; 100];
        let d = data();
        let rows = Bootstrap::new(&d, SplitKeys::default(), 400, &ctx);
        let events = rows.replicate(&ctx, |w| w[..20].iter().sum::<f64>());
        let (mean, sd) = mean_sd(events.first());
        // Binomial: 100 draws of a share of .2.
        assert!((mean - 20.0).abs() < 0.8 && (sd - 4.0).abs() < 0.5, "{mean} {sd}");
        let cluster = Bootstrap::new(&d, SplitKeys { group: true, ..Default::default() }, 1, &ctx);
        cluster.draws[0].weights(&mut ctx.rng("w"), &mut w);
        assert_eq!(cluster.method(), Method::Cluster);
        assert!(w.chunks(5).all(|g| g.iter().all(|&x| x == g[0])));
        assert_eq!(w.iter().sum::<f64>(), 100.0);
    }

    #[test]
    fn blocks_keep_neighbouring_days() {
        let b = Bootstrap::new(&data(), SplitKeys { time: true, ..Default::default() }, 1, &Context::new(5, 1));
        assert_eq!((b.draws[0].units.len(), b.draws[0].block), (25, 2));
        let mut w = vec![0.0; 100];
        b.draws[0].weights(&mut Context::new(5, 1).rng("w"), &mut w);
        assert!(w.chunks(4).all(|day| day.iter().all(|&x| x == day[0])), "a day is never torn");
    }

    /// Weekdays only: 21 days of the calendar are 15 that hold rows.
    #[test]
    fn blocks_are_as_long_as_labels_overlap() {
        let weekdays: Vec<i64> = (0..1400).filter(|d| d % 7 < 5).map(|d| d * SECONDS_A_DAY).collect();
        for (gap, expected) in [(0, (0, 10)), (1, (1, 10)), (7, (5, 10)), (21, (15, 30)), (300, (214, 100))] {
            let draw = Draw::of_days(&weekdays, gap * SECONDS_A_DAY);
            assert_eq!((draw.reach, draw.block), expected, "{gap}");
        }
        assert_eq!(Draw::of_days(&weekdays, i64::MAX).block, 1000 / FEWEST_BLOCKS);
    }

    /// A mean's variance is known: that of the groups' effects over their number and that of the days' over theirs.
    #[test]
    fn groups_and_days_add_up_and_rows_alone_count_once() {
        let (groups, days) = (20, 60);
        let n = groups * days;
        let mut d = Dataset::new(vec![Feature::number("x")], Array2::zeros((n, 1)), vec![0.0; n]).unwrap();
        d.time = Some((0..n).map(|i| (i % days) as i64 * SECONDS_A_DAY).collect());
        let codes = (0..n).map(|i| (i / days) as u32).collect();
        d.keys.push(Key { name: "g".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() });
        let ctx = Context::new(2, 2);
        let mut rng = ctx.rng("effects");
        let mut noise = |k: usize| {
            let v: Vec<f64> = (0..k).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect();
            let (mean, sd) = mean_sd(&v);
            v.iter().map(|x| (x - mean) / sd).collect::<Vec<f64>>()
        };
        let (group, day, row) = (noise(groups), noise(days), noise(n));
        let keys = SplitKeys { group: true, time: true, ..SplitKeys::default() };
        let bootstrap = Bootstrap::new(&d, keys, 2000, &ctx);
        assert_eq!((bootstrap.method(), bootstrap.units()), (Method::TwoWay, 15));
        for (of_group, of_day, of_row) in [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 1.0, 3.0)] {
            let y = |i: usize| of_group * group[i / days] + of_day * day[i % days] + of_row * row[i];
            let mean = |w: &[f64]| (0..n).map(|i| w[i] * y(i)).sum::<f64>() / w.iter().sum::<f64>();
            let found = bootstrap.replicate(&ctx, mean).error(|v| *v);
            let (a, b, c) = (of_group * of_group, of_day * of_day, of_row * of_row);
            let truth = (a / groups as f64 + b / days as f64 + c / n as f64).sqrt();
            // Days' effects are no longer independent once they are dealt: blocks see their chance neighbourhoods.
            assert!((found / truth - 1.0).abs() < 0.25, "{of_group} {of_day} {of_row}: {found} for {truth}");
        }
    }

    #[test]
    fn intervals_of_few_units_are_students() {
        // scipy 1.18.1: t.ppf(.975, 9) / norm.ppf(.975) * sqrt(10 / 9) = 1.216615733100725
        let drawn = Drawn { draws: vec![vec![0.0]], seen: vec![1.0], units: 10 };
        assert!((drawn.student(0.95) - 1.216_615_733_100_725).abs() < 1e-9, "{}", drawn.student(0.95));
        assert!((Drawn::of_rows(vec![0.0]).student(0.95) - 1.0).abs() < 1e-12);
    }
}
