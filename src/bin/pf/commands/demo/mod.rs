//! `pf demo`: retry, delay, dead letter and replay in a few seconds.

mod shop;
mod stage;
mod story;

use std::sync::Arc;

use clap::Args;
use protoflow::{backends::OpenOptions, transport::Transport};

use self::stage::Stage;
use crate::{config::url_of, context::Context, error::CliResult};

/// Run a demo: a retry, a delay, a dead letter and its replay
///
/// Runs an order, its payment and a notification in a temporary store, or in the store of `--url` or
/// `--context`, in topics and groups that start with `demo`. Nothing else is touched.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf demo
  pf demo --url nats://localhost:4222")]
pub struct DemoArgs {}

impl DemoArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if context.names_a_store() {
            let transport = context
                .open(OpenOptions {
                    create: true,
                    ..OpenOptions::default()
                })
                .await?;
            return play(context, transport, "demo.").await;
        }
        let folder = tempfile::Builder::new().prefix("pf-demo-").tempdir()?;
        let url = url_of(&folder.path().join("demo.db"))?;
        let options = OpenOptions {
            create: true,
            ..OpenOptions::default()
        };
        let transport = context.registry.open(&url, options).await?;
        let played = play(context, Arc::clone(&transport), "").await;
        transport.close().await?;
        folder.close()?;
        played
    }
}

async fn play(
    context: &mut Context,
    transport: Arc<dyn Transport>,
    prefix: &'static str,
) -> CliResult<()> {
    let signals = context.signals()?;
    let stage = Stage::new(&mut context.printer, transport, signals, prefix);
    story::play(stage).await
}
