//! A T5 with what it is told to do: what a text column of texts to write from is read by.

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use specialist_core::{Context, Dataset, Encode, EncoderInput, EncoderKind, Error};
use specialist_neural::lora::Naming;
use specialist_neural::{Brought, Device, T5};

use super::settings::{Glossary, Settings, Task};
use crate::body::Body;
use crate::packages::sentences;

/// Where its folder keeps an adapter that is folded into it, and a glossary.
const ADAPTER: &str = "adapter";
const GLOSSARY: &str = "glossary.tsv";

/// The kind of encoder that makes no numbers of texts, and writes.
pub static KIND: EncoderKind =
    EncoderKind { name: "t5", about: "a T5 from a Hugging Face folder, which writes (`[domain]` says what)", open };

/// A T5 as it was published, with the adapter that was brought.
pub struct Backbone {
    /// The model.
    pub model: T5,
    /// What it is told to do.
    pub settings: Settings,
    /// Its words for that.
    pub prefix: String,
    /// Tokens that are read of a text at once.
    pub longest: usize,
    /// Terms that must be translated so.
    pub glossary: Option<Glossary>,
    /// The adapter that is folded into it, as it was brought.
    pub brought: Option<Brought>,
    folder: PathBuf,
}

fn open(input: &EncoderInput<'_>) -> Result<Arc<dyn Encode>, Error> {
    let missing =
        || Error::Setting { setting: "domain.task".into(), expected: "\"translate\" or \"summarize\"".into() };
    let settings = Settings::parse(input.settings)?.ok_or_else(missing)?;
    let folder = input.folder;
    if !folder.is_dir() {
        return Err(Error::Absent {
            what: format!("{}: there is no such folder", folder.display()),
            hint: "`text.backbone` names the Hugging Face folder of a T5: `text fetch --model OWNER/NAME` gets one, `text generalist` makes the small one of artifacts/text-generalist".into(),
        });
    }
    let read = || -> specialist_neural::Result<(T5, Option<Brought>)> {
        let mut model = T5::read(folder, &Device::flex())?;
        // A backbone that was kept with its adapter has it in its folder.
        let kept = Some(folder.join(ADAPTER)).filter(|a| a.is_dir());
        let brought = input.adapter.or(kept.as_deref()).map(|at| Brought::read(at, Naming::Plain)).transpose()?;
        if let Some(brought) = &brought {
            brought.merge(&mut model.params)?;
        }
        Ok((model, brought))
    };
    let (model, brought) = read().map_err(specialist_neural::Error::into_core)?;
    let kept = Some(folder.join(GLOSSARY)).filter(|g| g.is_file());
    let glossary = settings.glossary.as_ref().map(|name| kept.unwrap_or_else(|| input.place.join(name)));
    let glossary = glossary.map(|file| Glossary::read(&file)).transpose()?;
    let (prefix, longest, folder) = (settings.prefix()?, input.longest, folder.to_path_buf());
    Ok(Arc::new(Backbone { model, settings, prefix, longest, glossary, brought, folder }))
}

impl fmt::Debug for Backbone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backbone").field("prefix", &self.prefix).field("longest", &self.longest).finish_non_exhaustive()
    }
}

impl Encode for Backbone {
    fn width(&self) -> usize {
        0
    }

