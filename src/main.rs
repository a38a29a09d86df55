//! The `pawbase` program: starts the runtime and hands over to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    pawbase::cli::run()
}
