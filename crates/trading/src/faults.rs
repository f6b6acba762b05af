//! What is wrong with bars, with the rows that show it: the mistakes that make a back-test lie.

use specialist_core::{Finding, Severity};

use crate::bars::{Market, Members, day, place};
use crate::features::LONGEST_GAP;

/// At most this many rows are named.
const NAMED: usize = 5;
const DAY: i64 = 86_400;

/// Everything that is looked for. `now` is the latest time that a bar may have.
#[must_use]
pub fn faults(market: &Market, now: i64) -> Vec<Finding> {
    let mut found = vec![
        unread(market),
        unsorted(market),
        future(market, now),
        padded(market),
        unadjusted(market),
        spikes(market),
        clocks(market),
        gaps(market),
        survivors(market),
    ];
    found.extend(read_as(market));
    found
}

fn ok(name: &str, message: &str) -> Finding {
    Finding::new(name, Severity::Ok, message, Vec::new())
}

fn named(market: &Market, at: &[(usize, usize)]) -> Vec<String> {
    at.iter().take(NAMED).map(|&(a, i)| place(market, a, i)).collect()
}

/// All bars (asset, bar) but the first of an asset that `wanted` picks.
fn pick(market: &Market, wanted: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let all = market.assets.iter().enumerate().flat_map(|(a, asset)| (1..asset.bars.len()).map(move |i| (a, i)));
    all.filter(|&(a, i)| wanted(a, i)).collect()
}

fn unsorted(market: &Market) -> Finding {
    let name = "unsorted-bars";
    let lines = &market.unsorted;
    if lines.is_empty() {
        return ok(name, "bars stand in order of time");
    }
    let rows = lines.iter().take(NAMED).map(|l| format!("{} line {l}", market.file)).collect();
    let message = format!("{} bar(s) stood behind a later one and were put in order", lines.len());
    Finding::new(name, Severity::Warning, message, rows)
}

fn future(market: &Market, now: i64) -> Finding {
    let name = "future-bars";
    let late = pick(market, |a, i| market.assets[a].bars[i].time > now + DAY);
    if late.is_empty() {
        return ok(name, "no bar is later than today");
    }
    Finding::new(name, Severity::Leak, format!("{} bar(s) are dated after today", late.len()), named(market, &late))
}

fn weekday(time: i64) -> i64 {
    (time.div_euclid(DAY) + 3).rem_euclid(7)
}

/// Bars that repeat the one before: a missing day that somebody filled with a copy.
fn padded(market: &Market) -> Finding {
    let name = "padded-bars";
    let same = |a: usize, i: usize| {
        let (before, bar) = (&market.assets[a].bars[i - 1], &market.assets[a].bars[i]);
        let equal = |x: f64, y: f64| x == y || x.is_nan() && y.is_nan();
        before.close == bar.close
            && equal(before.open, bar.open)
            && equal(before.high, bar.high)
            && equal(before.low, bar.low)
    };
    let copies = pick(market, same);
    if copies.is_empty() {
        return ok(name, "no bar repeats the one before it");
    }
    // On a true day not every asset stands still; on a padded one all do.
    let mut bars_at = std::collections::HashMap::new();
    let mut copies_at = std::collections::HashMap::new();
    let at = |&(a, i): &(usize, usize)| market.assets[a].bars[i].time;
    pick(market, |_, _| true).iter().for_each(|p| *bars_at.entry(at(p)).or_insert(0usize) += 1);
    copies.iter().for_each(|p| *copies_at.entry(at(p)).or_insert(0usize) += 1);
    let weekdays = pick(market, |a, i| weekday(market.assets[a].bars[i].time) < 5).len();
    let weekends = pick(market, |_, _| true).len() - weekdays;
    // A market that trades at weekends has two sevenths of its bars there.
    let trades_at_weekends = weekends * 5 > weekdays;
    let still = |p: &(usize, usize)| {
        let (all, copied) = (bars_at[&at(p)], copies_at[&at(p)]);
        all >= 3 && copied * 10 >= all * 9
    };
    // A bar that repeats open, high, low and close is a copy; a close alone may well repeat.
    let ranged = |&(a, i): &(usize, usize)| {
        let b = &market.assets[a].bars[i];
        !b.high.is_nan() && b.high > b.low
    };
    let weekend = |p: &(usize, usize)| !trades_at_weekends && weekday(at(p)) >= 5;
    let sure: Vec<(usize, usize)> = copies.iter().copied().filter(|p| still(p) || ranged(p) || weekend(p)).collect();
    if sure.is_empty() {
        let share = 100.0 * copies.len() as f64 / (weekdays + weekends) as f64;
        let message = format!("{share:.1} % of the bars have the close of the bar before; none looks copied");
        return Finding::new(name, Severity::Ok, message, Vec::new());
    }
    let message = format!(
        "{} bar(s) are copies of the bar before: missing days were filled, which makes volatility too small and fills impossible; leave them out",
        sure.len()
    );
    // Illiquid assets do stand still; one in a thousand is not worth stopping for.
    let rare = sure.len() * 1000 <= weekdays + weekends && !sure.iter().any(|p| still(p) || weekend(p));
    Finding::new(name, if rare { Severity::Warning } else { Severity::Leak }, message, named(market, &sure))
}

