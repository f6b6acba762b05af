//! The `trading` binary.

fn main() -> std::process::ExitCode {
    specialist_cli::run_with(trading::Trading, trading::verbs::own())
}
