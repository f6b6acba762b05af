//! Parquet as pandas, pyarrow, Polars, DuckDB and Spark write it, every type that they can write: read to the value that the
//! writer means, or refused by the type's name. `tests/reference/make_parquet.py` made the files and the values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use specialist_core::{Column, ColumnKind, Role, Schema};
use specialist_tabular::read::{Input, Options, ReadError, Reader, columns_of};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/parquet")
}

/// The cells of one column: as ids, which keep every digit, and as the numbers that a model would see.
type Cells = (Vec<String>, Vec<f64>);

fn read(file: &Path, name: &str, kind: ColumnKind) -> Result<Cells, ReadError> {
    let one = |column: Column| Schema { columns: vec![column] };
    let options = Options { labelled: false, ..Options::default() };
    let input = Input::File(file.into());
    let id = Column { name: name.into(), role: Role::Id, kind: ColumnKind::Text, ..Column::default() };
    let mut ids = Vec::new();
    let mut reader = Reader::open(&input, &one(id), &options)?;
    while let Some(chunk) = reader.next_chunk(3)? {
        ids.extend(chunk.ids.into_iter().flatten());
    }
    let missing = vec!["inf".to_string(), "-inf".into()];
    let mut numbers = Vec::new();
    let column = Column { name: name.into(), kind, missing, ..Column::default() };
    let mut reader = Reader::open(&input, &one(column), &options)?;
    while let Some(chunk) = reader.next_chunk(usize::MAX)? {
        numbers.extend(chunk.data.records().iter().copied());
    }
    Ok((ids, numbers))
}

/// A whole number or decimal without the zeros that its type adds.
fn plain(text: &str) -> String {
    if text.contains('.') && !text.contains('e') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "-0" { "0".into() } else { text.into() }
    } else {
        text.into()
    }
}

/// Whether `found` is what the writer means.
fn agrees(kind: &str, column: &Value, found: &Cells) -> Result<(), String> {
    let empty = Vec::new();
    let values = column["values"].as_array().unwrap_or(&empty);
    if found.0.len() != values.len() {
        return Err(format!("{} rows of {}", found.0.len(), values.len()));
    }
    for (r, expected) in values.iter().enumerate() {
        let (id, number) = (found.0[r].as_str(), found.1.get(r).copied());
        let Some(text) = expected.as_str() else {
            if !id.is_empty() {
                return Err(format!("row {r}: a missing cell is `{id}`"));
            }
            continue;
        };
        let seconds = column["epoch_seconds"].get(r).and_then(|v| v.as_str().map_or(v.as_f64(), |t| t.parse().ok()));
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        let fine = match kind {
            "whole number" => plain(id) == plain(text),
            "number" => {
                let number = number.unwrap_or(f64::NAN);
                let expected: f64 = text.parse().map_err(|_| text.to_string())?;
                if expected.is_finite() { number == expected } else { number.is_nan() }
            }
            "boolean" => specialist_core::same_value(id, text),
            "text" | "category" => id == text,
            "timestamp" => number.is_some_and(|n| close(n, seconds.unwrap_or(f64::NAN))),
            "date" => id == text,
            "time of day" | "duration" => number.is_some_and(|n| close(n, text.parse().unwrap_or(f64::NAN))),
            _ => return Err(format!("of the kind {kind}")),
        };
        if !fine {
            return Err(format!("row {r}: {text} is read as `{id}`, {number:?}"));
        }
    }
    Ok(())
}

/// Whether a cell lies beyond single precision.
fn beyond(column: &Value) -> bool {
    let number = |v: &Value| v.as_str().map_or(v.as_f64(), |t| t.parse().ok());
    let values = column["values"].as_array().into_iter().flatten();
    values.filter_map(number).any(|v: f64| v.is_finite() && v.abs() > f64::from(f32::MAX))
}