    fn encode(&self, _: &[&str], _: &Context) -> Result<Vec<f32>, Error> {
        Ok(Vec::new())
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let read = |name: &str| {
            let file = self.folder.join(name);
            let bytes = std::fs::read(&file);
            let gone = |e| Error::Absent { what: format!("{}: {e}", file.display()), hint: "was it moved?".into() };
            Ok((name.to_string(), bytes.map_err(gone)?))
        };
        let files = ["config.json", "tokenizer.json", "model.safetensors"].into_iter().map(read);
        let mut out = files.collect::<Result<Vec<_>, Error>>()?;
        let adapter = self.brought.iter().flat_map(|b| &b.files);
        out.extend(adapter.map(|(name, bytes)| (format!("{ADAPTER}/{name}"), bytes.clone())));
        out.extend(self.glossary.iter().map(|g| (GLOSSARY.to_string(), g.text.clone().into_bytes())));
        Ok(out)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Backbone {
    /// That of rows.
    ///
    /// # Errors
    /// [`Error::Data`] where their texts are read by something that does not write.
    pub fn of(data: &Dataset) -> Result<&Self, Error> {
        let found = data.encoder.as_ref().and_then(|e| e.as_any().downcast_ref());
        found.ok_or_else(|| Error::Data {
            what: "the rows' texts are read by an encoder that cannot write".into(),
            hint: "set encoder = \"t5\" and the folder of a T5 as `backbone` under [text]".into(),
        })
    }

    /// Writes a text for every text, with what became of the model.
    ///
    /// # Errors
    /// When a body is another model's, or the run is cancelled.
    pub fn write(&self, body: &Body, texts: &[&str], ctx: &Context) -> Result<Vec<String>, Error> {
        self.written(body, texts, ctx).map_err(specialist_neural::Error::into_core)
    }

    /// Whether a body is one of this model.
    ///
    /// # Errors
    /// When it is another's.
    pub fn fits(&self, body: &Body) -> specialist_neural::Result<()> {
        match body {
            Body::AsItIs => Ok(()),
            Body::Adapted(lora, matrices) => lora.fit(&self.model.params, matrices, &self.folder),
            Body::Changed(params) => params.fit(&specialist_neural::t5::specs(&self.model.config), &self.folder),
        }
    }

    /// In chunks of whole sentences where a text is too long to be read at once; of summaries of chunks a summary is made.
    fn written(&self, body: &Body, texts: &[&str], ctx: &Context) -> specialist_neural::Result<Vec<String>> {
        self.fits(body)?;
        let model = self.model.with(body.params(&self.model.params));
        let tokens =
            |t: &str| model.tokenizer.encode(&format!("{}{t}", self.prefix), usize::MAX / 128).map(|i| i.len());
        let mut pieces: Vec<String> = Vec::new();
        let mut of: Vec<Vec<usize>> = Vec::new();
        for text in texts {
            let mut own = Vec::new();
            let mut chunk = String::new();
            // Most texts fit: their sentences need not be counted one by one.
            let parts = if tokens(text)? <= self.longest { vec![(*text).to_string()] } else { sentences(text) };
            for sentence in parts {
                let longer = if chunk.is_empty() { sentence.clone() } else { format!("{chunk} {sentence}") };
                if !chunk.is_empty() && tokens(&longer)? > self.longest {
                    own.push(pieces.len());
                    pieces.push(std::mem::replace(&mut chunk, sentence));
                } else {
                    chunk = longer;
                }
            }
            own.push(pieces.len());
            pieces.push(chunk);
            of.push(own);
        }
        let write = |texts: &[String]| -> specialist_neural::Result<Vec<String>> {
            let read: Vec<String> = texts.iter().map(|t| format!("{}{t}", self.prefix)).collect();
            let ids = model.tokenizer.encode_all(&read, self.longest)?;
            let written = model.generate(body.lora(), &ids, &self.settings.decoding(), ctx)?;
            written.iter().map(|i| Ok(model.tokenizer.decode(i)?.trim().to_string())).collect()
        };
        let written = write(&pieces)?;
        let join = |own: &Vec<usize>| own.iter().map(|&i| written[i].as_str()).collect::<Vec<_>>().join(" ");
        let mut out: Vec<String> = of.iter().map(join).collect();
        let shortens = self.settings.task == Task::Summarize;
        let again: Vec<usize> = (0..texts.len()).filter(|&i| shortens && of[i].len() > 1).collect();
        let long: Vec<String> = again.iter().map(|&i| out[i].clone()).collect();
        for (i, short) in again.into_iter().zip(write(&long)?) {
            out[i] = short;
        }
        Ok(out)
    }
}
