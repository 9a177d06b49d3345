//! The command line, one file per subcommand.

mod caps;
mod completions;
mod consume;
mod context;
mod demo;
mod dlq;
mod doctor;
#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
mod inbox;
mod lazy;
mod man;
#[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
mod outbox;
mod publish;
mod request;
mod schedule;
mod tail;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::lazy::LazySubcommand;
use crate::{
    context::Context,
    error::{CliError, CliResult},
    global_args::GlobalArgs,
    handler::is_canary,
    output::{Format, no_metrics},
};

/// Publish, tail and consume CloudEvents, and triage dead letters
#[derive(Debug, Parser)]
#[command(name = "pf", version, max_term_width = 100)]
#[command(after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Returns the whole command line, nested subcommands included.
    pub fn whole() -> clap::Command {
        let command = Self::command();
        #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
        let command = command
            .mut_subcommand("outbox", LazySubcommand::<outbox::OutboxCommand>::build_now)
            .mut_subcommand("inbox", LazySubcommand::<inbox::InboxCommand>::build_now);
        command
            .mut_subcommand("dlq", LazySubcommand::<dlq::DlqCommand>::build_now)
            .mut_subcommand(
                "schedule",
                LazySubcommand::<schedule::ScheduleCommand>::build_now,
            )
            .mut_subcommand(
                "context",
                LazySubcommand::<context::ContextCommand>::build_now,
            )
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Publish(publish::PublishArgs),
    Request(request::RequestArgs),
    Tail(tail::TailArgs),
    Consume(consume::ConsumeArgs),
    /// List, show, replay and purge dead letters
    #[command(subcommand)]
    Dlq(LazySubcommand<dlq::DlqCommand>),
    /// Publish what a database's own transactions stored: transactional outboxes
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    #[command(subcommand)]
    Outbox(LazySubcommand<outbox::OutboxCommand>),
    /// Keys of handled events in your own database, so that an effect is made once
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    #[command(subcommand)]
    Inbox(LazySubcommand<inbox::InboxCommand>),
    /// List, show, reschedule and cancel delayed events
    #[command(subcommand)]
    Schedule(LazySubcommand<schedule::ScheduleCommand>),
    Caps(caps::CapsArgs),
    /// Manage named stores
    #[command(subcommand)]
    Context(LazySubcommand<context::ContextCommand>),
    Doctor(doctor::DoctorArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    fn prints_metrics(&self) -> bool {
        matches!(self, Self::Dlq(LazySubcommand(dlq::DlqCommand::Check(_))))
    }

    /// Reports whether it changes a store. `pf publish` is not among these: it validates its events by itself.
    fn changes_store(&self) -> bool {
        match self {
            Self::Consume(_) | Self::Request(_) | Self::Demo(_) => true,
            Self::Doctor(args) => args.fix,
            Self::Dlq(LazySubcommand(command)) => command.changes_store(),
            Self::Schedule(LazySubcommand(command)) => command.changes_store(),
            #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
            Self::Outbox(LazySubcommand(command)) => command.changes_store(),
            #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
            Self::Inbox(LazySubcommand(command)) => command.changes_store(),
            Self::Publish(_)
            | Self::Tail(_)
            | Self::Caps(_)
            | Self::Context(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        context.start_log()?;
        // These two describe `pf` itself and must work with a broken configuration.
        if !matches!(self, Self::Completions(_) | Self::Man(_)) {
            context.config()?;
        }
        if context.printer.format() == Format::Prometheus && !self.prints_metrics() {
            return Err(no_metrics());
        }
        if context.printer.format() == Format::Batch && !matches!(self, Self::Tail(_)) {
            return Err(CliError::usage("`-o batch` is only for `pf tail`"));
        }
        if is_canary() && self.changes_store() {
            let remarks = context.printer.remarks();
            remarks.remark("PF_CANARY is set: this would change the store, and does nothing");
            return Ok(());
        }
        match self {
            Self::Publish(args) => Box::pin(publish::run(&args, context)).await,
            Self::Request(args) => Box::pin(args.run(context)).await,
            Self::Tail(args) => args.run(context).await,
            Self::Consume(args) => Box::pin(args.run(context)).await,
            Self::Dlq(LazySubcommand(command)) => Box::pin(command.run(context)).await,
            Self::Schedule(LazySubcommand(command)) => command.run(context).await,
            #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
            Self::Outbox(LazySubcommand(command)) => command.run(context).await,
            #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
            Self::Inbox(LazySubcommand(command)) => command.run(context).await,
            Self::Caps(args) => args.run(context).await,
            Self::Context(LazySubcommand(command)) => command.run(context),
            Self::Doctor(args) => args.run(context).await,
            Self::Demo(args) => args.run(context).await,
            Self::Completions(args) => args.run(context, Cli::whole()),
            Self::Man(args) => args.run(context, Cli::whole()),
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
    0  all done
    1  failed, nothing done
    2  wrong usage of the command line
    3  time limit reached, too few events, or a limit of `pf dlq check` exceeded
    4  partly done
    5  the transport does not support the request
   69  the transport does not answer
   77  permission denied: wrong user or password, or the store is read-only
   78  configuration error
  130  interrupted by SIGINT before everything was finished (143: by SIGTERM)
  141  stdout was closed by its reader";

#[cfg(test)]
mod tests {
    #[test]
    fn command_line_is_consistent() {
        super::Cli::whole().debug_assert();
    }
}
