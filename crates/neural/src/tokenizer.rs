//! Texts to token ids and back, by the `tokenizers` crate, and batches of them.

use std::path::Path;

use burn_tensor::{Device, Int, Tensor, TensorData};
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer as Inner, TokenizerBuilder};

use specialist_core::foreign::caught;

use crate::error::{self, Error, Result};

const LARGEST: u64 = 256 << 20;

/// A model's tokenizer.json.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Inner,
    /// The file as it was read.
    json: Vec<u8>,
    /// Largest token id plus one.
    vocabulary: usize,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer({} tokens)", self.vocabulary())
    }
}

impl Tokenizer {
    /// Reads `folder/tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Format`].
    pub fn read(folder: &Path) -> Result<Self> {
        let (path, json) = error::read(folder, "tokenizer.json", LARGEST)?;
        Self::parse(json, &path)
    }

    /// Learns pairs of bytes (Sennrich et al. 2016) from texts, `vocabulary` tokens with those of `special` (padding, end, unknown), of which the second ends
    /// every text: the same tokenizer from the same texts.
    ///
    /// # Errors
    /// [`Error::Format`] when the texts are too few.
    pub fn train(texts: &[&str], vocabulary: usize, special: &[&str; 3]) -> Result<Self> {
        let wrong = |e: tokenizers::Error| Error::format("the tokenizer", format!("it cannot be trained ({e})"));
        let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
        alphabet.sort_unstable();
        let mut trainer = BpeTrainerBuilder::new()
            .vocab_size(vocabulary)
            .min_frequency(2)
            .show_progress(false)
            .special_tokens(special.iter().map(|t| AddedToken::from(*t, true)).collect())
            .initial_alphabet(alphabet.into_iter().collect())
            .build();
        let mut inner = TokenizerBuilder::new()
            .with_model(BPE::default())
            .with_normalizer(None::<tokenizers::normalizers::unicode::NFC>)
            .with_pre_tokenizer(Some(ByteLevel::new(true, true, true)))
            .with_post_processor(None::<TemplateProcessing>)
            .with_decoder(Some(ByteLevel::default()))
            .build()
            .map_err(wrong)?;
        inner.train(&mut trainer, texts.iter().copied()).map_err(wrong)?;
        let end = TemplateProcessing::builder()
            .try_single(format!("$A {}", special[1]).as_str())
            .map_err(|e| wrong(e.into()))?
            .special_tokens(vec![(special[1], 1)])
            .build()
            .map_err(|e| wrong(e.to_string().into()))?;
        inner.with_post_processor(Some(end));
        Self::parse(inner.to_string(true).map_err(wrong)?.into_bytes(), Path::new("tokenizer.json"))
    }

    /// A tokenizer from the bytes of a tokenizer.json; `file` is named in the error.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn parse(json: Vec<u8>, file: &Path) -> Result<Self> {
        let parsed = || {
            let wrong = |e: tokenizers::Error| Error::format(file, format!("not a tokenizer ({e})"));
            let mut inner = Inner::from_bytes(&json).map_err(wrong)?;
            // Padding and cutting are done here, the same for every model.
            inner.with_padding(None);
            inner.with_truncation(None).map_err(|e| Error::format(file, e))?;
            // Some faults show only with the first text.
            let ids = inner.encode_fast("a", true).map_err(wrong)?;
            inner.decode(ids.get_ids(), true).map_err(wrong)?;
            Ok(inner)
        };
        let inner = caught(parsed).unwrap_or_else(|e| Err(Error::format(file, format!("not a tokenizer ({e})"))))?;
        let vocabulary = inner.get_vocab(true).values().max().map_or(0, |&id| id as usize + 1);
        Ok(Self { inner, json, vocabulary })
    }

    /// The bytes of the tokenizer.json.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Largest token id plus one.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The ids of `text` with the model's special tokens; at most `longest`, of which the last stays the
    /// closing special token.
    ///
    /// # Errors
    /// [`Error::Format`] when the text cannot be tokenized.
    pub fn encode(&self, text: &str, longest: usize) -> Result<Vec<u32>> {
        // A text of a megabyte has no more use than its beginning: what could not fit is not tokenized at all.
        let text = head(text, longest.saturating_mul(CHARACTERS_A_TOKEN));
        let wrong = |e: &dyn std::fmt::Display| Error::format("a text", format!("cannot be tokenized ({e})"));
        let encoding = caught(|| self.inner.encode_fast(text, true)).map_err(|e| wrong(&e))?.map_err(|e| wrong(&e))?;
        let mut ids = encoding.get_ids().to_vec();
        // Special tokens are named by their number, which a damaged file may set to any.
        if ids.iter().any(|&id| id as usize >= self.vocabulary) {
            return Err(wrong(&"a special token's number is not in the vocabulary"));
        }
        if ids.len() > longest {
            let closing = encoding.get_special_tokens_mask().last() == Some(&1);
            let last = *ids.last().expect("longer than zero");
            ids.truncate(longest);
            if closing && longest > 0 {
                ids[longest - 1] = last;
            }
        }
        Ok(ids)
    }

    /// The ids of every text.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_all<T: AsRef<str> + Sync>(&self, texts: &[T], longest: usize) -> Result<Vec<Vec<u32>>> {
        use rayon::prelude::*;
        texts.par_iter().map(|t| self.encode(t.as_ref(), longest)).collect()
    }

    /// The text of `ids` without special tokens.
    ///
    /// # Errors
    /// [`Error::Format`] when an id is unknown.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let wrong = |e: &dyn std::fmt::Display| Error::format("token ids", e);
        caught(|| self.inner.decode(ids, true)).map_err(|e| wrong(&e))?.map_err(|e| wrong(&e))
    }

    /// The text of every token.
    #[must_use]
    pub fn tokens(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.inner.id_to_token(id).unwrap_or_default()).collect()
    }

    /// The id of a token.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }
}

