//! Models of other libraries: what their files may hold, format by format, and what is done with it.
//!
//! | XGBoost JSON and UBJSON, 1.0 to 3.x | |
//! | --- | --- |
//! | `feature_names` | looked up in the schema; names `f0`, `f1`, … and none at all mean the schema's order |
//! | `feature_types` | a category (`c`) must be declared one |
//! | `cats` (3.1 on) | the levels in code order are the truth; other declared levels are refused |
//! | `attributes.category_levels` | the levels that this program's own export keeps |
//! | `attributes.best_iteration` | the trees behind it are left out, as `predict` of scikit-learn's interface does |
//! | `base_score` | a number (below 3.1) or a list of one, of classes one each |
//! | `gradient_booster.name` | `gbtree`; `dart`, whose weights go into the leaves; `gblinear` is refused |
//! | `num_parallel_tree` | a forest is a sum of trees like any other |
//! | `objective` | that of what is predicted; counts and ranks are refused by name |
//! | `num_class` | as many as the label has (`multi:softprob`, `multi:softmax`), in the order of the label's codes, which the file does not hold |
//! | several targets, vector leaves | refused |
//! | the binary format before 1.0 and `.model` | refused, with what to do |
//!
//! | LightGBM text, 2.x to 4.x | |
//! | --- | --- |
//! | `feature_names` | as above, after LightGBM's own replacement of spaces; `Column_0`, … mean the schema's order |
//! | `pandas_categorical` | levels in code order, as `cats` |
//! | `threshold` | doubles, equal values go left: rows are compared in double precision ([`doubles`]) |
//! | `decision_type` | categories, default side, missing as nothing, zero or NaN |
//! | `objective` | with `sigmoid`, which scales the leaves; `sqrt` is refused |
//! | `average_output` | the mean of the trees |
//! | `is_linear` (`linear_tree`) | refused: a leaf with a line cannot be adapted or explained here |
//! | `num_class` | as above, of `multiclass`; one class against each other one (`multiclassova`) is refused |
//! | the best round | the file holds no more trees than that |

pub mod doubles;
mod lightgbm;
mod ubjson;
pub(crate) mod xgboost;

use specialist_core::{Estimand, Feature, FeatureKind};

use crate::model::ModelError;
use crate::trees::{Forest, nearest};
use doubles::Doubles;

/// A forest from another library, and what its file left to be declared.
#[derive(Debug)]
pub struct Imported {
    /// The forest.
    pub forest: Forest,
    /// Categories whose levels the file does not hold: which level has which code must be declared.
    pub without_levels: Vec<String>,
    /// What there is to say of how it was read.
    pub notes: Vec<String>,
}

/// What a file says of its model beside the trees.
#[derive(Debug, Default)]
struct Told {
    /// By position; empty where the file names none.
    names: Vec<String>,
    /// By position: whether it is a category, where the file says so, and its levels in code order, where it holds them.
    categories: Vec<Category>,
    /// Names were changed by the library in this way.
    rewritten: Option<fn(&str) -> String>,
    notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Category {
    /// The file does not say.
    #[default]
    Unknown,
    No,
    /// By codes.
    Codes,
    /// By whole numbers that stand in the data themselves.
    Literal,
    Levels(Vec<String>),
}

fn unsupported(what: impl Into<String>, hint: impl Into<String>) -> ModelError {
    ModelError::Unsupported { what: what.into(), hint: hint.into() }
}

/// The model of `bytes`, trained elsewhere to predict `estimand` from `features`.
///
/// # Errors
/// [`ModelError`] when the file is none, is cut short, holds what cannot be used, or does not fit `features`.
pub fn import(bytes: &[u8], estimand: Estimand, features: &[Feature]) -> Result<Imported, ModelError> {
    if matches!(estimand, Estimand::Survival { .. }) {
        return Err(unsupported(
            "a model of XGBoost or LightGBM knows relative risks and no baseline hazard, so that no risk can be told",
            "bring the source rows, or an artifact of this program",
        ));
    }
    let text = std::str::from_utf8(bytes).ok();
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    let (document, told, doubles) = match (first, text) {
        (Some(b't'), Some(text)) if text.trim_start().starts_with("tree") => lightgbm::read(text, estimand)?,
        // Both begin with a brace: UBJSON goes on with the length of a key, JSON with a quote or a space.
        (Some(b'{'), Some(text)) if text.trim_start()[1..].trim_start().starts_with(['"', '}']) => {
            let document = serde_json::from_str(&finite_json(text)).map_err(|e| ModelError::Format(e.to_string()))?;
            xgboost::read(document, estimand)?
        }
        (Some(b'{'), _) => {
            let document = ubjson::decode(bytes).map_err(|e| ModelError::Format(format!("UBJSON, {e}")))?;
            xgboost::read(document, estimand)?
        }
        _ if bytes.starts_with(b"binf") || is_old_binary(bytes) => {
            return Err(unsupported(
                "it is in the old binary format of XGBoost, which differs from version to version",
                "write it as JSON with the version that made it: booster.save_model(\"model.json\")",
            ));
        }
        _ if bytes.starts_with(b"\x80") || bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b") => {
            return Err(unsupported(
                "it is a pickle or an archive, which could run code when it is opened",
                "write the model as JSON or text with its own library: booster.save_model(…)",
            ));
        }
        _ => return Err(ModelError::Format("it is not an XGBoost JSON or UBJSON or a LightGBM text model".into())),
    };
    place(&document, &told, doubles, features)
}

