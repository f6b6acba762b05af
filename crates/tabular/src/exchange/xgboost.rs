//! XGBoost's document, whatever version wrote it, as the one that the engine reads.

use serde_json::{Map, Value, json};
use specialist_core::Estimand;

use super::doubles::Doubles;
use super::{Category, Told, unsupported};
use crate::document::plain_base_scores;
use crate::model::ModelError;

/// Objectives that say what is wanted, by what it is; the first is what the engine calls it.
fn objectives(estimand: Estimand) -> &'static [&'static str] {
    match estimand {
        // `reg:logistic` is the same loss and the same link by another name.
        Estimand::Probability => &["binary:logistic", "reg:logistic"],
        Estimand::Mean => &["reg:squarederror", "reg:linear"],
        Estimand::Quantile(_) => &["reg:quantileerror"],
        // The same loss: they differ in what `predict` of XGBoost gives.
        Estimand::Classes(_) => &["multi:softprob", "multi:softmax"],
        Estimand::Survival { .. } => &["survival:cox"],
        // No trees write.
        Estimand::Text => &[],
    }
}

/// The attribute in which [`crate::Forest::to_xgboost`] keeps what the codes of categories stand for.
pub(crate) const CATEGORY_LEVELS: &str = "category_levels";

fn format(what: impl Into<String>) -> ModelError {
    ModelError::Format(what.into())
}

/// How many features the trees read.
pub(super) fn width(document: &Value) -> Result<usize, ModelError> {
    let text = document["learner"]["learner_model_param"]["num_feature"].as_str();
    text.and_then(|t| t.parse().ok()).ok_or_else(|| format("it does not say how many features it reads"))
}

/// The document in the engine's dialect, and what it says beside its trees.
pub(super) fn read(mut document: Value, estimand: Estimand) -> Result<(Value, Told, Doubles), ModelError> {
    let learner = document.get_mut("learner").and_then(Value::as_object_mut);
    let learner = learner.ok_or_else(|| format("there is no `learner`"))?;
    objective(learner, estimand)?;
    booster(learner)?;
    let mut told = told(learner)?;
    at_its_best(learner, &mut told, estimand.width())?;
    no_vector_leaves(learner)?;
    one_tree_a_round(learner, estimand.width())?;
    base_score(learner, estimand.width())?;
    trees(learner)?;
    Ok((document, told, Doubles::new()))
}

/// What lies below two keys of the learner, whatever stands there.
fn below<'v>(learner: &'v Map<String, Value>, outer: &str, inner: &str) -> Option<&'v Value> {
    learner.get(outer)?.get(inner)
}

fn below_mut<'v>(learner: &'v mut Map<String, Value>, outer: &str, inner: &str) -> Option<&'v mut Value> {
    learner.get_mut(outer)?.get_mut(inner)
}

fn objective(learner: &mut Map<String, Value>, estimand: Estimand) -> Result<(), ModelError> {
    let name = below(learner, "objective", "name").and_then(Value::as_str).unwrap_or_default().to_string();
    let wanted = objectives(estimand);
    let count = |key: &str| {
        let text = below(learner, "learner_model_param", key).and_then(Value::as_str);
        text.and_then(|t| t.parse::<usize>().ok()).unwrap_or(0)
    };
    if count("num_target") > 1 {
        return Err(unsupported(
            format!("its objective is {name} with several targets; one is read"),
            "bring a model of one target",
        ));
    }
    told_apart(count("num_class"), estimand)?;
    if !wanted.contains(&name.as_str()) {
        let hint = match name.as_str() {
            "binary:logitraw" => "train it with binary:logistic: the trees are the same",
            "survival:cox" | "survival:aft" => "for times bring the source rows, or an artifact of this program",
            _ => "train it with that objective",
        };
        return Err(unsupported(format!("its objective is {name}; {} is needed", wanted[0]), hint));
    }
    *below_mut(learner, "objective", "name").ok_or_else(|| format("there is no objective"))? = Value::from(wanted[0]);
    Ok(())
}

