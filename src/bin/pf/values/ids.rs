//! Ids of `--ids`: lines of a file or of stdin.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use crate::{
    error::{CliError, CliResult, Exit},
    stdio::Stdin,
};

/// Opens a file, or stdin for `-`; returns the lines that are not empty, trimmed, with their numbers.
pub fn read(file: &str) -> CliResult<impl Iterator<Item = io::Result<(usize, String)>>> {
    let input: Box<dyn BufRead> = if file == "-" {
        Box::new(BufReader::new(Stdin))
    } else {
        let opened = File::open(file).map_err(|error| {
            CliError::file(Exit::Failed, Path::new(file), error)
                .during(format!("cannot read `{file}`"))
        })?;
        Box::new(BufReader::new(opened))
    };
    let lines = (1..).zip(input.lines());
    Ok(lines.filter_map(|(number, line)| match line {
        Ok(line) => {
            // A byte order mark may be in front of the first line.
            let line = line.trim_start_matches('\u{feff}').trim();
            (!line.is_empty()).then(|| Ok((number, line.to_owned())))
        }
        Err(error) => Some(Err(error)),
    }))
}
