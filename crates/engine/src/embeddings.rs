//! Text columns of a table as numbers: a sentence encoder's vector of each text, on its principal components.
//!
//! The components are those of the source rows' texts that are trained on; no target text has a part in them. The encoder travels in
//! the artifact, so that scoring needs nothing else.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};
use specialist_core::{
    Context, Dataset, Domain, ENCODERS, Encode, EncoderInput, EncoderKind, Feature, FeatureKind, Key, KeyRole,
};

use crate::artifact::{self, Artifact, Draft};
use crate::recipe::{Recipe, RecipeError, TRANSFORMER};
use crate::{Error, Place};

const FILE: &str = "embeddings.json";
/// Where an artifact keeps its encoder.
const ENCODER: &str = "encoder";

/// The principal components of a text column's vectors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Projection {
    column: String,
    /// The mean vector of the source rows.
    mean: Vec<f64>,
    /// Components × width.
    axes: Vec<Vec<f64>>,
}

impl Projection {
    /// The principal components of rows of vectors, `counts` of each, largest variance first. An axis points to
    /// where its largest entry is positive.
    fn fit(column: &str, vectors: &Array2<f64>, counts: &[f64], components: usize) -> Result<Self, Error> {
        let total: f64 = counts.iter().sum();
        let weights = Array1::from_vec(counts.to_vec()).insert_axis(Axis(1));
        let mean = (vectors * &weights).sum_axis(Axis(0)) / total;
        let centred = vectors - &mean;
        let covariance = centred.t().dot(&(&centred * &weights)) / (total - 1.0).max(1.0);
        let wrong = |e: linfa_linalg::LinalgError| specialist_core::Error::Fit {
            estimator: "principal components",
            reason: e.to_string(),
        };
        let (_, vectors) = covariance.eigh().map_err(wrong)?.sort_eig_desc();
        let axes = vectors.columns().into_iter().take(components).map(|axis| {
            let largest = axis.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            axis.iter().map(|v| v * largest.signum()).collect()
        });
        Ok(Self { column: column.into(), mean: mean.to_vec(), axes: axes.collect() })
    }

    fn of(&self, vector: &[f32]) -> Vec<f64> {
        let along = |axis: &Vec<f64>| {
            axis.iter().zip(vector).zip(&self.mean).map(|((a, v), m)| a * (f64::from(*v) - m)).sum::<f64>()
        };
        self.axes.iter().map(along).collect()
    }
}

/// What a text column becomes: all numbers of its vectors, or their principal components.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Numbers {
    /// The components.
    Components(Projection),
    /// As they are.
    Vectors {
        /// The column.
        column: String,
        /// How many there are.
        width: usize,
    },
}

impl Numbers {
    fn column(&self) -> &str {
        match self {
            Self::Components(p) => &p.column,
            Self::Vectors { column, .. } => column,
        }
    }

    /// How many numbers a text becomes.
    fn width(&self) -> usize {
        match self {
            Self::Components(p) => p.axes.len(),
            Self::Vectors { width, .. } => *width,
        }
    }

    fn of(&self, vector: &[f32]) -> Vec<f64> {
        match self {
            Self::Components(p) => p.of(vector),
            Self::Vectors { .. } => vector.iter().map(|v| f64::from(*v)).collect(),
        }
    }

    /// Whether they are those of an encoder whose vectors have `width` numbers.
    fn fits(&self, width: usize) -> bool {
        match self {
            Self::Components(p) => p.axes.iter().chain([&p.mean]).all(|a| a.len() == width),
            Self::Vectors { width: own, .. } => *own == width,
        }
    }
}

/// So many texts of a column are remembered.
const MOST_KNOWN: usize = 100_000;

/// Turns the text columns of tables into numbers.
pub(crate) struct Embeddings {
    encoder: Arc<dyn Encode>,
    /// The kind of encoder, and the tokens that it reads of a text.
    kind: (String, usize),
    numbers: Vec<Numbers>,
    /// Of every column, the numbers of the texts met so far.
    known: Vec<HashMap<String, Vec<f64>>>,
    ctx: Context,
}

impl Embeddings {
    /// Whether this program can read the recipe's text columns, before any row is read.
    pub(crate) fn check(recipe: &Recipe) -> Result<(), Error> {
        match recipe.text_columns().first() {
            Some(column) => kind_called(&recipe.text.encoder, column).map(drop),
            None => Ok(()),
        }
    }

