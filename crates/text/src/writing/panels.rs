//! The tables of a report on written texts.

use specialist_core::Panel;
use specialist_core::evidence::Candidate;

use super::task::{Glossary, unsupported};
use super::{LEAD, Prepared};
use crate::metrics::TextMetric;

fn table(title: &str, note: &str, header: &[&str], rows: Vec<Vec<String>>) -> Panel {
    Panel {
        title: title.into(),
        note: note.into(),
        header: header.iter().map(ToString::to_string).collect(),
        table: rows,
        ..Panel::default()
    }
}

pub(super) fn signatures(metrics: &[Box<dyn TextMetric>]) -> Panel {
    let rows = metrics.iter().map(|m| vec![m.name().to_string(), m.signature().to_string()]).collect();
    table(
        "How it was measured",
        "Signatures in the manner of sacrebleu, whose figures (and those of rouge-score) these equal.",
        &["Figure", "Signature"],
        rows,
    )
}

pub(super) fn forgetting(general: &[Candidate]) -> Panel {
    let row = |c: &Candidate| {
        let f = &c.figures[0];
        let d = f.decimals;
        vec![c.name.clone(), format!("{:.d$} ({:.d$} to {:.d$})", f.interval.estimate, f.interval.low, f.interval.high)]
    };
    let metric = general.first().map_or("figure", |c| c.figures[0].metric.as_str()).to_string();
    table(
        "What is forgotten",
        "The same figure on general texts of other sections, which nothing was trained on: what each tuning costs elsewhere. `mixed` trains on general pairs too, `averaged` stands half-way to the generalist.",
        &["Candidate", &metric],
        general.iter().map(row).collect(),
    )
}

/// Says plainly whether the leading words are beaten.
pub(super) fn bar(evidence: &specialist_core::evidence::Evidence) -> Panel {
    let lead = format!("lead-{LEAD}");
    let found = evidence.differences.iter().find(|d| d.candidate == "specialist" && d.against == lead);
    let said = found.map_or(String::new(), |d| {
        let i = &d.interval;
        let word = if i.low > 0.0 {
            "beat"
        } else if i.high < 0.0 {
            "are worse than"
        } else {
            "are not shown to beat"
        };
        format!(
            "The specialist's summaries {word} the first {LEAD} words: {:+.4} ROUGE-L F (interval {:+.4} to {:+.4}).",
            i.estimate, i.low, i.high
        )
    });
    table("Against the first words", &said, &[], Vec::new())
}

/// How many texts hold a number, a name or a negation that their source does not hold, and where the first are.
pub(super) fn faithfulness(names: &[(String, String)], written: &[Vec<String>], prepared: &Prepared) -> Panel {
    let row = |(name, texts): (&(String, String), &Vec<String>)| {
        let mut row = vec![name.0.clone()];
        let found: Vec<Vec<(&str, String)>> =
            texts.iter().zip(&prepared.sealed).map(|(t, d)| unsupported(t, &d.text)).collect();
        for kind in ["number", "name", "negation"] {
            row.push(found.iter().filter(|f| f.iter().any(|x| x.0 == kind)).count().to_string());
        }
        let first = found.iter().zip(&prepared.sealed).filter(|(f, _)| !f.is_empty()).take(3);
        row.push(first.map(|(_, d)| d.place.1.to_string()).collect::<Vec<_>>().join(", "));
        row
    };
    table(
        "Not in the source",
        "Of the sealed texts, how many of each candidate's hold a number, a name (a capitalised word that is not the first) or an English negation that the source text does not hold, and the lines of the first such texts. Translations into German capitalise every noun: there names say little.",
        &["Candidate", "numbers", "names", "negations", "first lines"],
        names.iter().zip(written).map(row).collect(),
    )
}

pub(super) fn terms(
    glossary: &Glossary,
    names: &[(String, String)],
    written: &[Vec<String>],
    prepared: &Prepared,
) -> Panel {
    let row = |(name, texts): (&(String, String), &Vec<String>)| {
        let (kept, all) = texts
            .iter()
            .zip(&prepared.sealed)
            .map(|(t, d)| glossary.kept(&d.text, t))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        vec![name.0.clone(), format!("{kept} of {all} ({:.0} %)", 100.0 * kept as f64 / all.max(1) as f64)]
    };
    table(
        "Terms",
        "Terms of the glossary that occur in the sealed sources, and how many were translated as it says.",
        &["Candidate", "kept"],
        names.iter().zip(written).map(row).collect(),
    )
}