/// The text with the numbers that XGBoost writes and JSON does not know: `NaN`, at nodes that part by sets, as null, and
/// infinities as the largest single.
fn finite_json(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut rest) = (false, text);
    while let Some(c) = rest.chars().next() {
        if !quoted && let Some(after) = rest.strip_prefix("NaN") {
            out.push_str("null");
            rest = after;
            continue;
        }
        if !quoted && let Some(after) = rest.strip_prefix("Infinity") {
            out.push_str("3.4028235e38");
            rest = after;
            continue;
        }
        let step =
            if quoted && c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        quoted ^= c == '"';
        out.push_str(&rest[..step]);
        rest = &rest[step..];
    }
    out.into()
}

/// The parameters of a booster as they lie in memory begin with the base score, a number from 0 to 1 for two classes,
/// and the count of features.
fn is_old_binary(bytes: &[u8]) -> bool {
    let Some(start) = bytes.first_chunk::<8>() else { return false };
    let base = f32::from_le_bytes([start[0], start[1], start[2], start[3]]);
    let count = u32::from_le_bytes([start[4], start[5], start[6], start[7]]);
    let named = bytes.windows(6).take(400).any(|w| w == b"gbtree" || w == b"binary" || w == b"gbline");
    base.is_finite() && (1..1 << 24).contains(&count) && named
}

/// The forest of `document` over those of `features` that it reads.
fn place(
    document: &serde_json::Value,
    told: &Told,
    doubles: Doubles,
    features: &[Feature],
) -> Result<Imported, ModelError> {
    let width = xgboost::width(document)?;
    let unnamed = told.names.is_empty() || names_by_position(&told.names, features);
    let mut chosen: Vec<Feature> = if unnamed {
        if features.len() != width {
            let given = features.len();
            return Err(ModelError::Format(format!("it names no features and reads {width}, the schema has {given}")));
        }
        features.to_vec()
    } else {
        if told.names.len() != width {
            return Err(ModelError::Format(format!("it names {} features and reads {width}", told.names.len())));
        }
        if let Some((_, twice)) = told.names.iter().enumerate().find(|(i, n)| told.names[..*i].contains(n)) {
            return Err(unsupported(
                format!("it names two columns `{twice}`, so that which is which cannot be told"),
                "rename one of the columns in the data, and train the model again",
            ));
        }
        told.names.iter().map(|n| find(n, told.rewritten, features)).collect::<Result<_, _>>()?
    };
    let mut without_levels = Vec::new();
    for (feature, category) in
        chosen.iter_mut().zip(told.categories.iter().chain(std::iter::repeat(&Category::Unknown)))
    {
        settle(feature, category)?;
        let is_category = matches!(feature.kind, FeatureKind::Category { .. });
        if is_category && !matches!(category, Category::Levels(_)) {
            without_levels.push(feature.name.clone());
        }
    }
    let forest = Forest::from_xgboost_with(document, chosen, doubles).map_err(|e| ModelError::Format(e.to_string()))?;
    Ok(Imported { forest, without_levels, notes: told.notes.clone() })
}

/// Whether names are those that a library gives to columns of a bare matrix.
fn names_by_position(names: &[String], features: &[Feature]) -> bool {
    let numbered = |prefix: &str| names.iter().enumerate().all(|(i, n)| *n == format!("{prefix}{i}"));
    let meant = names.iter().any(|n| features.iter().any(|f| f.name == *n));
    !meant && (numbered("f") || numbered("Column_"))
}

/// The feature that the file calls `name`.
fn find(name: &str, rewritten: Option<fn(&str) -> String>, features: &[Feature]) -> Result<Feature, ModelError> {
    let called = |f: &&Feature| f.name == name || rewritten.is_some_and(|rewrite| rewrite(&f.name) == name);
    let like: Vec<&Feature> = features.iter().filter(called).collect();
    match like.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let hint = nearest(name, features)
                .map_or_else(|| "declare it under [columns]".into(), |n| format!("did you mean `{n}`?"));
            Err(unsupported(
                format!("it reads a column `{name}`, which the recipe does not declare as a feature"),
                hint,
            ))
        }
        many => Err(unsupported(
            format!(
                "it reads a column `{name}`, which {} columns would be called after its library's replacement of spaces",
                many.len()
            ),
            "rename one of the columns in the data, and train the model again",
        )),
    }
}

/// Gives a feature the levels that the file holds, or refuses what contradicts it.
fn settle(feature: &mut Feature, category: &Category) -> Result<(), ModelError> {
    let name = feature.name.clone();
    let is_category = matches!(feature.kind, FeatureKind::Category { .. });
    match category {
        Category::Unknown => {}
        // A category that was turned into codes before training is a number to its library.
        Category::No => {}
        // The number in the cell is the code.
        Category::Literal => {}
        Category::Codes | Category::Levels(_) if !is_category => {
            return Err(unsupported(
                format!("`{name}` is a category to the model, and a number in the recipe"),
                format!("declare kind = \"category\" in [columns.{name}]"),
            ));
        }
        Category::Codes => {}
        Category::Levels(levels) => {
            let FeatureKind::Category { levels: declared } = &mut feature.kind else { return Ok(()) };
            declared.clone_from(levels);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_of_two_libraries_is_refused_by_name() {
        let of = |bytes: &[u8]| import(bytes, Estimand::Probability, &[]).unwrap_err().to_string();
        assert!(of(b"\x80\x04\x95").contains("pickle"));
        assert!(of(b"binf\x00\x00").contains("old binary"));
        assert!(of(b"{\"learner\": 1").contains("EOF"));
        assert!(of(b"hello").contains("XGBoost"));
        assert!(of(b"").contains("XGBoost"));
        let timed = import(b"tree\n", Estimand::Survival { horizon: 1.0 }, &[]).unwrap_err();
        assert!(timed.to_string().contains("baseline"));
    }
}
