//! Tables for the terminal. Whether they are coloured is the caller's choice.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use specialist_core::Outcome;

use crate::{DataRow, Finding, Report, Severity, Tuning, figure, number};

fn table(header: &[&str], colour: bool) -> Table {
    let mut t = Table::new();
    t.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    if colour {
        t.enforce_styling();
    } else {
        t.force_no_tty();
    }
    if t.width().is_none() {
        t.set_width(120);
    }
    t
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The tables that were read.
#[must_use]
pub fn data_table(rows: &[DataRow], colour: bool) -> String {
    let mut t = table(&["data", "from", "rows", "events", "share"], colour);
    for r in rows {
        let (events, share) = r.events();
        t.add_row(vec![
            Cell::new(&r.name),
            Cell::new(&r.origin),
            right(number(r.rows as f64, 0)),
            right(events),
            right(share),
        ]);
    }
    t.to_string()
}

/// What the checks found; `all` also lists those that found nothing.
#[must_use]
pub fn check_table(findings: &[Finding], all: bool, colour: bool) -> String {
    let mut t = table(&["check", "", "found"], colour);
    for f in findings.iter().filter(|f| all || f.severity > Severity::Ok) {
        let (word, paint) = match (f.severity, f.waived) {
            (Severity::Ok, _) => ("ok", Color::Green),
            (_, true) => ("waived", Color::Yellow),
            (Severity::Warning, _) => ("warning", Color::Yellow),
            (Severity::Leak, _) => ("LEAK", Color::Red),
        };
        let rows = if f.rows.is_empty() { String::new() } else { format!("\n{}", f.rows.join(", ")) };
        t.add_row(vec![Cell::new(&f.name), Cell::new(word).fg(paint), Cell::new(format!("{}{rows}", f.message))]);
    }
    t.to_string()
}

/// The best trial of every rung.
#[must_use]
pub fn trial_table(tuning: &Tuning, colour: bool) -> String {
    let metric = format!("{} (± 1 SE)", tuning.metric);
    let mut t = table(&["tuning", "best settings", "trials", &metric], colour);
    for b in &tuning.best {
        let value = right(figure(&b.value, 4));
        t.add_row(vec![Cell::new(&b.tuning), Cell::new(&b.settings), right(b.trials.to_string()), value]);
    }
    let optimism = tuning.optimism.as_ref().map_or_else(String::new, |o| format!("\n{}", o.sentence()));
    format!("{t}\nchosen: {}. {}{optimism}", tuning.chosen, tuning.reason)
}

/// The studies of a store.
#[must_use]
pub fn study_list(rows: &[crate::StudyRow], colour: bool) -> String {
    let mut t = table(&["study", "trials", "complete", "pruned", "failed", "running", "best"], colour);
    for r in rows {
        let counts = [r.trials, r.complete, r.pruned, r.failed, r.running].map(|n| right(n.to_string()));
        let best = right(r.best.map_or("–".into(), |v| number(v, 4)));
        t.add_row([vec![Cell::new(&r.name)], counts.into(), vec![best]].concat());
    }
    t.to_string()
}

/// Every trial of a study.
#[must_use]
pub fn study_trials(study: &crate::StudyView, settings: &[String], colour: bool) -> String {
    let mut t = table(&["trial", "state", &study.metric, "settings"], colour);
    for (trial, settings) in study.trials.iter().zip(settings) {
        let value = right(trial.value.map_or("–".into(), |v| number(v, 4)));
        t.add_row(vec![right(trial.number.to_string()), Cell::new(&trial.state), value, Cell::new(settings)]);
    }
    format!("{}\n{t}", study.name)
}

/// The share of each parameter in what makes trials good.
#[must_use]
pub fn study_importance(study: &crate::StudyView, colour: bool) -> String {
    let mut t = table(&["parameter", "importance"], colour);
    for (name, share) in &study.importance {
        t.add_row(vec![Cell::new(name), right(number(*share, 3))]);
    }
    format!("{}\n{t}", study.name)
}

/// A domain's own piece of evidence, if it has a table.
#[must_use]
pub fn panel(p: &specialist_core::Panel, colour: bool) -> String {
    let header: Vec<&str> = p.header.iter().map(String::as_str).collect();
    let mut t = table(&header, colour);
    for row in &p.table {
        t.add_row(row.iter().enumerate().map(|(i, c)| if i == 0 { Cell::new(c) } else { right(c.clone()) }));
    }
    // Without a table its words are all there is.
    if p.table.is_empty() { format!("{}\n{}", p.title, p.note) } else { format!("{}\n{t}", p.title) }
}

/// Every candidate and every metric, then the paired differences.
#[must_use]
pub fn comparison(r: &Report, colour: bool) -> String {
    let e = &r.evidence;
    // A long name is broken where a person would break it.
    let wrapped = |name: &str| if name.len() > 14 { name.replacen('-', "-\n", 1) } else { name.to_string() };
    let names: Vec<String> = e.candidates[0].figures.iter().map(|f| wrapped(&f.metric)).collect();
    let header: Vec<&str> = std::iter::once("candidate").chain(names.iter().map(String::as_str)).collect();
    let mut t = table(&header, colour);
    for c in &e.candidates {
        let mut row = vec![Cell::new(&c.name)];
        let split = |f: &specialist_core::evidence::Interval, d| figure(f, d).replacen(" (", "\n(", 1);
        row.extend(c.figures.iter().map(|f| right(split(&f.interval, f.decimals))));
        t.add_row(row);
    }
    let gain = format!("gain in {}", e.primary);
    let mut d = table(&["paired difference", &gain, "shown?", "smallest detectable"], colour);
    for x in &e.differences {
        let (word, paint) = if x.interval.low > 0.0 {
            ("better", Color::Green)
        } else if x.interval.high < 0.0 {
            ("worse", Color::Red)
        } else {
            ("no", Color::Reset)
        };
        d.add_row(vec![
            Cell::new(format!("{} − {}", x.candidate, x.against)),
            right(figure(&x.interval, 4)),
            Cell::new(word).fg(paint),
            right(number(x.smallest_detectable, 4)),
        ]);
    }
    let mut out = format!("{t}\n{d}\n");
    for c in &e.label_curve.crossings {
        out.push_str(&format!("label curve: {c}\n"));
    }
    if let [generalist, specialist] = e.source.as_slice() {
        let on = |c: &specialist_core::evidence::JudgedCandidate| figure(&c.figures[0].interval, 3);
        out.push_str(&format!(
            "on held-out source rows, {}: generalist {}, specialist {}\n",
            e.primary,
            on(generalist),
            on(specialist)
        ));
    }
    for p in r.panels.iter().filter(|p| p.printed) {
        out.push_str(&format!("\n{}\n", panel(p, colour)));
    }
    out
}

/// The verdict, to be read first and last.
#[must_use]
pub fn verdict(r: &Report, colour: bool) -> String {
    let v = &r.evidence.verdict;
    let paint = match v.outcome {
        Outcome::Adopt => "\u{1b}[1;32m",
        Outcome::Recalibrate | Outcome::TrainFromScratch => "\u{1b}[1;33m",
        Outcome::KeepGeneralist | Outcome::NotEnoughData => "\u{1b}[1;36m",
    };
    let word = v.outcome.word();
    let word = if colour { format!("{paint}{word}\u{1b}[0m") } else { word.to_string() };
    let waived: Vec<&str> = r.findings.iter().filter(|f| f.waived).map(|f| f.name.as_str()).collect();
    let caveat = if waived.is_empty() {
        String::new()
    } else {
        format!("\nThis holds only if the waived findings do not matter: {}", waived.join(", "))
    };
    let beside: String = r.panels.iter().filter_map(|p| p.headline.as_ref()).map(|l| format!("\n{l}")).collect();
    format!("VERDICT: {word}\n{}{caveat}{beside}", v.reason)
}
