//! Quotation marks in CSV, as RFC 4180 has them. The `csv` crate reads anything: a mark that is never closed makes one
//! cell of the rest of the file, and text behind a closing mark joins the cell. What a reader would lose without a word is
//! refused here, before it parts the cells.

use std::io::{self, Read};

/// A cell of text that a spreadsheet would run as a formula gets an apostrophe in front, which the
/// spreadsheet shows as plain text (OWASP, "CSV injection", whose list this is, full-width signs included).
#[must_use]
pub fn escape_formula(cell: &str) -> std::borrow::Cow<'_, str> {
    let starts =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if starts && cell.parse::<f64>().is_err() { format!("'{cell}").into() } else { cell.into() }
}

/// Longest cell. A quotation mark that is never closed must not read a file of any length into memory.
const LONGEST: usize = 16 << 20;
const MARK: u8 = b'"';

/// Why the cells of a text cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .what.sentence())]
pub struct Fault {
    /// Lines that end before the one where it stands.
    pub lines_before: u64,
    /// What is wrong.
    pub what: Wrong,
}

/// What can be wrong with quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A cell begins with a mark and the file ends before the second.
    Open,
    /// Something stands between a closing mark and the next delimiter.
    Behind,
    /// A mark stands inside of a cell that does not begin with one.
    Inside,
    /// A cell is longer than any cell is.
    Long,
}

impl Wrong {
    /// In words.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Open => "a cell begins with a quotation mark that is never closed",
            Self::Behind => {
                "text stands behind a closing quotation mark, where a delimiter or the end of the line is expected"
            }
            Self::Inside => "a quotation mark stands inside of a cell that does not begin with one",
            Self::Long => "a cell is longer than 16 MiB; a quotation mark may be open",
        }
    }

    /// What to do.
    pub const HINT: &'static str = "a cell that holds a quotation mark stands in quotation marks itself, and has each of its own twice: \"5\"\" pipe\"";
}

impl Fault {
    /// The fault behind an error of reading through [`Quoted`].
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the first character of a cell.
    Start,
    Plain,
    InMarks,
    /// Behind a mark that closes the cell, or is the first of two.
    Closing,
}

/// A reader that hands on what `inner` reads until a quotation mark is wrong.
pub struct Quoted<R> {
    inner: R,
    delimiter: u8,
    state: State,
    /// Line breaks so far, and up to where the cell in marks begins.
    lines: u64,
    opened: u64,
    /// Whether the last character was a carriage return.
    returned: bool,
    /// Characters of the cell so far.
    length: usize,
}

impl<R: Read> Quoted<R> {
    /// Reads `inner`, whose cells stand between `delimiter`s.
    pub fn new(inner: R, delimiter: u8) -> Self {
        Self { inner, delimiter, state: State::Start, lines: 0, opened: 0, returned: false, length: 0 }
    }

    fn fault(lines_before: u64, what: Wrong) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Fault { lines_before, what })
    }

    /// Whether `b` ends a cell.
    fn ends(&self, b: u8) -> bool {
        b == self.delimiter || b == b'\n' || b == b'\r'
    }

    fn scan(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Most files hold no mark, and then only line breaks and the last cell's length count.
        if self.state != State::InMarks && self.state != State::Closing && !bytes.contains(&MARK) {
            for &b in bytes {
                self.line_break(b);
            }
            match bytes.iter().rposition(|&b| self.ends(b)) {
                Some(last) => {
                    self.length = bytes.len() - 1 - last;
                    self.state = if self.length == 0 { State::Start } else { State::Plain };
                }
                None if !bytes.is_empty() => {
                    self.length += bytes.len();
                    self.state = State::Plain;
                }
                None => {}
            }
            return if self.length > LONGEST { Err(Self::fault(self.lines, Wrong::Long)) } else { Ok(()) };
        }
        for &b in bytes {
            let ends = self.ends(b);
            self.length += 1;
            self.state = match (self.state, b) {
                (State::Start, MARK) => {
                    self.opened = self.lines;
                    State::InMarks
                }
                (State::Closing, MARK) => State::InMarks,
                (State::InMarks, MARK) => State::Closing,
                (State::Plain, MARK) => return Err(Self::fault(self.lines, Wrong::Inside)),
                (State::Start | State::Plain | State::Closing, _) if ends => {
                    self.length = 0;
                    State::Start
                }
                (State::Closing, _) => return Err(Self::fault(self.lines, Wrong::Behind)),
                (State::Start, _) => State::Plain,
                (state, _) => state,
            };
            self.line_break(b);
            if self.length > LONGEST {
                let lines = if self.state == State::InMarks { self.opened } else { self.lines };
                return Err(Self::fault(lines, Wrong::Long));
            }
        }
        Ok(())
    }

    /// Counts as an editor does: LF, CR LF, and CR alone.
    fn line_break(&mut self, b: u8) {
        match b {
            b'\n' if !self.returned => self.lines += 1,
            b'\r' => self.lines += 1,
            _ => {}
        }
        self.returned = b == b'\r';
    }
}

