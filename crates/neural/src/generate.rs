//! Decoding: greedy, beam and sampled, as `transformers` does it.

use rand::Rng;
use specialist_core::Context;

use crate::error::Result;
use crate::layers::Pass;
use crate::lora::Lora;
use crate::t5::{Cache, T5};
use crate::tokenizer::{Batch, buckets};

/// How texts are written.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Decoding {
    /// Most tokens to write.
    pub longest: usize,
    /// Candidates kept; 1 is greedy.
    pub beams: usize,
    /// A finished candidate's score is its log probability divided by its length to this power: above 0
    /// favours longer texts.
    pub length_penalty: f64,
    /// No run of this many tokens appears twice; 0 allows all.
    pub no_repeat: usize,
    /// Draw tokens instead of taking the likeliest.
    pub sample: Option<Sampling>,
}

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sampling {
    /// Logits are divided by it.
    pub temperature: f64,
    /// Only this many of the likeliest tokens; 0: all.
    pub top_k: usize,
    /// Only the likeliest tokens that together have this probability (Holtzman et al. 2020).
    pub top_p: f64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { longest: 64, beams: 1, length_penalty: 1.0, no_repeat: 0, sample: None }
    }
}

/// Texts of one batch, at most.
const ROWS: usize = 32;
/// Tokens of one batch with padding, at most.
const TOKENS: usize = 4096;

impl T5 {
    /// Writes a text for every source, without start and end tokens.
    ///
    /// # Errors
    /// When the run is cancelled.
    pub fn generate(
        &self,
        lora: Option<&Lora>,
        sources: &[Vec<u32>],
        how: &Decoding,
        ctx: &Context,
    ) -> Result<Vec<Vec<u32>>> {
        let device = self.params.iter().next().map(|(_, p)| match p {
            crate::params::Param::Vector(t) => t.device(),
            crate::params::Param::Matrix(t) => t.device(),
        });
        let device = device.expect("a model has parameters");
        let pass = Pass::predict(&self.params, lora);
        let lengths: Vec<usize> = sources.iter().map(Vec::len).collect();
        let mut out = vec![Vec::new(); sources.len()];
        for part in buckets(&lengths, ROWS.div_ceil(how.beams.max(1)), TOKENS) {
            ctx.check()?;
            let texts: Vec<&[u32]> = part.iter().map(|&i| sources[i].as_slice()).collect();
            let batch = Batch::new(&texts, self.config.pad, &device);
            let written = match (&how.sample, how.beams) {
                (Some(sampling), _) => {
                    let seeds = part.iter().map(|i| ctx.rng(&format!("sample {i}"))).collect();
                    self.one_by_one(&pass, &batch, how, &mut Drawn { sampling, rngs: seeds })
                }
                (None, 0 | 1) => self.one_by_one(&pass, &batch, how, &mut Likeliest),
                _ => self.beam(&pass, &batch, how),
            };
            for (i, ids) in part.into_iter().zip(written) {
                out[i] = ids;
                ctx.observer().step(None);
            }
        }
        Ok(out)
    }

    fn one_by_one(&self, pass: &Pass<'_>, batch: &Batch, how: &Decoding, pick: &mut impl Pick) -> Vec<Vec<u32>> {
        let c = &self.config;
        let memory = self.encode(pass, batch);
        let mut cache = Cache::new(c, pass, &memory, batch);
        let mut written: Vec<Vec<u32>> = vec![Vec::new(); batch.rows];
        // Rows that go on; the others leave the cache, so that nothing is computed for them.
        let mut open: Vec<usize> = (0..batch.rows).collect();
        let mut tokens = vec![c.start; batch.rows];
        for _ in 0..how.longest {
            let mut logits = values(cache.step(c, pass, &tokens));
            let mut kept = Vec::new();
            tokens.clear();
            for (at, (&row, scores)) in open.iter().zip(logits.chunks_mut(c.vocabulary)).enumerate() {
                forbid_repeats(scores, c.start, &written[row], how.no_repeat);
                let token = pick.pick(row, scores);
                if token != c.eos {
                    written[row].push(token);
                    tokens.push(token);
                    kept.push(at);
                }
            }
            if kept.is_empty() {
                break;
            }
            if kept.len() < open.len() {
                open = kept.iter().map(|&at| open[at]).collect();
                cache.select(&kept, true);
            }
        }
        written
    }

