//! `pf`: publish, tail, consume and triage CloudEvents. Wires the parts together and nothing else.
#![expect(unreachable_pub, reason = "a binary exports nothing")]

mod commands;
mod config;
mod context;
mod error;
mod global_args;
mod handler;
mod help;
mod log;
mod metrics;
mod output;
mod schemas;
mod signals;
mod stdio;
#[cfg(feature = "otel")]
mod traces;
mod values;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// The allocator of the system makes threads that pass messages to each other contend for its locks.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if handler::is_watchdog() {
        return handler::watch();
    }
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return help::print(&message),
    };
    let mut context = context::Context::new(&cli.global);
    #[cfg(target_os = "linux")]
    if let Err(error) = handler::reap_orphans() {
        let text = format!("orphans are not reaped: {error}");
        context.printer.remarks().warning(&text);
    }
    let result = cli.command.run(&mut context).await;
    let status = context.finish(result).await;
    log::finish();
    status
}
