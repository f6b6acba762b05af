//! The page: verdict first, then what it rests on. No script, no network, light and dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use specialist_core::{Candidate, Outcome};

use crate::chart::{self, Line, Plot};
use crate::{Report, Severity, figure, number};

/// The report as one self-contained HTML document.
#[must_use]
pub fn html(r: &Report) -> String {
    let e = &r.evidence;
    let title = format!("{}: {}", r.domain, e.verdict.outcome.word());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class=(class(e.verdict.outcome)) {
                    p.eyebrow { "Specialist · " (r.domain) }
                    h1 { (e.verdict.outcome.word()) }
                    p.reason { (e.verdict.reason) }
                    @for line in r.panels.iter().filter_map(|p| p.headline.as_ref()) { p.reason { (line) } }
                    @if !r.question.is_empty() { p.question { (r.question) } }
                    @if r.simulated { p.notice { strong { "Simulated data." } " These figures say nothing about any real population." } }
                    @if r.findings.iter().any(|f| f.waived) {
                        p.notice { "The recipe waives a leak: " @for f in r.findings.iter().filter(|f| f.waived) { (f.name) " " } "– the figures hold only if it does not matter." }
                    }
                    @if e.opened_before > 0 {
                        p.notice { "The sealed rows had been opened " (e.opened_before) " time(s) before this run: the figures are no longer blind." }
                    }
                }
                main {
                    (differences(r))
                    (comparison(r))
                    (label_curve(r))
                    (curves(r))
                    @for panel in &r.panels { (panel_section(panel)) }
                    (effects(r))
                    (tuning(r))
                    (data(r))
                    section { h2 { "Recipe" } details { summary { "The recipe as it ran (seed " (r.seed) ")" } pre { (r.recipe) } } }
                }
                footer { "Made by Specialist " (r.version) ". Intervals are " (pct(e.confidence)) " bootstrap intervals over " (e.bootstrap.1) " replicates. " (r.of_rows()) }
            }
        }
    }
    .into_string()
}

fn pct(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Adopt => "good",
        Outcome::Recalibrate | Outcome::TrainFromScratch => "mid",
        Outcome::KeepGeneralist | Outcome::NotEnoughData => "plain",
    }
}

fn differences(r: &Report) -> Markup {
    let e = &r.evidence;
    let row = |d: &specialist_core::evidence::Difference| {
        (format!("{} − {}", d.candidate, d.against), d.interval.estimate, d.interval.low, d.interval.high)
    };
    let rows: Vec<_> = e.differences.iter().map(row).collect();
    html! {
        section {
            h2 { "Who beats whom" }
            p { "Paired differences in " (e.primary) " on the same " (e.rows) " sealed rows" @if e.events > 0 { " (" (e.events) " events)" } ", turned so that right of the line is better. The intervals hold for all comparisons at once." }
            (chart::forest(&rows, &format!("gain in {}", e.primary), 0.0))
            table {
                thead { tr { th { "Comparison" } th.n { "Gain (interval)" } th.n { "Smallest detectable" } } }
                tbody { @for d in &e.differences {
                    tr { td { (d.candidate) " − " (d.against) } td.n { (figure(&d.interval, 4)) } td.n { (number(d.smallest_detectable, 4)) } }
                } }
            }
            p.small { "Smallest detectable: the true gain that a test of this size finds four times out of five." }
        }
    }
}

fn comparison(r: &Report) -> Markup {
    let e = &r.evidence;
    html! {
        section {
            h2 { "Every candidate, every metric" }
            div.scroll { table {
                thead { tr { th { "Candidate" } @for f in &e.candidates[0].figures { th.n { (f.metric) } } } }
                tbody { @for c in &e.candidates {
                    tr { td { strong { (c.name) } br; span.small { (c.what) } } @for f in &c.figures { td.n { (two_lines(&figure(&f.interval, f.decimals))) } } }
                } }
            } }
            @if !e.source.is_empty() {
                h3 { "What the specialist forgot" }
                p { "The same metric on source rows that no candidate was trained on." }
                table { tbody { @for c in &e.source { tr { td { (c.name) } @for f in &c.figures { td.n { (f.metric) " " (figure(&f.interval, f.decimals)) } } } } } }
            }
        }
    }
}

/// The estimate over its interval.
fn two_lines(figure: &str) -> Markup {
    let (estimate, interval) = figure.split_once(" (").map_or((figure, String::new()), |(e, i)| (e, format!("({i}")));
    html! { (estimate) br; span.small { (interval) } }
}

