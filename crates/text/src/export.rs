//! A model of an artifact leaves for Python: as a Hugging Face folder, or as the low-rank change of its backbone.
//! The folder's README.md holds the lines of Python that give the program's own figures.

use std::path::Path;

use specialist_engine::predict::Scorer;
use specialist_neural::encoder::is_head;
use specialist_neural::lora::Naming;
use specialist_neural::{Brought, Device, Lora, Params};

use crate::body::Body;
use crate::error::{Error, Result};
use crate::labels::{self, Network, Texts, class_names, linear_head};
use crate::writing::{Backbone, Writer};

/// What is asked for.
pub struct Wanted<'a> {
    /// Only the low-rank change.
    pub adapter: bool,
    /// What the backbone is called where the adapter will be used.
    pub base: Option<&'a str>,
    /// The folder to write, which is not there or empty.
    pub out: &'a Path,
}

impl Wanted<'_> {
    /// Writes the folder with `fill`: it appears whole or not at all.
    fn write(&self, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let wrong = |e| Error::write(self.out, e);
        let parent = self.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).map_err(wrong)?;
        let temp = tempfile::tempdir_in(parent).map_err(wrong)?;
        let made = temp.path().join("made");
        std::fs::create_dir(&made).map_err(wrong)?;
        fill(&made)?;
        if self.out.is_dir() {
            std::fs::remove_dir(self.out).map_err(wrong)?;
        }
        std::fs::rename(&made, self.out).map_err(wrong)
    }

    /// The backbone's name in Python code.
    fn base(&self) -> &str {
        self.base.unwrap_or("the name or folder of the backbone")
    }
}

fn put(folder: &Path, name: &str, text: &str) -> Result<()> {
    let file = folder.join(name);
    std::fs::write(&file, text).map_err(|e| Error::write(&file, e))
}

