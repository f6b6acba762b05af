//! Texts with labels, or with texts to write: reading, near-duplicates, splits by group.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use rand::Rng;
use rand::seq::SliceRandom;
use serde_json::Value;
use sha2::{Digest, Sha256};
use specialist_core::quoting::{Fault, Quoted, Wrong};

use crate::error::{Error, Result};
use crate::fetch::Cache;
use crate::recipe::{Columns, Data, Recipe, nearest};

/// A text with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What is read.
    pub text: String,
    /// Its label, or what is to be written.
    pub answer: String,
    /// Documents of one group stay on one side of a split.
    pub group: String,
    /// The section of a corpus.
    pub section: String,
    /// File and line.
    pub place: (String, usize),
}

/// Files beyond this are refused: 4 GB.
const LARGEST: u64 = 4 << 30;

/// Reads a CSV, TSV, JSON or JSONL file; with `answers` every text must have one.
pub fn read(file: &Path, columns: &Columns, answers: bool) -> Result<Vec<Document>> {
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let missing = |e: std::io::Error| {
        let hint = format!("check the path; the fetched corpora are {}", crate::fetch::CORPORA.join(", "));
        Error::usage(format!("{}: {e}", file.display()), hint)
    };
    if std::fs::metadata(file).map_err(missing)?.len() > LARGEST {
        return Err(Error::data(name, "the file is larger than 4 GB", "part it"));
    }
    let bytes = std::fs::read(file).map_err(missing)?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) { inflate(&bytes, &name)? } else { bytes };
    for (magic, what) in [(&b"PAR1"[..], "a Parquet file"), (b"PK\x03\x04", "a spreadsheet or an archive")] {
        if bytes.starts_with(magic) {
            return Err(Error::data(name, format!("this is {what}"), "save it as CSV, TSV, JSON or JSONL"));
        }
    }
    let ending = name.trim_end_matches(".gz").rsplit('.').next().unwrap_or("").to_lowercase();
    let documents = match ending.as_str() {
        "json" | "jsonl" => json(&bytes, &name, columns, answers)?,
        "tsv" => table(&bytes, &name, columns, answers, b'\t')?,
        _ => table(&bytes, &name, columns, answers, b',')?,
    };
    if documents.is_empty() {
        return Err(Error::data(name, "the file holds no text", "it needs a header and at least one row"));
    }
    Ok(documents)
}

fn inflate(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(flate2::read::GzDecoder::new(bytes), LARGEST), &mut out)
        .map_err(|_| Error::data(name, "the compressed file is cut short or damaged", "get it again"))?;
    Ok(out)
}

fn utf8(name: &str, line: usize) -> Error {
    Error::data(format!("{name}:{line}"), "not valid UTF-8", "save the file as UTF-8 (iconv -f latin1 -t utf-8)")
}

fn table(bytes: &[u8], name: &str, columns: &Columns, answers: bool, delimiter: u8) -> Result<Vec<Document>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    // Tabs need no quoting, and quotation marks are text there.
    let tabs = delimiter == b'\t';
    let checked_bytes: Box<dyn Read> = if tabs { Box::new(bytes) } else { Box::new(Quoted::new(bytes, delimiter)) };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).quoting(!tabs).from_reader(checked_bytes);
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(|e| csv_error(name, &e, |p| p.line() as usize))?
        .iter()
        .map(|h| String::from_utf8(h.to_vec()).map_err(|_| utf8(name, 1)))
        .collect::<Result<_>>()?;
    if header.len() == 1 && header[0].contains(';') {
        let hint = "save it with commas, or with tabs as .tsv";
        return Err(Error::data(format!("{name}:1"), "the cells are parted by semicolons", hint));
    }
    if let Some(twice) = header.iter().enumerate().find(|(i, h)| header[..*i].contains(h)) {
        let what = format!("the header names `{}` twice", twice.1);
        return Err(Error::data(format!("{name}:1"), what, "give every column one name of its own"));
    }
    // `csv` counts blank lines, and the LF of CR LF, only after the place where it says that a record starts.
    let line_of = |p: &csv::Position| {
        let before = bytes[p.byte() as usize..].iter().take_while(|b| matches!(b, b'\r' | b'\n'));
        p.line() as usize + before.filter(|b| **b == b'\n').count()
    };
    let find = |column: &str| header.iter().position(|h| h == column);
    let need = |column: &str, key: &str| {
        find(column).ok_or_else(|| {
            let near = nearest(column, header.iter().map(String::as_str)).map_or(String::new(), |n| format!("; the nearest is `{n}`"));
            Error::data(
                name,
                format!("there is no column `{column}`{near}"),
                format!("name the column as `{key}` under [columns], or with --set columns.{key}=NAME; `predict` takes --column NAME"),
            )
        })
    };
    let text = need(&columns.text, "text")?;
    let answer = if answers { Some(need(&columns.label, "label")?) } else { find(&columns.label) };
    let group = columns.group.as_ref().map(|g| need(g, "group")).transpose()?;
    let section = find("section");
    let mut out = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|e| csv_error(name, &e, line_of))? {
        let line = record.position().map_or(0, line_of);
        let cell =
            |at: usize| String::from_utf8(record.get(at).unwrap_or_default().to_vec()).map_err(|_| utf8(name, line));
        let optional = |at: Option<usize>| at.map_or_else(|| Ok(String::new()), cell);
        let place = (name.to_string(), line);
        out.push(checked(
            cell(text)?,
            optional(answer)?,
            optional(group)?,
            optional(section)?,
            place,
            columns,
            answers,
        )?);
    }
    Ok(out)
}

