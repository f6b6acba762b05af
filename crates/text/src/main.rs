//! Text: sentiment, summarization, translation.

mod adapter;
mod args;
mod corpus;
mod error;
mod export;
mod fetch;
mod judge;
mod linear;
mod metrics;
mod packages;
mod recipe;
mod sentiment;
mod verbs;
mod writing;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use specialist_cli::{READER_GONE, Terminal, guarded, is_broken_pipe};

use args::{Args, Verb};
use error::Error;

/// Networks allocate large tensors all the time: this allocator can keep their pages instead of giving them back to
/// the system and faulting them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Starts this program again with freed pages kept: the allocator reads its setting before `main`, and from the
/// environment only. A sixth of a training step goes into page faults without it.
#[cfg(unix)]
fn keep_pages() {
    use std::os::unix::process::CommandExt;
    const SETTING: &str = "MIMALLOC_PURGE_DELAY";
    if std::env::var_os(SETTING).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        // Returns only where it failed; then the program goes on as it is.
        let _ = std::process::Command::new(program).arg0(name).args(arguments).env(SETTING, "-1").exec();
    }
}

fn main() -> ExitCode {
    #[cfg(unix)]
    keep_pages();
    guarded(|| {
        let args = match Args::try_parse() {
            Ok(args) => args,
            Err(e) => {
                let _ = e.print();
                return u8::try_from(e.exit_code()).unwrap_or(2);
            }
        };
        if let Some(Verb::Completions { shell }) = &args.verb {
            clap_complete::generate(*shell, &mut Args::command(), "text", &mut std::io::stdout());
            return 0;
        }
        let terminal = Terminal::new(args.common.threads, args.common.budget, args.common.quiet);
        // Work that starts on a thread of the pool shares it out without waking and waiting at every matrix product.
        let done = rayon::scope(|_| verbs::dispatch(&args, &terminal));
        match done {
            Ok(code) => code,
            Err(Error::Pipeline(e)) if is_broken_pipe(&e) => READER_GONE,
            Err(e) => terminal.fail(&e, &e.hint(), e.exit_code()),
        }
    })
}