impl<R: Read> Read for Quoted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        if n == 0 && !out.is_empty() && self.state == State::InMarks {
            return Err(Self::fault(self.opened, Wrong::Open));
        }
        self.scan(&out[..n])?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// In pieces of `size`, as a pipe may give them.
    fn read(text: &[u8], size: usize) -> Result<(), Fault> {
        let mut quoted = Quoted::new(text, b',');
        let mut piece = vec![0; size];
        loop {
            match quoted.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(e) => return Err(Fault::of(&e).expect("nothing else can fail").clone()),
            }
        }
    }

    #[test]
    fn each_fault_is_told_with_its_line() {
        for (text, expected) in [
            ("a,b\n1,2\n", None),
            ("a,b\n\"1,\n\"\"x\"\"\",2\r\n\"\",\"3\"", None),
            ("a,b\n1,2\n\"3,4\n5,6\n", Some((2, Wrong::Open))),
            ("a,b\r\n\"1\" x,2\r\n", Some((1, Wrong::Behind))),
            ("a,b\r\"1\r\n2\"x,2", Some((2, Wrong::Behind))),
            ("a,b\n1,5\" pipe\n", Some((1, Wrong::Inside))),
            ("a,b\n1, \"2\"\n", Some((1, Wrong::Inside))),
        ] {
            for size in [1, 2, 3, 1000] {
                let found = read(text.as_bytes(), size).err().map(|f| (f.lines_before, f.what));
                assert_eq!(found, expected, "{text:?} in pieces of {size}");
            }
        }
        let endless = [b"a,b\n\"".as_slice(), &vec![b'x'; LONGEST + 1]].concat();
        assert_eq!(read(&endless, 1 << 16).unwrap_err().what, Wrong::Long);
        assert_eq!(read(&vec![b'x'; LONGEST + 1], 1 << 16).unwrap_err().what, Wrong::Long);
    }

    #[test]
    fn formulas_are_defused_and_numbers_left_alone() {
        for bad in ["=1+1", "@SUM(A1)", "+cmd", "-x", "\tx", "\n=1", "\u{ff1d}1+1"] {
            assert!(escape_formula(bad).starts_with('\''), "{bad}");
        }
        for good in ["-3.5", "+7", "card 12", ""] {
            assert_eq!(escape_formula(good), good);
        }
    }

    proptest! {
        /// What a writer of CSV makes of any cells is never refused.
        #[test]
        fn what_is_quoted_well_is_read(
            rows in proptest::collection::vec(proptest::collection::vec("[a\"\n\r, ]{0,6}", 3), 1..5),
            size in 1usize..9,
        ) {
            let cell = |c: &String| match c.contains(['"', '\n', '\r', ',']) {
                true => format!("\"{}\"", c.replace('"', "\"\"")),
                false => c.clone(),
            };
            let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",");
            let text = rows.iter().map(line).collect::<Vec<_>>().join("\r\n");
            prop_assert_eq!(read(text.as_bytes(), size), Ok(()));
        }
    }
}
