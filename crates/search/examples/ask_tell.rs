//! A sampler behind a line protocol, so that any harness can judge it.
//!
//! `ask_tell random|grid|sobol|tpe|gp|auto SEED`: the first line in is the space as a JSON list of
//! `{"name", "kind": "float" | "int" | "cat", "lo", "hi", "n", "log", "cond": [index, value] | null}`;
//! then each line `a` is answered with a JSON list of values (`null` for an inactive parameter, the
//! index of a level), and each line with a number tells the value of the last answer, to be minimised.

use std::io::{BufRead, Write};

use serde::Deserialize;
use specialist_search::{Domain, Space, Study, Value, sampler_by_name};

#[derive(Deserialize)]
struct Param {
    name: String,
    kind: String,
    lo: Option<f64>,
    hi: Option<f64>,
    n: Option<i64>,
    log: Option<bool>,
    cond: Option<(usize, f64)>,
}

fn space(line: &str) -> Result<Space, String> {
    let params: Vec<Param> = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let mut space = Space::new();
    for p in &params {
        let (lo, hi, log) = (p.lo.unwrap_or(0.0), p.hi.unwrap_or(1.0), p.log.unwrap_or(false));
        space = space.with(
            &p.name,
            match p.kind.as_str() {
                "float" => Domain::Float { lo, hi, log, step: None },
                "int" => Domain::Int { lo: lo as i64, hi: hi as i64, log, step: 1 },
                "cat" => {
                    Domain::Categorical { levels: (0..p.n.unwrap_or(1)).map(Value::Int).collect(), ordered: false }
                }
                other => return Err(format!("kind `{other}` is none of float, int, cat")),
            },
        );
        if let Some((parent, level)) = p.cond {
            let parent = params.get(parent).ok_or("a condition on a parameter that is not there")?;
            space = space.when(&parent.name, [Value::Int(level as i64)]);
        }
    }
    space.check().map_err(|e| e.to_string())?;
    Ok(space)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usage = "usage: ask_tell random|grid|sobol|tpe|gp|auto SEED";
    let mut args = std::env::args().skip(1);
    let sampler = args.next().and_then(|name| sampler_by_name(&name)).ok_or(usage)?;
    let seed = args.next().and_then(|s| s.parse().ok()).ok_or(usage)?;
    let mut lines = std::io::stdin().lock().lines();
    let mut out = std::io::stdout().lock();
    let mut study = Study::minimise("ask-tell", space(&lines.next().ok_or(usage)??)?, seed);
    let mut asked = None;
    for line in lines {
        let line = line?;
        if line.trim() == "a" {
            let number = study.ask(&*sampler)?.ok_or("nothing is left to try")?;
            let params = &study.trials()[number].params;
            let values: Vec<Option<&Value>> = study.space().params().iter().map(|p| params.get(&p.name)).collect();
            writeln!(out, "{}", serde_json::to_string(&values)?)?;
            out.flush()?;
            asked = Some(number);
        } else if let (Some(number), Ok(value)) = (asked.take(), line.trim().parse::<f64>()) {
            study.tell(number, Ok(&[value]))?;
        }
    }
    Ok(())
}