/// New shares for one old, at most: where companies split, and where prices change from pounds to pence.
const MOST_SHARES: u32 = 100;
/// Old shares in one new, where the ratio is a fraction: 3 for 2, 5 for 4.
const SHARES_OF: u32 = 4;

/// The ratio `n` for `m` that is nearest to a price's change, how far away it is, as a logarithm, and whether companies
/// split by it as a rule: whole numbers and halves. (A fall of a quarter in a day is news more often than a split of 4 for 3.)
fn nearest_ratio(change: f64) -> (String, f64, bool) {
    let size = change.abs();
    let ratios = (1..=SHARES_OF).flat_map(|m| (m + 1..=MOST_SHARES * m).map(move |n| (n, m)));
    let plain = ratios.filter(|(n, m)| *m == 1 || (n % m != 0 && n / m < 6));
    let away = |&(n, m): &(u32, u32)| (size - (f64::from(n) / f64::from(m)).ln()).abs();
    let (n, m) = plain.min_by(|a, b| away(a).total_cmp(&away(b))).expect("there are ratios");
    let name = if change < 0.0 { format!("{n} for {m}") } else { format!("{m} for {n}") };
    // Old shares are put together by whole numbers.
    (name, away(&(n, m)), m == 1 || (m == 2 && change < 0.0))
}

/// A price that jumps by many of the asset's daily volatilities and stays there, whatever the ratio: a split that nobody
/// adjusted, prices in another unit from then on, or news. Why no list of ratios? There is always one that is not on it.
fn unadjusted(market: &Market) -> Finding {
    let name = "unadjusted-split";
    // At the ratio of a split, half as large a jump is suspicious.
    const AT_A_RATIO: f64 = 12.0;
    const DOZENS: f64 = 24.0;
    const SMALLEST: f64 = 0.18;
    // A day's own movement; wider, and the worst days of true prices look like splits.
    const NEAR: f64 = 0.02;
    let jump = |a: usize, i: usize| {
        let bars = &market.assets[a].bars;
        let change = (bars[i].close / bars[i - 1].close).ln();
        if i < 22 || change.abs() < SMALLEST {
            return None;
        }
        let usual = crate::labels::realised(bars, i - 1, 21).max(1e-4);
        // A wrong tick comes back; see `spikes`.
        let after = &bars[i..bars.len().min(i + 5)];
        let stays = after.iter().all(|b| (b.close / bars[i].close).ln().abs() < 0.4 * change.abs());
        let (ratio, away, is_usual) = nearest_ratio(change);
        let at_ratio = is_usual && away < NEAR;
        let far = change.abs() > if at_ratio { AT_A_RATIO } else { DOZENS } * usual;
        (stays && far).then_some((ratio, at_ratio))
    };
    let jumps = pick(market, |a, i| jump(a, i).is_some());
    if jumps.is_empty() {
        return ok(name, "no price jumps by dozens of daily volatilities and stays there");
    }
    let of = |&(a, i): &(usize, usize)| jump(a, i).expect("it was picked");
    let severity = if jumps.iter().any(|p| of(p).1) { Severity::Leak } else { Severity::Warning };
    let message = format!(
        "{} price(s) jump by dozens of daily volatilities and stay there: splits that nobody adjusted, or another unit; give the ratio in a column `split`, or prices that are adjusted. Waive it where it was news",
        jumps.len()
    );
    let rows = jumps.iter().take(NAMED).map(|p| format!("{}: near {}", place(market, p.0, p.1), of(p).0)).collect();
    Finding::new(name, severity, message, rows)
}

