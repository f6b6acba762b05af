//! Whatever comes in through a door, the program stays on its feet: inputs that once were faults, files of every kind, and
//! both with bytes changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use specialist_e2e::doors::{DOORS, Door, inputs, made};
use specialist_e2e::uniforms;

/// Larger files are entered as they are, and not changed again and again.
const LONGEST: usize = 150_000;
/// Changed copies a door.
const CHANGED: usize = 1500;
/// Nothing of this size takes so long.
const SLOW: Duration = Duration::from_secs(20);

const SPLICES: [&[u8]; 22] = [
    b"-1",
    b"0",
    b"1e39",
    b"-1e309",
    b"18446744073709551616",
    b"9223372036854775807",
    b"2147483648",
    b"0.1e",
    b"NaN",
    b"Infinity",
    b"null",
    b"\"",
    b"[",
    b"{}",
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"1969-12-31",
    b"99999-13-45T25:61",
];

fn changed(bytes: &[u8], next: &mut impl FnMut() -> f64) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + (3.0 * next() * next()) as usize {
        let at = (next() * out.len() as f64) as usize;
        let length = (next().powi(6) * (out.len() - at) as f64) as usize;
        match (next() * 6.0) as usize {
            0 if !out.is_empty() => out[at] ^= 1 << (8.0 * next()) as u32,
            1 if !out.is_empty() => out[at] = (256.0 * next()) as u8,
            2 => drop(out.drain(at..at + length)),
            3 => {
                let part = out[at..at + length.min(2000)].to_vec();
                out.splice(at..at, part);
            }
            4 => out.truncate(at),
            _ => {
                let word = SPLICES[(next() * SPLICES.len() as f64) as usize];
                let over = (length % 12).min(out.len() - at);
                drop(out.splice(at..at + over, word.iter().copied()));
            }
        }
    }
    out
}

fn enter(door: &Door, what: &str, bytes: &[u8]) -> bool {
    let start = Instant::now();
    let entered = catch_unwind(AssertUnwindSafe(|| (door.accepts)(bytes)));
    let kept = || {
        let file = std::env::temp_dir().join(format!("door-{}-{}", door.name, bytes.len()));
        std::fs::write(&file, bytes).map_or_else(|e| e.to_string(), |()| file.display().to_string())
    };
    assert!(entered.is_ok(), "{}: {what} is a panic; kept as {}", door.name, kept());
    assert!(start.elapsed() < SLOW, "{}: {what} takes {:?}; kept as {}", door.name, start.elapsed(), kept());
    entered.unwrap_or(false)
}

fn through(name: &str) {
    static MADE: OnceLock<Vec<(&'static str, String, Vec<u8>)>> = OnceLock::new();
    let door = DOORS.iter().find(|d| d.name == name).expect("a door");
    let kept = inputs(door, 300_000).into_iter().map(|p| (p.display().to_string(), std::fs::read(&p).unwrap()));
    let own = MADE.get_or_init(made).iter().filter(|(d, _, _)| *d == name).map(|(_, n, b)| (n.clone(), b.clone()));
    let all: Vec<(String, Vec<u8>)> = kept.chain(own).collect();
    let accepted = all.iter().filter(|(what, bytes)| enter(door, what, bytes)).count();
    assert!(accepted > 0, "{name}: none of {} files is accepted", all.len());

    let small: Vec<&(String, Vec<u8>)> = all.iter().filter(|(_, bytes)| bytes.len() <= LONGEST).collect();
    let mut next = uniforms(name.len() as u64 + 77);
    let mut still = 0;
    for i in 0..CHANGED {
        let (what, bytes) = small[(next() * small.len() as f64) as usize];
        still += usize::from(enter(door, &format!("{what}, changed ({i})"), &changed(bytes, &mut next)));
    }
    println!("{name}: {accepted} of {} files and {still} of {CHANGED} changed ones are accepted", all.len());
    assert!(still < CHANGED, "{name}: a door that takes anything");
}

macro_rules! doors {
    ($($test:ident $name:literal),*) => {
        $(#[test]
        fn $test() {
            through($name);
        })*

        #[test]
        fn every_door_is_tried() {
            assert_eq!([$($name),*].len(), DOORS.len());
        }
    };
}

doors!(
    recipes "recipe", tables "csv", bars "bars", parquet "parquet", own_models "own-model", xgboost "xgboost", lightgbm "lightgbm",
    evidence "evidence", journals "journal", sqlite "sqlite", tokenizers "tokenizer", tensors "safetensors"
);
