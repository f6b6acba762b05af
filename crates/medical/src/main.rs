//! The `medical` binary.

mod bedside;
mod check;
mod conformal;
mod decision_curve;
mod domain;
mod effect;
mod outcome;
mod sample_size;
mod settings;
mod subgroups;
mod updating;

fn main() -> std::process::ExitCode {
    specialist_cli::run(domain::Medical)
}
