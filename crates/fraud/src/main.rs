//! The `fraud` binary.

fn main() -> std::process::ExitCode {
    specialist_cli::run(fraud::Fraud)
}
