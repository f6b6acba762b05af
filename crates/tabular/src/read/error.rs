//! Why a file cannot be read: where, what was expected, what to do. Never what the cell holds.

use specialist_core::Column;
use specialist_core::quoting::Wrong;

use thiserror::Error;

use super::csv_rows;

/// A file that cannot be read as declared.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("{file}: there is no such file")]
    Missing {
        /// Its path.
        file: String,
    },
    /// The system refused.
    #[error("{file}: {reason}")]
    Io {
        /// Its path.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// JSON that is no table.
    #[error("{file}:{line}: {what}")]
    Json {
        /// Its path.
        file: String,
        /// The line, or the place in the list.
        line: u64,
        /// What was expected.
        what: String,
    },
    /// Nothing in it.
    #[error("{file}: the file is empty")]
    Empty {
        /// Its path.
        file: String,
    },
    /// A header and no rows.
    #[error("{file}: there is a header but no row")]
    NoRows {
        /// Its path.
        file: String,
    },
    /// Rows, but none that the recipe wants.
    #[error(
        "{file}: none of the {read} rows is left: {unlabelled} carry no label, the others do not pass `where` and `except`"
    )]
    NothingKept {
        /// Its path.
        file: String,
        /// Rows in the file.
        read: usize,
        /// Rows without label.
        unlabelled: usize,
    },
    /// Not UTF-8.
    #[error("{file}{}: the text is {what}; UTF-8 is expected", at(.line))]
    Encoding {
        /// Its path.
        file: String,
        /// Where, if known.
        line: Option<u64>,
        /// What it seems to be.
        what: &'static str,
    },
    /// Separated by something else.
    #[error("{file}, line 1: the header is one cell; it seems to be separated by {found}")]
    Delimiter {
        /// Its path.
        file: String,
        /// By what.
        found: &'static str,
    },
    /// A header that names a column twice, or not at all.
    #[error("{file}, line 1: {what}")]
    Header {
        /// Its path.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A row with too many or too few cells.
    #[error("{file}, line {line}: {found} cells, the header has {expected}")]
    Ragged {
        /// Its path.
        file: String,
        /// Where.
        line: u64,
        /// Cells in the row.
        found: u64,
        /// Cells in the header.
        expected: u64,
    },
    /// A row that is the header again.
    #[error("{file}, line {line}: the header stands here again, where a row is expected")]
    Repeated {
        /// Its path.
        file: String,
        /// Where.
        line: u64,
    },
    /// Quotation marks that do not tell where cells end.
    #[error("{file}, line {line}: {}", .what.sentence())]
    Quoting {
        /// Its path.
        file: String,
        /// Where.
        line: u64,
        /// What is wrong.
        what: Wrong,
    },
    /// A declared column is not in the header.
    #[error("{file}: there is no column `{column}`")]
    NoColumn {
        /// Its path.
        file: String,
        /// The declared name.
        column: String,
        /// The closest name in the header.
        nearest: Option<String>,
    },
    /// A cell is not what its column was declared to be.
    #[error("{file}, line {line}, column `{column}`: {expected}")]
    Cell {
        /// Its path.
        file: String,
        /// Where.
        line: u64,
        /// The column.
        column: String,
        /// What was expected.
        expected: String,
        /// What to do.
        hint: String,
    },
    /// A column of a type that cannot be read.
    #[error("{file}, column `{column}`: it is of the type {kind}, which is no plain value")]
    Type {
        /// Its path.
        file: String,
        /// The column.
        column: String,
        /// The type's name.
        kind: String,
    },
    /// A column that makes no sense as a whole.
    #[error("{file}, column `{column}`: {expected}")]
    Column {
        /// Its path.
        file: String,
        /// The column.
        column: String,
        /// What was found and expected.
        expected: String,
        /// What to do.
        hint: String,
    },
    /// A Parquet file that is cut short or of an unknown kind.
    #[error("{file}: not a readable Parquet file: {reason}")]
    Parquet {
        /// Its path.
        file: String,
        /// The decoder's reason.
        reason: String,
    },
}

fn at(line: &Option<u64>) -> String {
    line.map_or(String::new(), |l| format!(", line {l}"))
}

impl ReadError {
    pub(crate) fn no_column(file: &str, column: &str, header: &[String]) -> Self {
        let score = |h: &&String| (strsim::jaro_winkler(column, h) * 1e6) as u64;
        let nearest = header.iter().max_by_key(score).filter(|h| strsim::jaro_winkler(column, h) > 0.75);
        Self::NoColumn { file: file.into(), column: column.into(), nearest: nearest.cloned() }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } | Self::Io { .. } => {
                "check the path; it is taken relative to the recipe's folder".into()
            }
            Self::Json { .. } => "write a list of objects, or one object a line, with a plain value for each column".into(),
            Self::Empty { .. } | Self::NoRows { .. } => "export the table again, with its header and its rows".into(),
            Self::NothingKept { .. } => {
                "compare `where` and the label's `positive` and `negative` with the file".into()
            }
            Self::Encoding { what, .. } => match *what {
                csv_rows::UTF_16 => {
                    "save the file as UTF-8: iconv -f UTF-16 -t UTF-8, or \"CSV UTF-8\" in a spreadsheet".into()
                }
                csv_rows::NOT_UTF_8 => {
                    "save the file as UTF-8: \"CSV UTF-8\" in a spreadsheet, or iconv -f WINDOWS-1252 -t UTF-8 (Western Europe) where it was written under Windows".into()
                }
                csv_rows::GZIP => "unpack it with gunzip".into(),
                csv_rows::PARQUET => "rename it".into(),
                csv_rows::SPREADSHEET => "export the sheet as \"CSV UTF-8\"".into(),
                _ => "export the table as CSV or Parquet".into(),
            },
            Self::Delimiter { found, .. } => format!("set `delimiter` to {found} under [source] and [target]"),
            Self::Header { .. } => "give every column one name of its own".into(),
            Self::Ragged { found, expected, .. } if *found == expected + 1 => {
                "a cell that holds the delimiter or a line break must stand in double quotes; if rows begin with a row name that the header lacks, as R's write.table leaves it out, write with col.names = NA or row.names = FALSE".into()
            }
            Self::Ragged { .. } => "a cell that holds the delimiter or a line break must stand in double quotes".into(),
            Self::Repeated { .. } => "leave one header, at the top: tables that are put together keep the first one's".into(),
            Self::Quoting { .. } => Wrong::HINT.into(),
            Self::NoColumn { nearest: Some(n), .. } => format!("did you mean `{n}`?"),
            Self::NoColumn { .. } => {
                "take the column out of the recipe, or add it to the file, whose first line must name its columns; `init` writes a recipe that fits a file"
                    .into()
            }
            Self::Cell { hint, .. } | Self::Column { hint, .. } => hint.clone(),
            Self::Type { column, .. } => format!(
                "give `{column}` the role \"ignore\" or leave it out of the recipe, or write it as numbers or text"
            ),
            Self::Parquet { .. } => {
                "write the file again; plain columns of numbers, text, booleans and dates are read".into()
            }
        }
    }

    /// Whether the user named something that is not there, rather than something that is broken.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

/// A cell's fault before it is known where the cell stands.
pub(crate) struct CellFault {
    pub expected: String,
    pub hint: String,
}

impl CellFault {
    pub(crate) fn locate(self, file: &str, line: u64, column: &Column) -> ReadError {
        ReadError::Cell {
            file: file.into(),
            line,
            column: column.name.clone(),
            expected: self.expected,
            hint: self.hint,
        }
    }
}