fn label_curve(r: &Report) -> Markup {
    let curve = &r.evidence.label_curve;
    let Some(first) = curve.points.first() else { return html! {} };
    let line = |(i, (name, _)): (usize, &(String, specialist_core::evidence::Interval))| Line {
        name: name.clone(),
        points: curve.points.iter().map(|p| (p.rows as f64, p.values[i].1.estimate)).collect(),
        band: curve.points.iter().map(|p| (p.values[i].1.low, p.values[i].1.high)).collect(),
        bars: false,
    };
    let plot = Plot {
        x: "target rows with a label (log scale)".into(),
        y: r.evidence.primary.clone(),
        lines: first.values.iter().enumerate().map(line).collect(),
        x_range: None,
        y_range: None,
        log_x: true,
        log_y: false,
        diagonal: false,
    };
    html! {
        section {
            h2 { "How many labels would it take?" }
            p { "Mean of " (curve.repeats) " draws of each budget; the band holds the middle 95 % of them. Every draw is fitted anew with the settings that the search found on all train rows: small budgets look a little better than they would with a search of their own. With all train rows it is the candidates above." }
            (plot.draw())
            ul { @for c in &curve.crossings { li { (c) } } }
        }
    }
}

fn curves(r: &Report) -> Markup {
    if r.curves.is_empty() {
        return html! {};
    }
    let lines = |f: &dyn Fn(&crate::Curves) -> Vec<(f64, f64)>| -> Vec<Line> {
        r.curves.iter().map(|c| Line { name: c.name.clone(), points: f(c), band: Vec::new(), bars: false }).collect()
    };
    let unit = Some((0.0, 1.0));
    let plot = |x: &str, y: &str, lines, diagonal| Plot {
        x: x.into(),
        y: y.into(),
        lines,
        x_range: unit,
        y_range: unit,
        log_x: false,
        log_y: false,
        diagonal,
    };
    let calibration = r
        .curves
        .iter()
        .filter(|c| c.name == Candidate::Generalist || c.name == r.shipped() || c.name == Candidate::Specialist);
    let calibration: Vec<Line> = calibration.map(calibration_line).collect();
    let reach = reach_of(&calibration);
    if r.curves.iter().any(|c| c.class.is_some()) {
        return calibration_by_class(r);
    }
    if r.curves.iter().all(|c| c.roc.is_empty()) {
        let plot = Plot { x_range: None, y_range: None, ..plot("predicted", "observed", calibration, true) };
        return html! {
            section {
                h2 { "Calibration" }
                (plot.draw())
                p.small { "Bins of equal size with 95 % intervals that take rows for independent; on the diagonal, predictions are what happens." }
            }
        };
    }
    let shown = r.curves.iter().find(|c| c.name == r.shipped());
    html! {
        section {
            h2 { "Ranking and calibration" }
            div.grid2 {
                div { h3 { "ROC" } (plot("false positive rate", "true positive rate", lines(&|c| c.roc.clone()), true).draw()) }
                div { h3 { "Precision and recall" } (plot("recall", "precision", lines(&|c| c.precision_recall.clone()), false).draw()) }
                div { h3 { "Calibration" }
                    (Plot { x_range: Some((0.0, reach)), y_range: Some((0.0, reach)), ..plot("predicted probability", "observed share", calibration, true) }.draw())
                    p.small { "Bins of equal size with 95 % Wilson intervals; on the diagonal, predictions are what happens." }
                }
                @if let Some(c) = shown {
                    div { h3 { "Scores of the " (c.name) }
                        (scores(c))
                    }
                }
            }
        }
    }
}

/// A small plot a class: whether its probabilities are what happens.
fn calibration_by_class(r: &Report) -> Markup {
    let shown = |c: &&crate::Curves| {
        c.name == Candidate::Generalist || c.name == r.shipped() || c.name == Candidate::Specialist
    };
    let mut classes: Vec<&String> = Vec::new();
    r.curves.iter().filter_map(|c| c.class.as_ref()).for_each(|c| {
        if !classes.contains(&c) {
            classes.push(c);
        }
    });
    let plot = |class: &String| {
        let own = r.curves.iter().filter(|c| c.class.as_ref() == Some(class)).filter(shown);
        let lines: Vec<Line> = own.map(calibration_line).collect();
        let reach = Some((0.0, reach_of(&lines)));
        let (x, y) = ("predicted probability".into(), "observed share".into());
        Plot { x, y, lines, x_range: reach, y_range: reach, log_x: false, log_y: false, diagonal: true }
    };
    html! {
        section {
            h2 { "Calibration, class by class" }
            div.grid2 { @for class in classes { div { h3 { (class) } (plot(class).draw()) } } }
            p.small { "Each class against the rest: bins of equal size with 95 % Wilson intervals; on the diagonal, probabilities are what happens." }
        }
    }
}

fn calibration_line(c: &crate::Curves) -> Line {
    Line {
        name: c.name.clone(),
        points: c.calibration.iter().map(|(x, i)| (*x, i.estimate)).collect(),
        band: c.calibration.iter().map(|(_, i)| (i.low, i.high)).collect(),
        bars: true,
    }
}