    /// Beam search with the bookkeeping of `transformers` (`early_stopping = False`).
    fn beam(&self, pass: &Pass<'_>, batch: &Batch, how: &Decoding) -> Vec<Vec<u32>> {
        let (c, beams) = (&self.config, how.beams);
        let memory = self.encode(pass, batch);
        let mut cache = Cache::new(c, pass, &memory, batch);
        cache.select(&(0..batch.rows * beams).map(|i| i / beams).collect::<Vec<_>>(), true);
        let mut searches: Vec<Search> = (0..batch.rows).map(|_| Search::new(beams, how.length_penalty)).collect();
        let mut tokens = vec![c.start; batch.rows * beams];
        for _ in 0..how.longest {
            let mut logits = values(cache.step(c, pass, &tokens));
            let mut rows = Vec::with_capacity(tokens.len());
            tokens.clear();
            for (s, (search, scores)) in searches.iter_mut().zip(logits.chunks_mut(c.vocabulary * beams)).enumerate() {
                for (beam, place) in search.beams.iter().zip(scores.chunks_mut(c.vocabulary)) {
                    log_softmax(place);
                    forbid_repeats(place, c.start, &beam.ids, how.no_repeat);
                }
                for from in search.step(scores, c.vocabulary, c.eos, c.pad) {
                    rows.push(s * beams + from);
                }
                tokens.extend(search.beams.iter().map(|b| *b.ids.last().expect("a token was added")));
            }
            if searches.iter().all(|s| s.done) {
                break;
            }
            // The memory of a text is the same for all its beams: only what was decoded moves.
            cache.select(&rows, false);
        }
        searches.into_iter().map(Search::best).collect()
    }
}

fn values(logits: burn_tensor::Tensor<2>) -> Vec<f32> {
    logits.into_data().try_into_vec().expect("logits are f32")
}

trait Pick {
    fn pick(&mut self, row: usize, scores: &[f32]) -> u32;
}

struct Likeliest;

impl Pick for Likeliest {
    fn pick(&mut self, _: usize, scores: &[f32]) -> u32 {
        // The first of equals, as PyTorch's argmax.
        let mut best = 0;
        for (i, &s) in scores.iter().enumerate() {
            if s > scores[best] {
                best = i;
            }
        }
        best as u32
    }
}

struct Drawn<'a, R> {
    sampling: &'a Sampling,
    /// One a row, so that a text's draw does not depend on its batch.
    rngs: Vec<R>,
}

impl<R: Rng> Pick for Drawn<'_, R> {
    fn pick(&mut self, row: usize, scores: &[f32]) -> u32 {
        let s = self.sampling;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        if s.top_k > 0 {
            order.truncate(s.top_k);
        }
        let top = f64::from(scores[order[0]]);
        let weight: Vec<f64> =
            order.iter().map(|&i| ((f64::from(scores[i]) - top) / s.temperature.max(1e-6)).exp()).collect();
        let total: f64 = weight.iter().sum();
        let mut kept = 0.0;
        let mut last = 0;
        for (i, w) in weight.iter().enumerate() {
            (kept, last) = (kept + w, i);
            if kept / total >= s.top_p {
                break;
            }
        }
        let mut u = self.rngs[row].random::<f64>() * kept;
        for i in 0..last {
            u -= weight[i];
            if u < 0.0 {
                return order[i] as u32;
            }
        }
        order[last] as u32
    }
}

fn log_softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|s| (s - top).exp()).sum();
    let shift = top + sum.ln();
    scores.iter_mut().for_each(|s| *s -= shift);
}

