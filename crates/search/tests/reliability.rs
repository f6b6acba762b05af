//! What a store survives: processes that are killed, files that are cut, disks that are full.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use specialist_search::{
    Direction, JournalStore, Random, Run, Space, State, Stop, Store, StoreError, Study, Trial, open_store, read_store,
    run,
};

fn space() -> Space {
    Space::new().float("x", 0.0, 1.0).int("k", 1, 9)
}

fn value(t: &Trial) -> f64 {
    t.params.float("x") + t.params.float("k")
}

/// Names the store for a worker process; unset, the worker's test does nothing.
const STORE: &str = "SPECIALIST_TEST_WORKER";

fn work(store: Arc<dyn Store>, trials: usize) -> Result<Study, StoreError> {
    let study = Mutex::new(Study::open_or_create(store, "kill", space(), &[Direction::Minimise], 7)?);
    let plan = Run {
        workers: 2,
        retries: 1000,
        stop: Stop { trials: Some(trials), ..Stop::default() },
        ..Run::new(&Random, trials)
    };
    let objective = |job: &specialist_search::Job<'_>| {
        job.report(1, 0.5)?;
        std::thread::sleep(Duration::from_millis(4));
        Ok(vec![job.params.float("x") + job.params.float("k")])
    };
    run(&study, &plan, objective, &|_, _| {})?;
    Ok(study.into_inner().unwrap())
}

/// Not a test of its own: the process that the tests below start and kill.
#[test]
fn worker_process() {
    if let Ok(address) = std::env::var(STORE) {
        work(open_store(&address).unwrap(), usize::MAX).unwrap();
    }
}

fn worker(address: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker_process", "--nocapture"])
        .env(STORE, address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills workers under load, then checks that the study can be finished and that nothing is lost.
fn kills(address: &str, times: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(times as u64);
    let store = open_store(address).unwrap();
    Study::open_or_create(Arc::clone(&store), "kill", space(), &[Direction::Minimise], 7).unwrap();
    let mut workers = [worker(address), worker(address)];
    // Finished trials as they were seen: they must stay as they are.
    let mut seen: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let id = store.study("kill").unwrap().id;
    for k in 0..times {
        // Under load, however slow the machine is: something ends between two kills.
        let waiting = Instant::now();
        while store.read(id, &[], 0).unwrap().iter().filter(|t| t.state == State::Complete).count() <= seen.len()
            && waiting.elapsed() < Duration::from_secs(3)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(rng.random_range(0..30)));
        let i = k % workers.len();
        workers[i].kill().unwrap();
        workers[i].wait().unwrap();
        for t in store.read(id, &[], 0).unwrap() {
            if t.state == State::Complete {
                seen.insert(t.number, t.values);
            }
        }
        workers[i] = worker(address);
    }
    for w in &mut workers {
        w.kill().unwrap();
        w.wait().unwrap();
    }
    drop(store);
    let begun = Instant::now();
    let store = open_store(address).unwrap();
    let before = store.read(id, &[], 0).unwrap();
    let repeats = |all: &[Trial]| all.iter().filter(|t| t.system.contains_key("retry_history")).count();
    let planned = before.len() - repeats(&before) + 1;
    let study = work(store, planned).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "resuming took {:?}", begun.elapsed());
    let trials = study.trials();
    assert!(seen.len() > times / 4, "{} of {} trials were seen to end", seen.len(), trials.len());
    assert!(trials.iter().enumerate().all(|(i, t)| t.number == i), "no number twice, none left out");
    assert!(trials.iter().all(|t| t.state.is_finished()), "none is stuck");
    assert!(seen.iter().all(|(n, v)| trials[*n].values == *v), "no finished trial is lost");
    let complete: Vec<&Trial> = trials.iter().filter(|t| t.state == State::Complete).collect();
    assert_eq!(complete.len(), planned, "every planned trial ended once");
    assert!(complete.iter().all(|t| t.values == [value(t)] && t.steps[&1] == 0.5), "each with its own value");
}

