//! Subcommands that are only made out once they are asked for.

use clap::{ArgMatches, Command, Error, FromArgMatches, Subcommand};

/// Subcommands of a subcommand. To make out all of their flags is a good part of what a short command costs.
#[derive(Debug)]
pub struct Later<T>(pub T);

impl<T: Subcommand> Later<T> {
    /// Makes them out at once, for who writes about all of them.
    pub fn now(command: Command) -> Command {
        T::augment_subcommands(command.defer(|same| same))
    }
}

impl<T: FromArgMatches> FromArgMatches for Later<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Subcommand> Subcommand for Later<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(T::augment_subcommands)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command.defer(T::augment_subcommands_for_update)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