fn csv_error(name: &str, e: &csv::Error, line_of: impl Fn(&csv::Position) -> usize) -> Error {
    if let csv::ErrorKind::Io(e) = e.kind()
        && let Some(Fault { lines_before, what }) = Fault::of(e)
    {
        return Error::data(format!("{name}:{}", lines_before + 1), what.sentence(), Wrong::HINT);
    }
    let line = e.position().map_or(String::new(), |p| format!(":{}", line_of(p)));
    let what = match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells, the header {expected_len}")
        }
        _ => "the row cannot be read".into(),
    };
    Error::data(format!("{name}{line}"), what, "quote texts that hold the delimiter or a line break")
}

fn json(bytes: &[u8], name: &str, columns: &Columns, answers: bool) -> Result<Vec<Document>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| utf8(name, 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count()))?;
    let rows: Vec<(usize, Value)> = if text.trim_start().starts_with('[') {
        let all: Vec<Value> = serde_json::from_str(text).map_err(|e| {
            Error::data(format!("{name}:{}", e.line()), "not a JSON list", "one object a text is expected")
        })?;
        all.into_iter().enumerate().map(|(i, v)| (i + 1, v)).collect()
    } else {
        let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
        let parse = |(i, l): (usize, &str)| {
            let bad =
                |_| Error::data(format!("{name}:{}", i + 1), "not a JSON object", "one object a line is expected");
            Ok((i + 1, serde_json::from_str(l).map_err(bad)?))
        };
        lines.map(parse).collect::<Result<_>>()?
    };
    let field = |v: &Value, key: &str| match &v[key] {
        Value::String(s) => Some(s.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    let one = |(i, v): (usize, Value)| {
        let place = (name.to_string(), i);
        let need = |key: &str| {
            field(&v, key).ok_or_else(|| {
                Error::data(
                    format!("{name}:{i}"),
                    format!("there is no field `{key}`"),
                    "name the field under [columns]",
                )
            })
        };
        let answer = if answers { need(&columns.label)? } else { field(&v, &columns.label).unwrap_or_default() };
        let group = columns.group.as_ref().map_or(Ok(String::new()), |g| need(g))?;
        let section = field(&v, "section").unwrap_or_default();
        checked(need(&columns.text)?, answer, group, section, place, columns, answers)
    };
    // An object without text and answer is what a blank line is elsewhere.
    let blank = |v: &Value| [&columns.text, &columns.label].iter().all(|k| field(v, k).is_none_or(|s| s.is_empty()));
    rows.into_iter().filter(|(_, v)| !blank(v)).map(one).collect()
}

fn checked(
    text: String,
    answer: String,
    group: String,
    section: String,
    place: (String, usize),
    columns: &Columns,
    answers: bool,
) -> Result<Document> {
    let at = |column: &str| format!("{}:{}, column `{column}`", place.0, place.1);
    if text.trim().is_empty() {
        return Err(Error::data(at(&columns.text), "the text is empty", "leave the row out, or write what is missing"));
    }
    if answers && answer.trim().is_empty() {
        return Err(Error::data(
            at(&columns.label),
            "the cell is empty",
            "write what is missing, or leave the row out",
        ));
    }
    // Without a column of groups every text is one of its own.
    let group = if group.is_empty() { format!("{}:{}", place.0, place.1) } else { group };
    Ok(Document { text, answer, group, section, place })
}

/// Fetched corpora, called by their names with a `+` between them, as one CSV table: text, label, group, section.
pub fn as_csv(cache: &Cache, names: &str) -> Result<Option<Vec<u8>>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["text", "label", "group", "section"]).expect("memory takes it");
    for name in names.split('+') {
        let Some(file) = cache.corpus(name)? else { return Ok(None) };
        for d in read(&file, &corpus_columns(name), true)? {
            out.write_record([&d.text, &d.answer, &d.group, &d.section]).expect("memory takes it");
        }
    }
    Ok(Some(out.into_inner().expect("memory takes it")))
}