#[test]
fn killed_workers_lose_nothing_in_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    kills(&format!("journal:{}", folder.path().join("s.log").display()), 50);
}

#[test]
fn killed_workers_lose_nothing_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    kills(&folder.path().join("s.db").display().to_string(), 50);
}

/// Runs where `SPECIALIST_TEST_POSTGRES_KILLS` names an empty database.
#[test]
fn killed_workers_lose_nothing_in_postgres() {
    if let Ok(url) = std::env::var("SPECIALIST_TEST_POSTGRES_KILLS") {
        kills(&url, 50);
    }
}

fn filled(store: &dyn Store, n: usize) -> i64 {
    let id = store.create_study("s", &[Direction::Minimise]).unwrap();
    for i in 0..n {
        let mut t = Trial::new(i, space().decode(&[0.25, 0.5]));
        t.state = State::Complete;
        t.values = vec![i as f64];
        store.add_trial(id, &t, &space(), None).unwrap();
    }
    id
}

#[test]
fn a_journal_cut_at_any_byte_of_its_last_record_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.log");
    let id = filled(&JournalStore::open(&path).unwrap(), 3);
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for cut in last..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let store = JournalStore::open(&path).unwrap();
        assert_eq!(store.read(id, &[], 0).unwrap().len(), 2, "cut at {cut}");
        let t = Trial::new(0, space().decode(&[0.5, 0.5]));
        assert_eq!(store.add_trial(id, &t, &space(), None).unwrap(), Some(2), "cut at {cut}");
        assert_eq!(JournalStore::open(&path).unwrap().read(id, &[], 0).unwrap().len(), 3, "cut at {cut}");
    }
}

#[test]
fn a_sqlite_log_cut_at_any_byte_of_its_last_frame_goes_on() {
    const FRAME: usize = 4096 + 24;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let log = |p: &Path| PathBuf::from(format!("{}-wal", p.display()));
    // Kept open: a process that dies leaves its write-ahead log behind.
    let store = open_store(&path.display().to_string()).unwrap();
    let id = filled(&*store, 3);
    let (base, wal) = (std::fs::read(&path).unwrap(), std::fs::read(log(&path)).unwrap());
    assert!(wal.len() > FRAME);
    let copy = folder.path().join("copy.db");
    for cut in (wal.len() - FRAME..wal.len()).step_by(13).chain(wal.len() - 40..wal.len()) {
        for left in ["copy.db", "copy.db-wal", "copy.db-shm"] {
            _ = std::fs::remove_file(folder.path().join(left));
        }
        std::fs::write(&copy, &base).unwrap();
        std::fs::write(log(&copy), &wal[..cut]).unwrap();
        let store = open_store(&copy.display().to_string()).unwrap();
        assert_eq!(store.read(id, &[], 0).unwrap().len(), 2, "cut at {cut}");
        let t = Trial::new(0, space().decode(&[0.5, 0.5]));
        assert_eq!(store.add_trial(id, &t, &space(), None).unwrap(), Some(2), "cut at {cut}");
    }
}

#[test]
fn a_lock_that_a_dead_process_left_blocks_for_less_than_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.log");
    let store = JournalStore::open(&path).unwrap();
    let id = filled(&store, 1);
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, folder.path().join("s.log.lock")).unwrap();
    let begun = Instant::now();
    store.add_trial(id, &Trial::new(0, space().decode(&[0.5, 0.5])), &space(), None).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!folder.path().join("s.log.lock").exists());
}

