//! `--metrics`: serves metrics and the state of health over HTTP while a command runs.
//!
//! The server has a thread of its own, and reads what the command has counted anyway: a scrape takes no time from the command.

mod health;
mod listen;
mod recorder;
mod server;
mod text;

use std::{net::TcpListener, sync::Arc, thread, time::Duration};

use clap::Args;
use tokio_util::task::AbortOnDropHandle;

pub use self::health::Health;
use self::{listen::Listen, recorder::Registry, server::Server};
use crate::{
    error::{CliError, CliResult},
    output::Remarks,
};

/// How often what is read from a store for the metrics is read, at most.
pub const EVERY: Duration = Duration::from_secs(10);

/// The flag.
#[derive(Debug, Clone, Default, Args)]
pub struct MetricsArgs {
    /// Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only
    #[arg(long, value_name = "ADDR")]
    metrics: Option<Listen>,
}

/// A server that runs until dropped, or nothing.
pub struct Metrics {
    /// What the command reports about itself.
    pub health: Arc<Health>,
    /// How often to read from the store what the metrics show; `None` if nobody asked for metrics.
    pub every: Option<Duration>,
    _beating: Option<AbortOnDropHandle<()>>,
}

impl MetricsArgs {
    /// Starts to count and to serve, if it was asked for.
    ///
    /// # Errors
    /// If the address is taken, or not one of this host.
    pub fn start(&self, remarks: &Remarks) -> CliResult<Metrics> {
        let health = Arc::new(Health::default());
        let Some(listen) = &self.metrics else {
            return Ok(Metrics {
                health,
                every: None,
                _beating: None,
            });
        };
        let listener = listen.bind()?;
        let address = listener.local_addr()?;
        let registry = Arc::new(Registry::default());
        metrics::set_global_recorder(Arc::clone(&registry))
            .map_err(|_| CliError::configuration("metrics are counted already"))?;
        serve(listener, Server::new(registry, Arc::clone(&health)))?;
        remarks.remark(&format!("metrics at http://{address}/metrics"));
        let beating = Arc::clone(&health).beat();
        Ok(Metrics {
            health,
            every: Some(EVERY),
            _beating: Some(AbortOnDropHandle::new(tokio::spawn(beating))),
        })
    }
}

/// Serves on a thread that ends with the process.
fn serve(listener: TcpListener, server: Server) -> CliResult<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("pf-metrics".to_owned())
        .spawn(move || runtime.block_on(server.run(listener)))?;
    Ok(())
}
