//! The direction of the dependencies, read from the manifests, and the rules that no compiler checks.

use std::path::Path;

use specialist_e2e::root;

/// The layers, lowest first: a crate may use what stands before its own group.
const LAYERS: [&[&str]; 9] = [
    &["specialist-unify"],
    &["specialist-core"],
    &["specialist-search"],
    &["specialist-tabular", "specialist-neural", "specialist-report"],
    &["specialist-engine"],
    &["specialist"],
    &["specialist-cli"],
    &["fraud", "medical", "text", "trading", "new-domain"],
    &[
        "specialist-e2e",
        "specialist-benches",
        "specialist-search-bench",
        "specialist-text-bench",
        "specialist-trading-bench",
        "specialist-testing",
    ],
];

fn layer(package: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&package))
}

fn manifests() -> Vec<toml::Table> {
    let read = |p: &Path| std::fs::read_to_string(p).ok().map(|t| t.parse::<toml::Table>().unwrap());
    let crates = std::fs::read_dir(root().join("crates")).unwrap().flatten().map(|e| e.path().join("Cargo.toml"));
    let more = ["tests", "benches", "benches/search", "benches/text", "benches/trading", "examples/new-domain"]
        .map(|p| root().join(p).join("Cargo.toml"));
    crates.chain(more).filter_map(|p| read(&p)).collect()
}

#[test]
fn dependencies_point_down() {
    let manifests = manifests();
    assert!(manifests.len() >= 11, "{}", manifests.len());
    for manifest in &manifests {
        let name = manifest["package"]["name"].as_str().unwrap();
        let own = layer(name).unwrap_or_else(|| panic!("{name} has no layer"));
        for dependency in
            manifest.get("dependencies").and_then(|d| d.as_table()).into_iter().flat_map(toml::Table::keys)
        {
            if let Some(theirs) = layer(dependency) {
                assert!(theirs < own, "{name} must not depend on {dependency}");
            }
        }
    }
}

#[test]
fn core_and_search_stay_small() {
    let forbidden = ["clap", "tokio", "polars", "indicatif", "comfy-table", "hessboost"];
    for manifest in manifests() {
        let name = manifest["package"]["name"].as_str().unwrap().to_string();
        if name == "specialist-core" || name == "specialist-search" {
            let uses: Vec<&String> = manifest["dependencies"].as_table().unwrap().keys().collect();
            assert!(uses.iter().all(|d| !forbidden.contains(&d.as_str())), "{name}: {uses:?}");
        }
    }
}

#[test]
fn libraries_do_not_print() {
    let mut open = vec![root().join("crates")];
    let mut seen = 0;
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()) {
            if path.is_dir() {
                let prints = ["crates/cli", "tests", "examples", "benches"];
                if prints.iter().all(|p| !path.ends_with(p)) {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                seen += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for word in ["println!(", "eprintln!(", "print!(", "todo!("] {
                    assert!(!text.contains(word), "{} has {word}", path.display());
                }
            }
        }
    }
    assert!(seen > 40, "{seen}");
}
