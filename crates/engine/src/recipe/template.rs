//! The recipe that `init` writes: every table with a comment, nothing that is a default left out.

use std::fmt::Write;

use specialist_core::{ColumnKind, Dialect, Estimand, Limits, Role};
use specialist_search::SAMPLERS;
use specialist_tabular::Estimator;

use super::columns::ColumnSpec;
use crate::init::Sketch;

/// The text of a recipe for `target` (and `source`, if there is one) with the columns of `sketch`.
#[must_use]
pub fn template(target: &str, source: Option<&str>, sketch: &Sketch) -> String {
    let mut out = String::new();
    let written = dialect_lines(sketch.dialect);
    let of = |role| sketch.columns.iter().find(|c| c.spec.role == role).map(|c| &c.name);
    let label = of(Role::Label).or(of(Role::Event)).map_or("", String::as_str);
    let (group, time) = (of(Role::Group), of(Role::Time));
    let source = match source {
        Some(path) => format!("data = {path:?}\n{}", sketch.source.map_or(String::new(), dialect_lines)),
        None => "# Rows of the broad population, with the same columns …\ndata = \"source.csv\"\n# … or a model trained on them: XGBoost .json or .ubj, LightGBM .txt, an artifact folder.\n# model = \"generalist.json\"\n".into(),
    };
    let split = match (time, group) {
        (Some(t), _) => {
            let dated = sketch.source.is_some() && sketch.columns.iter().any(|c| c.name == *t && !c.spec.only_target);
            let cut =
                if dated { "cut_source = true     # no source row that is later than the train rows\n" } else { "" };
            format!(
                "time_on = {}      # test on the latest rows\ngap = \"0d\"           # time between train and test rows; also the delay of a label\n{cut}",
                quoted(t)
            )
        }
        (None, Some(g)) => {
            format!("group_on = {}     # rows of one group stay together\nstratify_on = {}\n", quoted(g), quoted(label))
        }
        (None, None) => format!("stratify_on = {}  # keep the share of the label on both sides\n", quoted(label)),
    };
    // The vectors of texts are many numbers that a line through them tells apart, and trees cut one at a time.
    let texts = sketch.columns.iter().any(|c| c.spec.role == Role::Feature && c.spec.kind == ColumnKind::Text);
    let estimator = if texts { "glm" } else { "boosted-trees" };
    let text = if texts {
        "[text]\nbackbone = \"minilm\"  # a Hugging Face folder, or what `text fetch` got\ncomponents = 0        # the vectors as they are; above 0 so many principal components\n\n"
    } else {
        ""
    };
    let others = <dyn Estimator>::names_for(Estimand::Probability).into_iter().filter(|name| *name != estimator);
    let others = others.collect::<Vec<_>>().join(", ");
    let samplers = SAMPLERS.names().into_iter().filter(|name| *name != "auto").collect::<Vec<_>>().join(", ");
    let _ = write!(
        out,
        "# Written by `init` after a look at {} rows. Check the roles and the label, then `check` and `run`.\n\
         question = \"Does a specialist beat the generalist here?\"\nseed = 42\n\n\
         [source]\n{source}\n\
         [target]\n# Your own rows.\ndata = {target:?}\n{written}# Take a part of a file: where = {{ site = [\"A\"] }}\n\n\
         [split]\ntest = 0.4            # the share that is sealed until the comparison\n{split}\n\
         [privacy]\n# fewest_rows = 10     # nothing that fewer rows say is written into models and report (0: anything); by default 10 in medical, 0 elsewhere\n\n\
         [check]\nwaive = []            # names of findings that may pass; every waiver is reported\n\n\
         {text}[pretrain]\nestimator = {estimator:?}   # or {others}\n\n\
         [tune]\nsampler = \"auto\"     # or {samplers}\ntrials = 40\nfolds = 5\n# tunings = [\"slope\", \"continue\"]   # by default every rung that fits\n\n\
         [compare]\nworthwhile = 0.01    # the smallest gain in the primary metric worth a change\nbootstrap = 2000\n\n\
         # role: feature (default), label (or duration and event, with entry), group, time, site, id, amount, weight, key, ignore\n\
         # kind: number (default), category, time, text\n",
        sketch.rows
    );
    for c in &sketch.columns {
        let ask = if c.ask { "TO DECIDE: " } else { "" };
        let _ = write!(out, "\n[columns.{}]   # {ask}{}\n{}", quoted(&c.name), c.why, lines(&c.spec));
    }
    if !sketch.only_source.is_empty() {
        let _ = write!(out, "\n# Only the source has, and nothing reads: {}\n", sketch.only_source.join(", "));
    }
    out
}

/// How a CSV file is written, where that is not the default.
fn dialect_lines(dialect: Dialect) -> String {
    let usual = Dialect::default();
    let mut out = String::new();
    let mut mark = |key: &str, c: char| {
        let _ = writeln!(out, "{key} = {}", toml::Value::from(c.to_string()));
    };
    if dialect.delimiter != usual.delimiter {
        mark("delimiter", char::from(dialect.delimiter));
    }
    if dialect.numbers.decimal != usual.numbers.decimal {
        mark("decimal", dialect.numbers.decimal);
    }
    if let Some(thousands) = dialect.numbers.thousands {
        mark("thousands", thousands);
    }
    if dialect.skip > 0 {
        let _ = writeln!(out, "skip = {}             # lines before the header", dialect.skip);
    }
    out
}

/// A TOML key in quotation marks. A key is one line, whatever it holds, which a value need not be: JSON's escapes are TOML's,
/// but for the one character that JSON leaves alone.
fn quoted(name: &str) -> String {
    serde_json::to_string(name).expect("a text").replace('\u{7f}', "\\u007f")
}

fn lines(spec: &ColumnSpec) -> String {
    let mut out = String::new();
    let role = toml::Value::try_from(spec.role).expect("plain data");
    let kind = toml::Value::try_from(spec.kind).expect("plain data");
    if spec.role != Role::Feature {
        let _ = writeln!(out, "role = {role}");
    }
    if spec.kind != ColumnKind::Number && !matches!(spec.role, Role::Label | Role::Event) {
        let _ = writeln!(out, "kind = {kind}");
    }
    if let Some(format) = &spec.format {
        let _ = writeln!(out, "format = {}", toml::Value::from(format.as_str()));
    }
    if spec.limits != Limits::default() {
        let _ =
            writeln!(out, "limits = {}   # or value, missing", toml::Value::try_from(spec.limits).expect("plain data"));
    }
    if spec.only_target {
        out.push_str("only_target = true\n");
    }
    if let Some(horizon) = spec.horizon {
        let _ = writeln!(out, "horizon = {horizon}   # until when risk is predicted, in the unit of this column");
    }
    if spec.role == Role::Label && !spec.levels.is_empty() {
        let _ = writeln!(out, "levels = {}", toml::Value::try_from(&spec.levels).expect("plain data"));
    }
    for (key, list) in
        [("positive", &spec.positive), ("negative", &spec.negative), ("missing", &spec.missing), ("strip", &spec.strip)]
    {
        if !list.is_empty() {
            let _ = writeln!(out, "{key} = {}", toml::Value::try_from(list).expect("plain data"));
        }
    }
    out
}
