//! LightGBM's text, whatever version wrote it. Version 2 and 3 are written like 4; what differs stands at the places where it is read.

use serde_json::Value;
use specialist_core::Estimand;

use super::doubles::{Doubles, Thresholds};
use super::{Category, Told, unsupported, xgboost};
use crate::document::{on_leaves, trees_mut};
use crate::model::ModelError;
use crate::trees::decode_lightgbm;

fn format(what: impl Into<String>) -> ModelError {
    ModelError::Format(what.into())
}

/// LightGBM writes names without spaces.
fn replaced(name: &str) -> String {
    name.replace(' ', "_")
}

/// The decision type's bits: a category, missing goes left, and what is missing (nothing, zero, NaN).
const CATEGORY: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const MISSING_ZERO: u8 = 1;
const MISSING_NAN: u8 = 2;

struct Header<'a> {
    lines: Vec<(&'a str, &'a str)>,
}

impl<'a> Header<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.lines.iter().find(|l| l.0 == key).map(|l| l.1)
    }
}

/// The document of the engine's dialect, what the file says beside its trees, and its thresholds.
pub(super) fn read(text: &str, estimand: Estimand) -> Result<(Value, Told, Doubles), ModelError> {
    // Windows ends lines with two characters; `tree_sizes` counts one.
    let text = text.replace("\r\n", "\n");
    let header: Vec<&str> = text.lines().take_while(|l| !l.starts_with("Tree=") && *l != "end of trees").collect();
    let header = Header { lines: header.iter().map(|l| l.split_once('=').unwrap_or((l, ""))).collect() };
    // Behind the trees stand the parameters and, from Python, the levels of categories: a file that ends before them lost
    // something that is not missed by its trees.
    if text.lines().any(|l| l == "parameters:") && !text.lines().any(|l| l == "end of parameters") {
        return Err(format("the text is cut short: no `end of parameters`"));
    }
    let version = header.get("version").unwrap_or_default();
    if !["v2", "v3", "v4"].contains(&version) {
        return Err(unsupported(
            format!("its version is `{version}`; v2, v3 and v4 are read"),
            "open it with a LightGBM that knows it, and save it again",
        ));
    }
    let count = |key: &str| header.get(key).and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
    let classes = count("num_class");
    if count("num_tree_per_iteration") != classes {
        return Err(format("a round has not one tree a class"));
    }
    xgboost::told_apart(classes, estimand)?;
    if text.lines().any(|l| l == "is_linear=1") {
        return Err(unsupported(
            "it is a `linear_tree` model: a leaf with a line of its own cannot be adapted or explained here",
            "train it without linear_tree",
        ));
    }
    let scale = objective(&header, estimand)?;
    let names: Vec<String> = header.get("feature_names").unwrap_or_default().split(' ').map(String::from).collect();
    let doubles = thresholds(&text, &names)?;
    let text = modern(&text, &doubles)?;
    let mut document = decode_lightgbm(&text).map_err(|e| match e.to_string() {
        why if why.contains("zero_as_missing") => unsupported(
            "it takes zero as missing (zero_as_missing), and a split sends zero one way and the values around it the other, which one threshold cannot say",
            "train it without zero_as_missing",
        ),
        why => format(why),
    })?;
    let trees = trees_mut(&mut document).map_err(|e| format(e.to_string()))?;
    let averaged = header.lines.iter().any(|l| l.0 == "average_output");
    let scale = if averaged { scale / (trees.len() / classes) as f64 } else { scale };
    if scale != 1.0 {
        for tree in trees {
            on_leaves(tree, |_, value| value * scale).map_err(|e| format(e.to_string()))?;
        }
    }
    let (document, _, _) = xgboost::read(document, estimand)?;
    let mut told = Told {
        categories: categories(&text, &header, names.len())?,
        names,
        rewritten: Some(replaced),
        notes: Vec::new(),
    };
    if doubles.iter().any(|d| d.offset != 0.0) {
        told.notes.push("Some of its thresholds lie closer than single precision tells apart: those features are shifted, and the result cannot be written as XGBoost JSON.".into());
    }
    Ok((document, told, doubles))
}

