//! The `medical` binary.

mod bedside;
mod check;
mod decision_curve;
mod domain;
mod effect;
mod outcome;
mod sample_size;
mod settings;
mod subgroups;

fn main() -> std::process::ExitCode {
    specialist_cli::run(domain::Medical)
}
