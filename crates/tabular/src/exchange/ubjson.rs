//! UBJSON as XGBoost writes it, into the JSON document that it stands for. (hessboost reads it too, and keeps the
//! document to itself: names, best round and categories would be lost.)

use serde_json::{Map, Number, Value};

/// Deeper nesting than this is no model.
const DEEPEST: usize = 64;

/// The document in `bytes`; the error says what is wrong, and where.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.marker()?;
    let value = reader.value(marker, 0)?;
    while reader.bytes.get(reader.at) == Some(&b'N') {
        reader.at += 1;
    }
    if reader.at < bytes.len() {
        return Err(format!("{} bytes follow the document", bytes.len() - reader.at));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("byte {}: {what}", self.at)
    }

    fn take(&mut self, n: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(n).filter(|e| *e <= self.bytes.len());
        let Some(end) = end else { return Err(self.wrong("the file is cut short")) };
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many bytes as asked for"))
    }

    /// The next marker that is not padding.
    fn marker(&mut self) -> Result<u8, String> {
        loop {
            match self.array::<1>()?[0] {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(self.wrong("nested too deeply"));
        }
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'S' => Value::String(self.text()?),
            b'{' => self.object(depth)?,
            b'[' => self.list(depth)?,
            b'd' => {
                let value = f32::from_be_bytes(self.array()?);
                Self::real(f64::from(value))
            }
            b'D' => {
                let value = f64::from_be_bytes(self.array()?);
                Self::real(value)
            }
            other => Value::from(self.whole(other)?),
        })
    }

    /// A number; what no document of JSON can hold is null, as [`super::finite_json`] makes it.
    fn real(value: f64) -> Value {
        let largest = f64::from(f32::MAX);
        let finite = if value.is_infinite() { value.clamp(-largest, largest) } else { value };
        Number::from_f64(finite).map_or(Value::Null, Value::Number)
    }

    fn whole(&mut self, marker: u8) -> Result<i64, String> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.array()?)),
            b'U' | b'C' => i64::from(self.array::<1>()?[0]),
            b'I' => i64::from(i16::from_be_bytes(self.array()?)),
            b'l' => i64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(self.wrong("an unknown marker")),
        })
    }

    fn length(&mut self) -> Result<usize, String> {
        let marker = self.marker()?;
        let length = self.whole(marker)?;
        usize::try_from(length).map_err(|_| self.wrong("a length is negative"))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.length()?;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.wrong("a text is not UTF-8"))
    }

    /// The element type and the count that a container may begin with.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), String> {
        let mut kind = None;
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            kind = Some(self.array::<1>()?[0]);
        }
        if self.bytes.get(self.at) == Some(&b'#') {
            self.at += 1;
            return Ok((kind, Some(self.length()?)));
        }
        if kind.is_some() { Err(self.wrong("a type without a count")) } else { Ok((None, None)) }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let (kind, count) = self.head()?;
        let mut out = Vec::new();
        match count {
            Some(count) => {
                // Every element takes a byte: a larger count is a lie, and nothing is set aside for it.
                if count > self.bytes.len() - self.at {
                    return Err(self.wrong("a list is longer than the file"));
                }
                for _ in 0..count {
                    let marker = kind.map_or_else(|| self.marker(), Ok)?;
                    out.push(self.value(marker, depth + 1)?);
                }
            }
            None => loop {
                match self.marker()? {
                    b']' => break,
                    marker => out.push(self.value(marker, depth + 1)?),
                }
            },
        }
        Ok(Value::Array(out))
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let (kind, count) = self.head()?;
        let mut out = Map::new();
        let mut left = count.unwrap_or(usize::MAX);
        while left > 0 {
            if count.is_none() {
                while self.bytes.get(self.at) == Some(&b'N') {
                    self.at += 1;
                }
                if self.bytes.get(self.at) == Some(&b'}') {
                    self.at += 1;
                    break;
                }
            }
            let key = self.text()?;
            let marker = kind.map_or_else(|| self.marker(), Ok)?;
            let value = self.value(marker, depth + 1)?;
            out.insert(key, value);
            left -= 1;
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_of_every_form_are_read() {
        assert_eq!(decode(b"{i\x01a[$U#i\x03\x01\x02\x03}").unwrap(), serde_json::json!({"a": [1, 2, 3]}));
        assert_eq!(decode(b"[#i\x02TF").unwrap(), serde_json::json!([true, false]));
        assert_eq!(decode(b"[i\x05Si\x02hi]").unwrap(), serde_json::json!([5, "hi"]));
        assert_eq!(decode(b"d\x3f\x80\x00\x00").unwrap(), serde_json::json!(1.0));
        assert_eq!(decode(b"d\x7f\xc0\x00\x00").unwrap(), Value::Null);
    }

    #[test]
    fn broken_files_are_refused_and_never_taken_at_their_word() {
        for bytes in [
            &b"{i\x01a"[..],
            b"[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"[#l\x7f\xff\xff\xff",
            b"Si\xff",
            b"?",
            b"[$U\x01",
            b"TT",
            &[b'['; 200],
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
