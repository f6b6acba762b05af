//! From text to a checked recipe: every key is known, every value makes sense, before any work starts.

use specialist_core::metric::METRICS;
use specialist_core::{ColumnKind, ENCODERS, Estimand, Limits, Metric, Role, same_value};
use specialist_tabular::Estimator;
use specialist_tabular::read::{is_time_format, time_formats};

use super::error::RecipeError;
use super::text::read;
use super::{Recipe, TRANSFORMER};
use crate::waivers::FINDINGS;

/// Parses and checks a recipe; `file` names it in messages, `overrides` are `key=value` pairs.
///
/// # Errors
/// [`RecipeError`] with the line and the nearest valid key.
pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Recipe, RecipeError> {
    checked(read(file, text, overrides)?)
}

/// The checks that types cannot express.
fn checked(recipe: Recipe) -> Result<Recipe, RecipeError> {
    let invalid = |key: &str, expected: &str| Err(RecipeError::invalid(key, expected));
    let share = |v: f64| v > 0.0 && v < 1.0;
    if recipe.target.data.is_empty() {
        return invalid("target.data", "the path of a CSV or Parquet file");
    }
    let source = &recipe.source;
    let named = [source.data.is_some(), source.model.is_some(), !source.models.is_empty()];
    match named.iter().filter(|n| **n).count() {
        // What a domain is asked of one population needs none; the engine refuses the rest once the domain was asked.
        0 if !recipe.domain.is_empty() => {}
        0 => {
            return Err(RecipeError::Invalid {
                key: "source".into(),
                expected: "there: either `data` or `model`".into(),
                hint: Some("a specialist needs a generalist: name the source rows, or a model trained on them".into()),
            });
        }
        1 => {}
        _ => return invalid("source", "one of `data`, `model` and `models`, not several"),
    }
    if !share(recipe.split.test) {
        return invalid("split.test", "between 0 and 1");
    }
    if !(0.0..1.0).contains(&recipe.pretrain.holdout) {
        return invalid("pretrain.holdout", "at least 0 and below 1");
    }
    if !share(recipe.compare.confidence) {
        return invalid("compare.confidence", "between 0 and 1");
    }
    if recipe.compare.bootstrap < 100 {
        return invalid("compare.bootstrap", "at least 100");
    }
    if recipe.compare.worthwhile.is_nan() || recipe.compare.worthwhile < 0.0 {
        return invalid("compare.worthwhile", "0 or more");
    }
    if recipe.compare.budgets.is_empty() || recipe.compare.budgets.iter().any(|b| !(*b > 0.0 && *b <= 1.0)) {
        return invalid("compare.budgets", "shares above 0 and up to 1");
    }
    if !recipe.text_columns().is_empty() {
        let known: Vec<&str> = std::iter::once(TRANSFORMER).chain(ENCODERS.names()).collect();
        if !known.contains(&recipe.text.encoder.as_str()) {
            return Err(RecipeError::choice("text.encoder", &recipe.text.encoder, &known));
        }
    }
    if recipe.text.longest < 4 {
        return invalid("text.longest", "four tokens at least");
    }
    if !(recipe.text.alike > 0.0 && recipe.text.alike <= 1.0) {
        return invalid("text.alike", "above 0 and up to 1");
    }
    if recipe.tune.folds < 2 || recipe.tune.repeats < 1 || recipe.tune.trials < 1 {
        return invalid("tune", "two folds, one repeat and one trial at least");
    }
    // What nobody means, and what would take all memory or all time before anything is said.
    let most = [
        ("tune.trials", recipe.tune.trials, 1_000_000),
        ("tune.folds", recipe.tune.folds, 10_000),
        ("tune.repeats", recipe.tune.repeats, 10_000),
        ("tune.ensemble", recipe.tune.ensemble, 1000),
        ("compare.bootstrap", recipe.compare.bootstrap, 1_000_000),
        ("privacy.fewest_rows", recipe.privacy.fewest_rows.unwrap_or(0), 1_000_000),
        ("compare.repeats", recipe.compare.repeats, 10_000),
        ("compare.splits", recipe.compare.splits, 10_000),
        ("compare.budgets", recipe.compare.budgets.len(), 1000),
        ("text.components", recipe.text.components, 4096),
        ("text.longest", recipe.text.longest, 1_000_000),
        ("source.skip", recipe.source.skip, 1_000_000),
        ("target.skip", recipe.target.skip, 1_000_000),
    ];
    if let Some((key, _, most)) = most.into_iter().find(|(_, value, most)| value > most) {
        return invalid(key, &format!("at most {most}"));
    }
    let samplers: Vec<&str> = specialist_search::SAMPLERS.names().into_iter().chain(["transfer"]).collect();
    if !samplers.contains(&recipe.tune.sampler.as_str()) {
        return Err(RecipeError::choice("tune.sampler", &recipe.tune.sampler, &samplers));
    }
    let pruners = specialist_search::PRUNERS.names();
    if !pruners.contains(&recipe.tune.pruner.as_str()) {
        return Err(RecipeError::choice("tune.pruner", &recipe.tune.pruner, &pruners));
    }
    if !(1..=1024).contains(&recipe.tune.concurrency) {
        return invalid("tune.concurrency", "from 1 to 1024");
    }
    if recipe.tune.transfer.is_some() && recipe.tune.sampler != "transfer" {
        return invalid("tune.transfer", "left out unless `sampler = \"transfer\"`");
    }
    if let Some(name) = &recipe.compare.metric {
        // Of several classes and of texts those alone; otherwise what the rows turn out to be decides, and each may be meant.
        let known = recipe.asked().filter(|e| matches!(e, Estimand::Classes(_) | Estimand::Text));
        let asked = known.unwrap_or_default();
        if specialist_core::metric::by_name_of(name, asked).is_none() {
            let fits = |m: &&dyn Metric| known.is_none() || m.judges(asked);
            let known: Vec<&str> = METRICS.all().into_iter().filter(fits).map(|m| m.name()).collect();
            return Err(RecipeError::choice("compare.metric", name, &known));
        }
    }
    if recipe.compare.splits > 0 && recipe.split.time_on.is_some() {
        return invalid("compare.splits", "0: a split by time cannot be drawn anew");
    }
    if recipe.split.cut_source && recipe.split.time_on.is_none() {
        return invalid("split.cut_source", "`split.time_on` beside it: without a time there is nothing to cut by");
    }
    recipe.gap()?;
    recipe.source.dialect()?;
    recipe.target.dialect()?;
    recipe.estimator()?;
    recipe.scratch_estimator()?;
    recipe.rungs()?;
    // A domain that makes its tables itself declares no columns; its names are checked with its data.
    if recipe.columns.is_empty() && !recipe.domain.is_empty() { Ok(recipe) } else { columns(recipe) }
}

