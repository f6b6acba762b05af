//! The `medical` binary.

mod decision_curve;
mod domain;
mod settings;
mod subgroups;

fn main() -> std::process::ExitCode {
    specialist_cli::run(domain::Medical)
}
