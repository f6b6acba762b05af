//! Many workers on one study, killed and resumed, over the built binary.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use specialist_e2e::{Sandbox, binary, root};
use specialist_search::{State, Store, Trial, open_store};

/// A small tuning of the thyroid data, with two trials at once in each process.
fn tune(folder: &Sandbox, more: &[&str]) -> Command {
    let mut c = Command::new(binary("medical"));
    c.current_dir(folder.path("")).args(["tune", "--trials", "24", "--workers", "2", "--quiet"]).args(more);
    c.stdout(Stdio::null()).stderr(Stdio::piped());
    c
}

fn studies(store: &Arc<dyn Store>) -> Vec<(String, Vec<Trial>)> {
    let all = store.studies().unwrap();
    all.into_iter().map(|s| (s.name, store.read(s.id, &[], 0).unwrap())).collect()
}

/// Every planned trial ended once, and none is stuck.
fn whole(trials: &[Trial], planned: usize) {
    let repeated: Vec<u64> =
        trials.iter().filter_map(|t| t.system.get("retry_history")?.as_array()?.last()?.as_u64()).collect();
    let ended = trials.iter().filter(|t| matches!(t.state, State::Complete | State::Pruned)).count();
    assert!(trials.iter().all(|t| t.state.is_finished()), "none is stuck");
    assert_eq!(ended, planned, "{} of {} trials", ended, trials.len());
    for t in trials.iter().filter(|t| t.state == State::Failed) {
        assert!(repeated.contains(&(t.number as u64)), "trial {} failed and was not repeated", t.number);
    }
}

fn wait_for_trials(address: &str, n: usize) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Ok(store) = open_store(address)
            && studies(&store).first().is_some_and(|(_, t)| t.len() >= n)
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no trials after a minute");
}

fn ends_well(mut child: Child) {
    let status = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
    assert!(status.success(), "{said}");
}

/// The artifact of a search that was killed, and of one that was not.
#[test]
fn a_killed_search_is_the_search_that_was_not() {
    for store in ["study.db", "journal:study.log"] {
        let folder = Sandbox::default();
        let named = ["--study", "s", "--store"];
        let whole = if store.starts_with("journal") { "journal:whole.log" } else { "whole.db" };
        ends_well(tune(&folder, &[&named[..], &[whole, "--output", "whole"]].concat()).spawn().unwrap());
        let address = match store.strip_prefix("journal:") {
            Some(path) => format!("journal:{}", folder.path(path).display()),
            None => folder.path(store).display().to_string(),
        };
        for killed in [3, 11] {
            let mut first = tune(&folder, &[&named[..], &[store, "--output", "a"]].concat()).spawn().unwrap();
            wait_for_trials(&address, killed);
            first.kill().unwrap();
            first.wait().unwrap();
        }
        ends_well(tune(&folder, &[&named[..], &[store, "--output", "a"]].concat()).spawn().unwrap());
        for (file, bytes) in folder.files("whole") {
            assert!(folder.read(&format!("a/{file}")) == bytes, "{store}: {file} differs");
        }
    }
}

#[test]
fn a_killed_tuning_goes_on_where_it_was() {
    for store in ["study.db", "journal:study.log"] {
        let folder = Sandbox::default();
        let address = match store.strip_prefix("journal:") {
            Some(path) => format!("journal:{}", folder.path(path).display()),
            None => folder.path(store).display().to_string(),
        };
        let mut first = tune(&folder, &["--store", store, "--output", "a"]).spawn().unwrap();
        wait_for_trials(&address, 6);
        first.kill().unwrap();
        first.wait().unwrap();
        let before: Vec<Trial> = studies(&open_store(&address).unwrap()).remove(0).1;
        let kept: Vec<&Trial> = before.iter().filter(|t| t.state == State::Complete).collect();
        ends_well(tune(&folder, &["--store", store, "--output", "a"]).spawn().unwrap());
        let after = studies(&open_store(&address).unwrap());
        assert_eq!(after.len(), 2);
        after.iter().for_each(|(_, trials)| whole(trials, 24));
        for t in kept {
            assert_eq!(after[0].1[t.number].values, t.values, "a finished trial is kept");
        }
        assert!(folder.path("a/plans.json").exists());
        // Another seed is another job.
        let other = tune(&folder, &["--store", store, "--output", "b", "--seed", "1"]).output().unwrap();
        assert_eq!(other.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&other.stderr).contains("was made for another recipe, seed"));
    }
}