/// The checks of the declared columns, and of names that only columns have.
fn columns(recipe: Recipe) -> Result<Recipe, RecipeError> {
    let invalid = |key: &str, expected: &str| Err(RecipeError::invalid(key, expected));
    let count = |role| recipe.columns.values().filter(|c| c.role == role).count();
    match [Role::Label, Role::Duration, Role::Event].map(count) {
        [1, 0, 0] | [0, 1, 1] => {}
        [labels, 0, 0] => {
            return invalid("columns", &format!("one column with role = \"label\"; there are {labels}"));
        }
        _ => {
            let what =
                "either one with the role \"label\", or one with the role \"duration\" and one with the role \"event\"";
            return invalid("columns", what);
        }
    }
    let outcome = if count(Role::Event) == 1 { Role::Event } else { Role::Label };
    for (key, named, role, word) in [
        ("split.group_on", &recipe.split.group_on, Role::Group, "group"),
        ("split.time_on", &recipe.split.time_on, Role::Time, "time"),
        (
            "split.stratify_on",
            &recipe.split.stratify_on,
            outcome,
            if outcome == Role::Event { "event" } else { "label" },
        ),
    ] {
        if let Some(name) = named
            && recipe.columns.get(name).is_none_or(|c| c.role != role)
        {
            return invalid(key, &format!("a column with role = \"{word}\""));
        }
    }
    if count(Role::Entry) > count(Role::Duration) {
        return invalid("columns", "at most one column with the role entry, beside one with the role duration");
    }
    for role in [Role::Group, Role::Time, Role::Site, Role::Id, Role::Amount, Role::Weight] {
        if recipe.columns.values().filter(|c| c.role == role).count() > 1 {
            return invalid("columns", &format!("at most one column with the role {role:?}").to_lowercase());
        }
    }
    classes(&recipe)?;
    for (name, c) in &recipe.columns {
        let horizon = c.horizon.is_some_and(|h| h > 0.0 && h.is_finite());
        if c.role == Role::Duration && !horizon {
            return invalid(&format!("columns.{name}.horizon"), "until when risk is predicted: a time above 0");
        }
        if c.role == Role::Entry && c.kind != ColumnKind::Number {
            return invalid(&format!("columns.{name}.kind"), "number: it counts like the duration");
        }
        if c.role != Role::Duration && (c.horizon.is_some() || c.until.is_some()) {
            return invalid(&format!("columns.{name}.horizon"), "left out: only a duration has one");
        }
        if c.until.is_some_and(|u| c.horizon.is_none_or(|h| u < h)) {
            return invalid(&format!("columns.{name}.until"), "the horizon, or later");
        }
        if c.competing.iter().any(|l| c.positive.contains(l) || c.negative.contains(l)) {
            return invalid(&format!("columns.{name}.competing"), "other cells than `positive` and `negative`");
        }
        if c.knots != 0 && !(3..=7).contains(&c.knots) {
            return invalid(&format!("columns.{name}.knots"), "from 3 to 7, or left out for a line");
        }
        let is_time = c.role == Role::Time || c.kind == ColumnKind::Time;
        if let Some(format) = &c.format {
            if !is_time {
                return invalid(&format!("columns.{name}.format"), "left out: only a time has one");
            }
            if !is_time_format(format) {
                return Err(RecipeError::Invalid {
                    key: format!("columns.{name}.format"),
                    expected: format!("one of {}, or a pattern that names a day", time_formats().join(", ")),
                    hint: Some("31.12.2023 is %d.%m.%Y, 12/31/2023 2:05 PM is %m/%d/%Y %I:%M %p".into()),
                });
            }
        }
        if (!c.strip.is_empty() || c.limits != Limits::default()) && c.kind != ColumnKind::Number {
            return invalid(&format!("columns.{name}.strip"), "left out, like `limits`: only a number has them");
        }
        if c.strip.iter().any(|s| s.is_empty() || s.bytes().any(|b| b.is_ascii_digit())) {
            return invalid(&format!("columns.{name}.strip"), "texts without digits");
        }
        if c.role != Role::Event && !c.competing.is_empty() {
            return invalid(&format!("columns.{name}.competing"), "left out: only an event has competing causes");
        }
        if matches!((c.min, c.max), (Some(a), Some(b)) if a > b) {
            return invalid(&format!("columns.{name}.min"), "at most `max`");
        }
    }
    for waived in &recipe.check.waive {
        let names = FINDINGS.names();
        if !names.contains(&waived.as_str()) {
            return Err(RecipeError::choice("check.waive", waived, &names));
        }
    }
    Ok(recipe)
}

