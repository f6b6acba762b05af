//! A model of an artifact leaves for Python: as a Hugging Face folder, or as the low-rank change of its backbone.
//! The folder's README.md holds the lines of Python that give the program's own figures.

use std::path::Path;

use specialist_neural::lora::Naming;
use specialist_neural::{Device, Lora, Params};

use specialist_neural::Brought;
use specialist_pipeline::predict::Scorer;

use crate::adapter::{self, of_model};
use crate::error::{Error, Result};
use crate::labels::{self, Body, Network, Texts, class_names, linear_head};
use crate::writing::{Opened, instruction};

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

/// Exports a classifier of texts; says what was written.
///
/// # Errors
/// When no adapter says what the model is, or the folder cannot be written.
pub fn classifier(scorer: &Scorer, wanted: &Wanted<'_>) -> Result<&'static str> {
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
    let device = Device::flex();
    let adapter = match (wanted.adapter, network.map(|n| &n.body)) {
        (false, _) => None,
        (true, None) => Some(of_model(brought, None, name)?),
        (true, Some(Body::Adapted(lora, params))) => {
            Some(of_model(brought, Some((lora.clone(), params.only(Lora::owns))), name)?)
        }
        (true, Some(Body::Changed(_))) => return Err(whole(name)),
    };
    wanted.write(|folder| {
        if let Some((lora, params)) = &adapter {
            lora.save(params, Naming::Plain, wanted.base.unwrap_or_default(), folder)?;
        } else {
            let mut params = encoder.params.clone();
            match network.map(|n| &n.body) {
                None => {}
                Some(Body::Adapted(lora, matrices)) => {
                    params.extend(matrices.clone());
                    lora.merge(&mut params, &device);
                }
                Some(Body::Changed(changed)) => params = changed.clone(),
            }
            encoder.with(params).save(folder)?;
        }
        put(folder, "head.json", &serde_json::to_string_pretty(&head_file).expect("plain data"))?;
        put(folder, "README.md", &readme)
    })?;
    Ok(if wanted.adapter { "adapter" } else { "model" })
}

/// Exports a model that writes, of the artifact in `artifact`; says what was written.
///
/// # Errors
/// When no adapter says what the model is, or the folder cannot be written.
pub fn writer(opened: Opened, artifact: &Path, wanted: &Wanted<'_>) -> Result<&'static str> {
    let Opened { name, recipe, mut model, lora } = opened;
    let own = lora.map(|lora| (lora, model.params.only(Lora::owns)));
    let decode = &recipe.decode;
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
        recipe.task.name(),
        recipe.tune.longest,
        recipe.tune.longest,
        instruction(&recipe)?,
        decode.longest,
        decode.beams,
        decode.length_penalty,
        decode.no_repeat,
    );
    let adapter = if wanted.adapter {
        // An adapter of its own stands on the generalist; without one the model may be another as a whole.
        let files = specialist_pipeline::artifact::manifest(artifact)?.files;
        let weights = |name: &str| files.get(&format!("models/{name}/model.safetensors"));
        if weights(&name) != weights("generalist") {
            return Err(whole(&name));
        }
        let brought = Brought::read_if_there(&artifact.join(adapter::FOLDER), Naming::Plain)?;
        Some(of_model(brought.as_ref(), own, &name)?)
    } else {
        if let Some((lora, _)) = own {
            lora.merge(&mut model.params, &Device::flex());
        }
        None
    };
    wanted.write(|folder| {
        if let Some((lora, matrices)) = &adapter {
            // The embedding is what tells `save` that this is a T5; only matrices of adapters are written.
            let mut params: Params = model.params.only(|n| n == "shared.weight");
            params.extend(matrices.clone());
            lora.save(&params, Naming::Plain, wanted.base.unwrap_or_default(), folder)?;
        } else {
            model.save(folder, false)?;
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
