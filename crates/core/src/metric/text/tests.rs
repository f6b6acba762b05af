//! Against sacrebleu 2.6.0 and rouge-score 0.1.2: tests/reference/make_text_metric_fixtures.py made
//! tests/metrics_of_texts.json from 26 pairs (hypothesis, reference, another system's hypothesis).

use serde_json::Value;

use super::bleu::{self, Bleu};
use super::chrf::Chrf;
use super::figure::TextMetric;
use super::rouge::{self, Rouge};
use super::ter::Ter;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../tests/metrics_of_texts.json")).unwrap()
}

fn pairs(json: &Value) -> Vec<(&str, &str)> {
    json["pairs"].as_array().unwrap().iter().map(|p| (p[0].as_str().unwrap(), p[1].as_str().unwrap())).collect()
}

fn close(what: &str, ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() < 1e-9 * theirs.max(1.0), "{what}: {ours} {theirs}");
}

const METRICS: [&dyn TextMetric; 4] = [&Bleu, &Chrf { words: 0 }, &Chrf { words: 2 }, &Ter];

#[test]
fn corpus_figures_equal_sacrebleu() {
    let json = fixture();
    for metric in METRICS {
        close(metric.name(), of(metric, &pairs(&json)), &json["corpus"][metric.name()]);
        let signature = json["signatures"][metric.name()].as_str().unwrap();
        assert_eq!(signature.split("|version").next().unwrap(), metric.signature());
    }
    let second: Vec<(&str, &str)> =
        json["pairs"].as_array().unwrap().iter().map(|p| (p[2].as_str().unwrap(), p[1].as_str().unwrap())).collect();
    close("second system", of(&Bleu, &second), &json["bootstrap"]["systems"][1]["score"]);
}

#[test]
fn sentence_figures_equal_sacrebleu() {
    let json = fixture();
    for (i, (h, r)) in pairs(&json).into_iter().enumerate() {
        let theirs = &json["sentences"][i];
        close(&format!("bleu of {i}"), bleu::from_counts(&Bleu.counts(h, r), true), &theirs["bleu"]);
        for metric in &METRICS[1..] {
            close(&format!("{} of {i}", metric.name()), of(*metric, &[(h, r)]), &theirs[metric.name()]);
        }
    }
}

#[test]
fn rouge_equals_rouge_score() {
    let json = fixture();
    let kinds = [(Rouge::One, "rouge1"), (Rouge::Two, "rouge2"), (Rouge::L, "rougeL")];
    for (kind, name) in kinds {
        for (i, (h, r)) in pairs(&json).into_iter().enumerate() {
            let (precision, recall, f) = rouge::score(kind, h, r);
            let theirs = &json["sentences"][i]["rouge"]["plain"][name];
            close(&format!("{name} of {i}"), precision, &theirs["precision"]);
            close(&format!("{name} of {i}"), recall, &theirs["recall"]);
            close(&format!("{name} of {i}"), f, &theirs["f"]);
        }
        close(name, of(&kind, &pairs(&json)), &json["corpus"]["rouge_mean"]["plain"][name]["f"]);
    }
}

/// The figure over `texts` (hypothesis, reference).
fn of(metric: &dyn TextMetric, texts: &[(&str, &str)]) -> f64 {
    let mut sums: Vec<f64> = Vec::new();
    for (h, r) in texts {
        let counts = metric.counts(h, r);
        sums.resize(counts.len(), 0.0);
        sums.iter_mut().zip(&counts).for_each(|(a, b)| *a += b);
    }
    metric.value(&sums)
}
