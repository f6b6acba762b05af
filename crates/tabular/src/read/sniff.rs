//! How a CSV file that nobody has described is written: what parts its cells, and where its header is.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use specialist_core::Dialect;

use super::csv_rows::{io, sep_line};
use super::{ReadError, is_parquet};

/// What parts cells; the first of those that do equally well is taken.
const MARKS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines that are looked at: enough to tell a header from what stands before it.
const LINES: usize = 60;

/// How `path` is written, but for its numbers. A mark parts cells if most lines have equally many of it, the header
/// among them: in a file of decimal commas every row has commas, and the header has none.
///
/// # Errors
/// [`ReadError::Missing`] or [`ReadError::Io`] when the file cannot be read.
pub fn sniff(path: &Path) -> Result<Dialect, ReadError> {
    let mut dialect = Dialect::default();
    if is_parquet(path) || super::json_rows::is_json(path) {
        return Ok(dialect);
    }
    let name = path.display().to_string();
    let mut start = Vec::new();
    let file = File::open(path).map_err(|e| io(&name, &e))?;
    BufReader::new(file).take(1 << 16).read_to_end(&mut start).map_err(|e| io(&name, &e))?;
    let start = start.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(&start);
    if let Some((mark, _)) = sep_line(start) {
        dialect.delimiter = mark;
        return Ok(dialect);
    }
    let lines = records(start);
    let scored = MARKS.iter().map(|&mark| {
        let widths: Vec<usize> = lines.iter().filter(|l| !l.is_empty()).map(|l| width(l, mark)).collect();
        let usual = usual(&widths);
        let alike = widths.iter().filter(|w| **w == usual).count();
        (if usual > 1 { alike } else { 0 }, usual, mark)
    });
    // `rev`: of equals, `max_by_key` takes the last.
    let Some((alike, width_of_rows, mark)) = scored.rev().max_by_key(|s| (s.0, s.1)) else { return Ok(dialect) };
    if alike == 0 {
        return Ok(dialect);
    }
    dialect.delimiter = mark;
    let is_header = |line: &&[u8]| {
        let filled = cells(line, mark).filter(|c| !c.iter().all(|b| b.is_ascii_whitespace() || *b == b'"')).count();
        let wide = width(line, mark);
        // One name short of the rows: R leaves out the name of its row names. That is for the reader to say.
        (wide == width_of_rows || wide + 1 == width_of_rows) && (filled > 1 || wide <= 2)
    };
    dialect.skip = lines.iter().position(is_header).unwrap_or(0);
    Ok(dialect)
}

/// The lines of `text`, where a line break inside quotes parts none; the last one only if it is whole.
fn records(text: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut from, mut quoted) = (Vec::new(), 0, false);
    for (i, b) in text.iter().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                lines.push(text[from..i].strip_suffix(b"\r").unwrap_or(&text[from..i]));
                from = i + 1;
            }
            _ => {}
        }
        if lines.len() == LINES {
            return lines;
        }
    }
    if text.len() < 1 << 16 && from < text.len() {
        lines.push(&text[from..]);
    }
    lines
}

fn cells(line: &[u8], mark: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |b| {
        quoted ^= *b == b'"';
        *b == mark && !quoted
    })
}

fn width(line: &[u8], mark: u8) -> usize {
    cells(line, mark).count()
}

/// The most frequent of `widths`, the largest of those.
fn usual(widths: &[usize]) -> usize {
    let count = |w: &usize| widths.iter().filter(|x| *x == w).count();
    widths.iter().copied().max_by_key(|w| (count(w), *w)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (char, usize) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.csv");
        std::fs::write(&file, text).unwrap();
        let dialect = sniff(&file).unwrap();
        (char::from(dialect.delimiter), dialect.skip)
    }

    #[test]
    fn marks_and_titles() {
        assert_eq!(of("a,b\n1,2\n3,4\n"), (',', 0));
        assert_eq!(of("a;b\n1,5;2,5\n3,5;4,5\n"), (';', 0));
        assert_eq!(of("sep=;\na;b\n1,5;2,5\n"), (';', 0));
        assert_eq!(of("a\tb\n1\t2\n"), ('\t', 0));
        assert_eq!(of("Report of May\n\na;b;c\n1;2;3\n4;5;6\n"), (';', 2));
        assert_eq!(of("Report;;\n;;\na;b;c\n1;2;3\n4;5;6\n"), (';', 2));
        assert_eq!(of("a,b,c\nx,1,2,3\ny,4,5,6\n"), (',', 0));
        assert_eq!(of("a,note\n1,\"two\nlines, and; marks\"\n2,x\n"), (',', 0));
        assert_eq!(of(",x\n1,5\n2,6\n"), (',', 0));
        assert_eq!(of("only\n1\n2\n"), (',', 0));
    }
}
