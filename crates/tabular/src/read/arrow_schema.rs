//! The Arrow schema that writers leave in a Parquet file beside Parquet's own. Polars believes it, and panics on what it does not
//! know there; so it is looked at first, and left out where it would mislead.

use std::collections::HashMap;

use base64::Engine;
use polars_arrow_format::ipc::planus::ReadAsRoot;
use polars_arrow_format::ipc::{FieldRef, MessageHeaderRef, MessageRef, TimeUnit, TypeRef};

/// The key that the schema has in the file's metadata.
pub(super) const KEY: &str = "ARROW:schema";

/// What is said there that Parquet itself does not say, and whether Polars can follow it.
#[derive(Debug, Default)]
pub(super) struct ArrowSchema {
    /// Whether every type is one that Polars knows.
    pub plain: bool,
    /// Columns that are durations, and how many of their units a second has.
    pub durations: HashMap<String, f64>,
}

impl ArrowSchema {
    /// The schema in `encoded`; one that cannot be read is not plain.
    pub(super) fn parse(encoded: &str) -> Self {
        Self::try_parse(encoded).unwrap_or_default()
    }

    fn try_parse(encoded: &str) -> Option<Self> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
        // A continuation mark and the length may stand before the message.
        let message = match bytes.get(..4)? {
            [255, 255, 255, 255] => bytes.get(8..)?,
            _ => &bytes,
        };
        let header = MessageRef::read_as_root(message).ok()?.header().ok()??;
        let MessageHeaderRef::Schema(schema) = header else { return None };
        let mut out = Self { plain: true, durations: HashMap::new() };
        for field in schema.fields().ok()?? {
            let field = field.ok()?;
            out.plain &= is_plain(&field, 0)?;
            if let Some(TypeRef::Duration(duration)) = field.type_().ok()? {
                let per_second = match duration.unit().ok()? {
                    TimeUnit::Second => 1.0,
                    TimeUnit::Millisecond => 1e3,
                    TimeUnit::Microsecond => 1e6,
                    TimeUnit::Nanosecond => 1e9,
                };
                out.durations.insert(field.name().ok()??.to_string(), per_second);
            }
        }
        Some(out)
    }
}

/// Whether Polars can make a column of this type, or refuses it by an error.
fn is_plain(field: &FieldRef<'_>, depth: usize) -> Option<bool> {
    const DEEPEST: usize = 32;
    if depth > DEEPEST {
        return Some(false);
    }
    let kind = field.type_().ok()??;
    let text = matches!(kind, TypeRef::Utf8(_) | TypeRef::LargeUtf8(_) | TypeRef::Utf8View(_));
    if field.dictionary().ok()?.is_some() && !text {
        // Parquet holds the values themselves.
        return Some(false);
    }
    let known = match kind {
        TypeRef::RunEndEncoded(_) | TypeRef::ListView(_) | TypeRef::LargeListView(_) | TypeRef::Union(_) => false,
        TypeRef::Timestamp(t) => t.timezone().ok()?.is_none_or(|z| z.is_empty() || z.parse::<chrono_tz::Tz>().is_ok()),
        _ => true,
    };
    let mut plain = known;
    for child in field.children().ok()?.into_iter().flatten() {
        plain &= is_plain(&child.ok()?, depth + 1)?;
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_schema_is_not_believed() {
        for broken in ["", "AA==", "//////8=", "not base64!", "AAAAAAAAAAAAAAAA"] {
            assert!(!ArrowSchema::parse(broken).plain, "{broken}");
        }
    }
}