    /// Finds the components of the text columns among `source` rows; without source rows, those of the artifact
    /// that brings the generalist. None where no feature is text.
    pub(crate) fn fit(
        recipe: &Recipe,
        source: Option<&Dataset>,
        domain: &dyn Domain,
        place: &Place,
        ctx: &Context,
    ) -> Result<Option<Self>, Error> {
        let columns = recipe.text_columns();
        if columns.is_empty() {
            return Ok(None);
        }
        let Some(source) = source else {
            let model = recipe.source.model.as_deref().unwrap_or_default();
            return match Self::open(&place.path(model), recipe, ctx)? {
                Some(embeddings) => Ok(Some(embeddings)),
                None => Err(Error::Usage {
                    what: format!("column `{}` is text, and the generalist was made without it", columns[0]),
                    hint: "name source rows, or give the column the role \"ignore\"".into(),
                }),
            };
        };
        let spec = &recipe.text;
        let folder = domain.fetched(&spec.backbone)?.unwrap_or_else(|| place.path(&spec.backbone));
        let adapter = spec.adapter.as_ref().map(|a| place.path(a));
        let (settings, adapter) = (recipe.settings(), adapter.as_deref());
        let (folder, longest, start) = (folder.as_path(), spec.longest, place.folder.as_path());
        let input = EncoderInput { folder, adapter, longest, settings: &settings, place: start };
        let encoder = (kind_called(&spec.encoder, columns[0])?.open)(&input)?;
        let kind = (spec.encoder.clone(), spec.longest);
        let mut embeddings = Self { encoder, kind, numbers: Vec::new(), known: Vec::new(), ctx: ctx.clone() };
        let width = embeddings.encoder.width();
        if width == 0 && spec.components > 0 {
            let expected = format!("0: the encoder {} makes no numbers of a text", spec.encoder);
            return Err(RecipeError::invalid("text.components", expected).into());
        }
        for column in columns {
            if spec.components == 0 {
                embeddings.known.push(HashMap::new());
                embeddings.numbers.push(Numbers::Vectors { column: column.into(), width });
                continue;
            }
            let (texts, codes) = texts(source, column)?;
            let mut counts = vec![0.0; texts.len()];
            codes.iter().flatten().for_each(|&c| counts[c] += 1.0);
            let used: Vec<usize> = (0..texts.len()).filter(|&c| counts[c] > 0.0).collect();
            if used.len() < 2 {
                let what = format!("different texts in the source column `{column}`");
                return Err(specialist_core::Error::TooFew { what, found: used.len(), needed: 2 }.into());
            }
            let vectors = embeddings.embed(&used.iter().map(|&c| texts[c].as_str()).collect::<Vec<_>>())?;
            let rows = Array2::from_shape_vec((used.len(), width), vectors.iter().map(|v| f64::from(*v)).collect());
            let counts: Vec<f64> = used.iter().map(|&c| counts[c]).collect();
            let projection = Projection::fit(column, &rows.expect("a row a text"), &counts, spec.components)?;
            let known = used.iter().zip(vectors.chunks(width)).map(|(&c, v)| (texts[c].clone(), projection.of(v)));
            embeddings.known.push(known.collect());
            embeddings.numbers.push(Numbers::Components(projection));
        }
        Ok(Some(embeddings))
    }

    /// Those of an artifact; none where it has none.
    pub(crate) fn open(folder: &Path, recipe: &Recipe, ctx: &Context) -> Result<Option<Self>, Error> {
        if !folder.join(FILE).is_file() {
            return Ok(None);
        }
        let kept = Artifact::open(folder)?;
        kept.check(|path| path.strip_prefix(ENCODER).is_some_and(|rest| rest.starts_with('/')))?;
        let (longest, numbers, kind) = match kept.read_json(FILE)? {
            File::OfTransformer(longest, numbers) => (longest, numbers, TRANSFORMER.to_string()),
            File::OfKind(longest, numbers, kind) => (longest, numbers, kind),
        };
        let column = numbers.first().map_or("", Numbers::column);
        let folder = folder.join(ENCODER);
        let settings = recipe.settings();
        let input =
            EncoderInput { folder: &folder, adapter: None, longest, settings: &settings, place: folder.as_path() };
        let encoder = (kind_called(&kind, column)?.open)(&input)?;
        if !numbers.iter().all(|n| n.fits(encoder.width())) {
            return Err(artifact::corrupt(&folder, FILE, "its components are of another encoder"));
        }
        let known = vec![HashMap::new(); numbers.len()];
        Ok(Some(Self { encoder, kind: (kind, longest), numbers, known, ctx: ctx.clone() }))
    }

    /// Puts the components and the encoder into an artifact.
    pub(crate) fn add(&self, draft: &mut Draft) -> Result<(), Error> {
        let (kind, longest) = &self.kind;
        let numbers = self.numbers.clone();
        let file = match kind.as_str() {
            TRANSFORMER => File::OfTransformer(*longest, numbers),
            kind => File::OfKind(*longest, numbers, kind.into()),
        };
        draft.add(FILE, serde_json::to_vec(&file).expect("plain data"));
        for (name, content) in self.encoder.files()? {
            draft.add(&format!("{ENCODER}/{name}"), content);
        }
        Ok(())
    }

