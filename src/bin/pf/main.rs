//! `pf`: publish, tail, consume and triage CloudEvents. Wires the parts together and nothing else.
#![expect(unreachable_pub, reason = "a binary exports nothing")]

mod commands;
mod config;
mod context;
mod error;
mod handler;
mod log;
mod nearest;
mod output;
mod signals;

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use mimalloc::MiMalloc;
use tokio::runtime::Builder;

use crate::error::{CliError, Exit};

/// With that of the system, threads that pass messages on wait for each other's memory.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// How long a question that nobody waits for any more may hold up the end: a broker may leave it unanswered.
const LAST_ANSWERS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    let mut context = context::Context::new(&cli.global);
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(failed) => {
            let error = CliError::new(Exit::Failed, failed).during("no runtime can be started");
            context.printer.remarks().error(&error);
            return error.exit_code();
        }
    };
    let code = runtime.block_on(async {
        let result = cli.command.run(&mut context).await;
        context.finish(result).await
    });
    runtime.shutdown_timeout(LAST_ANSWERS);
    code
}
