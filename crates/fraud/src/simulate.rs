//! A simulated card issuer. Nothing in it is real: it is here because no labelled card transactions
//! may be shipped, and every place that shows its figures says so.
//!
//! Customers live somewhere on a map and pay at terminals near them, more by day than by night, each
//! with an amount and a frequency of their own. Fraud comes in four forms, after the scenarios of the
//! Fraud Detection Handbook (Le Borgne, Siblini, Lebichot and Bontempi 2022) with card testing added:
//!
//! - *large*: single transactions far above the customer's usual amount;
//! - *terminal*: a compromised terminal, at which many transactions are fraudulent for some days;
//! - *card*: a compromised card, whose thief spends large amounts for some weeks;
//! - *testing*: a burst of small transactions on one card within an hour, then a large one.
//!
//! Prices and the mix of frauds drift over time.

use std::fmt::Write;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal, Poisson};

const DAY: i64 = 86_400;
/// 2024-01-01.
const EPOCH: i64 = 19_723 * DAY;
/// The side of the square that customers and terminals lie in.
const MAP: f64 = 100.0;

/// What makes one issuer different from another.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Everything follows from it.
    pub seed: u64,
    /// Written before every card and terminal number.
    pub prefix: &'static str,
    /// Cards; each customer has one.
    pub cards: usize,
    /// Terminals.
    pub terminals: usize,
    /// First day, counted from 2024-01-01.
    pub first_day: i64,
    /// How many days.
    pub days: i64,
    /// The typical customer's typical amount.
    pub amount: f64,
    /// The typical customer's transactions a day.
    pub frequency: f64,
    /// Frauds of each form a day: large, newly compromised terminals, newly compromised cards, testing.
    pub frauds: [f64; 4],
    /// How much more a thief spends than the customer.
    pub greed: f64,
}

impl Issuer {
    /// The source: a large issuer of everyday cards.
    pub fn large() -> Self {
        Self {
            seed: 20_240_101,
            prefix: "L",
            cards: 2500,
            terminals: 600,
            first_day: 0,
            days: 45,
            amount: 45.0,
            frequency: 1.3,
            frauds: [6.0, 1.0, 2.0, 0.7],
            greed: 5.0,
        }
    }

    /// The target: a small private bank, dearer purchases, more card testing, fewer bad terminals.
    pub fn small() -> Self {
        Self {
            seed: 20_240_202,
            prefix: "S",
            cards: 900,
            terminals: 250,
            first_day: 25,
            days: 60,
            amount: 110.0,
            frequency: 0.9,
            frauds: [1.2, 0.25, 0.6, 0.8],
            greed: 3.0,
        }
    }
}

struct Customer {
    amount: f64,
    spread: f64,
    frequency: f64,
    terminals: Vec<usize>,
    stolen_until: i64,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Seconds since 1970-01-01 UTC.
    pub time: i64,
    /// Which card.
    pub card: usize,
    /// Where.
    pub terminal: usize,
    /// In cents.
    pub cents: i64,
    /// Whether it is fraudulent.
    pub fraud: bool,
}

/// All transactions, in order of time.
pub fn transactions(issuer: &Issuer) -> Vec<Transaction> {
    let mut rng = ChaCha8Rng::seed_from_u64(issuer.seed);
    let place = |rng: &mut ChaCha8Rng| (rng.random_range(0.0..MAP), rng.random_range(0.0..MAP));
    let terminals: Vec<(f64, f64)> = (0..issuer.terminals).map(|_| place(&mut rng)).collect();
    let mut customers: Vec<Customer> = (0..issuer.cards)
        .map(|_| {
            let home = place(&mut rng);
            customer(issuer, home, &terminals, &mut rng)
        })
        .collect();
    let mut bad_until = vec![0i64; issuer.terminals];
    let mut out = Vec::new();
    for day in issuer.first_day..issuer.first_day + issuer.days {
        compromise(issuer, day, &mut customers, &mut bad_until, &mut rng);
        for (card, c) in customers.iter().enumerate() {
            for _ in 0..count(c.frequency, &mut rng) {
                out.push(purchase(issuer, day, card, c, &bad_until, &mut rng));
            }
        }
        for _ in 0..count(issuer.frauds[0], &mut rng) {
            let card = rng.random_range(0..customers.len());
            out.push(large(issuer, day, card, &customers[card], &mut rng));
        }
        for _ in 0..count(issuer.frauds[3] * drift(day, 0.01), &mut rng) {
            let card = rng.random_range(0..customers.len());
            testing(issuer, day, card, &customers[card], &mut out, &mut rng);
        }
    }
    out.sort_by_key(|t| (t.time, t.card, t.terminal, t.cents));
    out
}

/// Growth by `rate` a day since the first day of 2024.
fn drift(day: i64, rate: f64) -> f64 {
    (rate * day as f64).exp()
}

fn count(mean: f64, rng: &mut ChaCha8Rng) -> usize {
    Poisson::new(mean.max(1e-9)).expect("a positive mean").sample(rng) as usize
}

fn customer(issuer: &Issuer, home: (f64, f64), terminals: &[(f64, f64)], rng: &mut ChaCha8Rng) -> Customer {
    const NEARBY: usize = 12;
    let distance = |t: usize| (terminals[t].0 - home.0).hypot(terminals[t].1 - home.1);
    let mut near: Vec<usize> = (0..terminals.len()).collect();
    near.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    near.truncate(NEARBY);
    let around = |median: f64, sigma: f64| LogNormal::new(median.ln(), sigma).expect("a finite spread");
    Customer {
        amount: around(issuer.amount, 0.6).sample(rng),
        spread: rng.random_range(0.35..0.7),
        frequency: around(issuer.frequency, 0.5).sample(rng).min(8.0),
        terminals: near,
        stolen_until: 0,
    }
}

