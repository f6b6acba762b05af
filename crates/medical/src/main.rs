//! The `medical` binary.

fn main() -> std::process::ExitCode {
    specialist_cli::run(medical::Medical)
}
