//! Looks at the headers of a Parquet column's pages before Polars decodes them: Polars allocates what they claim, and an
//! allocation that fails ends the process with no word of the file.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};

use polars_parquet::parquet::metadata::{ColumnChunkMetadata, FileMetadata};
use polars_parquet_format::PageHeader;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;

/// The longest header of a page, whose statistics may hold two values of the column.
const LONGEST_HEADER: usize = 1 << 26;
/// A page that unpacks to more than this must be told of by the footer, too.
const LARGE_PAGE: i64 = 1 << 28;

/// Whether the pages of `columns`, by their names in the footer `metadata`, hold what the footer says. Only the headers are
/// read, no page is unpacked.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn sound(file: File, metadata: &FileMetadata, columns: &[&String]) -> Result<(), String> {
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    let mut file = BufReader::new(file);
    for (g, group) in metadata.row_groups.iter().enumerate() {
        for name in columns {
            for chunk in group.columns_under_root_iter(name).into_iter().flatten() {
                chunk_is_sound(&mut file, length, chunk)
                    .map_err(|what| format!("row group {}, column `{name}`: {what}", g + 1))?;
            }
        }
    }
    Ok(())
}

fn chunk_is_sound(file: &mut BufReader<File>, length: u64, chunk: &ColumnChunkMetadata) -> Result<(), String> {
    let range = chunk.byte_range();
    if range.end > length || range.start > range.end {
        return Err("its pages lie outside of the file".into());
    }
    file.seek(SeekFrom::Start(range.start)).map_err(|e| e.to_string())?;
    let (mut at, mut values) = (range.start, 0i64);
    // As the decoder does: pages are read until they hold as many values as the column.
    while values < chunk.num_values() {
        let header = {
            let mut protocol = TCompactInputProtocol::new(&mut *file, LONGEST_HEADER);
            PageHeader::read_from_in_protocol(&mut protocol).map_err(|_| "a page has no header".to_string())?
        };
        let here = file.stream_position().map_err(|e| e.to_string())?;
        let (packed, unpacked) = (i64::from(header.compressed_page_size), i64::from(header.uncompressed_page_size));
        if packed < 0 || unpacked < 0 || here + packed as u64 > range.end {
            return Err("a page is longer than its column".into());
        }
        if unpacked > LARGE_PAGE.max(chunk.uncompressed_size()) {
            return Err("a page unpacks to more than its column".into());
        }
        let dictionary = header.dictionary_page_header.as_ref().map(|d| i64::from(d.num_values));
        // A value of a dictionary takes a byte at least.
        if dictionary.is_some_and(|n| n < 0 || n > unpacked) {
            return Err("a dictionary claims more values than it has bytes".into());
        }
        let first = header.data_page_header.as_ref().map(|d| i64::from(d.num_values));
        let second = header.data_page_header_v2.as_ref().map(|d| i64::from(d.num_values));
        let held = first.or(second).unwrap_or(0);
        if held < 0 || values + held > chunk.num_values() {
            return Err("its pages hold more values than the column".into());
        }
        values += held;
        let next = here + packed as u64;
        // Pages without values and without bytes would never end.
        if next <= at {
            return Err("a page leads nowhere".into());
        }
        at = next;
        file.seek_relative(packed).map_err(|e| e.to_string())?;
    }
    Ok(())
}