/// Four processes on one PostgreSQL study, one of them killed.
#[test]
fn workers_share_a_postgres_study() {
    let Ok(url) = std::env::var("SPECIALIST_TEST_POSTGRES_WORKERS") else { return };
    let folder = Sandbox::default();
    let main = tune(&folder, &["--store", &url, "--output", "a"]).spawn().unwrap();
    let mut killed = tune(&folder, &["--join", &url]).spawn().unwrap();
    let others = [0, 1].map(|_| tune(&folder, &["--join", &url]).spawn().unwrap());
    wait_for_trials(&url, 8);
    killed.kill().unwrap();
    killed.wait().unwrap();
    ends_well(main);
    others.into_iter().for_each(ends_well);
    let all = studies(&open_store(&url).unwrap());
    assert_eq!(all.len(), 2);
    all.iter().for_each(|(_, trials)| whole(trials, 24));
    assert!(folder.path("a/plans.json").exists());
}

/// The example script for Slurm, run as two tasks of an array would run it.
#[test]
fn the_slurm_example_works() {
    let Ok(url) = std::env::var("SPECIALIST_TEST_POSTGRES_SLURM") else { return };
    let folder = Sandbox::default();
    let task = |id: &str| {
        let mut c = Command::new("bash");
        c.arg(root().join("deploy/slurm.sbatch")).current_dir(folder.path(""));
        c.env("PROGRAM", binary("medical")).env("RECIPE", "thyroid").env("STORE", &url).env("OUTPUT", "a");
        c.env("SLURM_ARRAY_TASK_ID", id).env("SLURM_CPUS_PER_TASK", "2");
        c.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (first, second) = (task("0"), task("1"));
    ends_well(first);
    ends_well(second);
    assert_eq!(studies(&open_store(&url).unwrap()).len(), 2);
    assert!(folder.path("a/plans.json").exists());
}

/// The arguments of the example Job for Kubernetes, with its variables filled in.
#[test]
fn the_kubernetes_example_works() {
    let text = std::fs::read_to_string(root().join("deploy/kubernetes.yaml")).unwrap();
    let line = text.lines().find_map(|l| l.trim().strip_prefix("args: ")).unwrap();
    let args: Vec<String> = serde_json::from_str(line).unwrap();
    assert_eq!(args[..2], ["tune", "--recipe"]);
    assert!(text.contains("restartPolicy: OnFailure") && text.contains("completionMode: Indexed"));
    let Ok(url) = std::env::var("SPECIALIST_TEST_POSTGRES_KUBERNETES") else { return };
    let folder = Sandbox::default();
    let filled = args.iter().map(|a| a.replace("$(STORE)", &url).replace("/recipe/recipe.toml", "thyroid"));
    let filled: Vec<String> = filled.collect();
    let pod = || {
        let mut c = Command::new(binary("medical"));
        c.args(&filled).args(["--trials", "24"]).current_dir(folder.path(""));
        c.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let pods = [pod(), pod()];
    pods.into_iter().for_each(ends_well);
    studies(&open_store(&url).unwrap()).iter().for_each(|(_, trials)| whole(trials, 24));
    ends_well(tune(&folder, &["--store", &url, "--output", "a"]).spawn().unwrap());
    assert!(folder.path("a/plans.json").exists());
}

/// The same trials whoever evaluates them: one worker, two, or eight.
#[test]
fn the_study_does_not_depend_on_the_number_of_workers() {
    let folder = Sandbox::default();
    let journal = |workers: &str| {
        let mut c = Command::new(binary("medical"));
        c.args(["tune", "--trials", "16", "--quiet", "--workers", workers, "--output", workers]);
        let out = c.current_dir(folder.path("")).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::read(folder.path(workers).join("study-specialist.log")).unwrap()
    };
    let one = journal("1");
    assert_eq!(one, journal("2"));
    assert_eq!(one, journal("8"));
}

/// Every sampler in every domain, by flag and by recipe.
#[test]
fn every_sampler_is_selectable_in_every_domain() {
    let folder = Sandbox::default();
    for program in ["fraud", "medical", "new-domain"] {
        for sampler in ["grid", "random", "gp"] {
            let by_flag = ("flag", ["--sampler".to_string(), sampler.to_string()]);
            let by_recipe = ("recipe", ["--set".to_string(), format!("tune.sampler={sampler:?}")]);
            for (how, choice) in if sampler == "gp" { vec![by_flag, by_recipe] } else { vec![by_flag] } {
                let name = format!("{program}-{sampler}-{how}");
                let mut c = Command::new(binary(program));
                c.args(["tune", "--trials", "4", "--quiet", "--output", &name]).args(&choice);
                c.args(["--set", "pretrain.trials=0", "--set", "tune.folds=2"]);
                c.args(["--set", "tune.tunings=[\"slope\"]", "--set", "pretrain.estimator=\"glm\""]);
                let out = c.current_dir(folder.path("")).output().unwrap();
                assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
                let recipe = std::fs::read_to_string(folder.path(&name).join("recipe.toml")).unwrap();
                assert!(recipe.contains(&format!("sampler = \"{sampler}\"")), "{name}");
            }
        }
    }
}
