//! The `provisor` command.

fn main() -> std::process::ExitCode {
    provisor::cli::main_with_args(std::env::args_os())
}
