//! Fetched corpora as tables.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::fetch::Cache;
use crate::writing::pretrain;

/// Fetched corpora, called by their names with a `+` between them, as one CSV table: text, label, group, section, and whether the row
/// is reserved, which `text generalist` never trains on. A group has one section, that of its first row: packages of one source
/// lie in several.
pub fn as_csv(cache: &Cache, names: &str) -> Result<Option<Vec<u8>>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["text", "label", "group", "section", "reserved"]).expect("memory takes it");
    for name in names.split('+') {
        let Some(file) = cache.corpus(name)? else { return Ok(None) };
        let damaged = |line: usize| {
            Error::data(format!("{}:{line}", file.display()), "no object with a text and its label", "fetch it again")
        };
        let text = std::fs::read_to_string(&file).map_err(|_| damaged(1))?;
        let rows: Vec<Value> = if text.trim_start().starts_with('[') {
            serde_json::from_str(&text).map_err(|e| damaged(e.line()))?
        } else {
            let parse = |(i, line): (usize, &str)| serde_json::from_str(line).map_err(|_| damaged(i + 1));
            text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()).map(parse).collect::<Result<_>>()?
        };
        let mut sections: HashMap<String, String> = HashMap::new();
        for (i, row) in rows.iter().enumerate() {
            let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
            let cell = |key: &str| Some(&row[key]).filter(|v| !v.is_null()).map(plain);
            let text = cell("text").filter(|t| !t.trim().is_empty());
            let label = cell("label").or_else(|| cell("class")).filter(|l| !l.is_empty());
            // An object without both is what a blank line is elsewhere: the corpora of sentences end in one.
            if text.is_none() && label.is_none() {
                continue;
            }
            let (Some(text), Some(label)) = (text, label) else { return Err(damaged(i + 1)) };
            // Without a group every text is one of its own.
            let group = cell("group").unwrap_or_else(|| format!("{name}:{}", i + 1));
            let reserved = if pretrain::general(&group) { "yes" } else { "no" };
            let section = sections.entry(group.clone()).or_insert_with(|| cell("section").unwrap_or_default());
            out.write_record([&text, &label, &group, section, reserved]).expect("memory takes it");
        }
    }
    Ok(Some(out.into_inner().expect("memory takes it")))
}
