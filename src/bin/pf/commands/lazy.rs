//! Subcommands that are built only when they are used.

use clap::{ArgMatches, Command, Error, FromArgMatches, Subcommand};

/// Nested subcommands, built lazily. Building all of their flags takes a good part of the run time of a short command.
#[derive(Debug)]
pub struct LazySubcommand<T>(pub T);

impl<T: Subcommand> LazySubcommand<T> {
    /// Builds them at once, for completions and manual pages.
    pub fn build_now(command: Command) -> Command {
        T::augment_subcommands(command.defer(|same| same))
    }
}

impl<T: FromArgMatches> FromArgMatches for LazySubcommand<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Subcommand> Subcommand for LazySubcommand<T> {
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
