//! `pf dlq policy`: what triage must not do in a store.

use std::{
    fs,
    io::{self, Read as _, Write},
};

use clap::{Args, Subcommand};
use protoflow::{
    event::Topic,
    runtime::{Guard, LogEntry, Masks, Policy},
};
use serde::Serialize;

use crate::{
    commands::dlq::operator::{self, Because},
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Painter, Report},
    stdio::Stdin,
};

/// Show, set or try the policy of the store: a guardrail for operators and scripts
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A policy is JSON; each member is optional:
  {\"read-only\": false, \"never-replay\": [\"1:9f3c\"], \"max-rate\": 50,
   \"targets\": [\"order.**\"], \"mask\": [\".event.data.card\"]}

Every command and the library read it. PF_DLQ_POLICY names a file that forbids more on this machine.
The rights of the broker are the lock; a policy is a guardrail.")]
pub enum PolicyCommand {
    Show(ShowArgs),
    Set(SetArgs),
    Test(TestArgs),
}

/// Show the policy of the store
#[derive(Debug, Args)]
pub struct ShowArgs {}

/// Set the policy of the store
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The file with the policy; `-` is stdin
    file: String,
    #[command(flatten)]
    because: Because,
}

/// Read a policy without setting it, and say what it would forbid
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The file with the policy; `-` is stdin
    file: String,
    /// A topic that a replay would publish to
    #[arg(long)]
    to: Option<Topic>,
}

impl PolicyCommand {
    /// Reports whether it changes the store.
    pub fn changes_store(&self) -> bool {
        matches!(self, Self::Set(_))
    }

    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::Show(_) => {
                let (_, triage) = operator::open(context).await?;
                let policy = triage.policy().await.map_err(CliError::from)?;
                context.printer.report(&View(policy))
            }
            Self::Set(args) => args.run(context).await,
            Self::Test(args) => args.run(context),
        }
    }
}

impl SetArgs {
    async fn run(self, context: &mut Context) -> CliResult<()> {
        let policy = read(&self.file)?;
        let (_, triage) = operator::open(context).await?;
        let entry = LogEntry {
            selection: serde_json::to_string(&policy).map_err(io::Error::from)?,
            because: self.because.because,
            ..LogEntry::new(operator::who(), "policy")
        };
        let set = async { Ok(triage.set_policy(&policy).await?) };
        let ended = |(): &(), entry| Some(entry);
        operator::noted(&triage, entry, set, ended, context).await?;
        context.printer.report(&View(policy))
    }
}

impl TestArgs {
    fn run(self, context: &mut Context) -> CliResult<()> {
        let policy = read(&self.file)?;
        let mut guard = Guard::default();
        guard.add(policy.clone());
        context.printer.report(&View(policy))?;
        let forbidden = guard.check_writable().and_then(|()| {
            self.to
                .as_ref()
                .map_or(Ok(()), |topic| guard.check_target(topic))
        });
        forbidden.map_err(CliError::from)
    }
}

fn read(file: &str) -> CliResult<Policy> {
    let mut text = String::new();
    let read = if file == "-" {
        Stdin.read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(file).map(|found| text = found)
    };
    read.map_err(|error| CliError::from(error).during(format!("cannot read `{file}`")))?;
    let policy = Policy::from_json(text.trim_start_matches('\u{feff}'))
        .map_err(|error| CliError::new(Exit::Usage, error).during(format!("in `{file}`")))?;
    Masks::compile(policy.mask.clone()).map_err(|error| {
        CliError::new(Exit::Usage, error)
            .during(format!("in `{file}`: `mask` is not a list of valid paths"))
            .hint("a path is jq, as in `.event.data.card`")
    })?;
    Ok(policy)
}

#[derive(Serialize)]
#[serde(transparent)]
struct View(Policy);

impl Report for View {
    fn human(&self, out: &mut dyn Write, _: Painter<'_>) -> io::Result<()> {
        if self.0 == Policy::default() {
            return writeln!(out, "no policy: nothing is forbidden");
        }
        let text = serde_json::to_string_pretty(&self.0).map_err(io::Error::from)?;
        writeln!(out, "{text}")
    }
}