/// Whether a model that tells so many classes apart (0 or 1: none) is one of what is asked.
///
/// # Errors
/// [`ModelError::Unsupported`] with both counts.
pub(super) fn told_apart(classes: usize, estimand: Estimand) -> Result<(), ModelError> {
    match (classes, estimand) {
        (0 | 1, Estimand::Classes(asked)) => Err(unsupported(
            format!("it tells no classes apart, and the label has {asked}"),
            "train it with multi:softprob (XGBoost) or multiclass (LightGBM)",
        )),
        (k, Estimand::Classes(asked)) if k != asked => Err(unsupported(
            format!("it tells {k} classes apart, and the label has {asked}"),
            "declare the label's classes in the order of the codes that the model was trained with",
        )),
        (0 | 1, _) | (_, Estimand::Classes(_)) => Ok(()),
        (k, _) => Err(unsupported(
            format!("it tells {k} classes apart, and the label is no list of classes"),
            "declare the label's `levels` in the order of the codes that the model was trained with, or bring a model of one class against the rest",
        )),
    }
}

/// Trees, or trees with weights that go into their leaves.
fn booster(learner: &mut Map<String, Value>) -> Result<(), ModelError> {
    let booster = learner.get_mut("gradient_booster").filter(|b| b.is_object());
    let booster = booster.ok_or_else(|| format("there is no `gradient_booster`"))?;
    let name = booster["name"].as_str().unwrap_or("gbtree").to_string();
    let weights = match name.as_str() {
        "gbtree" => booster.get_mut("model").and_then(|m| m.get_mut("weight_drop")).map(Value::take),
        "dart" => {
            let weights = booster.get_mut("weight_drop").map(Value::take);
            let inner = booster.get_mut("gbtree").map(Value::take);
            *booster = inner.filter(Value::is_object).ok_or_else(|| format("a `dart` booster without trees"))?;
            weights
        }
        other => {
            return Err(unsupported(
                format!("its booster is {other}, a line and no trees"),
                "bring a model of trees; a linear model is quick to fit anew: estimator = \"glm\" with the source rows",
            ));
        }
    };
    booster["name"] = "gbtree".into();
    let model = booster.get_mut("model").and_then(Value::as_object_mut).ok_or_else(|| format("there are no trees"))?;
    model.remove("weight_drop");
    let Some(weights) = weights.as_ref().and_then(Value::as_array) else { return Ok(()) };
    let trees = model.get_mut("trees").and_then(Value::as_array_mut).ok_or_else(|| format("there are no trees"))?;
    if weights.len() != trees.len() {
        return Err(format("`weight_drop` has another length than the trees"));
    }
    for (tree, weight) in trees.iter_mut().zip(weights) {
        let weight = weight.as_f64().ok_or_else(|| format("a weight of a tree is no number"))?;
        crate::document::on_leaves(tree, |_, value| value * weight).map_err(|e| format(e.to_string()))?;
    }
    Ok(())
}

/// A list of texts under `key`; empty where there is none. What is there and no list of texts is refused: without its names
/// a model would be taken column by column, in an order that nobody knows.
fn texts(learner: &Map<String, Value>, key: &str) -> Result<Vec<String>, ModelError> {
    let list = match learner.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(list) => list.as_array(),
    };
    let texts: Option<Vec<String>> = list.and_then(|l| l.iter().map(|v| Some(v.as_str()?.to_string())).collect());
    texts.ok_or_else(|| format(format!("`{key}` is no list of texts")))
}

fn told(learner: &Map<String, Value>) -> Result<Told, ModelError> {
    let (names, types) = (texts(learner, "feature_names")?, texts(learner, "feature_types")?);
    let mut categories: Vec<Category> =
        types.iter().map(|t| if t == "c" || t == "categorical" { Category::Codes } else { Category::No }).collect();
    if let Some(cats) = below(learner, "gradient_booster", "model").and_then(|m| m.get("cats")) {
        for (i, stored) in stored_levels(cats)?.into_iter().enumerate() {
            if i >= categories.len() {
                categories.resize(i + 1, Category::Unknown);
            }
            if stored != Category::No {
                categories[i] = stored;
            }
        }
    }
    own_levels(learner, &names, &mut categories)?;
    Ok(Told { names, categories, ..Told::default() })
}

