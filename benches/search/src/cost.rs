//! What a suggestion costs, and what opening a large study costs.

use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use specialist_search::{
    Direction, Gp, JournalStore, Params, Sampler, Space, State, Store, Study, Tpe, Trial, open_store,
};

use crate::Error;

/// Six floats and two categoricals, as the peers were measured.
fn space() -> Space {
    let floats = (0..6).fold(Space::new(), |s, i| s.float(&format!("x{i}"), 0.0, 1.0));
    floats.categorical("a", ["u", "v", "w"]).categorical("b", ["p", "q", "r", "s"])
}

fn value(p: &Params, noise: f64) -> f64 {
    (0..6).map(|i| (p.float(&format!("x{i}")) - 0.3).powi(2)).sum::<f64>()
        + f64::from(u8::from(p.text("a") == "u"))
        + noise
}

/// A study of `n` random trials.
fn filled(n: usize) -> Result<Study, Error> {
    let mut study = Study::minimise("cost", space(), 1);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..n {
        let code: Vec<f64> =
            (0..8).map(|i| if i < 6 { rng.random() } else { f64::from(rng.random_range(0..3u8)) }).collect();
        let params = space().decode(&code);
        let v = value(&params, 0.05 * rng.random::<f64>());
        let number = study.enqueue(params)?;
        study.tell(number, Ok(&[v]))?;
    }
    Ok(study)
}

/// Milliseconds of one ask and tell with `n` trials there: the median of some, one thread.
fn ask_tell(sampler: &dyn Sampler, n: usize) -> Result<f64, Error> {
    const TIMES: usize = 15;
    let mut study = filled(n)?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        let number = study.ask(sampler)?.ok_or("it suggests")?;
        let v = value(&study.trials()[number].params, 0.0);
        study.tell(number, Ok(&[v]))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[TIMES / 2])
}

pub fn print() -> Result<(), Error> {
    println!("\nask + tell, ms (median of 15; six floats and two categoricals)");
    for (name, sampler, sizes) in
        [("tpe", &Tpe::default() as &dyn Sampler, &[100, 1000, 5000][..]), ("gp", &Gp::default(), &[100, 500][..])]
    {
        for &n in sizes {
            println!("{name:<5} at {n:>5} trials: {:.3}", ask_tell(sampler, n)?);
        }
    }
    let folder = std::env::temp_dir().join(format!("specialist-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("\nopening a study of 5,000 trials, s");
    let study = filled(5000)?;
    let stores: [(&str, Arc<dyn Store>); 2] = [
        ("SQLite", open_store(&folder.join("s.db").display().to_string())?),
        ("journal", Arc::new(JournalStore::open(&folder.join("s.log"))?)),
    ];
    for (name, store) in stores {
        fill(&*store, &study)?;
        drop(store);
        let address = folder.join(if name == "SQLite" { "s.db" } else { "s.log" }).display().to_string();
        let start = Instant::now();
        let opened = Study::open(open_store(&address)?, "cost", 0)?;
        println!("{name:<8} {:.3} ({} trials)", start.elapsed().as_secs_f64(), opened.trials().len());
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn fill(store: &dyn Store, study: &Study) -> Result<(), Error> {
    let id = store.create_study("cost", &[Direction::Minimise])?;
    for t in study.trials() {
        let whole = Trial { state: State::Complete, started: Some(0), ended: Some(1), ..t.clone() };
        store.add_trial(id, &whole, study.space(), None)?;
    }
    Ok(())
}
