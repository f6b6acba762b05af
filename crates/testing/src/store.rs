//! What every store must hold to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use specialist_search::{Direction, Params, Scope, Space, State, Store, StoreError, Trial, Value};

fn space() -> Space {
    Space::new()
        .log_float("rate", 1e-5, 0.1)
        .float("share", 0.0, 1.0)
        .step(0.25)
        .int("depth", 1, 8)
        .log_int("leaf", 1, 1024)
        .categorical("kind", [Value::from("é \"q\""), true.into(), Value::Null, 7.into(), 2.5.into()])
}

fn point(rate: f64) -> Params {
    let kind = Value::from("é \"q\"");
    let all: [(&str, Value); 5] =
        [("rate", rate.into()), ("share", 0.75.into()), ("depth", 3.into()), ("leaf", 64.into()), ("kind", kind)];
    Params(BTreeMap::from(all.map(|(k, v)| (k.to_string(), v))))
}

fn running(rate: f64) -> Trial {
    Trial::new(99, point(rate))
}

/// Some fifty promises, in the order of a study's life. `fresh` opens the store as another process
/// would; it is called several times and must always mean the same store, empty at first.
///
/// # Panics
/// When the store does not hold to it.
pub fn store_contract(fresh: &dyn Fn() -> Arc<dyn Store>) {
    studies(fresh);
    trials(fresh);
    states(fresh);
    many_at_once(fresh);
    deletion(fresh);
}

fn studies(fresh: &dyn Fn() -> Arc<dyn Store>) {
    let store = fresh();
    assert!(store.studies().unwrap().is_empty(), "1: it is empty");
    let id = store.create_study("first", &[Direction::Minimise]).unwrap();
    assert_eq!(store.studies().unwrap().len(), 1, "2: a study is there");
    let again = store.create_study("first", &[Direction::Maximise]);
    assert!(matches!(again, Err(StoreError::Exists(n)) if n == "first"), "3: names are taken once");
    let second = store.create_study("zweite Ü", &[Direction::Maximise, Direction::Minimise]).unwrap();
    assert_ne!(id, second, "4: keys differ");
    let record = fresh().study("zweite Ü").unwrap();
    assert_eq!(record.directions, [Direction::Maximise, Direction::Minimise], "5: directions, in order");
    assert_eq!(record.id, second, "6: others see the same key");
    assert!(matches!(store.study("none"), Err(StoreError::NoStudy(_))), "7: an unknown name");
    store.set_study_attribute(id, Scope::User, "who", &json!({"a": [1, 2.5, null, "ü"]})).unwrap();
    store.set_study_attribute(id, Scope::System, "who", &json!(1)).unwrap();
    store.set_study_attribute(id, Scope::System, "who", &json!(2)).unwrap();
    let record = fresh().study("first").unwrap();
    assert_eq!(record.user["who"], json!({"a": [1, 2.5, null, "ü"]}), "8: a user's note");
    assert_eq!(record.system["who"], json!(2), "9: a note set twice, in its own scope");
    assert!(store.study("zweite Ü").unwrap().user.is_empty(), "10: notes do not cross studies");
    let lost = store.set_study_attribute(77, Scope::User, "k", &json!(0));
    assert!(matches!(lost, Err(StoreError::NoStudy(_))), "11: a note on no study");
    assert!(matches!(store.read(77, &[], 0), Err(StoreError::NoStudy(_))), "12: trials of no study");
    assert!(matches!(store.add_trial(77, &running(0.1), &space(), None), Err(StoreError::NoStudy(_))), "13");
}