/// Rules out every token that would complete a run of `n` tokens that is there already; the start token counts
/// as written, as in `transformers`.
fn forbid_repeats(scores: &mut [f32], start: u32, written: &[u32], n: usize) {
    if n == 0 || written.len() + 2 < n {
        return;
    }
    let all: Vec<u32> = std::iter::once(start).chain(written.iter().copied()).collect();
    let last = &all[all.len() + 1 - n..];
    for run in all.windows(n) {
        if run[..n - 1] == *last {
            scores[run[n - 1] as usize] = f32::NEG_INFINITY;
        }
    }
}

#[derive(Debug, Clone)]
struct Beam {
    ids: Vec<u32>,
    score: f64,
}

struct Search {
    beams: Vec<Beam>,
    /// Finished texts with their scores.
    finished: Vec<Beam>,
    penalty: f64,
    done: bool,
}

impl Search {
    fn new(beams: usize, penalty: f64) -> Self {
        // Only the first beam counts at first: all begin alike.
        let start = |i| Beam { ids: Vec::new(), score: if i == 0 { 0.0 } else { -1e9 } };
        Self { beams: (0..beams).map(start).collect(), finished: Vec::new(), penalty, done: false }
    }

    /// Takes the log probabilities of every beam's next token; returns which beam each new beam continues.
    fn step(&mut self, scores: &[f32], vocabulary: usize, eos: u32, pad: u32) -> Vec<usize> {
        let n = self.beams.len();
        if self.done {
            self.beams.iter_mut().for_each(|b| b.ids.push(pad));
            return (0..n).collect();
        }
        let mut next: Vec<(f64, usize)> = Vec::with_capacity(2 * n + 1);
        for (i, &s) in scores.iter().enumerate() {
            // f32, as the reference adds: equal sums stay equal.
            let total = f64::from(s + self.beams[i / vocabulary].score as f32);
            if next.len() == 2 * n && total <= next[2 * n - 1].0 {
                continue;
            }
            let place = next.partition_point(|x| x.0 >= total);
            next.insert(place, (total, i));
            next.truncate(2 * n);
        }
        let length = self.beams[0].ids.len() + 1;
        let best = next[0].0;
        let mut chosen = Vec::with_capacity(n);
        for (rank, &(score, i)) in next.iter().enumerate() {
            let (from, token) = (i / vocabulary, (i % vocabulary) as u32);
            if token == eos {
                if rank < n {
                    self.finish(self.beams[from].ids.clone(), score, length);
                }
            } else {
                let mut ids = self.beams[from].ids.clone();
                ids.push(token);
                chosen.push((from, Beam { ids, score }));
            }
            if chosen.len() == n {
                break;
            }
        }
        if self.finished.len() >= n {
            let worst = self.finished.iter().map(|f| f.score).fold(f64::INFINITY, f64::min);
            self.done = worst >= best / (length as f64).powf(self.penalty);
        }
        let from = chosen.iter().map(|c| c.0).collect();
        self.beams = chosen.into_iter().map(|c| c.1).collect();
        from
    }

    fn finish(&mut self, ids: Vec<u32>, sum: f64, length: usize) {
        let score = sum / (length as f64).powf(self.penalty);
        self.finished.push(Beam { ids, score });
        if self.finished.len() > self.beams.len() {
            let worst = (0..self.finished.len())
                .min_by(|&a, &b| self.finished[a].score.total_cmp(&self.finished[b].score))
                .expect("not empty");
            self.finished.remove(worst);
        }
    }

    fn best(mut self) -> Vec<u32> {
        if !self.done {
            for beam in std::mem::take(&mut self.beams) {
                let length = beam.ids.len();
                let score = beam.score / (length as f64).powf(self.penalty);
                self.finished.push(Beam { ids: beam.ids, score });
            }
        }
        let mut best = self.finished.pop().expect("there is a beam");
        for f in self.finished {
            if f.score >= best.score {
                best = f;
            }
        }
        best.ids
    }
}
