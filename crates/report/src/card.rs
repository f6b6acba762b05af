//! The model card with Hugging Face front matter.

use std::fmt::Write;

use crate::{Report, figure};

/// The task in the hub's words: text recipes say theirs, all others are tables.
fn task(r: &Report) -> &'static str {
    let says = |task: &str| r.recipe.lines().any(|l| l == format!("task = \"{task}\""));
    match r.domain.as_str() {
        "text" if says("translate") => "translation",
        "text" if says("summarize") => "summarization",
        "text" => "text-classification",
        _ => "tabular-classification",
    }
}

/// Text of a recipe or a file as Markdown shows it: neither markup nor the end of a table's cell.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The card as Markdown.
#[must_use]
pub fn card(r: &Report) -> String {
    let e = &r.evidence;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line("---");
    line("library_name: specialist");
    let task = task(r);
    line(&format!("pipeline_tag: {task}"));
    line(&format!("tags: [{}, fine-tuning, {}]", r.domain, e.verdict.outcome.word()));
    line("license: other");
    line("model-index:");
    line(&format!("- name: {}-{}", r.domain, r.shipped()));
    line("  results:");
    line(&format!("  - task: {{type: {task}}}"));
    line(&format!("    dataset: {{name: \"{}, sealed test rows\", type: {}}}", r.domain, r.domain));
    line("    metrics:");
    if let Some(c) = e.candidates.iter().find(|c| c.name == r.shipped()) {
        for f in c.figures.iter().filter(|f| f.interval.estimate.is_finite()) {
            line(&format!("    - {{type: {}, value: {:.4}}}", f.metric, f.interval.estimate));
        }
    }
    line("---");
    line("");
    line(&format!("# {}: {}", r.domain, e.verdict.outcome.word()));
    line("");
    line(&e.verdict.reason);
    line("");
    if r.simulated {
        line("**The data is simulated.** These figures say nothing about any real population.");
        line("");
    }
    if !r.question.is_empty() {
        line(&format!("Question: {}", plain(&r.question)));
        line("");
    }
    line("## What it was trained and judged on");
    line("");
    line("| table | from | rows | events |");
    line("| --- | --- | ---: | ---: |");
    for d in &r.data {
        line(&format!("| {} | {} | {} | {} |", plain(&d.name), plain(&d.origin), d.rows, d.events().0));
    }
    line("");
    line("## Figures on the sealed rows");
    line("");
    let names: Vec<&str> = e.candidates[0].figures.iter().map(|f| f.metric.as_str()).collect();
    line(&format!("| candidate | {} |", names.join(" | ")));
    line(&format!("| --- |{}", " ---: |".repeat(names.len())));
    for c in &e.candidates {
        let cells: Vec<String> = c.figures.iter().map(|f| figure(&f.interval, f.decimals)).collect();
        line(&format!("| {} | {} |", c.name, cells.join(" | ")));
    }
    line("");
    line("## Paired differences");
    line("");
    for d in &e.differences {
        line(&format!("- {} − {}: {} {}", d.candidate, d.against, figure(&d.interval, 4), e.primary));
    }
    line("");
    line("## How it was tuned");
    line("");
    line(&format!("{}. {} {} trials.", plain(&r.tuning.chosen), plain(&r.tuning.reason), e.trials));
    line("");
    line("## Checks");
    line("");
    for f in &r.findings {
        let waived = if f.waived { " (waived)" } else { "" };
        line(&format!("- {}{waived}: {}", f.name, plain(&f.message)));
    }
    line("");
    line("## What it holds of single rows");
    line("");
    line(&r.of_rows());
    line("");
    line("## Limits");
    line("");
    line(
        "The figures hold for rows like the target's. `report.html` has the plots; `recipe.toml` is the recipe\nas it ran (its relative paths start where the recipe lay);",
    );
    line("`evidence.json` has every number; `verify` checks that no file was changed.");
    let _ = writeln!(out);
    out
}
