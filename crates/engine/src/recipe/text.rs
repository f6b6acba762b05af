//! From TOML text and `key=value` pairs to any kind of recipe: every key is known, or the nearest that is known is named.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use super::error::{RecipeError, nearest};

/// Reads a recipe of the kind `R`; `file` names it in messages, `overrides` are `key=value` pairs.
///
/// # Errors
/// [`RecipeError`] with the line and the nearest valid key.
pub fn read<R: DeserializeOwned + JsonSchema>(file: &str, text: &str, overrides: &[String]) -> Result<R, RecipeError> {
    let syntax = |e: &toml::de::Error, text: &str| RecipeError::Syntax {
        file: file.into(),
        line: e.span().map(|s| line_of(text, s.start)),
        reason: plain(e.message()),
    };
    // What every struct of it takes as it stands holds no unknown key: the schema is asked for the words of a refusal.
    if overrides.is_empty()
        && let Ok(recipe) = toml::from_str(text)
    {
        return Ok(recipe);
    }
    let table = DeTable::parse(text).map_err(|e| syntax(&e, text))?;
    let schema = serde_json::to_value(schemars::schema_for!(R)).expect("a schema is JSON");
    walk(file, text, table.get_ref(), &schema, &schema, "")?;
    let mut whole: toml::Table = toml::from_str(text).map_err(|e| syntax(&e, text))?;
    for pair in overrides {
        set(&mut whole, pair, &schema)?;
    }
    // Types are checked against the text first, for the line; the overrides have none.
    if overrides.is_empty() {
        return toml::from_str(text).map_err(|e| syntax(&e, text));
    }
    toml::Value::Table(whole).try_into().map_err(|e: toml::de::Error| RecipeError::Syntax {
        file: file.into(),
        line: None,
        reason: plain(e.message()),
    })
}

/// serde's words for people who do not write Rust.
fn plain(reason: &str) -> String {
    let reason = reason.trim().replace('\n', "; ");
    let words = [
        ("usize", "a whole number"),
        ("u64", "a whole number"),
        ("i8", "a whole number"),
        ("f64", "a number"),
        ("a sequence", "a list"),
    ];
    words.iter().fold(reason, |r, (from, to)| r.replace(&format!("expected {from}"), &format!("expected {to}")))
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Follows `$ref`s.
fn resolve<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    while let Some(path) = schema["$ref"].as_str() {
        schema = root.pointer(path.trim_start_matches('#')).unwrap_or(&Json::Null);
    }
    schema
}

fn unknown(file: &str, line: Option<usize>, path: &str, key: &str, schema: &Json) -> RecipeError {
    let known: Vec<String> = schema["properties"].as_object().map(|p| p.keys().cloned().collect()).unwrap_or_default();
    let nearest = nearest(key, known.iter().map(String::as_str));
    RecipeError::UnknownKey { file: file.into(), line, key: format!("{path}{key}"), nearest, known }
}

/// Every key of `table` is a property of `schema`, all the way down.
fn walk(
    file: &str,
    text: &str,
    table: &DeTable<'_>,
    root: &Json,
    schema: &Json,
    path: &str,
) -> Result<(), RecipeError> {
    let schema = resolve(root, schema);
    for (key, value) in table {
        let name: &str = key.get_ref();
        let inner = match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Json::Null, Json::Object(_)) => &schema["additionalProperties"],
            // Anything may stand here: the domain checks it.
            (Json::Null, Json::Bool(true)) => continue,
            (Json::Null, _) => {
                return Err(unknown(file, Some(line_of(text, key.span().start)), path, name, schema));
            }
            (inner, _) => inner,
        };
        if let DeValue::Table(t) = value.get_ref() {
            walk(file, text, t, root, inner, &format!("{path}{name}."))?;
        }
    }
    Ok(())
}

/// Sets `a.b=value`; the value is TOML, or else a text.
fn set(table: &mut toml::Table, pair: &str, schema: &Json) -> Result<(), RecipeError> {
    let (key, value) =
        pair.split_once('=').ok_or_else(|| RecipeError::invalid("--set", "KEY=VALUE, for example tune.trials=20"))?;
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}")).ok().and_then(|mut t| t.remove("v"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.into()));
    let parts: Vec<&str> = key.trim().split('.').collect();
    let (last, parents) = parts.split_last().expect("split gives one part at least");
    let (mut at, mut shape, mut path) = (table, schema, String::new());
    for part in parents.iter().chain([last]) {
        shape = resolve(schema, shape);
        shape = match (&shape["properties"][*part], &shape["additionalProperties"]) {
            (Json::Null, Json::Object(_)) => &shape["additionalProperties"],
            (Json::Null, Json::Bool(true)) => break,
            (Json::Null, _) => return Err(unknown("--set", None, &path, part, shape)),
            (inner, _) => inner,
        };
        path = format!("{path}{part}.");
    }
    for part in parents {
        let entry = at.entry(*part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = entry.as_table_mut().ok_or_else(|| RecipeError::invalid(part, "a table"))?;
    }
    at.insert((*last).into(), value);
    Ok(())
}
