//! XGBoost's document of a forest: its trees and their leaves, its base score as versions write it, and of several classes
//! which tree is whose.

use serde_json::{Value, json};
use specialist_core::{Error, Recalibrate as _, Scaling};

use crate::trees::failed;

const MODEL: &str = "/learner/gradient_booster/model";
const BASE: &str = "/learner/learner_model_param/base_score";

/// Folds `scaling` into the leaves of each class' trees, and its intercepts into a round of single leaves.
///
/// # Errors
/// [`Error::Fit`] when the document is no model of as many classes.
pub(crate) fn scale_classes(document: &mut Value, scaling: &Scaling) -> Result<(), Error> {
    let classes = scaling.slope.len();
    let class = |c: &Value| c.as_u64().map(|c| c as usize).filter(|c| *c < classes);
    let of: Option<Vec<usize>> = document
        .pointer(&format!("{MODEL}/tree_info"))
        .and_then(Value::as_array)
        .and_then(|l| l.iter().map(class).collect());
    let of = of.ok_or_else(|| failed("it does not say which tree is of which class"))?;
    for (tree, class) in trees_mut(document)?.iter_mut().zip(of) {
        on_leaves(tree, |_, value| value * scaling.slope[class])?;
    }
    let mut intercepts = base_scores(document, classes)?;
    scaling.recalibrate(&mut intercepts);
    intercepts_as_trees(document, &intercepts)
}

/// Turns a list of base scores, which versions below 3.1 misread without a word, into a round of single leaves.
///
/// # Errors
/// As [`scale_classes`].
pub(crate) fn plain_base_scores(document: &mut Value, classes: usize) -> Result<(), Error> {
    let listed = document.pointer(BASE).and_then(Value::as_str).is_some_and(|t| t.contains(','));
    if listed {
        let intercepts = base_scores(document, classes)?;
        intercepts_as_trees(document, &intercepts)?;
    }
    Ok(())
}

/// The margins that each class begins with: one number for all, or a list.
fn base_scores(document: &Value, classes: usize) -> Result<Vec<f64>, Error> {
    let text = document.pointer(BASE).and_then(Value::as_str).unwrap_or_default();
    let parts = text.trim_matches(['[', ']']).split(',').map(str::trim);
    let scores = parts.map(str::parse).collect::<Result<Vec<f64>, _>>().map_err(failed)?;
    match scores.len() {
        1 => Ok(vec![scores[0]; classes]),
        n if n == classes => Ok(scores),
        n => Err(failed(format!("{n} base scores of {classes} classes"))),
    }
}

fn intercepts_as_trees(document: &mut Value, intercepts: &[f64]) -> Result<(), Error> {
    let no_model = || failed("there are no trees");
    *document.pointer_mut(BASE).ok_or_else(no_model)? = "0E0".into();
    let features = document["learner"]["learner_model_param"]["num_feature"].clone();
    let model = document.pointer_mut(MODEL).and_then(Value::as_object_mut).ok_or_else(no_model)?;
    let trees = model.get_mut("trees").and_then(Value::as_array_mut).ok_or_else(no_model)?;
    let size = trees.first().map_or(json!("1"), |t| t["tree_param"]["size_leaf_vector"].clone());
    for value in intercepts {
        trees.push(leaf(trees.len(), *value as f32, &features, &size));
    }
    let n = trees.len();
    model["gbtree_model_param"]["num_trees"] = n.to_string().into();
    if let Some(info) = model.get_mut("tree_info").and_then(Value::as_array_mut) {
        info.extend((0..intercepts.len()).map(Value::from));
    }
    if let Some(ends) = model.get_mut("iteration_indptr").and_then(Value::as_array_mut) {
        ends.push(n.into());
    }
    Ok(())
}

/// A tree that is one leaf.
fn leaf(id: usize, value: f32, features: &Value, size_leaf_vector: &Value) -> Value {
    json!({
        "base_weights": [value],
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [0],
        "id": id,
        "left_children": [-1],
        "loss_changes": [0.0],
        "parents": [2_147_483_647],
        "right_children": [-1],
        "split_conditions": [value],
        "split_indices": [0],
        "split_type": [0],
        "sum_hessian": [0.0],
        "tree_param": {
            "num_deleted": "0",
            "num_feature": features,
            "num_nodes": "1",
            "size_leaf_vector": size_leaf_vector,
        },
    })
}