fn trials(fresh: &dyn Fn() -> Arc<dyn Store>) {
    let store = fresh();
    let id = store.study("first").unwrap().id;
    let other = store.study("zweite Ü").unwrap().id;
    assert!(store.read(id, &[], 0).unwrap().is_empty(), "14: no trials yet");
    assert_eq!(store.add_trial(id, &running(1e-3), &space(), None).unwrap(), Some(0), "15: numbers start at 0");
    assert_eq!(store.add_trial(other, &running(1e-3), &space(), None).unwrap(), Some(0), "16: in every study");
    assert_eq!(store.add_trial(id, &running(2e-3), &space(), Some(0)).unwrap(), None, "17: another was faster");
    assert_eq!(store.add_trial(id, &running(2e-3), &space(), Some(1)).unwrap(), Some(1), "18: the expected number");
    let read = fresh().read(id, &[], 0).unwrap();
    assert_eq!(read.iter().map(|t| t.number).collect::<Vec<_>>(), [0, 1], "19: in order");
    assert_eq!(read[0].params, point(1e-3), "20: parameters of every kind come back");
    assert_eq!((read[0].state, read[0].values.len()), (State::Running, 0), "21: it runs");
    assert_eq!(store.read(id, &[0], 1).unwrap().len(), 2, "22: some by number, the rest from a number");
    assert_eq!(store.read(id, &[0], 2).unwrap().len(), 1, "23: some by number only");
    let domains = fresh().domains(id).unwrap();
    assert_eq!(domains.len(), 5, "24: a domain of each parameter");
    for p in space().params() {
        let back = &domains.iter().find(|(n, _)| *n == p.name).unwrap().1;
        assert_eq!(back.count(), p.domain.count(), "25: {} keeps its values", p.name);
    }
    store.report(id, 0, 1, 0.5).unwrap();
    store.report(id, 0, 3, f64::INFINITY).unwrap();
    store.report(id, 0, 3, f64::NEG_INFINITY).unwrap();
    store.report(id, 0, 4, f64::NAN).unwrap();
    let steps = fresh().read(id, &[0], 2).unwrap().remove(0).steps;
    assert_eq!((steps[&1], steps[&3]), (0.5, f64::NEG_INFINITY), "26: values on the way, the last one of a step");
    assert!(steps[&4].is_nan() && steps.len() == 3, "27: also what is no number");
    store.set_trial_attribute(id, 0, Scope::User, "note", &json!("\"ü\"\n")).unwrap();
    store.set_trial_attribute(id, 0, Scope::User, "note", &json!(["again"])).unwrap();
    store.set_trial_attribute(id, 0, Scope::System, "note", &json!(null)).unwrap();
    let trial = fresh().read(id, &[0], 2).unwrap().remove(0);
    assert_eq!(trial.user["note"], json!(["again"]), "28: a note, set twice");
    assert_eq!(trial.system["note"], json!(null), "29: in its own scope");
    assert!(store.read(id, &[1], 2).unwrap()[0].user.is_empty(), "30: notes do not cross trials");
    let step = store.report(id, 9, 1, 0.0);
    assert!(matches!(step, Err(StoreError::NoTrial(9))), "31: a value of no trial");
}

fn states(fresh: &dyn Fn() -> Arc<dyn Store>) {
    let store = fresh();
    let id = store.study("first").unwrap().id;
    store.finish(id, 0, State::Complete, &[0.25]).unwrap();
    let done = fresh().read(id, &[0], 2).unwrap().remove(0);
    assert_eq!((done.state, done.values.as_slice()), (State::Complete, &[0.25][..]), "32: complete, with its value");
    assert_eq!(done.steps.len(), 3, "33: what was reported stays");
    let finished = |r: Result<(), StoreError>| matches!(r, Err(StoreError::Finished(0)));
    assert!(finished(store.finish(id, 0, State::Failed, &[])), "34: it ends once");
    assert!(finished(store.report(id, 0, 9, 1.0)), "35: no value after its end");
    assert!(finished(store.set_trial_attribute(id, 0, Scope::User, "k", &json!(1))), "36: no note after its end");
    assert!(!store.claim(id, 0, &running(0.1), &space()).unwrap(), "37: nor can it be claimed");
    let words = |t: &Trial| format!("{t:?}");
    assert_eq!(words(&fresh().read(id, &[0], 2).unwrap()[0]), words(&done), "38: it is as it was");
    store.finish(id, 1, State::Pruned, &[]).unwrap();
    assert_eq!(fresh().read(id, &[1], 2).unwrap()[0].state, State::Pruned, "39: pruned");
    let mut waiting = Trial { state: State::Waiting, ..running(0.01) };
    waiting.system.insert("why".into(), json!([0]));
    waiting.steps.insert(2, 0.125);
    assert_eq!(store.add_trial(id, &waiting, &space(), None).unwrap(), Some(2));
    let read = fresh().read(id, &[], 2).unwrap().remove(0);
    assert_eq!((read.state, &read.params), (State::Waiting, &waiting.params), "40: it waits");
    assert_eq!((&read.system["why"], read.steps[&2]), (&json!([0]), 0.125), "41: with all that was given");
    assert!(fresh().claim(id, 2, &running(0.01), &space()).unwrap(), "42: it can be claimed");
    assert!(!store.claim(id, 2, &running(0.01), &space()).unwrap(), "43: once");
    assert_eq!(store.read(id, &[], 2).unwrap()[0].state, State::Running, "44: then it runs");
    store.finish(id, 2, State::Failed, &[]).unwrap();
    let bare = Trial { state: State::Waiting, ..Trial::new(0, Params::default()) };
    assert_eq!(store.add_trial(id, &bare, &space(), None).unwrap(), Some(3));
    let mut mine = running(0.02);
    mine.system.insert("who".into(), json!("me"));
    assert!(store.claim(id, 3, &mine, &space()).unwrap());
    let read = fresh().read(id, &[], 3).unwrap().remove(0);
    assert_eq!((&read.params, &read.system["who"]), (&point(0.02), &json!("me")), "45: a claim completes it");
    let taken = |store: &dyn Store, number: usize, before: &str, after: &str| {
        let notes = [("who".to_string(), json!(after)), ("died".to_string(), json!(1))].into();
        store.take_over(id, number, "who", &json!(before), &notes).unwrap()
    };
    assert!(!taken(&*store, 3, "you", "her"), "45a: taken over from whom it is not");
    assert!(taken(&*fresh(), 3, "me", "her"), "45b: taken over from the one who has it");
    assert!(!taken(&*store, 3, "me", "him"), "45c: once");
    assert!(!taken(&*store, 0, "me", "him"), "45d: what has ended is not taken over");
    let read = fresh().read(id, &[], 3).unwrap().remove(0);
    assert_eq!((&read.system["who"], &read.system["died"]), (&json!("her"), &json!(1)), "45e: with its notes");
    assert_eq!((read.state, &read.params), (State::Running, &point(0.02)), "45f: and nothing else");
    assert!(store.silent(id, Duration::from_secs(60)).unwrap().is_empty(), "46: who just began is not silent");
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(fresh().silent(id, Duration::from_millis(100)).unwrap(), [3], "47: who says nothing is");
    fresh().beat(id, 3).unwrap();
    assert!(store.silent(id, Duration::from_millis(100)).unwrap().is_empty(), "48: until it says something");
    store.finish(id, 3, State::Complete, &[f64::INFINITY]).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert!(store.silent(id, Duration::from_millis(100)).unwrap().is_empty(), "49: who has ended may be silent");
    assert_eq!(fresh().read(id, &[], 3).unwrap()[0].values, [f64::INFINITY], "50: an infinite value");
    let both = store.study("zweite Ü").unwrap().id;
    store.finish(both, 0, State::Complete, &[1.0, -2.0]).unwrap();
    assert_eq!(fresh().read(both, &[], 0).unwrap()[0].values, [1.0, -2.0], "51: several objectives, in order");
}