    /// Replaces every text column by its numbers, in its place; a missing text has missing numbers. The texts stay beside
    /// them as keys, for models that read texts.
    pub(crate) fn apply(&mut self, data: &Dataset) -> Result<Dataset, Error> {
        let mut parts: Vec<(Vec<Feature>, Array2<f64>)> = Vec::new();
        let mut keys = Vec::new();
        for i in 0..data.features.len() {
            let name = &data.features[i].name;
            let Some(at) = self.numbers.iter().position(|n| n.column() == *name) else {
                let column = data.records().column(i).insert_axis(Axis(1)).to_owned();
                parts.push((vec![data.features[i].clone()], column));
                continue;
            };
            let (texts, codes) = texts(data, name)?;
            // A file of any length is scored in the same memory: what was met long ago is encoded again.
            if self.known[at].len() > MOST_KNOWN {
                self.known[at].clear();
            }
            self.meet(at, texts, &codes)?;
            let width = self.numbers[at].width();
            let mut numbers = Array2::from_elem((data.rows(), width), f64::NAN);
            for (mut row, code) in numbers.rows_mut().into_iter().zip(&codes) {
                if let Some(code) = code {
                    row.iter_mut().zip(&self.known[at][&texts[*code]]).for_each(|(cell, v)| *cell = *v);
                }
            }
            parts.push(((1..=width).map(|k| Feature::number(format!("{name}:{k}"))).collect(), numbers));
            // A missing text is an empty one to whoever reads texts.
            let missing = texts.len() as u32;
            keys.push(Key {
                name: name.clone(),
                role: KeyRole::Text,
                codes: codes.iter().map(|c| c.map_or(missing, |c| c as u32)).collect(),
                levels: texts.iter().cloned().chain([String::new()]).collect(),
                digests: Vec::new(),
            });
        }
        let views: Vec<_> = parts.iter().map(|p| p.1.view()).collect();
        let records = ndarray::concatenate(Axis(1), &views).expect("every part has every row");
        let mut out = data.clone_without_records();
        out.base.records = records;
        out.features = parts.into_iter().flat_map(|p| p.0).collect();
        out.keys.extend(keys);
        out.encoder = Some(Arc::clone(&self.encoder));
        Ok(out)
    }

    /// Encodes the texts in use that were not met before.
    fn meet(&mut self, at: usize, texts: &[String], codes: &[Option<usize>]) -> Result<(), Error> {
        let mut fresh: Vec<usize> =
            codes.iter().flatten().copied().filter(|&c| !self.known[at].contains_key(&texts[c])).collect();
        fresh.sort_unstable();
        fresh.dedup();
        // Nothing is made of them: they stay what they are.
        if self.encoder.width() == 0 {
            self.known[at].extend(fresh.iter().map(|&c| (texts[c].clone(), Vec::new())));
            return Ok(());
        }
        let vectors = self.embed(&fresh.iter().map(|&c| texts[c].as_str()).collect::<Vec<_>>())?;
        for (&c, vector) in fresh.iter().zip(vectors.chunks(self.encoder.width())) {
            let numbers = self.numbers[at].of(vector);
            self.known[at].insert(texts[c].clone(), numbers);
        }
        Ok(())
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        Ok(self.encoder.encode(texts, &self.ctx)?)
    }
}

/// The texts of a column as it was read, by code, and every row's code.
fn texts<'d>(data: &'d Dataset, column: &str) -> Result<(&'d [String], Vec<Option<usize>>), Error> {
    let i = data.feature(column)?;
    let FeatureKind::Category { levels } = &data.features[i].kind else {
        return Err(specialist_core::Error::Mismatch(format!("column `{column}` was not read as text")).into());
    };
    let code = |v: &f64| (!v.is_nan()).then_some(*v as usize);
    Ok((levels, data.records().column(i).iter().map(code).collect()))
}

/// The kind of encoder called `name`, for the text column `column`.
fn kind_called(name: &str, column: &str) -> Result<&'static EncoderKind, Error> {
    #[cfg(feature = "text")]
    ENCODERS.add(&crate::transformer::KIND);
    ENCODERS.named(name).ok_or_else(|| Error::Usage {
        what: format!("column `{column}` is text, and this program was built without the encoder `{name}`"),
        hint:
            "build the program with `--features text`, or give the column the role \"ignore\" or the kind \"category\""
                .into(),
    })
}

/// What an artifact says of its encoder: tokens that are read of a text, what texts become, and the kind where it is another than
/// that of transformers.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum File {
    OfKind(usize, Vec<Numbers>, String),
    OfTransformer(usize, Vec<Numbers>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn components_are_those_of_scikit_learn() {
        // sklearn.decomposition.PCA(2).fit(numpy.repeat(x, [1, 2, 1, 1], axis=0)), axes turned so that the
        // largest entry is positive; scikit-learn 1.9.1.
        let x = array![[1.0, 2.0, 0.5], [0.0, -1.0, 2.0], [3.0, 1.0, -1.0], [2.0, 2.0, 2.0]];
        let p = Projection::fit("notes", &x, &[1.0, 2.0, 1.0, 1.0], 2).unwrap();
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&p.mean, &[1.2, 0.6, 1.1]), "{:?}", p.mean);
        assert!(
            close(&p.axes[0], &[0.587_454_27, 0.623_965_79, -0.515_329_19])
                && close(&p.axes[1], &[-0.140_570_67, 0.705_790_73, 0.694_333_73]),
            "{:?}",
            p.axes
        );
        assert!(close(&p.of(&[1.0, 2.0, 0.5]), &[1.065_258_77, 0.599_620_92]), "{:?}", p.of(&[1.0, 2.0, 0.5]));
    }
}
