//! The command line that every domain's binary shares: `specialist_cli::run(MyDomain)` is a binary.

mod args;
mod progress;
mod session;
mod terminal;
mod verbs;

pub use args::{Common, RecipeWhat};
pub use progress::Progress;
pub use terminal::{READER_GONE, Terminal, guarded, is_broken_pipe, print};

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use specialist_core::Domain;

use args::{Args, Verb};
use session::Session;

/// A verb that only one domain has.
pub struct OwnVerb {
    /// Its name, arguments and help.
    pub command: clap::Command,
    /// Does it; the value is the exit code.
    pub run: fn(&ArgMatches, &Common, &Terminal) -> Result<u8, specialist_engine::Error>,
}

/// Runs the binary of `domain` with the process's arguments.
pub fn run(domain: impl Domain + 'static) -> ExitCode {
    run_with(domain, Vec::new())
}

/// As [`run`], with the domain's own verbs beside the shared ones.
pub fn run_with(domain: impl Domain + 'static, own: Vec<OwnVerb>) -> ExitCode {
    run_args(domain, own, std::env::args_os().collect())
}

/// As [`run_with`], with these arguments, the program's name first.
pub fn run_args(domain: impl Domain + 'static, own: Vec<OwnVerb>, args: Vec<OsString>) -> ExitCode {
    let domain: &'static dyn Domain = Box::leak(Box::new(domain));
    guarded(move || start(domain, &own, args))
}

/// The parser with the domain's name in its texts.
fn command(domain: &dyn Domain, own: &[OwnVerb]) -> clap::Command {
    let name = domain.name();
    let recipes: Vec<&str> = domain.recipes().iter().map(|r| r.name).collect();
    let examples = format!(
        "Examples:\n  {name}                                      run the default recipe\n  \
         {name} init --data mine.csv                 write a recipe for your own file\n  \
         {name} check --recipe recipe.toml           look for leaks before any training\n  \
         {name} run --recipe recipe.toml             everything, up to the verdict\n  \
         {name} predict --artifact DIR --data new.csv --output scores.csv\n\n\
         Recipes that ship with {name}: {}\n\
         Exit codes: 0 ok, 1 verdict is not adopt (with --gate), 2 usage or recipe, 3 bad data, 4 corrupt artifact, 70 a bug",
        recipes.join(", ")
    );
    let command = Args::command().name(name).bin_name(name).about(domain.about()).after_help(examples);
    command.subcommands(own.iter().map(|v| v.command.clone()))
}

fn start(domain: &'static dyn Domain, own: &[OwnVerb], args: Vec<OsString>) -> u8 {
    let matches = match command(domain, own).try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(e) => {
            let code = u8::try_from(e.exit_code()).unwrap_or(2);
            let _ = e.print();
            return code;
        }
    };
    if let Some((name, inner)) = matches.subcommand()
        && let Some(verb) = own.iter().find(|v| v.command.get_name() == name)
    {
        let common = Common::from_arg_matches(inner).unwrap_or_else(|e| e.exit());
        let terminal = Terminal::new(common.threads, common.budget, common.quiet);
        return (verb.run)(inner, &common, &terminal).unwrap_or_else(|e| match is_broken_pipe(&e) {
            true => READER_GONE,
            false => terminal.fail(&e, &e.hint(), e.exit_code()),
        });
    }
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(e) => e.exit(),
    };
    if let Some(Verb::Completions { shell }) = &args.verb {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut command(domain, own), domain.name(), &mut script);
        let mut out = std::io::stdout().lock();
        return match out.write_all(&script).and_then(|()| out.flush()) {
            Ok(()) => 0,
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => READER_GONE,
            Err(_) => 2,
        };
    }
    let session = Session::new(domain, &args);
    match verbs::dispatch(&session, &args) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => READER_GONE,
        Err(error) => {
            session.progress.clear();
            if let specialist_engine::Error::Leak(findings) = &error {
                let table = specialist_report::check_table(findings, false, session.colour_err);
                let _ = writeln!(std::io::stderr().lock(), "{table}");
            }
            session.fail(&error, &error.hint(), error.exit_code())
        }
    }
}