fn many_at_once(fresh: &dyn Fn() -> Arc<dyn Store>) {
    const WORKERS: usize = 4;
    const EACH: usize = 12;
    let id = fresh().create_study("busy", &[Direction::Minimise]).unwrap();
    let stores: Vec<Arc<dyn Store>> = (0..WORKERS).map(|_| fresh()).collect();
    let mut numbers: Vec<usize> = std::thread::scope(|scope| {
        let work = |store: Arc<dyn Store>| {
            move || {
                let one = |i: usize| {
                    let n = store.add_trial(id, &running(0.01), &space(), None).unwrap().unwrap();
                    store.report(id, n, 1, i as f64).unwrap();
                    store.finish(id, n, State::Complete, &[n as f64]).unwrap();
                    n
                };
                (0..EACH).map(one).collect::<Vec<_>>()
            }
        };
        let handles: Vec<_> = stores.into_iter().map(|s| scope.spawn(work(s))).collect();
        handles.into_iter().flat_map(|h| h.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..WORKERS * EACH), "52: no number twice, none left out");
    let trials = fresh().read(id, &[], 0).unwrap();
    assert!(trials.iter().all(|t| t.values == [t.number as f64] && t.steps.len() == 1), "53: nothing is mixed up");
    let waiting = Trial { state: State::Waiting, ..running(0.03) };
    let n = fresh().add_trial(id, &waiting, &space(), None).unwrap().unwrap();
    let stores: Vec<Arc<dyn Store>> = (0..WORKERS).map(|_| fresh()).collect();
    let won: usize = std::thread::scope(|scope| {
        let claim = |s: Arc<dyn Store>| move || s.claim(id, n, &running(0.03), &space()).unwrap();
        let handles: Vec<_> = stores.into_iter().map(|s| scope.spawn(claim(s))).collect();
        handles.into_iter().map(|h| usize::from(h.join().unwrap())).sum()
    });
    assert_eq!(won, 1, "54: of many that claim, one wins");
}

fn deletion(fresh: &dyn Fn() -> Arc<dyn Store>) {
    let store = fresh();
    let (first, busy) = (store.study("first").unwrap().id, store.study("busy").unwrap().id);
    store.delete_study(first).unwrap();
    assert!(matches!(fresh().study("first"), Err(StoreError::NoStudy(_))), "55: a deleted study is gone");
    assert!(matches!(store.delete_study(first), Err(StoreError::NoStudy(_))), "56: once");
    assert_eq!(fresh().read(busy, &[], 0).unwrap().len(), 49, "57: others stay");
    let again = store.create_study("first", &[Direction::Minimise]).unwrap();
    assert!(fresh().read(again, &[], 0).unwrap().is_empty(), "58: its name is free, its trials are gone");
}
