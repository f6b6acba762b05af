//! Estimators of linfa and smartcore, as baselines that a recipe can choose by name.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_trees::{DecisionTree, TreeNode};
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use specialist_core::discretion::between;
use specialist_core::{Context, Dataset, Error, Estimand, Outputs, Predict, logit};

use crate::{Encoder, Glm};

/// linfa's logistic regression. Its positive class is whichever label is more frequent, so the sign
/// is read from the fitted model's own labels.
pub(crate) fn linfa_logistic(data: &Dataset, alpha: f64) -> Result<Glm, Error> {
    let failed = |e: String| Error::Fit { estimator: "linfa-logistic", reason: e };
    let encoder = Encoder::fit(data);
    if let Estimand::Classes(classes) = data.estimand {
        every_class(data, classes).map_err(failed)?;
        let set = DatasetBase::new(encoder.encode(data), Array1::from(data.labels().codes().to_vec()));
        let settings = linfa_logistic::MultiLogisticRegression::default().alpha(alpha).max_iterations(200);
        let fit = settings.fit(&set).map_err(|e| failed(e.to_string()))?;
        // Its classes are sorted: the codes in order.
        let class = |k: usize| std::iter::once(fit.intercept()[k]).chain(fit.params().column(k).to_vec());
        let coefficients = (0..classes).flat_map(class).collect();
        return Ok(Glm { encoder, estimand: data.estimand, coefficients });
    }
    let set = DatasetBase::new(encoder.encode(data), positives(data));
    let fit = linfa_logistic::LogisticRegression::default()
        .alpha(alpha)
        .max_iterations(200)
        .fit(&set)
        .map_err(|e| failed(e.to_string()))?;
    let sign = if fit.labels().pos.class { 1.0 } else { -1.0 };
    let coefficients = std::iter::once(fit.intercept()).chain(fit.params().iter().copied()).map(|c| sign * c).collect();
    Ok(Glm { encoder, estimand: Estimand::Probability, coefficients })
}

/// smartcore's logistic regression (no row weights).
pub(crate) fn smartcore_logistic(data: &Dataset, alpha: f64) -> Result<Glm, Error> {
    use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
    let failed = |e: String| Error::Fit { estimator: "smartcore-logistic", reason: e };
    let encoder = Encoder::fit(data);
    if let Estimand::Classes(classes) = data.estimand {
        every_class(data, classes).map_err(failed)?;
    }
    let x = dense(&encoder, data).map_err(failed)?;
    let y = data.labels().codes().to_vec();
    let settings = LogisticRegressionParameters::default().with_alpha(alpha);
    let fit = LogisticRegression::fit(&x, &y, settings).map_err(|e| failed(e.to_string()))?;
    let beta = fit.coefficients();
    if let Estimand::Classes(classes) = data.estimand {
        let class = |k: usize| {
            std::iter::once(*fit.intercept().get((k, 0))).chain((0..encoder.width()).map(move |j| *beta.get((k, j))))
        };
        let coefficients = (0..classes).flat_map(class).collect();
        return Ok(Glm { encoder, estimand: data.estimand, coefficients });
    }
    let coefficients: Array1<f64> =
        std::iter::once(*fit.intercept().get((0, 0))).chain((0..encoder.width()).map(|j| *beta.get((0, j)))).collect();
    Ok(Glm { encoder, estimand: Estimand::Probability, coefficients })
}

/// Whether every class has a row: both libraries count the classes that they meet, and number them so.
fn every_class(data: &Dataset, classes: usize) -> Result<(), String> {
    let mut met = vec![false; classes];
    data.labels().codes().iter().for_each(|&c| met[c as usize] = true);
    if met.contains(&false) { Err("it needs a row of every class".into()) } else { Ok(()) }
}

/// Whether each row is of the positive class, as linfa takes it.
fn positives(data: &Dataset) -> Array1<bool> {
    (0..data.rows()).map(|r| data.had_event(r)).collect()
}

fn dense(encoder: &Encoder, data: &Dataset) -> Result<DenseMatrix<f64>, String> {
    let values = encoder.encode(data).into_raw_vec_and_offset().0;
    DenseMatrix::new(data.rows(), encoder.width(), values, false).map_err(|e| e.to_string())
}

type SmartcoreForest = RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

