//! Decoders that are not ours, kept from stopping the program: what they do with a damaged file is about the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many of them are at work.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// What `decode` returns, or what it panicked with. Decoders work on threads of their own, so whether one is at work is
/// the whole program's to know and not a thread's.
///
/// # Errors
/// The message of a panic.
pub fn caught<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    AT_WORK.fetch_add(1, Ordering::SeqCst);
    let result = catch_unwind(AssertUnwindSafe(decode));
    AT_WORK.fetch_sub(1, Ordering::SeqCst);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        // One line, and not the whole of it: it may quote what it found.
        let first = text.unwrap_or_default().lines().next().unwrap_or_default().chars().take(80).collect::<String>();
        if first.is_empty() { "the decoder gave up".into() } else { first }
    })
}

/// Whether a panic may be a decoder's, which is told as an error of its file and not as a bug.
#[must_use]
pub fn at_work() -> bool {
    AT_WORK.load(Ordering::SeqCst) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_message() {
        assert_eq!(caught(|| 3), Ok(3));
        let said = caught(|| {
            assert!(at_work());
            panic!("page {} is torn\nand more", 7)
        });
        assert_eq!(said, Err::<(), _>("page 7 is torn".to_string()));
        let inside = std::thread::spawn(|| caught(|| panic!("torn"))).join().expect("it was caught");
        assert_eq!(inside, Err::<(), _>("torn".into()));
    }
}