/// A label that is a text: what only other labels have is refused.
fn written(recipe: &Recipe) -> Result<(), RecipeError> {
    for (name, c) in recipe.columns.iter().filter(|(_, c)| c.role == Role::Label) {
        if !(c.positive.is_empty() && c.negative.is_empty() && c.levels.is_empty()) {
            let expected = "without `positive`, `negative` and `levels`: a text that is written is no class";
            return Err(RecipeError::invalid(&format!("columns.{name}"), expected));
        }
    }
    let read = recipe.columns.values().filter(|c| c.role == Role::Feature).count();
    if read != 1 || recipe.text_columns().len() != 1 {
        let expected =
            "one column that is read: kind = \"text\" and role = \"feature\"; others have the role \"ignore\"";
        return Err(RecipeError::invalid("columns", expected));
    }
    if recipe.text.encoder == TRANSFORMER {
        let known = ENCODERS.names();
        let expected = match known[..] {
            [] => "one that writes, and this program has none".to_string(),
            _ => format!("one that writes, for the label is a text: {}", known.join(", ")),
        };
        let hint = Some("translations and summaries are made by the program `text`".into());
        return Err(RecipeError::Invalid { key: "text.encoder".into(), expected, hint });
    }
    if let Some((name, _)) = recipe.columns.iter().find(|(_, c)| c.role == Role::Weight) {
        let expected = "another role, or \"ignore\": texts that are written count alike";
        return Err(RecipeError::invalid(&format!("columns.{name}.role"), expected));
    }
    if !recipe.scratch_estimator()?.learns() {
        let learns = <dyn Estimator>::for_recipes().into_iter().filter(|e| e.predicts(Estimand::Text) && e.learns());
        let names: Vec<&str> = learns.map(|e| e.name()).collect();
        let expected = format!("an estimator that learns from the target's rows: {}", names.join(", "));
        return Err(RecipeError::invalid("tune.scratch", expected));
    }
    if recipe.tune.ensemble > 0 || !recipe.source.models.is_empty() {
        let key = if recipe.tune.ensemble > 0 { "tune.ensemble" } else { "source.models" };
        return Err(RecipeError::invalid(key, "left out: there is no mean of texts"));
    }
    if recipe.split.stratify_on.is_some() {
        return Err(RecipeError::invalid(
            "split.stratify_on",
            "left out: texts that are written have no shares to keep",
        ));
    }
    Ok(())
}