/// Columns of the file that no bar was made of.
fn unread(market: &Market) -> Finding {
    let name = "unread-columns";
    if market.unread.is_empty() {
        return ok(name, "every column of the bars was read");
    }
    Finding::new(name, Severity::Warning, format!("not read: {}", market.unread.join(", ")), Vec::new())
}

/// How splits and dividends were taken, where that is not by what the table says.
fn read_as(market: &Market) -> Option<Finding> {
    let message = market.notes.join("; ");
    (!message.is_empty()).then(|| Finding::new("adjusted-prices", Severity::Warning, message, Vec::new()))
}

/// A price that goes far away and comes back with the next bar: a wrong tick.
fn spikes(market: &Market) -> Finding {
    let name = "price-spike";
    let found = pick(market, |a, i| {
        let bars = &market.assets[a].bars;
        if i < 22 || i + 1 == bars.len() {
            return false;
        }
        let usual = crate::labels::realised(bars, i - 1, 21);
        let (away, whole) = ((bars[i].close / bars[i - 1].close).ln(), (bars[i + 1].close / bars[i - 1].close).ln());
        away.abs() > 20.0 * usual && away.abs() > 0.2 && whole.abs() < 0.1 * away.abs()
    });
    if found.is_empty() {
        return ok(name, "no price goes far away and comes back with the next bar");
    }
    let message =
        format!("{} price(s) go far away and come back with the next bar: wrong ticks; leave them out", found.len());
    Finding::new(name, Severity::Leak, message, named(market, &found))
}

/// Daily bars whose times of day differ come from clocks of different places.
fn clocks(market: &Market) -> Finding {
    let name = "mixed-clocks";
    let mut steps: Vec<i64> =
        market.assets.iter().flat_map(|a| a.bars.windows(2).map(|w| w[1].time - w[0].time)).collect();
    if steps.is_empty() {
        return ok(name, "there is one bar");
    }
    let middle = steps.len() / 2;
    let daily = *steps.select_nth_unstable(middle).1 >= 20 * 3600;
    if !daily {
        return openings(market);
    }
    let clock = |a: usize, i: usize| market.assets[a].bars[i].time.rem_euclid(DAY);
    let mut count = std::collections::BTreeMap::new();
    pick(market, |_, _| true).iter().for_each(|&(a, i)| *count.entry(clock(a, i)).or_insert(0usize) += 1);
    let usual = count.iter().max_by_key(|c| c.1).map_or(0, |c| *c.0);
    // An hour is summer time.
    let odd = pick(market, |a, i| (clock(a, i) - usual).abs() > 3600);
    if odd.is_empty() {
        return ok(name, "daily bars have one time of day");
    }
    let message = format!(
        "{} daily bar(s) have another time of day than the others: bars of one date would be taken one after the other; write plain dates",
        odd.len()
    );
    Finding::new(name, Severity::Leak, message, named(market, &odd))
}

/// Within the day: assets whose days begin at another time than those of most are of another exchange, or their
/// times are of another clock.
fn openings(market: &Market) -> Finding {
    let name = "mixed-clocks";
    let opening = |a: usize| {
        let bars = &market.assets[a].bars;
        let new_day = |i: &usize| *i == 0 || bars[*i].time.div_euclid(DAY) != bars[*i - 1].time.div_euclid(DAY);
        let mut clocks: Vec<i64> = (0..bars.len()).filter(new_day).map(|i| bars[i].time.rem_euclid(DAY)).collect();
        let middle = clocks.len() / 2;
        *clocks.select_nth_unstable(middle).1
    };
    let clocks: Vec<i64> = (0..market.assets.len()).map(opening).collect();
    let mut sorted = clocks.clone();
    sorted.sort_unstable();
    let usual = sorted[sorted.len() / 2];
    let odd: Vec<(usize, usize)> =
        clocks.iter().enumerate().filter(|(_, c)| (**c - usual).abs() > 3600).map(|(a, _)| (a, 0)).collect();
    if odd.is_empty() {
        return ok(name, "bars within the day: the days of all assets begin at one time");
    }
    let message = format!(
        "the days of {} asset(s) begin at another time than those of the others: another exchange, or another clock; write times with their offset from UTC, and name the hours in [domain.session]",
        odd.len()
    );
    Finding::new(name, Severity::Warning, message, named(market, &odd))
}

