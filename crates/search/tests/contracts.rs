//! Every sampler and every store against its contract.

use std::sync::Arc;

use specialist_search::{
    Auto, Gp, Grid, JournalStore, MemoryStore, PastStudy, Random, SAMPLERS, Sobol, Space, Store, Study, Tpe, Transfer,
    open_store, sampler_by_name,
};
use specialist_testing::{sampler_contract, store_contract};

#[test]
fn samplers_suggest_as_they_must() {
    sampler_contract(&Random);
    sampler_contract(&Sobol);
    sampler_contract(&Grid { steps: 3 });
    sampler_contract(&Tpe::default());
    sampler_contract(&Gp::default());
    sampler_contract(&Auto::default());
    assert!(SAMPLERS.names().iter().all(|n| sampler_by_name(n).is_some_and(|s| s.name() == *n)));
    assert!(sampler_by_name("x").is_none());
}

#[test]
fn transfer_suggests_as_it_must() {
    let space = Space::new().float("share", 0.0, 1.0).int("a", 0, 9).int("b", 0, 9).float("x", 0.0, 1.0);
    let mut past = Study::maximise("past", space, 3);
    past.optimize(&Random, 30, |p| Ok(p.float("share") + p.float("a"))).unwrap();
    sampler_contract(&Transfer::new(vec![PastStudy::of(&past)]));
    sampler_contract(&Transfer::new(vec![]));
}

#[test]
fn memory_keeps_studies() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    store_contract(&|| Arc::clone(&store));
}

#[test]
fn a_journal_keeps_studies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studies.log");
    store_contract(&|| Arc::new(JournalStore::open(&path).unwrap()));
}

#[test]
fn sqlite_keeps_studies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studies.db").display().to_string();
    store_contract(&|| open_store(&path).unwrap());
    store_contract_of_one(&path);
}

/// The same store by SQLAlchemy's name.
fn store_contract_of_one(path: &str) {
    let store = open_store(&format!("sqlite:///{path}")).unwrap();
    assert_eq!(store.studies().unwrap().len(), 3);
}

/// Runs where `SPECIALIST_TEST_POSTGRES` names an empty database: the script of the checks starts one.
#[cfg(feature = "postgres")]
#[test]
fn postgres_keeps_studies() {
    let Some(url) = std::env::var("SPECIALIST_TEST_POSTGRES").ok() else { return };
    store_contract(&|| open_store(&url).unwrap());
    assert!(
        open_store("postgresql://nobody:secret@127.0.0.1:1/none").is_err_and(|e| !e.to_string().contains("secret"))
    );
}
