//! What every sampler must hold to.

use specialist_search::{Direction, Params, Sampler, Space, State, Study, Trial};

fn tree() -> Space {
    Space::new()
        .categorical("model", ["glm", "trees"])
        .log_float("ridge", 0.1, 10.0)
        .when("model", ["glm"])
        .int("depth", 1, 4)
        .when("model", ["trees"])
        .float("share", 0.0, 1.0)
        .step(0.25)
        .ordered("size", [1, 2, 4])
        .bool("early")
        .log_int("leaf", 1, 64)
}

/// Asks and tells `n` times.
fn studied(sampler: &dyn Sampler, space: Space, seed: u64, n: usize, f: impl Fn(&Params) -> f64) -> Vec<Trial> {
    let mut study = Study::minimise("s", space, seed);
    study.optimize(sampler, n, |p| Ok(f(p))).expect("memory keeps everything");
    study.trials().to_vec()
}

fn bowl(p: &Params) -> f64 {
    let x = if p.text("model") == "glm" { p.float("ridge").ln().abs() } else { (p.float("depth") - 2.0).abs() };
    x + (p.float("share") - 0.5).abs() + f64::from(u8::from(p.bool("early"))) + p.float("leaf").ln() / 4.0
}

/// Seventeen promises: a sampler stays inside the space (1–7), sets exactly the active parameters (8),
/// holds to constraints (9), suggests the same for the same seed and history (10) and something else
/// for another seed (11, unless it is a grid), bears failed, pruned and pending trials (12–14), trials
/// of another space (15), infinite values (16), a space of one point and an empty one (17), and more
/// than one objective (18); it tries no point twice while others are left (19).
///
/// # Panics
/// When the sampler does not hold to it.
pub fn sampler_contract(sampler: &dyn Sampler) {
    let name = sampler.name();
    let trials = studied(sampler, tree(), 1, 40, bowl);
    assert!(trials.len() > 20, "{name}: it goes on");
    for p in trials.iter().map(|t| &t.params) {
        let glm = p.text("model") == "glm";
        assert!(glm || p.text("model") == "trees", "1 {name}: levels {p}");
        assert!(!glm || (0.1..=10.0).contains(&p.float("ridge")), "2 {name}: log float {p}");
        assert!(glm || (1..=4).contains(&p.int("depth")), "3 {name}: int {p}");
        assert!(
            (p.float("share") * 4.0).fract() == 0.0 && (0.0..=1.0).contains(&p.float("share")),
            "4 {name}: step {p}"
        );
        assert!([1, 2, 4].contains(&p.int("size")), "5 {name}: ordered levels {p}");
        assert!(p.get("early").is_some(), "6 {name}: switch {p}");
        assert!((1..=64).contains(&p.int("leaf")), "7 {name}: log int {p}");
        assert_eq!((p.get("ridge").is_some(), p.get("depth").is_some()), (glm, !glm), "8 {name}: the tree {p}");
    }
    let constrained = Space::new().int("a", 0, 30).int("b", 0, 30).less("a", "b").forbid([("a", 3), ("b", 9)]);
    for t in studied(sampler, constrained.clone(), 2, 30, |p| p.float("a") - p.float("b")) {
        assert!(constrained.allows(&t.params), "9 {name}: constraints {}", t.params);
    }
    assert_eq!(trials, studied(sampler, tree(), 1, 40, bowl), "10 {name}: the same seed");
    if name != "grid" {
        assert_ne!(trials, studied(sampler, tree(), 2, 40, bowl), "11 {name}: another seed");
    }
    let mut study = Study::minimise("s", tree(), 3);
    for i in 0..40 {
        let n = study.ask(sampler).expect("memory").expect("12–14: it goes on");
        match i % 4 {
            0 => study.tell(n, Err("no")).expect("it runs"),
            1 => {
                study.report(n, 1, i as f64).expect("it runs");
                study.prune(n).expect("it runs");
            }
            2 => {}
            _ => study.tell(n, Ok(&[bowl(&study.trials()[n].params.clone())])).expect("it runs"),
        }
    }
    assert_eq!(study.trials().iter().filter(|t| t.state == State::Running).count(), 10, "14 {name}");
    if name != "grid" {
        let mut study = Study::minimise("s", Space::new().int("a", 0, 9).int("b", 0, 9), 3);
        let foreign = Space::new().float("z", 0.0, 1.0).decode(&[0.5]);
        for _ in 0..12 {
            let n = study.enqueue(foreign.clone()).expect("memory");
            study.tell(n, Ok(&[0.0])).expect("it runs");
        }
        for _ in 0..12 {
            let n = study.ask(sampler).expect("memory").expect("15: it goes on");
            assert!(study.trials()[n].params.get("a").is_some(), "15 {name}: trials of another space");
            study.tell(n, Ok(&[if n.is_multiple_of(2) { f64::INFINITY } else { n as f64 }])).expect("16: it runs");
        }
    }
    let one = studied(sampler, Space::new().int("only", 5, 5), 1, 12, |_| 0.0);
    assert!(!one.is_empty() && one.iter().all(|t| t.params.int("only") == 5), "17 {name}: one point");
    let none = studied(sampler, Space::new(), 1, 12, |_| 0.0);
    assert!(!none.is_empty(), "17 {name}: no parameter");
    let directions = [Direction::Minimise, Direction::Maximise];
    let mut study = Study::in_memory("s", Space::new().float("x", 0.0, 1.0).int("k", 0, 40), &directions, 4);
    for _ in 0..30 {
        let Some(n) = study.ask(sampler).expect("memory") else { break };
        let (x, k) = (study.trials()[n].params.float("x"), study.trials()[n].params.float("k"));
        study.tell(n, Ok(&[x + k, x - k * k])).expect("it runs");
    }
    assert!(!study.pareto_front().is_empty(), "18 {name}: several objectives");
    let countable = Space::new().int("a", 0, 9).int("b", 0, 9).categorical("c", ["x", "y", "z", "u", "v"]);
    let tried = studied(sampler, countable, 6, 100, |p| p.float("a") + (p.float("b") - 3.0).powi(2));
    for (i, t) in tried.iter().enumerate() {
        assert!(tried[..i].iter().all(|u| u.params != t.params), "19 {name}: {} was tried before", t.params);
    }
}