fn gaps(market: &Market) -> Finding {
    let name = "gaps";
    let long = pick(market, |a, i| market.assets[a].bars[i].time - market.assets[a].bars[i - 1].time > LONGEST_GAP);
    let calendar = market.calendar();
    let missing: usize = market
        .assets
        .iter()
        .map(|a| {
            let (first, last) = (a.bars[0].time, a.bars[a.bars.len() - 1].time);
            calendar.partition_point(|t| *t <= last) - calendar.partition_point(|t| *t < first) - a.bars.len()
        })
        .sum();
    if long.is_empty() && missing == 0 {
        return ok(name, "every asset has a bar on every day between its first and its last");
    }
    let message = format!(
        "{missing} bar(s) are missing on days on which other assets have one; nothing is filled in. {} gap(s) of more than {} days start a new history",
        long.len(),
        LONGEST_GAP / DAY
    );
    Finding::new(name, Severity::Warning, message, named(market, &long))
}

/// Assets that all last to the end were chosen because they did.
fn survivors(market: &Market) -> Finding {
    let name = "survivorship";
    let end = market.assets.iter().filter_map(|a| a.bars.last()).map(|b| b.time).max().unwrap_or(0);
    let start = market.assets.iter().filter_map(|a| a.bars.first()).map(|b| b.time).min().unwrap_or(0);
    let left = market.assets.iter().filter(|a| a.bars.last().is_some_and(|b| b.time < end - 30 * DAY)).count();
    let n = market.assets.len();
    if left > 0 || n < 2 {
        return ok(name, &format!("{left} of {n} assets end before the data does: not only survivors are here"));
    }
    let message = format!(
        "all {n} assets last from {} to {}: they are survivors, so that returns of holding them are too high; compare strategies with each other, not with zero",
        day(start),
        day(end)
    );
    Finding::new(name, Severity::Warning, message, Vec::new())
}

