//! The command line, one file per subcommand.

mod caps;
mod completions;
mod consume;
mod context;
mod demo;
mod dlq;
mod doctor;
mod lazy;
mod man;
mod publish;
mod schedule;
mod tail;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::lazy::Later;
use crate::{context::Context, error::CliResult, global_args::GlobalArgs};

/// Publish, tail and consume CloudEvents, and triage what failed
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
    /// Returns all of the command line, subcommands of subcommands too.
    pub fn whole() -> clap::Command {
        Self::command()
            .mut_subcommand("dlq", Later::<dlq::DlqCommand>::now)
            .mut_subcommand("schedule", Later::<schedule::ScheduleCommand>::now)
            .mut_subcommand("context", Later::<context::ContextCommand>::now)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Publish(publish::PublishArgs),
    Tail(tail::TailArgs),
    Consume(consume::ConsumeArgs),
    /// Look at dead letters, publish them again, or delete them
    #[command(subcommand)]
    Dlq(Later<dlq::DlqCommand>),
    /// Look at events that wait for their time, move or cancel them
    #[command(subcommand)]
    Schedule(Later<schedule::ScheduleCommand>),
    Caps(caps::CapsArgs),
    /// Give stores a name
    #[command(subcommand)]
    Context(Later<context::ContextCommand>),
    Doctor(doctor::DoctorArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        context.start_log()?;
        // These two write about `pf` itself, whatever the configuration says.
        if !matches!(self, Self::Completions(_) | Self::Man(_)) {
            context.config()?;
        }
        match self {
            Self::Publish(args) => publish::run(&args, context).await,
            Self::Tail(args) => args.run(context).await,
            Self::Consume(args) => args.run(context).await,
            Self::Dlq(Later(command)) => command.run(context).await,
            Self::Schedule(Later(command)) => command.run(context).await,
            Self::Caps(args) => args.run(context).await,
            Self::Context(Later(command)) => command.run(context),
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
    2  the command line makes no sense
    3  the time was up, or too few events came
    4  partly done
    5  the transport cannot do what was asked
   69  the transport does not answer
   77  not allowed: user or password refused, or the store is read-only
   78  the configuration does not fit
  130  interrupted (143: terminated) before everything was finished
  141  whoever read the output has gone away";

#[cfg(test)]
mod tests {
    #[test]
    fn command_line_is_consistent() {
        super::Cli::whole().debug_assert();
    }
}
