//! What a recipe can name, from the registries: the JSON schema and a page of tables. Nothing is listed twice: a part that a
//! program adds is there.

use serde_json::{Value, json};
use specialist_core::metric::METRICS;
use specialist_core::{Domain, ENCODERS, Estimand, Goal};
use specialist_search::{PRUNERS, SAMPLERS};
use specialist_tabular::{Estimator, Rung};

use crate::recipe::Recipe;
use crate::waivers::FINDINGS;

/// The JSON schema of a recipe of `domain`.
#[must_use]
pub fn schema(domain: &dyn Domain) -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(Recipe)).expect("a schema is JSON");
    // What `[domain]` may hold, the domain knows.
    if let Some(own) = domain.settings_schema() {
        let mut own: Value = serde_json::from_str(&own).expect("a schema is JSON");
        if let Some(definitions) = own.as_object_mut().and_then(|o| o.remove("$defs")) {
            let all = schema["$defs"].as_object_mut().expect("a recipe has tables");
            all.extend(definitions.as_object().cloned().unwrap_or_default());
        }
        schema["properties"]["domain"] = own;
    }
    let estimators: Vec<&str> = <dyn Estimator>::for_recipes().iter().map(|e| e.name()).collect();
    let rungs: Vec<&str> = <dyn Rung>::all().iter().map(|r| r.name()).collect();
    let samplers: Vec<&str> = SAMPLERS.names().into_iter().chain(["transfer"]).collect();
    let tables = &mut schema["$defs"];
    tables["PretrainSpec"]["properties"]["estimator"]["enum"] = json!(estimators);
    // `scratch` may be left out as well.
    tables["TuneSpec"]["properties"]["scratch"]["examples"] = json!(estimators);
    tables["TuneSpec"]["properties"]["tunings"]["items"]["enum"] = json!(rungs);
    tables["TuneSpec"]["properties"]["sampler"]["enum"] = json!(samplers);
    tables["TuneSpec"]["properties"]["pruner"]["enum"] = json!(PRUNERS.names());
    tables["CheckSpec"]["properties"]["waive"]["items"]["examples"] = json!(FINDINGS.names());
    tables["CompareSpec"]["properties"]["metric"]["examples"] = json!(METRICS.names());
    let encoders: Vec<&str> = std::iter::once(crate::recipe::TRANSFORMER).chain(ENCODERS.names()).collect();
    tables["TextSpec"]["properties"]["encoder"]["examples"] = json!(encoders);
    schema
}

/// What `domain`'s recipes can name, as a page of Markdown.
#[must_use]
pub fn page(domain: &dyn Domain) -> String {
    let mut out = format!("# What a recipe of `{}` can name\n", domain.name());
    let mut table = |title: &str, key: &str, header: &[&str], rows: Vec<Vec<String>>| {
        out.push_str(&format!(
            "\n## {title}\n\n`{key}`\n\n| {} |\n|{}\n",
            header.join(" | "),
            " --- |".repeat(header.len())
        ));
        rows.iter().for_each(|row| out.push_str(&format!("| {} |\n", row.join(" | "))));
    };
    let yes = |is: bool| if is { "yes" } else { "–" }.to_string();
    let kinds = [
        ("two classes", Estimand::Probability),
        ("several", Estimand::Classes(3)),
        ("numbers", Estimand::Mean),
        ("quantiles", Estimand::Quantile(0.5)),
        ("times", Estimand::Survival { horizon: 1.0 }),
        ("texts", Estimand::Text),
    ];
    let of = |predicts: &dyn Fn(Estimand) -> bool| {
        let words: Vec<&str> = kinds.iter().filter(|k| predicts(k.1)).map(|k| k.0).collect();
        words.join(", ")
    };
    let row = |e: &&dyn Estimator| {
        let can = of(&|k| e.predicts(k));
        vec![format!("`{}`", e.name()), e.about().into(), can, yes(e.takes_weights()), yes(e.explains())]
    };
    let estimators = <dyn Estimator>::for_recipes().iter().map(row).collect();
    let header = ["name", "what", "predicts", "weights of rows", "explains"];
    table("Estimators", "pretrain.estimator, tune.scratch", &header, estimators);
    let row = |r: &&dyn Rung| {
        let (events, name) = (r.needs_events().to_string(), format!("`{}`", r.name()));
        vec![name, r.about().into(), events, yes(r.recalibrates()), yes(r.is_costly())]
    };
    let header = ["name", "what", "events it needs", "recalibrates", "takes minutes"];
    table("Rungs, fewest free parameters first", "tune.tunings", &header, <dyn Rung>::all().iter().map(row).collect());
    let goal = |goal: Goal| match goal {
        Goal::Higher => "higher".to_string(),
        Goal::Lower => "lower".into(),
        Goal::Near(ideal) => format!("near {ideal}"),
    };
    let row = |m: &dyn specialist_core::Metric| {
        // The first sentence: what follows is for whoever reads the source.
        let about = m.about().split_once(". ").map_or(m.about(), |s| s.0).trim_end_matches('.').to_string();
        vec![format!("`{}`", m.name()), about, goal(m.goal()), of(&|k| m.judges(k))]
    };
    let mut metrics: Vec<Vec<String>> = METRICS.all().into_iter().map(row).collect();
    let judgement = domain.judgement("").ok();
    let own = judgement.iter().flat_map(|j| kinds.iter().flat_map(|k| j.metrics(k.1)));
    for m in own.map(|m| row(m.as_ref())) {
        if metrics.iter().all(|known| known[0] != m[0]) {
            metrics.push(m);
        }
    }
    table("Metrics", "compare.metric", &["name", "what", "better", "judges"], metrics);
    let named = |name: &str, about: &str| vec![format!("`{name}`"), about.to_string()];
    let mut samplers: Vec<Vec<String>> = SAMPLERS.all().iter().map(|s| named(s.name, s.about)).collect();
    samplers.push(named("transfer", "a Gaussian process that starts from earlier studies (`tune.transfer`)"));
    table("Samplers", "tune.sampler", &["name", "what"], samplers);
    let pruners = PRUNERS.all().iter().map(|p| named(p.name, p.about)).collect();
    table("Pruners", "tune.pruner", &["name", "what"], pruners);
    let findings = FINDINGS.all().iter().map(|f| named(f.name, f.about)).collect();
    table("What checks find", "check.waive", &["name", "what"], findings);
    let about =
        "a sentence encoder of the BERT family, from a Hugging Face folder; in programs that were built with encoders";
    let mut encoders = vec![named(crate::recipe::TRANSFORMER, about)];
    encoders
        .extend(ENCODERS.all().iter().filter(|e| e.name != crate::recipe::TRANSFORMER).map(|e| named(e.name, e.about)));
    table("Encoders of texts", "text.encoder", &["name", "what"], encoders);
    out
}