/// smartcore's random forest, fitted as a regression of the 0/1 label: the mean over the trees is a
/// probability, which its classifier does not give. Slow: minutes beyond some 10,000 rows.
#[derive(Debug, Serialize, Deserialize)]
pub struct RandomForest {
    encoder: Encoder,
    forest: SmartcoreForest,
    rows: f64,
}

impl Clone for RandomForest {
    fn clone(&self) -> Self {
        let text = serde_json::to_value(self).expect("a forest is plain data");
        serde_json::from_value(text).expect("and comes back")
    }
}

impl RandomForest {
    /// Whether every path through its trees ends at a leaf, over columns that there are. The fields are smartcore's own,
    /// so they are read as the text that they are written as.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.encoder.check()?;
        if !(self.rows.is_finite() && self.rows >= 0.0) {
            return Err("it was fitted on no number of rows".into());
        }
        let forest = serde_json::to_value(&self.forest).map_err(|e| e.to_string())?;
        let trees = forest.pointer("/forest_regressor/trees").and_then(Value::as_array);
        let trees = trees.filter(|t| !t.is_empty()).ok_or("it has no trees")?;
        let width = self.encoder.width() as u64;
        let number = |v: &Value| v.as_f64().is_some_and(f64::is_finite);
        for tree in trees {
            let nodes = tree["nodes"].as_array().filter(|n| !n.is_empty()).ok_or("a tree has no nodes")?;
            for (at, node) in nodes.iter().enumerate() {
                let child = |key: &str| (!node[key].is_null()).then(|| node[key].as_u64());
                let sound = match (child("true_child"), child("false_child")) {
                    (None, None) => number(&node["output"]),
                    // Children stand behind their parent: no path comes back.
                    (Some(Some(a)), Some(Some(b))) => {
                        let behind = |c: u64| c > at as u64 && c < nodes.len() as u64;
                        let column = node["split_feature"].as_u64().is_some_and(|f| f < width);
                        behind(a) && behind(b) && column && number(&node["split_value"])
                    }
                    _ => false,
                };
                if !sound {
                    return Err(format!("node {at} of a tree leads nowhere"));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn features(&self) -> &[specialist_core::Feature] {
        &self.encoder.features
    }

    pub(crate) fn fit(data: &Dataset, trees: usize, ctx: &Context) -> Result<Self, Error> {
        let failed = |e: String| Error::Fit { estimator: "smartcore-forest", reason: e };
        let encoder = Encoder::fit(data);
        let x = dense(&encoder, data).map_err(failed)?;
        let settings = RandomForestRegressorParameters::default()
            .with_n_trees(trees)
            .with_min_samples_leaf(3)
            .with_m((encoder.width() as f64).sqrt().ceil() as usize)
            .with_seed(ctx.seed());
        let forest =
            SmartcoreForest::fit(&x, &data.labels().responses(), settings).map_err(|e| failed(e.to_string()))?;
        let mut model = Self { encoder, forest, rows: data.rows() as f64 };
        if data.fewest_rows > 0 {
            model.part_between_rows(data)?;
        }
        Ok(model)
    }

    /// Moves every threshold, the middle of two rows, to a short number between them; see the trees of boosting. The fields
    /// are smartcore's own, so they are changed as the text that they are written as.
    fn part_between_rows(&mut self, data: &Dataset) -> Result<(), Error> {
        let failed = |e: serde_json::Error| Error::Fit { estimator: "smartcore-forest", reason: e.to_string() };
        let x = self.encoder.encode(data);
        let sorted = |c: usize| {
            let mut values = x.column(c).to_vec();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let sorted: Vec<Vec<f64>> = (0..x.ncols()).map(sorted).collect();
        let mut document = serde_json::to_value(&self.forest).map_err(failed)?;
        let trees = document.pointer_mut("/forest_regressor/trees").and_then(Value::as_array_mut);
        for node in trees.into_iter().flatten().filter_map(|t| t["nodes"].as_array_mut()).flatten() {
            let (Some(column), Some(at)) = (node["split_feature"].as_u64(), node["split_value"].as_f64()) else {
                continue;
            };
            let Some(values) = sorted.get(column as usize).filter(|_| !node["true_child"].is_null()) else { continue };
            let above = values.partition_point(|v| *v <= at);
            if let (Some(low), Some(high)) =
                (above.checked_sub(1).map(|i| values[i]), (above < values.len()).then(|| values[above]))
            {
                node["split_value"] = Value::from(between(low, high));
            }
        }
        self.forest = serde_json::from_value(document).map_err(failed)?;
        Ok(())
    }
}

impl Predict for RandomForest {
    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let data = data.aligned(&self.encoder.features)?;
        let x = dense(&self.encoder, &data).map_err(Error::Mismatch)?;
        let p = self.forest.predict(&x).map_err(|e| Error::Mismatch(e.to_string()))?;
        // A share of 0 or 1 is kept as far from certainty as one row in the train rows.
        let edge = 1.0 / (self.rows + 2.0);
        Ok(p.iter().map(|p| logit(p.clamp(edge, 1.0 - edge))).collect::<Vec<_>>().into())
    }
}

/// linfa's decision tree. It predicts hard labels; the share of positives in each leaf, with one
/// pseudo-row of each label, makes them probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassificationTree {
    encoder: Encoder,
    root: Node,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Node {
    Leaf { margin: f64 },
    Split { column: usize, threshold: f64, below: Box<Node>, above: Box<Node> },
}

impl ClassificationTree {
    /// Whether it splits by columns that there are.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.encoder.check()?;
        let width = self.encoder.width();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            match node {
                Node::Leaf { margin } if margin.is_finite() => {}
                Node::Split { column, threshold, below, above } if *column < width && threshold.is_finite() => {
                    open.extend([&**below, &**above]);
                }
                _ => return Err("a node of its tree cannot be".into()),
            }
        }
        Ok(())
    }

    pub(crate) fn features(&self) -> &[specialist_core::Feature] {
        &self.encoder.features
    }

    pub(crate) fn fit(data: &Dataset, max_depth: usize, min_leaf: f64) -> Result<Self, Error> {
        let failed = |e: linfa::Error| Error::Fit { estimator: "linfa-tree", reason: e.to_string() };
        let encoder = Encoder::fit(data);
        let x = encoder.encode(data);
        let set = DatasetBase::new(x.clone(), positives(data)).with_weights(data.base.weights.clone());
        let tree: DecisionTree<f64, bool> = DecisionTree::params()
            .max_depth(Some(max_depth))
            .min_weight_leaf(min_leaf as f32)
            .fit(&set)
            .map_err(failed)?;
        let rows: Vec<usize> = (0..data.rows()).collect();
        let root = node(tree.root_node(), &rows, &x, data);
        Ok(Self { encoder, root })
    }
}

fn node(tree: &TreeNode<f64, bool>, rows: &[usize], x: &ndarray::Array2<f64>, data: &Dataset) -> Node {
    let children = tree.children();
    if let (false, [Some(left), Some(right)]) = (tree.is_leaf(), children.as_slice()) {
        let (column, threshold, _) = tree.split();
        let (below, above): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&r| x[[r, column]] < threshold);
        // The middle of two rows is as good as the one to who knows the other.
        let end =
            |of: &[usize], start: f64, pick: fn(f64, f64) -> f64| of.iter().map(|&r| x[[r, column]]).fold(start, pick);
        let (low, high) = (end(&below, f64::NEG_INFINITY, f64::max), end(&above, f64::INFINITY, f64::min));
        let threshold = if data.fewest_rows > 0 && low < high { between(low, high) } else { threshold };
        return Node::Split {
            column,
            threshold,
            below: Box::new(node(left, &below, x, data)),
            above: Box::new(node(right, &above, x, data)),
        };
    }
    let weight = |r: &usize| f64::from(data.base.weights[*r]);
    let total: f64 = rows.iter().map(weight).sum();
    let positive: f64 = rows.iter().filter(|r| data.had_event(**r)).map(weight).sum();
    Node::Leaf { margin: logit((positive + 1.0) / (total + 2.0)) }
}

impl Predict for ClassificationTree {
    fn margins(&self, data: &Dataset) -> Result<Outputs, Error> {
        let data = data.aligned(&self.encoder.features)?;
        let mut columns = vec![0.0; self.encoder.width()];
        let margin = |row| {
            self.encoder.write_row(row, &mut columns);
            let mut at = &self.root;
            loop {
                match at {
                    Node::Leaf { margin } => return *margin,
                    Node::Split { column, threshold, below, above } => {
                        at = if columns[*column] < *threshold { below } else { above };
                    }
                }
            }
        };
        Ok(data.records().axis_iter(ndarray::Axis(0)).map(margin).collect::<Vec<_>>().into())
    }
}
