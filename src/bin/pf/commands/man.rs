//! `pf man`: manual pages.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// Print the manual page, or write the pages of all commands to a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf man | man -l -
  pf man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write the pages to
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    pub fn run(self, context: &mut Context, command: Command) -> CliResult<()> {
        let Some(folder) = self.dir else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            return Ok(context.printer.raw(&page)?);
        };
        std::fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(command, &folder))
            .map_err(|error| {
                CliError::folder(Exit::Failed, &folder, error)
                    .during(format!("cannot write to the folder {}", folder.display()))
            })?;
        let text = format!("wrote the manual pages to {}", folder.display());
        context.printer.remarks().remark(&text);
        Ok(())
    }
}