/// Refuses objectives that predict something else; the factor by which leaves become log-odds.
fn objective(header: &Header<'_>, estimand: Estimand) -> Result<f64, ModelError> {
    let line = header.get("objective").unwrap_or("custom");
    let mut words = line.split(' ');
    let name = words.next().unwrap_or_default();
    let (wanted, needed): (&[&str], _) = match estimand {
        Estimand::Probability => (&["binary", "cross_entropy", "xentropy"], "binary"),
        Estimand::Mean => (&["regression", "regression_l2"], "regression"),
        Estimand::Quantile(_) => (&["quantile"], "quantile"),
        Estimand::Classes(_) => (&["multiclass"], "multiclass"),
        Estimand::Survival { .. } | Estimand::Text => (&[], "none"),
    };
    if !wanted.contains(&name) {
        return Err(unsupported(
            format!("its objective is {name}; {needed} is needed"),
            "train it with that objective",
        ));
    }
    let mut scale = 1.0;
    for word in words.filter(|w| !w.is_empty()) {
        match word.split_once(':') {
            Some(("sigmoid", value)) => {
                scale = value.parse().map_err(|_| format("`sigmoid` is no number"))?;
            }
            // Looked at with the count of trees.
            Some(("num_class", _)) => {}
            _ => {
                return Err(unsupported(
                    format!("its objective has the option `{word}`, which changes what a leaf means"),
                    "train it without",
                ));
            }
        }
    }
    Ok(scale)
}

/// The numbers of a line of a tree.
fn numbers<T: std::str::FromStr>(line: &str) -> Result<Vec<T>, ModelError> {
    let broken = |_| format("a tree's line holds something else than numbers");
    line.split_ascii_whitespace().map(|n| n.parse().map_err(broken)).collect()
}

/// The thresholds of every feature that is split like a number.
fn thresholds(text: &str, names: &[String]) -> Result<Doubles, ModelError> {
    let mut at: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    each_tree(text, |features, thresholds, decisions| {
        for ((f, t), d) in features.iter().zip(thresholds).zip(decisions) {
            let list = at.get_mut(*f).ok_or_else(|| format("a tree splits on a feature that is not there"))?;
            if d & CATEGORY == 0 {
                // LightGBM keeps to 1e300 where it means all values.
                if !t.is_finite() {
                    return Err(format("a threshold is no finite number"));
                }
                list.push(*t);
            }
        }
        Ok(())
    })?;
    let of = |(at, name): (Vec<f64>, &String)| {
        Thresholds::new(at).ok_or_else(|| {
            unsupported(
                format!("thresholds of `{name}` lie closer than single precision tells apart, so that rows would reach other leaves"),
                "train the model with that column less its smallest value, or in a coarser unit",
            )
        })
    };
    at.into_iter().zip(names).map(of).collect()
}