/// How far the axes of a calibration plot reach.
fn reach_of(lines: &[Line]) -> f64 {
    let points = lines.iter().flat_map(|l| l.points.iter().zip(&l.band));
    points.map(|(p, b)| p.0.max(b.1)).fold(0.05, f64::max).min(1.0)
}

fn scores(c: &crate::Curves) -> Markup {
    let bins = c.histogram.len() as f64;
    let line = |name: &str, pick: fn(&(f64, f64)) -> f64| Line {
        name: name.into(),
        points: c.histogram.iter().enumerate().map(|(i, b)| ((i as f64 + 0.5) / bins, pick(b))).collect(),
        band: Vec::new(),
        bars: false,
    };
    Plot {
        x: "predicted probability".into(),
        y: "share of the class".into(),
        lines: vec![line("without event", |b| b.0), line("with event", |b| b.1)],
        x_range: Some((0.0, 1.0)),
        y_range: None,
        log_x: false,
        log_y: false,
        diagonal: false,
    }
    .draw()
}

fn panel_section(p: &specialist_core::Panel) -> Markup {
    let line = |s: &specialist_core::Series| Line {
        name: s.name.clone(),
        points: s.points.iter().map(|(x, i)| (*x, i.estimate)).collect(),
        band: s.points.iter().filter(|(_, i)| i.low.is_finite()).map(|(_, i)| (i.low, i.high)).collect(),
        bars: false,
    };
    let plot = Plot {
        x: p.axes.0.clone(),
        y: p.axes.1.clone(),
        lines: p.series.iter().map(line).collect(),
        x_range: None,
        y_range: None,
        log_x: false,
        log_y: p.log_y,
        diagonal: false,
    };
    html! {
        section {
            h2 { (p.title) }
            p { (p.note) }
            @if !p.series.is_empty() { (plot.draw()) }
            @if !p.table.is_empty() {
                div.scroll { table {
                    thead { tr { @for (i, h) in p.header.iter().enumerate() { th.n[i > 0] { (h) } } } }
                    tbody { @for row in &p.table { tr { @for (i, cell) in row.iter().enumerate() { td.n[i > 0] style=[(p.heat && i > 0).then(|| shade(p, cell))] { (cell) } } } } }
                } }
            }
        }
    }
}

/// The colour behind a number of a heat table: the stronger the farther from 0.
fn shade(p: &specialist_core::Panel, cell: &str) -> String {
    let largest = p
        .table
        .iter()
        .flat_map(|row| &row[1..])
        .filter_map(|c| c.parse::<f64>().ok())
        .fold(1e-12, |m, v| f64::max(m, v.abs()));
    let value = cell.parse::<f64>().unwrap_or(0.0);
    let name = if value < 0.0 { "--bad" } else { "--good" };
    format!("background:color-mix(in srgb,var({name}) {:.0}%,transparent)", 60.0 * value.abs() / largest)
}

fn effects(r: &Report) -> Markup {
    if r.effects.is_empty() {
        return html! {};
    }
    let rows: Vec<(String, f64)> = r.effects.iter().take(15).cloned().collect();
    html! {
        section {
            h2 { "What drives the " (r.shipped()) }
            p { "Mean absolute contribution to the prediction (to its log-odds, for a probability) over the target's train rows (SHAP values for trees, coefficient times value for linear models)." }
            (chart::bars(&rows, "mean absolute contribution"))
        }
    }
}

fn tuning(r: &Report) -> Markup {
    let t = &r.tuning;
    html! {
        section {
            h2 { "The search" }
            p { "Chosen: " strong { (t.chosen) } ". " (t.reason) " " (r.evidence.trials) " trials were looked at, all inside the target's train rows." }
            div.scroll { table {
                thead { tr { th { "Tuning" } th { "Best settings" } th.n { "Trials" } th.n { (t.metric) " in cross-validation (± 1 SE)" } } }
                tbody { @for b in &t.best { tr { td { (b.tuning) } td { (b.settings) } td.n { (b.trials) } td.n { (figure(&b.value, 4)) } } } }
            } }
            @if let Some(o) = &t.optimism { p { (o.sentence()) ". The fresh folds are drawn anew from the same rows: this is the price of having chosen the best of many." } }
            @for s in &t.studies { (crate::study::section(s)) }
        }
    }
}

