//! bramka: command line.
//!
//! Exit codes: 0 done, 1 failed, 2 a mistake in the command line or the configuration, 3 not
//! found, 4 no daemon answers. Everything else is in `bramka::cli`, where tests can call it.

use std::process::ExitCode;

use bramka::cli::{Output, main_with};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = main_with(std::env::args_os(), &mut Output::of_process());
    ExitCode::from(u8::try_from(exit).unwrap_or(1))
}