fn each_tree(
    text: &str,
    mut see: impl FnMut(&[usize], &[f64], &[u8]) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let (mut features, mut thresholds) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.split_once('=') {
            Some(("split_feature", rest)) => features = numbers(rest)?,
            Some(("threshold", rest)) => thresholds = numbers(rest)?,
            Some(("decision_type", rest)) => {
                let decisions: Vec<u8> = numbers(rest)?;
                see(&features, &thresholds, &decisions)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The text with the header of version 4, with thresholds less their features' offsets, and without what a reader of
/// single margins cannot know (`average_output`, `sigmoid`), which goes into the leaves afterwards.
fn modern(text: &str, doubles: &Doubles) -> Result<String, ModelError> {
    let mut out = String::with_capacity(text.len());
    let (mut features, mut original): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
    let offset = |f: &usize| doubles.get(*f).map_or(0.0, |d| d.offset);
    for line in text.lines() {
        let line = match line.split_once('=') {
            Some(("version", _)) => "version=v4".into(),
            // Sizes of what was.
            Some(("tree_sizes", _)) => continue,
            None if line == "average_output" => continue,
            Some(("objective", rest)) if rest.starts_with("binary") => "objective=binary sigmoid:1".into(),
            Some(("objective", rest)) if rest.starts_with("xentropy") => "objective=cross_entropy".into(),
            Some(("split_feature", rest)) => {
                features = numbers(rest)?;
                line.to_string()
            }
            Some(("threshold", rest)) => {
                original = numbers(rest)?;
                if features.iter().all(|f| offset(f) == 0.0) {
                    line.to_string()
                } else {
                    let moved = original.iter().zip(&features).map(|(t, f)| format!("{:?}", t - offset(f)));
                    format!("threshold={}", moved.collect::<Vec<_>>().join(" "))
                }
            }
            Some(("decision_type", rest)) => {
                let decisions: Vec<u8> = numbers(rest)?;
                let mut moved = Vec::with_capacity(decisions.len());
                for ((d, f), t) in decisions.iter().zip(&features).zip(&original) {
                    moved.push(moved_decision(*d, offset(f), *t)?.to_string());
                }
                format!("decision_type={}", moved.join(" "))
            }
            _ => line.to_string(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    Ok(out)
}

/// Where a feature is shifted, zero is another number: a missing value that counts as zero takes the side of zero
/// itself.
fn moved_decision(decision: u8, offset: f64, threshold: f64) -> Result<u8, ModelError> {
    if offset == 0.0 || decision & CATEGORY != 0 {
        return Ok(decision);
    }
    match decision >> 2 & 3 {
        MISSING_NAN => Ok(decision),
        MISSING_ZERO => Err(unsupported(
            "it takes zero as missing in a column of very large numbers, which single precision cannot follow",
            "train it without zero_as_missing",
        )),
        _ => Ok(MISSING_NAN << 2 | if 0.0 <= threshold { DEFAULT_LEFT } else { 0 }),
    }
}

/// Without stored levels the whole numbers of the data are the codes.
fn literal(categories: Vec<Category>) -> Vec<Category> {
    categories.into_iter().map(|c| if c == Category::Codes { Category::Literal } else { c }).collect()
}

/// Which features are categories, by `feature_infos` (`0:1:2`) and the parameters, and their levels from the last line.
fn categories(text: &str, header: &Header<'_>, width: usize) -> Result<Vec<Category>, ModelError> {
    let infos: Vec<&str> = header.get("feature_infos").unwrap_or_default().split(' ').collect();
    let parameter = text.lines().find_map(|l| l.strip_prefix("[categorical_feature: ")?.strip_suffix(']'));
    let listed: Vec<usize> = parameter.unwrap_or_default().split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let is_category = |i: usize| {
        let info = infos.get(i).copied().unwrap_or("none");
        listed.contains(&i) || (!info.starts_with('[') && info != "none")
    };
    let mut out: Vec<Category> = (0..width)
        .map(|i| match infos.get(i) {
            _ if is_category(i) => Category::Codes,
            Some(&"none") | None => Category::Unknown,
            _ => Category::No,
        })
        .collect();
    let last = text.lines().rev().find_map(|l| l.strip_prefix("pandas_categorical:"));
    let stored: Vec<Vec<Value>> = match last.map(str::trim) {
        None | Some("null" | "") => return Ok(literal(out)),
        Some(list) => serde_json::from_str(list).map_err(|e| format(format!("`pandas_categorical`: {e}")))?,
    };
    if stored.is_empty() {
        return Ok(literal(out));
    }
    let mut places: Vec<usize> = (0..width).filter(|i| is_category(*i)).collect();
    if places.len() != stored.len() {
        // One that no tree could use says `none`: with those, do the counts agree?
        places = (0..width).filter(|i| out[*i] != Category::No).collect();
    }
    if places.len() != stored.len() {
        return Err(unsupported(
            format!("it stores the levels of {} categories, and which columns those are cannot be told", stored.len()),
            "name them in training with categorical_feature",
        ));
    }
    for (place, levels) in places.into_iter().zip(stored) {
        let level = |v: &Value| match v {
            Value::String(text) => text.clone(),
            Value::Bool(truth) => if *truth { "True" } else { "False" }.into(),
            other => other.to_string(),
        };
        out[place] = Category::Levels(levels.iter().map(level).collect());
    }
    Ok(out)
}