#[test]
fn every_type_of_five_writers_is_read_right_or_refused_by_name() {
    let all: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut table: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for (file, entry) in &all {
        let path = folder().join(file);
        let writer = entry["writer"].as_str().unwrap_or("").split([' ', '(']).next().unwrap_or("").to_string();
        let columns = entry["columns"].as_object().unwrap();
        let header = columns_of(&Input::File(path.clone()), &Options::default());
        for (name, column) in columns {
            let kind = column["kind"].as_str().unwrap_or("");
            let as_kind = match kind {
                "timestamp" | "date" => ColumnKind::Time,
                "text" | "category" | "bytes" | "nested" => ColumnKind::Category,
                _ => ColumnKind::Number,
            };
            let cell = table.entry(writer.clone()).or_default();
            let arrow = column["arrow_type"].as_str().unwrap_or("?").to_string();
            match &header {
                // A file that no reader of ours opens is refused as a file, by a sentence.
                Err(e) => cell.1.push(format!("{arrow}: {e}")),
                Ok(_) => match read(&path, name, as_kind) {
                    Ok(found) => match agrees(kind, column, &found) {
                        Ok(()) => cell.0 += 1,
                        Err(what) => wrong.push(format!("{file} {name} ({arrow}): {what}")),
                    },
                    Err(ReadError::Type { kind: told, .. }) => {
                        cell.1.push(format!("{arrow}: {told}"));
                        let valueless = column["values"].as_array().is_none_or(|v| v.iter().all(Value::is_null));
                        let refusable =
                            matches!(kind, "bytes" | "nested" | "other" | "null") || arrow.contains("binary");
                        if !refusable && !valueless && told != "decimal of 256 bits" {
                            wrong.push(format!("{file} {name} ({arrow}), a {kind}, is refused as {told}"));
                        }
                    }
                    // The largest numbers of 128 bits are beyond what trees compare.
                    Err(ReadError::Cell { expected, .. }) if expected.contains("3.4e38") && beyond(column) => {
                        cell.1.push(format!("{arrow}: beyond single precision"));
                    }
                    Err(e) => wrong.push(format!("{file} {name} ({arrow}): {e}")),
                },
            }
        }
    }
    for (writer, (read, mut refused)) in table {
        refused.sort();
        refused.dedup();
        println!("{writer}: {read} columns read; refused by name: {}", refused.join("; "));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_column_that_nobody_needs_is_never_decoded() {
    let path = folder().join("pyarrow_types.parquet");
    let (ids, numbers) = read(&path, "int64", ColumnKind::Number).unwrap();
    assert_eq!(ids[0], "-9223372036854775808");
    assert_eq!(numbers[2], 0.0);
    let error = read(&path, "map", ColumnKind::Number).unwrap_err();
    assert!(error.to_string().contains("`map`") && error.hint().contains("ignore"), "{error}");
}

/// Reads everything in a file; whether it was read or refused.
fn read_whole(file: &Path) -> Result<(), ReadError> {
    let input = Input::File(file.into());
    let options = Options { labelled: false, ..Options::default() };
    let id =
        |name: &String| Column { name: name.clone(), role: Role::Key, kind: ColumnKind::Text, ..Column::default() };
    let columns = columns_of(&input, &options)?.iter().map(id).collect();
    let mut reader = Reader::open(&input, &Schema { columns }, &options)?;
    while reader.next_chunk(usize::MAX)?.is_some() {}
    Ok(())
}

/// Files of which a few bytes are damaged: on some of them the decoder panics. What is told is about the file.
#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let damaged = folder().join("../damaged");
    let mut refused = 0;
    for name in ["1169", "1288", "689", "719", "789"] {
        let error = read_whole(&damaged.join(format!("{name}.parquet"))).expect_err(name);
        assert!(error.to_string().contains("damaged") && !error.hint().is_empty(), "{name}: {error}");
    }
    // Other bytes, the same on every run.
    let here = tempfile::tempdir().unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "parquet") && std::fs::metadata(p).unwrap().len() < 6000);
    files.sort();
    let mut state = 7u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for i in 0..600 {
        let mut bytes = std::fs::read(&files[i % files.len()]).unwrap();
        for _ in 0..=draw(3) {
            let at = draw(bytes.len());
            bytes[at] = draw(256) as u8;
        }
        let path = here.path().join("m.parquet");
        std::fs::write(&path, bytes).unwrap();
        refused += usize::from(read_whole(&path).is_err());
    }
    assert!(refused > 100, "{refused} of 600 were refused");
}