/// A label that tells several classes apart, and estimators that can learn it.
fn classes(recipe: &Recipe) -> Result<(), RecipeError> {
    let refuse = |key: String, expected: &str, hint: &str| {
        Err(RecipeError::Invalid { key, expected: expected.into(), hint: Some(hint.into()) })
    };
    for (name, c) in &recipe.columns {
        let key = |of: &str| format!("columns.{name}.{of}");
        if c.classes.is_empty() {
            continue;
        }
        if c.role != Role::Label {
            return refuse(
                key("classes"),
                "left out: only a label has classes",
                "the levels of a category are `levels`",
            );
        }
        if !(c.positive.is_empty() && c.negative.is_empty() && c.levels.is_empty()) {
            let hint =
                "`positive` and `negative` are for a label of yes or no, `levels` for one whose cells are the classes";
            return refuse(key("classes"), "without `positive`, `negative` and `levels` beside it", hint);
        }
        if c.classes.len() < 3 {
            let hint = "name what means yes with `positive` and what means no with `negative`";
            return refuse(key("classes"), "three or more: two are a yes and a no", hint);
        }
        if let Some((class, _)) = c.classes.iter().find(|(class, cells)| class.trim().is_empty() || cells.is_empty()) {
            let hint = format!("say which cells mean it: {class:?} = [\"…\"]");
            return refuse(key("classes"), "names with at least one cell each", &hint);
        }
    }
    for (name, c) in &recipe.columns {
        let told_apart = c.told_apart();
        let cells: Vec<&String> = told_apart.iter().flat_map(|class| &class.cells).collect();
        if let Some((_, twice)) = cells.iter().enumerate().find(|(i, c)| cells[..*i].iter().any(|d| same_value(c, d))) {
            let hint = format!("{twice:?} stands there twice, or in two spellings of one value");
            return refuse(format!("columns.{name}"), "a label whose cells mean one class each", &hint);
        }
        if let Some(missing) = c.missing.iter().find(|m| cells.iter().any(|c| same_value(c, m))) {
            let hint = format!("{missing:?} is a class as well");
            return refuse(format!("columns.{name}.missing"), "cells that mean no class", &hint);
        }
    }
    let Some(asked) = recipe.asked() else { return Ok(()) };
    if asked == Estimand::Text {
        written(recipe)?;
    }
    for (key, estimator) in [("pretrain.estimator", recipe.estimator()?), ("tune.scratch", recipe.scratch_estimator()?)]
    {
        if !estimator.predicts(asked) {
            let fitting = <dyn Estimator>::names_for(asked).join(", ");
            let expected = match fitting.as_str() {
                "" => format!("one that predicts {}, and this program has none", asked.asked()),
                fitting => format!("one that predicts {}: {fitting}", asked.asked()),
            };
            let hint = format!("{} predicts something else", estimator.name());
            return refuse(key.into(), &expected, &hint);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[source]\ndata = \"a.csv\"\n[target]\ndata = \"b.csv\"\n[columns.y]\nrole = \"label\"\n";

    #[test]
    fn an_unknown_key_names_the_nearest_and_the_line() {
        let text = format!("{GOOD}[tune]\ntrails = 3\n");
        let error = parse("r.toml", &text, &[]).unwrap_err();
        assert_eq!(error.to_string(), "r.toml, line 8: unknown key `tune.trails`");
        assert_eq!(error.hint(), "did you mean `trials`?");
        let column = format!("{GOOD}monoton = 1\n");
        assert!(parse("r.toml", &column, &[]).unwrap_err().to_string().contains("columns.y.monoton"));
    }

    #[test]
    fn a_rendered_recipe_is_the_same_recipe() {
        let recipe = parse("r.toml", GOOD, &["tune.trials=3".into(), "question=Is it?".into()]).unwrap();
        assert_eq!((recipe.tune.trials, recipe.question.as_str()), (3, "Is it?"));
        assert_eq!(parse("again", &recipe.render(), &[]).unwrap(), recipe);
    }

    #[test]
    fn values_are_checked_before_work_starts() {
        for (pair, key) in [
            ("split.test=1.5", "split.test"),
            ("compare.bootstrap=3", "compare.bootstrap"),
            ("tune.sampler=bayes", "tune.sampler"),
            ("split.gap=soon", "split.gap"),
            ("split.group_on=nobody", "split.group_on"),
            ("check.waive=['nothing']", "check.waive"),
            ("tune.tunings=['slop']", "tune.tunings"),
            ("pretrain.estimator=tree", "pretrain.estimator"),
        ] {
            match parse("r.toml", GOOD, &[pair.into()]) {
                Err(RecipeError::Invalid { key: k, .. }) => assert_eq!(k, key),
                other => panic!("{pair}: {other:?}"),
            }
        }
        let label = |text: &str| parse("r.toml", &format!("{GOOD}{text}"), &[]);
        for (text, key) in [
            ("classes = { a = ['1'], b = ['2'] }", "columns.y.classes"),
            ("classes = { a = ['1'], b = ['2'], c = [] }", "columns.y.classes"),
            ("positive = ['1']\nclasses = { a = ['1'], b = ['2'], c = ['3'] }", "columns.y.classes"),
            ("classes = { a = ['1'], b = ['2'], c = ['TRUE'] }", "columns.y"),
            ("levels = ['a', 'b', 'a']", "columns.y"),
            ("levels = ['a', 'b', 'c']\nmissing = ['c']", "columns.y.missing"),
            ("levels = ['a', 'b', 'c']\n[compare]\nmetric = 'roc-auc'", "compare.metric"),
            ("levels = ['a', 'b', 'c']\n[tune]\nscratch = 'smartcore-forest'", "tune.scratch"),
            ("levels = ['a', 'b', 'c']\n[columns.x]\nclasses = { a = ['1'] }", "columns.x.classes"),
        ] {
            match label(text) {
                Err(RecipeError::Invalid { key: k, .. }) => assert_eq!(k, key, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let recipe =
            label("classes = { z = ['1'], a = ['2', '3'], m = ['-'] }\n[compare]\nmetric = 'macro-f1'").unwrap();
        assert_eq!(recipe.classes(), ["z", "a", "m"], "in the order of the recipe");
        assert_eq!(parse("again", &recipe.render(), &[]).unwrap(), recipe);
        assert_eq!(label("levels = ['a', 'b']").unwrap().classes(), [""; 0], "two are a yes and a no");
        assert!(matches!(parse("r", GOOD, &["tune.trals=3".into()]), Err(RecipeError::UnknownKey { .. })));
        assert!(matches!(parse("r", "x = [", &[]), Err(RecipeError::Syntax { line: Some(1), .. })));
    }
}
