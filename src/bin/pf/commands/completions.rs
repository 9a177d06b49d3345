//! `pf completions`: completion scripts.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{context::Context, error::CliResult};

/// Makes `pf tail order.*` work as typed: otherwise zsh expands the pattern to file names.
const NOGLOB: &str = "alias pf='noglob pf'\n";

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(pf completions bash)      in ~/.bashrc
  source <(pf completions zsh)       in ~/.zshrc, after compinit
  pf completions fish > ~/.config/fish/completions/pf.fish")]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub fn run(self, context: &mut Context, mut command: Command) -> CliResult<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "pf", &mut script);
        if self.shell == Shell::Zsh {
            let first = script
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            script.splice(first..first, NOGLOB.bytes());
        }
        Ok(context.printer.raw(&script)?)
    }
}