/// The levels that this program's own export keeps as an attribute, by feature: the document knows codes only.
fn own_levels(
    learner: &Map<String, Value>,
    names: &[String],
    categories: &mut Vec<Category>,
) -> Result<(), ModelError> {
    let Some(text) = below(learner, "attributes", CATEGORY_LEVELS).and_then(Value::as_str) else { return Ok(()) };
    let broken = || format(std::format!("the attribute `{CATEGORY_LEVELS}` is no list of levels a feature"));
    let levels: Map<String, Value> = serde_json::from_str(text).map_err(|_| broken())?;
    categories.resize(names.len().max(categories.len()), Category::Unknown);
    for (name, list) in levels {
        let list: Option<Vec<String>> =
            list.as_array().and_then(|l| l.iter().map(|v| Some(v.as_str()?.to_string())).collect());
        let list = list.ok_or_else(broken)?;
        // A model that went through another program may have lost a feature, and its levels say nothing.
        if let Some(place) = names.iter().position(|n| *n == name) {
            categories[place] = levels_or_number(list);
        }
    }
    Ok(())
}

/// The levels of each feature in code order, from 3.1 on.
///
/// XGBoost 3.1 and 3.2 measure texts of pandas in characters and cut them in bytes: beyond ASCII the levels run into each
/// other and the last one is cut. Such a list is not believed; the levels must be declared.
fn stored_levels(cats: &Value) -> Result<Vec<Category>, ModelError> {
    let Some(encoded) = cats.get("enc").and_then(Value::as_array) else { return Ok(Vec::new()) };
    let whole = |v: &Value| v.as_i64().or_else(|| v.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64));
    encoded
        .iter()
        .map(|column| {
            let broken = || format("`cats` is not what XGBoost writes");
            let values = column.get("values").and_then(Value::as_array).ok_or_else(broken)?;
            let Some(offsets) = column.get("offsets").and_then(Value::as_array) else {
                // Numbers are categories of their own: their text is the level.
                let level = |v: &Value| whole(v).map(|w| w.to_string()).or_else(|| v.as_f64().map(|f| f.to_string()));
                let levels: Option<Vec<String>> = values.iter().map(level).collect();
                return Ok(levels_or_number(levels.ok_or_else(broken)?));
            };
            // Bytes are signed where XGBoost writes them: letters beyond ASCII are below 0.
            let bytes: Option<Vec<u8>> = values.iter().map(|v| whole(v).map(|b| b as u8)).collect();
            let bytes = bytes.ok_or_else(broken)?;
            if !bytes.is_ascii() {
                return Ok(Category::Codes);
            }
            let ends: Option<Vec<usize>> = offsets.iter().map(|v| usize::try_from(whole(v)?).ok()).collect();
            let ends = ends.ok_or_else(broken)?;
            let levels: Option<Vec<String>> =
                ends.windows(2).map(|w| String::from_utf8(bytes.get(w[0]..w[1])?.to_vec()).ok()).collect();
            Ok(levels_or_number(levels.ok_or_else(broken)?))
        })
        .collect()
}

/// A number has an empty list of levels.
fn levels_or_number(levels: Vec<String>) -> Category {
    if levels.is_empty() { Category::No } else { Category::Levels(levels) }
}

