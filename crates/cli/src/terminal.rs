//! What every program needs around its verbs: threads, signals, progress, remarks, exit codes.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use specialist_core::{Budget, Cancelled, Context};
use specialist_engine::Error;

use crate::progress::Progress;

/// Exit code of a bug in this program.
const BUG: u8 = 70;

/// Where a run talks to its user.
pub struct Terminal {
    /// Draws progress.
    pub progress: Arc<Progress>,
    /// Whether stdout takes colours.
    pub colour: bool,
    /// Whether stderr takes colours.
    pub colour_err: bool,
    quiet: bool,
    threads: usize,
    budget: Budget,
    cancelled: Cancelled,
    started: Instant,
}

impl Terminal {
    /// Sets up threads, progress and the signal handler; the budget is in seconds.
    #[must_use]
    pub fn new(threads: Option<usize>, budget: Option<u64>, quiet: bool) -> Self {
        let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into)).max(1);
        // The pool may be there already in a test; then its size is as good.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        let cancelled = Cancelled::default();
        let handle = cancelled.clone();
        let _ = ctrlc::set_handler(move || {
            if handle.is_set() {
                std::process::exit(130);
            }
            handle.cancel();
            tell("\nstopping; once more stops at once");
        });
        let spent = Budget::default();
        if let Some(seconds) = budget {
            let budget = spent.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(seconds));
                budget.spend();
            });
        }
        let no_colour = std::env::var_os("NO_COLOR").is_some();
        Self {
            progress: Arc::new(Progress::new(!quiet && std::io::stderr().is_terminal())),
            colour: !no_colour && std::io::stdout().is_terminal(),
            colour_err: !no_colour && std::io::stderr().is_terminal(),
            quiet,
            threads,
            budget: spent,
            cancelled,
            started: Instant::now(),
        }
    }

    /// Threads, seed, progress and cancellation for the libraries.
    #[must_use]
    pub fn context(&self, seed: u64) -> Context {
        Context::new(seed, self.threads)
            .with_observer(self.progress.clone())
            .with_budget(self.budget.clone())
            .with_cancel(self.cancelled.clone())
    }

    /// A remark on stderr, unless `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// A remark on the stage that was just done.
    pub fn done(&self, stage: &str, what: &str) {
        self.say(&format!("{:>7.1} s  {stage:<9} {what}", self.started.elapsed().as_secs_f64()));
    }

    /// Says what went wrong and what to do next; returns the exit code.
    pub fn fail(&self, what: &dyn Display, hint: &str, code: u8) -> u8 {
        self.progress.clear();
        tell(&format!("error: {what}\nhint: {hint}"));
        code
    }
}

/// Runs a program whose panics are told as bugs.
pub fn guarded(program: impl FnOnce() -> u8) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        if specialist_core::foreign::at_work() {
            return;
        }
        let place = panic.location().map_or(String::new(), |l| format!(" ({}:{})", l.file(), l.line()));
        tell(&format!("error: this is a bug in the program, not in your data{place}: {panic}"));
        tell("hint: please report it with the recipe, without the data; nothing was half-written");
    }));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(program)).map_or(ExitCode::from(BUG), ExitCode::from)
}

/// `text` as a terminal may have it. A column's name or a file's may hold what moves the cursor, sets the window's title or
/// turns the direction of reading: that is shown as what it is. Line breaks and our own colours stay.
fn shown(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        let direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() && c != '\n' && c != '\t') || direction
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = rest.strip_prefix("\u{1b}[").and_then(|after| {
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            after[end..].starts_with('m').then_some(2 + end + 1)
        });
        let length = colour.unwrap_or(c.len_utf8());
        match colour {
            None if acts(c) => out.extend(c.escape_default()),
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// A line on stderr. That it cannot be written is no reason to stop, let alone to abort as `eprintln!` would.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", shown(text));
}

/// Writes to stdout. Once its reader has gone, the work goes on without a word: the verdict decides about the exit code, and
/// not who looked at the first line.
///
/// # Errors
/// [`Error::Write`] when it cannot be written for another reason.
pub fn print(text: &str) -> Result<(), Error> {
    static GONE: AtomicBool = AtomicBool::new(false);
    if GONE.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", shown(text)).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {
            GONE.store(true, Ordering::Relaxed);
            Ok(())
        }
        done => done.map_err(|error| Error::Write { file: "stdout".into(), error }),
    }
}

/// The exit code of a program whose reader went away while it wrote data: what a shell reports of one that the signal
/// killed, and no success.
pub const READER_GONE: u8 = 141;

/// Whether the reader of our output had enough.
#[must_use]
pub fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Write { error, .. } if error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_acts_on_a_terminal_is_shown_and_colours_stay() {
        assert_eq!(shown("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(shown("\u{1b}[1;31mred\u{1b}[0m"), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(shown("x\u{1b}]0;OWNED\u{7}y"), "x\\u{1b}]0;OWNED\\u{7}y");
        assert_eq!(shown("\u{1b}[2Jx\r\u{202e}y"), "\\u{1b}[2Jx\\r\\u{202e}y");
    }
}