fn data(r: &Report) -> Markup {
    html! {
        section {
            h2 { "Data and checks" }
            div.scroll { table {
                thead { tr { th { "Table" } th { "From" } th.n { "Rows" } th.n { "Events" } th.n { "Share" } } }
                tbody { @for d in &r.data {
                    tr { td { (d.name) } td { (d.origin) } td.n { (number(d.rows as f64, 0)) } td.n { (d.events().0) } td.n { (d.events().1) } }
                } }
            } }
            ul.findings { @for f in &r.findings {
                li class=(match (f.severity, f.waived) { (Severity::Ok, _) => "ok", (_, true) => "waived", (Severity::Warning, _) => "warning", _ => "leak" }) {
                    strong { (f.name) } @if f.waived { " (waived by the recipe)" } ": " (f.message)
                    @if !f.rows.is_empty() { span.small { " " (f.rows.join(", ")) } }
                }
            } }
        }
    }
}

const STYLE: &str = r#"
:root{--bg:#fbfaf7;--fg:#1d2328;--soft:#5d6770;--line:#dcdad3;--card:#fff;--good:#14724a;--bad:#c0392b;--mid:#8a5a00;--plain:#3b4a5a;
--c0:#1f5fbf;--c1:#c2571a;--c2:#2f8f5b;--c3:#8e44ad;--c4:#7a6a2f;--c5:#b03a5b;--c6:#2b8a9a;--c7:#5d6770;--c8:#a0522d;--c9:#4b5320}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--fg:#e7e9ea;--soft:#9aa5ae;--line:#323a42;--card:#1b2127;--good:#2aa873;--bad:#e0705f;--mid:#d09a3a;--plain:#8fa6bd;
--c0:#6aa6ff;--c1:#ff9d5c;--c2:#63cf95;--c3:#c88be0;--c4:#c9b65a;--c5:#f08aa5;--c6:#67cfe0;--c7:#9aa5ae;--c8:#d9986b;--c9:#a9b46a}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:60rem;margin:0 auto;padding:1.2rem}
header{border-left:.5rem solid var(--plain);margin-top:1rem}header.good{border-color:var(--good)}header.mid{border-color:var(--mid)}
h1{font-size:2.4rem;line-height:1.1;margin:.1rem 0 .6rem}header.good h1{color:var(--good)}header.mid h1{color:var(--mid)}
h2{font-size:1.25rem;margin:0 0 .4rem}h3{font-size:1rem;margin:.8rem 0 .2rem}h4{font-size:.9rem;margin:.8rem 0 .2rem}.eyebrow{margin:0;color:var(--soft);letter-spacing:.04em}
.reason{font-size:1.15rem;margin:.2rem 0}.question,.small,footer{color:var(--soft)}.small,footer{font-size:.85rem}
.notice{border:1px solid var(--mid);border-radius:.4rem;padding:.4rem .7rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:0 0 1rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.35rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.scroll{overflow-x:auto}
figure{margin:.4rem 0}figure svg{width:100%;max-width:34rem;height:auto;display:block}figure.wide svg{max-width:44rem}
.grid{stroke:var(--line);stroke-width:1}.tick,.axis{fill:var(--soft);font-size:11px}.axis{fill:var(--fg);font-size:12px}
.zero,.diagonal{stroke:var(--soft);stroke-dasharray:4 3}.line{fill:none;stroke-width:2}.line.thin{stroke-width:1}.faint{fill:var(--soft);opacity:.45}.bar{stroke-width:2}.band{opacity:.16;stroke:none}
.c0{stroke:var(--c0);fill:var(--c0)}.c1{stroke:var(--c1);fill:var(--c1)}.c2{stroke:var(--c2);fill:var(--c2)}.c3{stroke:var(--c3);fill:var(--c3)}.c4{stroke:var(--c4);fill:var(--c4)}.c5{stroke:var(--c5);fill:var(--c5)}.c6{stroke:var(--c6);fill:var(--c6)}.c7{stroke:var(--c7);fill:var(--c7)}.c8{stroke:var(--c8);fill:var(--c8)}.c9{stroke:var(--c9);fill:var(--c9)}
.line{fill:none!important}.band{stroke:none!important}
figcaption{font-size:.85rem;color:var(--soft)}.key{margin-right:.9rem;white-space:nowrap}.key svg{display:inline;width:14px;vertical-align:middle}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.25rem .6rem;align-items:center;font-size:.9rem}
.bars .name{overflow-wrap:anywhere}.track{background:var(--line);border-radius:.2rem}.fill{display:block;height:.8rem;background:var(--c0);border-radius:.2rem}
.findings{list-style:none;padding:0}.findings li{padding:.3rem .6rem;border-left:.25rem solid var(--line);margin:.3rem 0}
.findings .ok{border-color:var(--good)}.findings .warning,.findings .waived{border-color:var(--mid)}.findings .leak{border-color:#c0392b}
pre{overflow-x:auto;font-size:.85rem}@media (max-width:40rem){h1{font-size:1.9rem}.bars{grid-template-columns:minmax(0,9rem) 1fr max-content}}
"#;