fn model(learner: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, ModelError> {
    below_mut(learner, "gradient_booster", "model")
        .and_then(Value::as_object_mut)
        .ok_or_else(|| format("there are no trees"))
}

fn parallel(model: &Map<String, Value>) -> usize {
    let text = model.get("gbtree_model_param").and_then(|p| p.get("num_parallel_tree")).and_then(Value::as_str);
    text.and_then(|t| t.parse().ok()).filter(|n| *n > 0).unwrap_or(1)
}

/// Leaves out the trees behind the best round of a model that stopped early.
fn at_its_best(learner: &mut Map<String, Value>, told: &mut Told, classes: usize) -> Result<(), ModelError> {
    let best = learner.get("attributes").and_then(|a| a.get("best_iteration"));
    let best =
        best.and_then(|b| b.as_str().and_then(|t| t.parse::<usize>().ok()).or_else(|| b.as_u64().map(|n| n as usize)));
    let model = model(learner)?;
    let per_round = parallel(model) * classes;
    let Some(trees) = model.get_mut("trees").and_then(Value::as_array_mut) else { return Ok(()) };
    let rounds = trees.len() / per_round;
    let Some(best) = best.filter(|b| b + 1 < rounds) else { return Ok(()) };
    trees.truncate((best + 1) * per_round);
    told.notes.push(format!("Stopped early: {} of its {rounds} rounds are used, up to the best one.", best + 1));
    Ok(())
}

/// A tree may give all outputs at once.
fn no_vector_leaves(learner: &mut Map<String, Value>) -> Result<(), ModelError> {
    let trees = model(learner)?.get("trees").and_then(Value::as_array);
    for tree in trees.into_iter().flatten() {
        let size = tree["tree_param"]["size_leaf_vector"].as_str().and_then(|t| t.parse::<usize>().ok());
        if size.is_some_and(|n| n > 1) {
            return Err(unsupported(
                "its trees have vector leaves (multi_strategy = multi_output_tree), one tree for all classes",
                "train it with multi_strategy = one_output_per_tree",
            ));
        }
    }
    Ok(())
}

/// A round of several trees, as random forests have them, becomes as many rounds: the sum is the same, and a ladder that
/// refits or continues knows rounds of one tree, of several classes one each.
fn one_tree_a_round(learner: &mut Map<String, Value>, classes: usize) -> Result<(), ModelError> {
    let model = model(learner)?;
    let parallel = parallel(model);
    let own = model.get("tree_info").and_then(Value::as_array);
    let own: Option<Vec<u64>> = own.and_then(|l| l.iter().map(Value::as_u64).collect());
    let trees = model.get_mut("trees").and_then(Value::as_array_mut).ok_or_else(|| format("there are no trees"))?;
    let n = trees.len();
    if n == 0 {
        return Err(format("it has no trees"));
    }
    if classes > 1 {
        // A round holds the trees of the first class, then those of the second.
        let of = |i: usize| (i / parallel % classes) as u64;
        if !n.is_multiple_of(parallel * classes) || own.is_none_or(|own| (0..n).any(|i| own.get(i) != Some(&of(i)))) {
            return Err(format("its trees are not those of its classes in turn"));
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| (i / (parallel * classes), i % parallel, of(*i)));
        let mut old: Vec<Value> = trees.iter_mut().map(Value::take).collect();
        trees.iter_mut().zip(order).for_each(|(tree, i)| *tree = old[i].take());
    }
    for (id, tree) in trees.iter_mut().enumerate() {
        if let Some(tree) = tree.as_object_mut() {
            tree.insert("id".into(), id.into());
        }
    }
    let parameters = model.get_mut("gbtree_model_param").map(Value::take).filter(Value::is_object);
    let mut parameters = parameters.unwrap_or_else(|| json!({}));
    parameters["num_parallel_tree"] = "1".into();
    parameters["num_trees"] = n.to_string().into();
    model.insert("gbtree_model_param".into(), parameters);
    model.insert("tree_info".into(), (0..n).map(|i| i % classes).collect::<Vec<_>>().into());
    model.insert("iteration_indptr".into(), (0..=n).step_by(classes).collect::<Vec<_>>().into());
    Ok(())
}

/// A number below 3.1, a list from then on, of several classes with one each: the engine reads lists.
fn base_score(learner: &mut Map<String, Value>, classes: usize) -> Result<(), ModelError> {
    let base =
        below_mut(learner, "learner_model_param", "base_score").ok_or_else(|| format("there is no `base_score`"))?;
    let text = match &*base {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(format("there is no `base_score`")),
    };
    let parts = text.trim_matches(['[', ']']).split(',').map(|t| t.trim().parse::<f64>());
    let numbers = parts.collect::<Result<Vec<f64>, _>>().map_err(|_| format("`base_score` is no number"))?;
    if numbers.len() != 1 && numbers.len() != classes {
        return Err(format(std::format!(
            "`base_score` has {} numbers, and the model {classes} outputs",
            numbers.len()
        )));
    }
    let text: Vec<String> = numbers.iter().map(|n| std::format!("{:E}", *n as f32)).collect();
    *base = Value::String(std::format!("[{}]", text.join(",")));
    Ok(())
}

/// Arrays that older versions lack or write otherwise.
fn trees(learner: &mut Map<String, Value>) -> Result<(), ModelError> {
    let model = model(learner)?;
    let trees = model.get_mut("trees").and_then(Value::as_array_mut).ok_or_else(|| format("there are no trees"))?;
    for tree in trees {
        let tree = tree.as_object_mut().ok_or_else(|| format("a tree is no object"))?;
        let nodes = tree.get("left_children").and_then(Value::as_array).map_or(0, Vec::len);
        // Below 1.6 `default_left` is a list of truths.
        if let Some(list) = tree.get_mut("default_left").and_then(Value::as_array_mut) {
            for side in list.iter_mut() {
                if let Some(left) = side.as_bool() {
                    *side = Value::from(u8::from(left));
                }
            }
        }
        // Categories came with 1.3.
        for key in ["categories", "categories_nodes", "categories_segments", "categories_sizes"] {
            tree.entry(key).or_insert_with(|| json!([]));
        }
        tree.entry("split_type").or_insert_with(|| vec![0; nodes].into());
        numbers(tree)?;
    }
    Ok(())
}

/// A node that parts by a set has no threshold, and XGBoost writes `NaN` there; anywhere else that counts it is a fault.
fn numbers(tree: &mut Map<String, Value>) -> Result<(), ModelError> {
    let sets: Vec<bool> = tree["split_type"].as_array().into_iter().flatten().map(|k| k.as_u64() == Some(1)).collect();
    if let Some(thresholds) = tree.get_mut("split_conditions").and_then(Value::as_array_mut) {
        for (node, value) in thresholds.iter_mut().enumerate().filter(|(_, v)| v.is_null()) {
            if sets.get(node) != Some(&true) {
                return Err(format("a threshold or a leaf is not a number"));
            }
            *value = Value::from(0.0);
        }
    }
    for key in ["base_weights", "loss_changes", "sum_hessian"] {
        let list = tree.get_mut(key).and_then(Value::as_array_mut);
        list.into_iter().flatten().filter(|v| v.is_null()).for_each(|v| *v = Value::from(0.0));
    }
    Ok(())
}

/// The document as every XGBoost from 1.0 on reads it: 1.x takes sides as truths only, and 1.0 asks for a count a node that
/// later versions do not know.
pub(crate) fn portable(document: &mut Value, classes: usize) -> Result<(), ModelError> {
    plain_base_scores(document, classes).map_err(|e| format(e.to_string()))?;
    let learner = document.get_mut("learner").and_then(Value::as_object_mut);
    let model = model(learner.ok_or_else(|| format("there is no `learner`"))?)?;
    for tree in model.get_mut("trees").and_then(Value::as_array_mut).into_iter().flatten() {
        let nodes = tree["left_children"].as_array().map_or(0, Vec::len);
        for side in tree["default_left"].as_array_mut().into_iter().flatten() {
            if let Some(left) = side.as_u64() {
                *side = Value::Bool(left != 0);
            }
        }
        tree["leaf_child_counts"] = vec![0; nodes].into();
    }
    Ok(())
}
