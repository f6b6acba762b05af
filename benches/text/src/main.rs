//! Times one job on our side, or runs every job beside Python's and prints the table.
//!
//!     cargo run --release -p specialist-text-bench -- PYTHON ENCODER_FOLDER [T5_FOLDER]
//!
//! PYTHON has torch, transformers, peft and sentence-transformers. Both sides read the same weights, take batches
//! of 32 texts × 64 tokens and two threads, and run in turn, each job in a process of its own (its peak memory is
//! the system's figure). Shown is the ratio of the medians: above 1 we are faster, or smaller.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use specialist_core::Context;
use specialist_neural::config::Problem;
use specialist_neural::encoder::is_head;
use specialist_neural::generate::Decoding;
use specialist_neural::optim::AdamW;
use specialist_neural::tasks::{Classification, Head};
use specialist_neural::train::{Trainer, Training};
use specialist_neural::{Batch, Device, Encoder, Lora, Param, Pass, T5};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const JOBS: [&str; 6] = ["forward", "head", "lora", "full", "ragged", "generate"];
const ROWS: usize = 32;
const LENGTH: usize = 64;
const ROUNDS: usize = 3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        // Inside the pool, as in the binary: no step has to wake it up.
        ["job", job, folder] => rayon::scope(|_| job_alone(job, Path::new(folder))),
        [python, encoder] => table(python, encoder, None),
        [python, encoder, t5] => table(python, encoder, Some(t5)),
        _ => eprintln!("usage: specialist-text-bench PYTHON ENCODER_FOLDER [T5_FOLDER]"),
    }
}

/// Seconds of one step and peak kilobytes, as a job prints them.
fn measured(command: &mut Command) -> Option<(f64, f64)> {
    let out = command.output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(out.stdout).ok()?;
    let (seconds, peak) = text.lines().last()?.split_once(' ')?;
    Some((seconds.parse().ok()?, peak.trim().parse().ok()?))
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn table(python: &str, encoder: &str, t5: Option<&str>) {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.py");
    println!(
        "{:<10} {:>12} {:>12} {:>8} {:>12} {:>12} {:>8}",
        "job", "ours s", "python s", "ratio", "ours MB", "python MB", "ratio"
    );
    for job in JOBS {
        let Some(folder) = (if job == "generate" { t5 } else { Some(encoder) }) else { continue };
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..ROUNDS {
            let own = std::env::current_exe().expect("a program has a path");
            // The binary keeps freed pages, too.
            let mut own = Command::new(own);
            own.args(["job", job, folder]).env("RAYON_NUM_THREADS", "2").env("MIMALLOC_PURGE_DELAY", "-1");
            ours.extend(measured(&mut own));
            theirs.extend(measured(Command::new(python).arg(&peers).args([job, folder])));
        }
        if ours.is_empty() || theirs.is_empty() {
            println!("{job:<10} failed on {} side", if ours.is_empty() { "our" } else { "Python's" });
            continue;
        }
        let pick =
            |v: &[(f64, f64)], i: usize| median(v.iter().map(|x| if i == 0 { x.0 } else { x.1 / 1024.0 }).collect());
        let (a, b, c, d) = (pick(&ours, 0), pick(&theirs, 0), pick(&ours, 1), pick(&theirs, 1));
        println!("{job:<10} {a:>12.4} {b:>12.4} {:>8.2} {c:>12.0} {d:>12.0} {:>8.2}", b / a, d / c);
    }
}

/// The ids that both sides make: the same for the same place.
fn id(row: usize, column: usize) -> u32 {
    (1000 + (row * 7919 + column * 104_729) % 20_000) as u32
}

fn texts(rows: usize, length: impl Fn(usize) -> usize) -> Vec<Vec<u32>> {
    (0..rows).map(|r| (0..length(r)).map(|c| id(r, c)).collect()).collect()
}

/// Lengths like those of sentences: from 4 to 67 tokens, most of them short.
fn ragged(row: usize) -> usize {
    let u = (row * 2_654_435_761 % 1000) as f64 / 1000.0;
    4 + (64.0 * u * u) as usize
}

fn job_alone(job: &str, folder: &Path) {
    let repeats = if job == "ragged" || job == "generate" { 1 } else { 4 };
    let mut step = prepare(job, folder);
    step();
    let times: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64()
        })
        .collect();
    println!("{} {}", median(times), peak());
}

/// The largest resident size so far in kilobytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(f64::NAN)
}

fn prepare(job: &str, folder: &Path) -> Box<dyn FnMut()> {
    let device = Device::flex();
    if job == "generate" {
        let model = T5::read(folder, &device).expect("a T5");
        let sources = texts(ROWS, |_| 32)
            .into_iter()
            .map(|t| t.into_iter().map(|i| i % model.config.vocabulary as u32).collect())
            .collect::<Vec<Vec<u32>>>();
        let how = Decoding { longest: 32, ..Decoding::default() };
        return Box::new(move || drop(model.generate(None, &sources, &how, &Context::new(1, 2)).expect("it writes")));
    }
    let model = Encoder::read(folder, &device).expect("an encoder");
    if job == "ragged" {
        let all = texts(2000, ragged);
        return Box::new(move || drop(model.embed(&model.params, None, &all, &Context::new(1, 2)).expect("it reads")));
    }
    let ids = texts(ROWS, |_| LENGTH);
    if job == "forward" {
        return Box::new(move || {
            let views: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
            let batch = Batch::new(&views, 0, &device);
            drop(model.pooled(&Pass::predict(&model.params, None), &batch).into_data());
        });
    }
    let width = model.config.width;
    let mut params = model.params.clone();
    params.insert("classifier.weight", Param::new(&[2, width], vec![0.01; 2 * width], &device));
    params.insert("classifier.bias", Param::new(&[2], vec![0.0; 2], &device));
    let lora = Lora { rank: 8, alpha: 16.0, dropout: 0.0, targets: model.config.family.default_targets() };
    if job == "lora" {
        lora.begin(&mut params, &mut Context::new(1, 1).rng("lora"), &device).expect("it has the maps");
    }
    let labels: Vec<Vec<f32>> = (0..ROWS).map(|r| if r % 2 == 0 { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect();
    let kind = job.to_string();
    let mut optimizer = AdamW::default();
    Box::new(move || {
        let task = Classification {
            config: &model.config,
            head: Head::Mean,
            problem: Problem::SingleLabelClassification,
            texts: &ids,
            labels: &labels,
            device: device.clone(),
        };
        let scope = |name: &str, _: usize| match kind.as_str() {
            "full" => 1.0,
            "lora" if Lora::owns(name) => 1.0,
            _ if is_head(name) => 1.0,
            _ => 0.0,
        };
        let adapter = (kind == "lora").then_some(&lora);
        let settings = Training::default();
        let trainer = Trainer {
            task: &task,
            settings: &settings,
            scope: &scope,
            lora: adapter,
            validation: None,
            checkpoint: None,
        };
        let all: Vec<usize> = (0..ROWS).collect();
        let (_, gradients) = trainer.gradients(&params, &all, 0, None);
        optimizer.step(&mut params, &gradients, |_| (1e-4, 0.01));
    })
}