/// A universe of which assets leave or enter by what happened to them afterwards: the mean return of the bars
/// behind an asset's exit, or before its entry, against that of the members at the same times.
#[must_use]
pub fn chosen_by_outcome(market: &Market, members: &Members) -> Finding {
    let name = "universe-by-outcome";
    const AHEAD: usize = 21;
    const FEWEST: usize = 5;
    let mut outside = Vec::new();
    let mut rows = Vec::new();
    for (a, asset) in market.assets.iter().enumerate() {
        // One excursion a stretch of bars outside: neighbours are not independent.
        let mut i = 0;
        while i + AHEAD < asset.bars.len() {
            if members.has(a, asset.bars[i].time) {
                i += 1;
                continue;
            }
            let own = (asset.bars[i + AHEAD].close / asset.bars[i].close).ln();
            if let Some(others) = mean_ahead(market, members, asset.bars[i].time, AHEAD) {
                outside.push(own - others);
                rows.push((a, i));
            }
            i += AHEAD;
        }
    }
    if outside.len() < FEWEST {
        return ok(name, "the universe leaves out too few bars to be judged");
    }
    let n = outside.len() as f64;
    let mean = outside.iter().sum::<f64>() / n;
    let sd = (outside.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    let t = mean / (sd / n.sqrt()).max(1e-12);
    if t.abs() < 4.0 {
        return ok(name, "bars outside the universe do not differ from its members in what follows");
    }
    let message = format!(
        "bars that the universe leaves out go on to return {:+.1} % in {AHEAD} bars beside its members (t = {t:.1}): it was chosen by what came afterwards",
        100.0 * mean
    );
    let sign = mean.signum();
    let mut worst: Vec<usize> = (0..rows.len()).collect();
    worst.sort_by(|&a, &b| (sign * outside[b]).total_cmp(&(sign * outside[a])));
    let rows: Vec<(usize, usize)> = worst.into_iter().map(|i| rows[i]).collect();
    Finding::new(name, Severity::Leak, message, named(market, &rows))
}

/// The mean log return of the members from `time` on.
fn mean_ahead(market: &Market, members: &Members, time: i64, ahead: usize) -> Option<f64> {
    let of = |(a, asset): (usize, &crate::bars::Asset)| {
        let i = asset.bars.binary_search_by_key(&time, |b| b.time).ok().filter(|_| members.has(a, time))?;
        Some((asset.bars.get(i + ahead)?.close / asset.bars[i].close).ln())
    };
    let found: Vec<f64> = market.assets.iter().enumerate().filter_map(of).collect();
    (found.len() >= 2).then(|| found.iter().sum::<f64>() / found.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Universe;

    const LATE: i64 = i64::MAX / 2;

    fn severity(market: &Market, name: &str) -> (Severity, Vec<String>) {
        let found = faults(market, LATE).into_iter().find(|r| r.name == name).unwrap();
        (found.severity, found.rows)
    }

    #[test]
    fn a_clean_universe_has_no_fault() {
        let market = Universe { days: 600, ..Universe::default() }.market(1);
        for r in faults(&market, LATE) {
            assert!(r.severity == Severity::Ok || r.name == "survivorship", "{r:?}");
        }
    }

    #[test]
    fn days_that_were_filled_with_copies_are_named() {
        let mut market = Universe { days: 600, missing: 0.02, range: true, ..Universe::default() }.market(2);
        let asset = &mut market.assets[3];
        let gap = asset.bars.windows(2).position(|w| w[1].time - w[0].time > DAY).unwrap();
        for k in 0..8 {
            let at = gap + 1 + 20 * k;
            let copy = crate::bars::Bar { time: asset.bars[at - 1].time + DAY, ..asset.bars[at - 1] };
            asset.bars[at] = copy;
        }
        let (found, rows) = severity(&market, "padded-bars");
        assert_eq!(found, Severity::Leak);
        assert!(rows[0].contains("S03"), "{rows:?}");
    }

    #[test]
    fn a_split_that_nobody_adjusted_is_named() {
        let mut market = Universe { days: 600, ..Universe::default() }.market(3);
        for b in &mut market.assets[1].bars[400..] {
            b.close /= 10.0;
        }
        let (found, rows) = severity(&market, "unadjusted-split");
        assert_eq!((found, rows.len()), (Severity::Leak, 1));
        assert!(rows[0].starts_with("simulated line 402 (S01, "), "{rows:?}");
    }

    #[test]
    fn a_wrong_tick_is_named() {
        let mut market = Universe { days: 600, ..Universe::default() }.market(3);
        market.assets[1].bars[400].close *= 3.7;
        let (found, rows) = severity(&market, "price-spike");
        assert_eq!((found, rows.len()), (Severity::Leak, 1));
        assert!(rows[0].starts_with("simulated line 402 (S01, "), "{rows:?}");
    }

    #[test]
    fn clocks_of_two_places_and_bars_from_tomorrow_are_named() {
        let mut market = Universe { days: 300, ..Universe::default() }.market(4);
        for b in &mut market.assets[2].bars[100..110] {
            b.time += 5 * 3600;
        }
        assert_eq!(severity(&market, "mixed-clocks").0, Severity::Leak);
        let today = market.assets[0].bars[200].time;
        let found = faults(&market, today).into_iter().find(|r| r.name == "future-bars").unwrap();
        assert_eq!(found.severity, Severity::Leak);
    }

    #[test]
    fn within_the_day_another_clock_is_said() {
        let mut market = Universe { days: 40, ..Universe::default() }.market(4);
        for (a, asset) in market.assets.iter_mut().enumerate() {
            let (start, shift) = (asset.bars[0].time, if a == 2 { 6 * 3600 } else { 0 });
            let time = |i: usize| start + (i / 4) as i64 * DAY + (i % 4) as i64 * 3600 + 50_000 + shift;
            asset.bars.iter_mut().enumerate().for_each(|(i, b)| b.time = time(i));
        }
        let (found, rows) = severity(&market, "mixed-clocks");
        assert_eq!((found, rows.len()), (Severity::Warning, 1));
        assert!(rows[0].contains("(S02, "), "{rows:?}");
    }

    #[test]
    fn a_universe_that_knows_the_outcome_is_named() {
        let all = Universe { days: 1500, ..Universe::default() }.market(5);
        let filtered = |by_outcome: bool| {
            let spans = |bars: &[crate::bars::Bar]| {
                // Blocks of 21 bars: left out where they fall (or, honestly, at random).
                let blocks = (0..bars.len()).step_by(21).map(|b| (b, (b + 21).min(bars.len() - 1)));
                let stays = |(b, end): &(usize, usize)| match by_outcome {
                    true => bars[*end].close > bars[*b].close * 0.96,
                    false => (b / 21 * 7919) % 5 != 0,
                };
                blocks.filter(stays).map(|(b, end)| (bars[b].time, bars[end].time - DAY)).collect::<Vec<_>>()
            };
            Members::of(all.assets.iter().map(|a| spans(&a.bars)).collect())
        };
        let found = chosen_by_outcome(&all, &filtered(true));
        assert_eq!(found.severity, Severity::Leak, "{found:?}");
        assert!(found.rows[0].contains("line"));
        assert_eq!(chosen_by_outcome(&all, &filtered(false)).severity, Severity::Ok);
    }
}