/// Reads a population.
pub fn population(data: &Data, recipe: &Recipe, cache: &Cache, place: &Path) -> Result<Vec<Document>> {
    let mut out = Vec::new();
    for name in &data.data {
        let columns = match cache.corpus(name)? {
            // The fetched corpora have their own names for their columns.
            Some(file) => (file, corpus_columns(name)),
            None => (place.join(name), recipe.columns.clone()),
        };
        out.extend(read(&columns.0, &columns.1, true)?);
    }
    known_sections(&out, &data.sections)?;
    if !data.sections.is_empty() {
        out.retain(|d| data.sections.contains(&d.section));
    }
    Ok(out)
}

/// Every section that a recipe names must be there.
pub fn known_sections(documents: &[Document], sections: &[String]) -> Result<()> {
    let known: BTreeSet<&str> = documents.iter().map(|d| d.section.as_str()).collect();
    match sections.iter().find(|s| !known.contains(s.as_str())) {
        None => Ok(()),
        Some(s) => {
            let known: Vec<&str> = known.into_iter().filter(|k| !k.is_empty()).collect();
            Err(Error::usage(format!("no text is of the section `{s}`"), format!("there are: {}", known.join(", "))))
        }
    }
}

fn corpus_columns(name: &str) -> Columns {
    let default = Columns::default();
    match name {
        "amazon" | "imdb" | "yelp" => Columns { label: "class".into(), ..default },
        _ => Columns { group: Some("group".into()), ..default },
    }
}

/// At most `most` documents, drawn by group; all of them where `most` is 0.
pub fn most(documents: Vec<Document>, most: usize, rng: &mut impl Rng) -> Vec<Document> {
    if most == 0 || documents.len() <= most {
        return documents;
    }
    let (_, kept) = split(&documents, most as f64 / documents.len() as f64, rng);
    kept.iter().map(|&i| documents[i].clone()).collect()
}

/// A digest of texts and answers, from which none can be read.
pub fn digest(documents: &[Document]) -> String {
    let mut hash = Sha256::new();
    for d in documents {
        hash.update((d.text.len() as u64).to_le_bytes());
        hash.update(&d.text);
        hash.update((d.answer.len() as u64).to_le_bytes());
        hash.update(&d.answer);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Whole groups on either side, at random: positions to train on and positions that are sealed.
pub fn split(documents: &[Document], test: f64, rng: &mut impl Rng) -> (Vec<usize>, Vec<usize>) {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    documents.iter().enumerate().for_each(|(i, d)| groups.entry(&d.group).or_default().push(i));
    let mut order: Vec<&Vec<usize>> = groups.values().collect();
    order.shuffle(rng);
    let wanted = (test * documents.len() as f64).round() as usize;
    let (mut train, mut sealed) = (Vec::new(), Vec::new());
    for rows in order {
        if sealed.len() < wanted { sealed.extend(rows) } else { train.extend(rows) }
    }
    train.sort_unstable();
    sealed.sort_unstable();
    (train, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use specialist_core::Context;

    fn document(text: &str, group: &str) -> Document {
        Document {
            text: text.into(),
            answer: "a".into(),
            group: group.into(),
            section: String::new(),
            place: ("f".into(), 1),
        }
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for end in ["\n", "\r\n"] {
            let text = ["text,label", "good,a", "\"two", "lines\",b", "", "bad,a"].join(end);
            let read = table(text.as_bytes(), "f.csv", &Columns::default(), true, b',').unwrap();
            assert_eq!(read.iter().map(|d| d.place.1).collect::<Vec<_>>(), [2, 3, 6], "{end:?}");
        }
    }

    #[test]
    fn groups_stay_on_one_side() {
        let all: Vec<Document> = (0..100).map(|i| document("x", &(i / 4).to_string())).collect();
        let (train, sealed) = split(&all, 0.4, &mut Context::new(1, 1).rng("split"));
        let groups = |rows: &[usize]| rows.iter().map(|&r| all[r].group.clone()).collect::<BTreeSet<_>>();
        assert!(groups(&train).is_disjoint(&groups(&sealed)));
        assert_eq!((train.len(), sealed.len()), (60, 40));
    }
}
