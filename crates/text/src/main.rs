//! The `text` binary.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use text::{Text, register, set_cache, verbs};

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

/// The arguments as the shared verbs know them: `text translate run` is `text run --recipe translate`, of labels, which the program is
/// about where nothing is said, the recipe is the default; and `--cache DIR` holds for everything.
fn arguments() -> Vec<OsString> {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let says = |args: &[OsString], flag| args.iter().any(|a| a.to_str().is_some_and(|a| a.starts_with(flag)));
    if let Some(job) = args.get(1).and_then(|a| a.to_str()).map(str::to_string)
        && ["sentiment", "translate", "summarize"].contains(&job.as_str())
    {
        args.remove(1);
        // An artifact has its own recipe.
        if job != "sentiment" && !says(&args, "--recipe") && !says(&args, "--artifact") {
            args.extend(["--recipe".into(), job.into()]);
        }
    }
    if let Some(at) = args.iter().position(|a| a == "--cache")
        && at + 1 < args.len()
    {
        set_cache(PathBuf::from(args.remove(at + 1)));
        args.remove(at);
    }
    args
}

fn main() -> ExitCode {
    #[cfg(unix)]
    keep_pages();
    register();
    specialist_cli::run_args(Text, verbs::own(), arguments())
}