/// Terminals and cards that fall into the wrong hands today.
fn compromise(issuer: &Issuer, day: i64, customers: &mut [Customer], bad_until: &mut [i64], rng: &mut ChaCha8Rng) {
    for _ in 0..count(issuer.frauds[1] * drift(day, -0.005), rng) {
        let t = rng.random_range(0..bad_until.len());
        bad_until[t] = day + rng.random_range(5..15);
    }
    for _ in 0..count(issuer.frauds[2], rng) {
        let c = rng.random_range(0..customers.len());
        customers[c].stolen_until = day + rng.random_range(10..22);
    }
}

/// A time of day with a rush around noon and one in the evening, and few purchases at night.
fn clock(rng: &mut ChaCha8Rng) -> i64 {
    let (mean, sd) = if rng.random_bool(0.6) { (13.0, 2.8) } else { (18.5, 2.2) };
    let hour: f64 = Normal::new(mean, sd).expect("a positive spread").sample(rng);
    (hour.rem_euclid(24.0) * 3600.0) as i64
}

fn amount(issuer: &Issuer, c: &Customer, day: i64, times: f64, rng: &mut ChaCha8Rng) -> i64 {
    let usual = LogNormal::new(c.amount.ln(), c.spread).expect("a finite spread").sample(rng);
    let cap = issuer.amount * 60.0;
    ((usual * times * drift(day, 0.001)).min(cap) * 100.0).round().max(50.0) as i64
}

fn purchase(
    issuer: &Issuer,
    day: i64,
    card: usize,
    c: &Customer,
    bad_until: &[i64],
    rng: &mut ChaCha8Rng,
) -> Transaction {
    let terminal = c.terminals[rng.random_range(0..c.terminals.len())];
    let (time, mut times, mut fraud) = (EPOCH + day * DAY + clock(rng), 1.0, false);
    if bad_until[terminal] > day && rng.random_bool(0.45) {
        fraud = true;
        times = rng.random_range(0.8..1.6);
    }
    if c.stolen_until > day && rng.random_bool(0.4) {
        fraud = true;
        times = issuer.greed * rng.random_range(0.6..1.4);
    }
    Transaction { time, card, terminal, cents: amount(issuer, c, day, times, rng), fraud }
}

fn large(issuer: &Issuer, day: i64, card: usize, c: &Customer, rng: &mut ChaCha8Rng) -> Transaction {
    // Thieves do not keep shop hours, nor to the neighbourhood.
    let time = EPOCH + day * DAY + rng.random_range(0..DAY);
    let terminal = rng.random_range(0..issuer.terminals);
    let times = issuer.greed * rng.random_range(0.8..2.0);
    Transaction { time, card, terminal, cents: amount(issuer, c, day, times, rng), fraud: true }
}

fn testing(issuer: &Issuer, day: i64, card: usize, c: &Customer, out: &mut Vec<Transaction>, rng: &mut ChaCha8Rng) {
    let mut time = EPOCH + day * DAY + rng.random_range(0..DAY - 7200);
    let terminal = rng.random_range(0..issuer.terminals);
    for _ in 0..rng.random_range(4..9) {
        let cents = rng.random_range(50..300);
        out.push(Transaction { time, card, terminal, cents, fraud: true });
        time += rng.random_range(20..600);
    }
    let cents = amount(issuer, c, day, issuer.greed, rng);
    out.push(Transaction { time, card, terminal, cents, fraud: true });
}

/// The transactions as CSV: `tx,time,card,terminal,amount,fraud`.
pub fn csv(issuer: &Issuer) -> String {
    let rows = transactions(issuer);
    let mut out = String::with_capacity(rows.len() * 48);
    out.push_str("tx,time,card,terminal,amount,fraud\n");
    for (i, t) in rows.iter().enumerate() {
        let p = issuer.prefix;
        let _ = writeln!(
            out,
            "{p}{i},{},{p}{},{p}{},{}.{:02},{}",
            t.time,
            t.card,
            t.terminal,
            t.cents / 100,
            t.cents % 100,
            u8::from(t.fraud)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_issuer_and_another_seed_another() {
        let small = Issuer { days: 3, ..Issuer::small() };
        assert_eq!(transactions(&small), transactions(&small));
        assert_ne!(transactions(&small), transactions(&Issuer { seed: 1, ..small.clone() }));
    }

    #[test]
    fn issuers_look_as_they_are_described() {
        let (large, small) = (transactions(&Issuer::large()), transactions(&Issuer::small()));
        let share = |t: &[Transaction]| t.iter().filter(|t| t.fraud).count() as f64 / t.len() as f64;
        assert!((0.004..0.03).contains(&share(&large)), "{}", share(&large));
        assert!((0.004..0.03).contains(&share(&small)), "{}", share(&small));
        let mean = |t: &[Transaction]| t.iter().map(|t| t.cents as f64).sum::<f64>() / t.len() as f64;
        assert!(mean(&small) > 1.8 * mean(&large), "the small bank's customers spend more");
        let night = large.iter().filter(|t| t.time.rem_euclid(DAY) < 6 * 3600).count() as f64 / large.len() as f64;
        assert!(night < 0.1, "people sleep: {night}");
        assert!(large.is_sorted_by_key(|t| t.time));
    }
}