/// No tokenizer makes tokens longer than this from ordinary text.
const CHARACTERS_A_TOKEN: usize = 64;

fn head(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// Texts of about one length, padded to the longest.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Token ids, texts × length.
    pub ids: Tensor<2, Int>,
    /// 1 where there is a token, 0 where there is padding; row by row.
    pub mask: Vec<f32>,
    /// Texts.
    pub rows: usize,
    /// Tokens of the longest.
    pub length: usize,
    /// Which of two texts a token is of, where pairs are read; none: all of the first.
    pub types: Option<Tensor<2, Int>>,
}

impl Batch {
    /// A batch of `texts`, padded with `pad`.
    #[must_use]
    pub fn new(texts: &[&[u32]], pad: u32, device: &Device) -> Self {
        let (rows, length) = (texts.len(), texts.iter().map(|t| t.len()).max().unwrap_or(0).max(1));
        let mut ids = vec![pad as i32; rows * length];
        let mut mask = vec![0.0; rows * length];
        for (r, text) in texts.iter().enumerate() {
            for (c, &id) in text.iter().enumerate() {
                ids[r * length + c] = id as i32;
                mask[r * length + c] = 1.0;
            }
        }
        Self { ids: Tensor::from_data(TensorData::new(ids, [rows, length]), device), mask, rows, length, types: None }
    }

    /// The same batch with token types, padded with 0.
    #[must_use]
    pub fn with_types(mut self, types: &[&[u32]]) -> Self {
        let padded = |t: &&[u32]| t.iter().map(|&t| t as i32).chain(std::iter::repeat(0)).take(self.length).collect();
        let all: Vec<i32> = types.iter().map(padded).collect::<Vec<Vec<i32>>>().concat();
        self.types = Some(Tensor::from_data(TensorData::new(all, [self.rows, self.length]), &self.ids.device()));
        self
    }

    /// What is added to attention scores: 0 at tokens, a large negative number at padding; texts × length, or none
    /// where nothing is padded.
    pub(crate) fn bias(&self) -> Option<Tensor<2>> {
        if self.mask.iter().all(|&m| m == 1.0) {
            return None;
        }
        let values: Vec<f32> = self.mask.iter().map(|m| (1.0 - m) * MASKED).collect();
        Some(Tensor::from_data(TensorData::new(values, [self.rows, self.length]), &self.ids.device()))
    }
}

/// Far below any score, far from overflow.
pub(crate) const MASKED: f32 = -1e9;

/// Positions of `lengths` parted into batches of about one length: sorted by length, at most `rows` texts and
/// about `tokens` tokens with padding in each. The order within a length is that of the positions.
#[must_use]
pub fn buckets(lengths: &[usize], rows: usize, tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| lengths[i]);
    let mut out: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match out.last_mut() {
            Some(last) if last.len() < rows && (last.len() + 1) * lengths[i].max(1) <= tokens => last.push(i),
            _ => out.push(vec![i]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_every_text_once_and_stay_small() {
        let lengths: Vec<usize> = (0..100).map(|i| 1 + (i * 37) % 50).collect();
        let parts = buckets(&lengths, 8, 128);
        let mut seen: Vec<usize> = parts.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        for part in &parts {
            let longest = part.iter().map(|&i| lengths[i]).max().unwrap();
            assert!(part.len() <= 8 && (part.len() == 1 || part.len() * longest <= 128));
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(head("äöü", 2), "äö");
        assert_eq!(head("ab", 5), "ab");
    }
}
