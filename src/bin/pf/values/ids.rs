//! What `--ids` reads: a file, or stdin, line by line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
};

use crate::error::{CliError, CliResult};

/// Opens the lines that are not empty, with their numbers and without the white space around them; `-` is
/// stdin.
pub fn read(file: &str) -> CliResult<impl Iterator<Item = io::Result<(usize, String)>>> {
    let input: Box<dyn BufRead> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file)
            .map_err(|error| CliError::from(error).during(format!("`{file}` cannot be read")))?;
        Box::new(BufReader::new(opened))
    };
    let lines = (1..).zip(input.lines());
    Ok(lines.filter_map(|(number, line)| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) => Some(Ok((number, line.trim().to_owned()))),
        Err(error) => Some(Err(error)),
    }))
}
