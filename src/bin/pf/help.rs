//! Help, the version and wrong usage, as the parser of the command line prints them.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use crate::{
    error::{CliError, Exit},
    output::{ColorChoice, Remarks},
};

/// Prints the message of the parser. Help that cannot be written is an error, like any other output.
pub fn print(message: &clap::Error) -> ExitCode {
    let printed = message.print().and_then(|()| io::stdout().flush());
    match printed {
        Err(error) if !message.use_stderr() => {
            let error = CliError::from(error);
            Remarks::stderr(false, ColorChoice::default()).error(&error);
            error.exit_code()
        }
        _ if message.use_stderr() => Exit::Usage.status(),
        _ => ExitCode::SUCCESS,
    }
}