const TREES: &str = "/learner/gradient_booster/model/trees";

/// The base score as a plain number: every XGBoost from 1.0 on reads it, and versions below 3.1 take the list that
/// later ones write for one half without a word.
pub(crate) fn plain_base_score(doc: &mut Value) {
    let base = &mut doc["learner"]["learner_model_param"]["base_score"];
    if let Some(inner) = base.as_str().and_then(|t| t.strip_prefix('[')?.strip_suffix(']'))
        && !inner.contains(',')
    {
        *base = Value::String(inner.to_string());
    }
}

/// The base score as the engine reads it.
pub(crate) fn listed_base_score(doc: &mut Value) {
    let Some(base) = doc.pointer_mut("/learner/learner_model_param/base_score") else { return };
    if let Some(text) = base.as_str().filter(|t| !t.starts_with('[')) {
        *base = Value::String(format!("[{text}]"));
    }
}

/// The text of a document with its base score as the engine reads it; `None` where it cannot be told in the text alone.
pub(crate) fn with_listed_base_score(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    const KEY: &str = "\"base_score\":\"";
    // Once, and nowhere in the name of a feature.
    let at = text.find(KEY).filter(|at| !text[at + 1..].contains(KEY))? + KEY.len();
    let end = at + text[at..].find('"')?;
    let score = &text[at..end];
    if score.starts_with('[') {
        return Some(text.into());
    }
    score.parse::<f64>().ok()?;
    Some(format!("{}[{score}]{}", &text[..at], &text[end..]).into())
}

/// Which features a tree parts by sets of categories.
pub(crate) fn split_as_categories(doc: &Value, width: usize) -> Vec<bool> {
    let mut out = vec![false; width];
    for tree in trees(doc).into_iter().flatten() {
        let kinds = tree["split_type"].as_array().into_iter().flatten().map(|k| k.as_u64() == Some(1));
        let places = tree["split_indices"].as_array().into_iter().flatten().map(|p| p.as_u64().unwrap_or(0) as usize);
        for (_, place) in kinds.zip(places).filter(|(set, _)| *set) {
            if let Some(split) = out.get_mut(place) {
                *split = true;
            }
        }
    }
    out
}

pub(crate) fn trees(doc: &Value) -> Result<&Vec<Value>, Error> {
    doc.pointer(TREES).and_then(Value::as_array).ok_or_else(|| failed("the model has no trees"))
}

pub(crate) fn trees_mut(doc: &mut Value) -> Result<&mut Vec<Value>, Error> {
    doc.pointer_mut(TREES).and_then(Value::as_array_mut).ok_or_else(|| failed("the model has no trees"))
}

pub(crate) fn numbers(tree: &Value, key: &str) -> Result<Vec<f64>, Error> {
    let list = tree[key].as_array().ok_or_else(|| failed(format!("a tree has no {key}")))?;
    Ok(list.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

/// Replaces every leaf's value by `change(node, value)`.
pub(crate) fn on_leaves(tree: &mut Value, change: impl Fn(usize, f64) -> f64) -> Result<(), Error> {
    let left = numbers(tree, "left_children")?;
    let values = tree.get_mut("split_conditions").and_then(Value::as_array_mut);
    let values = values.ok_or_else(|| failed("a tree has no split_conditions"))?;
    if values.len() != left.len() {
        return Err(failed("a tree has lists of different lengths"));
    }
    for (node, value) in values.iter_mut().enumerate() {
        if left[node] < 0.0 {
            *value = Value::from(change(node, value.as_f64().unwrap_or(0.0)) as f32);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_base_scores_is_told_from_one() {
        let of = |text: &str| json!({"learner": {"learner_model_param": {"base_score": text}}});
        assert_eq!(base_scores(&of("[5E-1]"), 3).unwrap(), [0.5; 3]);
        assert_eq!(base_scores(&of("[1E0,2E0,-1E0]"), 3).unwrap(), [1.0, 2.0, -1.0]);
        assert!(base_scores(&of("[1E0,2E0]"), 3).is_err());
    }
}