#[test]
fn foreign_files_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, content: &[u8], why: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = open_store(&path.display().to_string()).err().unwrap_or_else(|| panic!("{name} was opened"));
        assert!(error.is_corrupt() && error.to_string().contains(why), "{name}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), content, "{name} was changed");
    };
    refused("a.log", b"not a journal\n", "first line");
    refused("b.log", b"{\"op_code\":0}\n", "first line");
    refused("c.db", &[b'x'; 5000], "no SQLite");
    let journal = folder.path().join("d.log");
    filled(&JournalStore::open(&journal).unwrap(), 2);
    let mut torn = std::fs::read(&journal).unwrap();
    torn.extend(b"{\"op_code\":4,\"wor{\"op_code\":11}\n");
    refused("e.log", &torn, "line 4");
    assert!(open_store("mysql://host/db").is_err());
}

#[test]
fn databases_of_another_version_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let change = |name: &str, sql: &str, why: &str| {
        let path = folder.path().join(name);
        drop(open_store(&path.display().to_string()).unwrap());
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(sql).unwrap();
        db.close().unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = open_store(&path.display().to_string()).err().unwrap_or_else(|| panic!("{name} was opened"));
        assert!(error.is_corrupt() && error.to_string().contains(why), "{name}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name} was changed");
    };
    change("new.db", "UPDATE alembic_version SET version_num = 'v9.0.0.a'", "newer");
    change("old.db", "UPDATE alembic_version SET version_num = 'v3.0.0.d'", "storage upgrade");
    change("other.db", "DROP TABLE trials; DROP TABLE studies", "other tables");
    change("eleven.db", "DELETE FROM alembic_version; UPDATE version_info SET schema_version = 11", "11");
}

#[test]
fn a_place_that_cannot_be_written_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/folder/s");
    for name in ["s.db", "s.log"] {
        let error = open_store(&format!("{}{}", nowhere.display(), &name[1..])).err().expect("there is no folder");
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
    }
}

/// A disk that has no more room, played by a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_full_disk_is_said_so_and_damages_nothing() {
    for name in ["s.log", "s.db"] {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join(name).display().to_string();
        let script = "trap '' XFSZ; ulimit -f 3000; exec \"$0\" --exact fills_the_disk --nocapture";
        let out = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("SPECIALIST_TEST_FILL", &address)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert!(text.contains("stopped with Io"), "{name}: {text}");
        let store = open_store(&address).unwrap();
        let id = store.study("s").unwrap().id;
        let trials = store.read(id, &[], 0).unwrap();
        assert!(trials.len() > 10 && trials.iter().enumerate().all(|(i, t)| t.values == [i as f64]), "{name}");
        let t = Trial::new(0, space().decode(&[0.5, 0.5]));
        assert_eq!(store.add_trial(id, &t, &space(), None).unwrap(), Some(trials.len()), "{name} goes on");
    }
}

/// Not a test of its own: the process that fills the disk.
#[test]
fn fills_the_disk() {
    let Ok(address) = std::env::var("SPECIALIST_TEST_FILL") else { return };
    let store = open_store(&address).unwrap();
    let id = store.create_study("s", &[Direction::Minimise]).unwrap();
    for i in 0..100_000 {
        let mut t = Trial::new(i, space().decode(&[0.25, 0.5]));
        t.state = State::Complete;
        t.values = vec![i as f64];
        match store.add_trial(id, &t, &space(), None) {
            Ok(_) => {}
            Err(StoreError::Io { .. }) => panic!("stopped with Io after {i}"),
            Err(e) => panic!("stopped with {e}"),
        }
    }
}