/// Exports a model; says what was written.
///
/// # Errors
/// When no adapter says what the model is, or the folder cannot be written.
pub fn save(scorer: &Scorer, wanted: &Wanted<'_>) -> Result<&'static str> {
    match Writer::of(&scorer.model) {
        Some(model) => writer(scorer, model, wanted),
        None => classifier(scorer, wanted),
    }
}

/// Exports a classifier of texts.
fn classifier(scorer: &Scorer, wanted: &Wanted<'_>) -> Result<&'static str> {
    let (name, classes) = (&scorer.name, class_names(scorer));
    let rows = labels::rows(scorer, &["a text".to_string()])?;
    let texts = Texts::of(&rows, rows.keys.last().map_or("", |k| k.name.as_str()))?;
    let (encoder, brought) = (&texts.encoder.encoder, texts.encoder.brought.as_ref());
    let network = Network::of(&scorer.model);
    let head = match network {
        Some(network) => network.head.clone(),
        None => linear_head(&scorer.model).map_err(|_| {
            let what = format!("the model `{name}` is a {}, and no encoder with a head", scorer.model.describe());
            Error::usage(what, "name another with --model")
        })?,
    };
    let head_file = serde_json::json!({ "labels": classes, "coefficients": head });
    let longest = texts.encoder.longest;
    let open = if wanted.adapter {
        format!("model = SentenceTransformer({:?})\nmodel.load_adapter(FOLDER)", wanted.base())
    } else {
        "model = SentenceTransformer(FOLDER)".into()
    };
    let readme = format!(
        "# Which label does a text carry?\n\nThe model `{name}` of a Specialist artifact. A text's vector, scaled to \
         length one, goes through the softmax regression in `head.json` (a row of coefficients a label, the intercept \
         last).\n\n```python\nimport json\nimport numpy as np\nfrom sentence_transformers import SentenceTransformer\n\n\
         FOLDER = \"this folder\"\n{open}\nmodel.max_seq_length = {longest}\n\
         with open(f\"{{FOLDER}}/head.json\") as file:\n    head = json.load(file)\n\n\n\
         def probabilities(texts):\n    x = model.encode(texts, normalize_embeddings=True)\n    \
         w = np.array(head[\"coefficients\"])\n    z = x @ w[:, :-1].T + w[:, -1]\n    \
         z = np.exp(z - z.max(axis=1, keepdims=True))\n    return z / z.sum(axis=1, keepdims=True)\n```\n"
    );
    let adapter = match (wanted.adapter, network.map(|n| &n.body)) {
        (false, _) => None,
        (true, None) => Some(of_model(brought, None, name)?),
        (true, Some(Body::Changed(_))) => return Err(whole(name)),
        (true, Some(body)) => Some(of_model(brought, body.adapter(), name)?),
    };
    wanted.write(|folder| {
        if let Some((lora, params)) = &adapter {
            lora.save(params, Naming::Plain, wanted.base.unwrap_or_default(), folder)?;
        } else {
            let params = match network {
                Some(network) => network.body.folded(&encoder.params),
                None => encoder.params.clone(),
            };
            encoder.with(params).save(folder)?;
        }
        put(folder, "head.json", &serde_json::to_string_pretty(&head_file).expect("plain data"))?;
        put(folder, "README.md", &readme)
    })?;
    Ok(if wanted.adapter { "adapter" } else { "model" })
}

/// Exports a model that writes; says what was written.
fn writer(scorer: &Scorer, writer: &Writer, wanted: &Wanted<'_>) -> Result<&'static str> {
    let name = &scorer.name;
    let rows = labels::rows(scorer, &["a text".to_string()])?;
    let backbone = Backbone::of(&rows)?;
    backbone.fits(&writer.body)?;
    let told = &backbone.settings;
    let open = if wanted.adapter {
        format!(
            "BASE = {:?}\nmodel = PeftModel.from_pretrained(T5ForConditionalGeneration.from_pretrained(BASE), FOLDER).eval()\n\
             tokenizer = Tokenizer.from_file(f\"{{BASE}}/tokenizer.json\")",
            wanted.base()
        )
    } else {
        "model = T5ForConditionalGeneration.from_pretrained(FOLDER).eval()\n\
         tokenizer = Tokenizer.from_file(f\"{FOLDER}/tokenizer.json\")"
            .into()
    };
    let import = if wanted.adapter { "from peft import PeftModel\n" } else { "" };
    let readme = format!(
        "# {}\n\nThe model `{name}` of a Specialist artifact. Texts of more than {} tokens are read in chunks of whole \
         sentences by the program, and cut here.\n\n```python\nimport torch\n{import}from tokenizers import Tokenizer\n\
         from transformers import T5ForConditionalGeneration\n\nFOLDER = \"this folder\"\n{open}\n\
         tokenizer.enable_truncation({})\n\n\ndef write(text):\n    \
         ids = torch.tensor([tokenizer.encode({:?} + text).ids])\n    \
         out = model.generate(input_ids=ids, max_new_tokens={}, num_beams={}, length_penalty={:?}, \
         no_repeat_ngram_size={}, do_sample=False)\n    \
         return tokenizer.decode([i for i in out[0].tolist() if i > 1], skip_special_tokens=True).strip()\n```\n",
        backbone.prefix.trim_end_matches([':', ' ']),
        backbone.longest,
        backbone.longest,
        backbone.prefix,
        told.max_new_tokens,
        told.num_beams,
        told.length_penalty,
        told.no_repeat_ngram_size,
    );
    // A model that changed as a whole is no low-rank change of what was brought either.
    let adapter = match (wanted.adapter, &writer.body) {
        (false, _) => None,
        (true, Body::Changed(_)) => return Err(whole(name)),
        (true, body) => Some(of_model(backbone.brought.as_ref(), body.adapter(), name)?),
    };
    wanted.write(|folder| {
        if let Some((lora, matrices)) = &adapter {
            // The embedding is what tells `save` that this is a T5; only matrices of adapters are written.
            let mut params: Params = backbone.model.params.only(|n| n == "shared.weight");
            params.extend(matrices.clone());
            lora.save(&params, Naming::Plain, wanted.base.unwrap_or_default(), folder)?;
        } else {
            backbone.model.with(writer.body.folded(&backbone.model.params)).save(folder, false)?;
        }
        put(folder, "README.md", &readme)
    })?;
    Ok(if wanted.adapter { "adapter" } else { "model" })
}

fn whole(name: &str) -> Error {
    Error::usage(
        format!("the model `{name}` changed as a whole, which no low-rank change says"),
        "without --adapter the whole model is exported; `--set tune.tunings=[\"lora\"]` makes one that is an adapter",
    )
}

/// What sentence vectors and generated texts do not go through: the head of a classifier and the layer before it.
fn is_above(name: &str) -> bool {
    is_head(name) || name.starts_with("pooler.")
}

/// The adapter that makes a model out of the backbone as it was published: the one that was brought, the model's own,
/// or both in one.
///
/// # Errors
/// When the model is no low-rank change of its backbone, or is the backbone.
fn of_model(brought: Option<&Brought>, own: Option<(Lora, Params)>, name: &str) -> Result<(Lora, Params)> {
    let refuse = |what: String| Err(Error::usage(what, "without --adapter the whole model is exported"));
    let whole = |b: &Brought| b.params.iter().map(|(n, _)| n).find(|n| !Lora::owns(n) && !is_above(n)).cloned();
    if let Some(tensor) = brought.and_then(whole) {
        return refuse(format!(
            "the adapter that was brought replaces `{tensor}` whole, which no low-rank change says"
        ));
    }
    let brought = brought.map(|b| (b.lora.clone(), b.params.only(Lora::owns)));
    match (brought, own) {
        (None, None) => refuse(format!("the model `{name}` has no adapter: it stands on the backbone as it is")),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some((first, a)), Some((second, b))) => Ok(first.stacked(&a, &second, &b, &Device::flex())),
    }
}
