//! The `fraud` binary.

mod domain;
mod features;
mod metrics;
mod simulate;

fn main() -> std::process::ExitCode {
    specialist_cli::run(domain::Fraud)
}