/// A disk that turns one bit: what is read is what was written, or refused. Times of day and workers may differ, for they
/// are in no figure; the last trial may be missing, where the bit makes it another study's, or run.
#[test]
fn a_turned_bit_is_seen() {
    for name in ["s.log", "s.db"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let address = path.display().to_string();
        drop(work(open_store(&address).unwrap(), 12).unwrap());
        if name == "s.db" {
            // All of it in one file.
            let db = rusqlite::Connection::open(&path).unwrap();
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").unwrap();
        }
        let told = |t: &Trial| {
            let steps: Vec<(u64, f64)> = t.steps.iter().map(|(s, v)| (*s, *v)).collect();
            (t.number, t.state, t.params.clone(), t.values.clone(), steps)
        };
        let read = |address: &str| -> Option<Vec<_>> {
            let study = Study::open(read_store(address).ok()?, "kill", 7).ok()?;
            Some(study.trials().iter().map(told).collect())
        };
        let whole = read(&address).expect("it is whole");
        assert_eq!(whole.len(), 12);
        let bytes = std::fs::read(&path).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut same, mut refused) = (0, 0);
        for _ in 0..600 {
            let mut damaged = bytes.clone();
            let bit = rng.random_range(0..damaged.len() * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
            let copy = folder.path().join(format!("copy-{name}"));
            std::fs::write(&copy, damaged).unwrap();
            match read(&copy.display().to_string()) {
                None => refused += 1,
                Some(found) => {
                    same += 1;
                    assert!(found.len() <= whole.len(), "{name}, bit {bit}: more trials");
                    // The line that ends a trial may be taken for another trial's: then the trial runs, and whoever goes on
                    // with the search evaluates it again.
                    let open = found.iter().filter(|t| !t.1.is_finished()).count();
                    assert!(open <= 1, "{name}, bit {bit}: {open} trials run");
                    for (found, whole) in found.iter().zip(&whole) {
                        assert_eq!((found.0, &found.2), (whole.0, &whole.2), "{name}, bit {bit}");
                        assert!(!found.1.is_finished() || found == whole, "{name}, bit {bit}: {found:?}");
                    }
                    assert!(found.len() + 1 >= whole.len(), "{name}, bit {bit}: {} trials", found.len());
                }
            }
        }
        assert!(same > 0 && refused > 0, "{name}: {same} {refused}");
    }
}

#[test]
fn who_looks_changes_nothing() {
    for name in ["s.log", "s.db"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let address = path.display().to_string();
        drop(work(open_store(&address).unwrap(), 3).unwrap());
        let state = || {
            let mut files: Vec<_> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|e| e.unwrap().path())
                .map(|p| (std::fs::read(&p).unwrap(), p))
                .collect();
            files.sort();
            files
        };
        let before = state();
        let study = Study::open(read_store(&address).unwrap(), "kill", 7).unwrap();
        assert_eq!(study.trials().len(), 3);
        drop(study);
        assert!(state() == before, "{name} was changed");
    }
}

/// A store loses a table, or what its rows are told apart by, under a search: the search ends with the store's error, whoever
/// waits for the trials that were under way.
#[test]
fn a_store_that_fails_under_a_search_ends_it() {
    for damage in [
        "DROP TABLE trial_intermediate_values",
        "ALTER TABLE trial_intermediate_values RENAME TO old; CREATE TABLE trial_intermediate_values AS SELECT * FROM old",
        "DROP TABLE trial_values",
        "DROP TABLE trial_heartbeats",
        "PRAGMA foreign_keys = OFF; DROP TABLE trials",
    ] {
        for workers in [1, 3] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("studies.db");
            let store = open_store(&path.display().to_string()).unwrap();
            let (done, ended) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let study = Study::open_or_create(store, "s", space(), &[Direction::Minimise], 7).unwrap();
                let study = Mutex::new(study.recorded_order(4));
                let plan = Run { workers, ..Run::new(&Random, 12) };
                let objective = |job: &specialist_search::Job<'_>| {
                    if job.number == 3 {
                        rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
                    }
                    job.report(1, 0.5)?;
                    Ok(vec![job.params.float("x")])
                };
                done.send(run(&study, &plan, objective, &|_, _| {}).is_err()).unwrap();
            });
            let failed = ended.recv_timeout(Duration::from_secs(60));
            assert_eq!(failed, Ok(true), "{damage} with {workers} workers: an error, and no wait without end");
        }
    }
}
