//! What a fraud desk counts: how many of the cards it can look at in a day are worth the look, and
//! what fraud and reviews cost together.

use specialist_core::{Goal, KeyRole, Metric, Scored};

const DAY: i64 = 86_400;

/// Card precision at `cards` a day (Fraud Detection Handbook, chapter 4): each day the cards are
/// ranked by their highest score; the share of those looked at that have a fraud that day, averaged
/// over the days. Undefined for data without time and card.
pub struct CardPrecision {
    /// Cards that can be looked at in a day.
    pub cards: usize,
}

impl Metric for CardPrecision {
    fn name(&self) -> &str {
        "card-precision@100"
    }

    fn goal(&self) -> Goal {
        Goal::Higher
    }

    fn value(&self, s: &Scored<'_>) -> f64 {
        let (Some(time), Some(card)) = (&s.rows.time, s.rows.key(KeyRole::Group)) else {
            return f64::NAN;
        };
        let day = |r: usize| time[r].div_euclid(DAY);
        let first = (0..time.len()).map(day).min().unwrap_or(0);
        let days = (0..time.len()).map(day).max().map_or(0, |last| (last - first + 1) as usize);
        let width = card.codes.iter().max().map_or(0, |&c| c as usize + 1);
        let cell = |r: usize| (day(r) - first) as usize * width + card.codes[r] as usize;
        let mut fraud = vec![false; days * width];
        let mut day_weight = vec![0.0f64; days];
        for r in 0..time.len() {
            if s.weight[r] > 0.0 {
                fraud[cell(r)] |= s.rows.had_event(r);
                let d = (day(r) - first) as usize;
                day_weight[d] = day_weight[d].max(s.weight[r]);
            }
        }
        let mut seen = vec![false; days * width];
        let (mut looked, mut hits) = (vec![0usize; days], vec![0usize; days]);
        for &r in s.order {
            let r = r as usize;
            let (c, d) = (cell(r), (day(r) - first) as usize);
            if s.weight[r] > 0.0 && !seen[c] && looked[d] < self.cards {
                seen[c] = true;
                looked[d] += 1;
                hits[d] += usize::from(fraud[c]);
            }
        }
        let (mut sum, mut total) = (0.0, 0.0);
        for d in (0..days).filter(|&d| looked[d] > 0) {
            sum += day_weight[d] * hits[d] as f64 / looked[d] as f64;
            total += day_weight[d];
        }
        sum / total
    }
}

/// Money lost per 1,000 transactions when every transaction whose expected loss (probability times
/// amount) exceeds the cost of a review is reviewed: reviews made, plus frauds that were missed.
/// Undefined for data without amounts.
pub struct Cost {
    /// The cost of one review.
    pub review: f64,
}

impl Metric for Cost {
    fn name(&self) -> &str {
        "cost per 1000"
    }

    fn goal(&self) -> Goal {
        Goal::Lower
    }

    fn decimals(&self) -> usize {
        0
    }

    fn value(&self, s: &Scored<'_>) -> f64 {
        let Some(amount) = &s.rows.amount else { return f64::NAN };
        let (mut cost, mut total) = (0.0, 0.0);
        for (r, ((&p, &w), &a)) in s.predicted().iter().zip(s.weight).zip(amount).enumerate() {
            let a = if a.is_nan() { 0.0 } else { a };
            total += w;
            if p * a > self.review {
                cost += w * self.review;
            } else if s.rows.had_event(r) {
                cost += w * a;
            }
        }
        1000.0 * cost / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use specialist_core::{Dataset, Feature, Key, metric::evaluate};

    fn rows() -> Dataset {
        let labels = specialist_core::Labels::binary([true, false, false, false, true, false]);
        let mut d = Dataset::new(vec![Feature::number("x")], Array2::zeros((6, 1)), labels).unwrap();
        d.time = Some(vec![0, 10, 20, DAY, DAY + 1, DAY + 2]);
        d.amount = Some(vec![100.0, 10.0, 10.0, 50.0, 200.0, 1.0]);
        let codes = vec![0, 0, 1, 0, 1, 2];
        d.keys.push(Key { name: "card".into(), role: KeyRole::Group, codes, levels: vec![], digests: Vec::new() });
        d
    }

    #[test]
    fn metrics_weigh_rows_as_they_must() {
        specialist_testing::metric_contract(&CardPrecision { cards: 5 });
        specialist_testing::metric_contract(&Cost { review: 5.0 });
        for name in ["roc-auc", "average-precision", "log-loss", "brier", "calibration-slope", "precision-at-20"] {
            specialist_testing::metric_contract(&*specialist_core::metric::by_name(name).unwrap());
        }
    }

    #[test]
    fn card_precision_counts_cards_per_day() {
        // Day 0: card 0 has a fraud and the highest score: 1 of 1. Day 1: card 0 (no fraud) is first.
        let p = [0.2, 0.9, 0.5, 0.8, 0.7, 0.1];
        assert_eq!(evaluate(&CardPrecision { cards: 1 }, &rows(), &p), 0.5);
        assert_eq!(evaluate(&CardPrecision { cards: 2 }, &rows(), &p), 0.5);
    }

    #[test]
    fn cost_is_reviews_plus_missed_frauds() {
        // Reviewed: 100 · 0.2 = 20 and 200 · 0.7; missed: none. Two reviews of 5 over 6 rows.
        let p = [0.2, 0.1, 0.1, 0.05, 0.7, 0.1];
        assert!((evaluate(&Cost { review: 5.0 }, &rows(), &p) - 1000.0 * 10.0 / 6.0).abs() < 1e-9);
        // Never reviewed: both frauds are lost.
        assert!((evaluate(&Cost { review: 5.0 }, &rows(), &[0.0; 6]) - 1000.0 * 300.0 / 6.0).abs() < 1e-9);
    }
}
