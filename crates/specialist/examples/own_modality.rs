//! A program for rows that are neither numbers nor words: DNA, which a frozen encoder turns into numbers. Everything behind it (the
//! ladder, the search, the checks, the verdict, every verb) is the engine's: `cargo run -p specialist --example own_modality`.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use specialist::core::metric::{AveragePrecision, LogLoss, RocAuc};
use specialist::core::{ENCODERS, Encode, EncoderInput, EncoderKind, Error, JudgedBy, Judgement, Recipe};
use specialist::{Context, Domain};

/// How often each pair of bases stands in a sequence, as shares.
#[derive(Debug)]
struct Pairs;

impl Encode for Pairs {
    fn width(&self) -> usize {
        16
    }

    fn encode(&self, texts: &[&str], _: &Context) -> Result<Vec<f32>, Error> {
        let mut out = Vec::with_capacity(16 * texts.len());
        for text in texts {
            let bases: Vec<usize> = text.bytes().filter_map(|b| b"ACGT".iter().position(|known| *known == b)).collect();
            let mut counts = [0.0f32; 16];
            bases.windows(2).for_each(|w| counts[4 * w[0] + w[1]] += 1.0 / bases.len() as f32);
            out.extend(counts);
        }
        Ok(out)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn open(_: &EncoderInput<'_>) -> Result<Arc<dyn Encode>, Error> {
    Ok(Arc::new(Pairs))
}

static PAIRS: EncoderKind = EncoderKind { name: "base-pairs", about: "shares of the 16 pairs of bases", open };

/// Is a sequence a promoter? Of one organism, with what is known of another.
struct Genes;

/// Simulated sequences: promoters are rich in one pair of bases, and how rich differs between organisms.
fn sequences(rows: usize, rich: u64, seed: u64) -> String {
    let mut state = seed;
    let mut die = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut out = String::from("sequence,promoter\n");
    for _ in 0..rows {
        let promoter = die(3) == 0;
        let mut sequence = String::new();
        while sequence.len() < 60 {
            let tata = die(100) < if promoter { rich } else { 4 };
            sequence.push_str(if tata { "TA" } else { ["A", "C", "G", "T"][die(4) as usize] });
        }
        let _ = writeln!(out, "{sequence},{}", u8::from(promoter));
    }
    out
}

const RECIPE: &str = r#"# Promoters of one organism by what is known of another.
question = "Does tuning on 400 sequences of our organism beat the model of another?"
[source]
data = "embedded:theirs"
[target]
data = "embedded:ours"
[columns.sequence]
role = "feature"
kind = "text"
[columns.promoter]
role = "label"
[text]
encoder = "base-pairs"
components = 0
alike = 1.0
[pretrain]
estimator = "glm"
[tune]
trials = 12
"#;

impl Domain for Genes {
    fn name(&self) -> &'static str {
        "genes"
    }

    fn about(&self) -> &'static str {
        "Promoters in DNA: a modality of its own (simulated data)"
    }

    fn recipes(&self) -> &'static [Recipe] {
        &[Recipe { name: "promoters", text: RECIPE }]
    }

    fn judgement(&self, settings: &str) -> Result<Box<dyn Judgement>, Error> {
        self.no_settings(settings)?;
        Ok(Box::new(JudgedBy(|| vec![Box::new(RocAuc), Box::new(AveragePrecision), Box::new(LogLoss)])))
    }

    fn data(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let text = match name {
            "theirs" => sequences(3000, 12, 1),
            "ours" => sequences(700, 9, 2),
            _ => return None,
        };
        Some(Cow::Owned(text.into_bytes()))
    }
}

fn main() -> std::process::ExitCode {
    ENCODERS.add(&PAIRS);
    specialist_cli::run(Genes)
}
