//! The factory that each backend implements: from a URL and options to a transport.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use url::Url;

use crate::{
    event::Mode,
    transport::{Capabilities, Result, Transport},
};

/// Options for opening a transport, besides its URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct OpenOptions {
    /// Create the store, stream or topic if it does not exist (`--create`).
    pub create: bool,
    /// How long to wait for the server; `None` is the `connect-timeout` of the URL, or 5 s.
    pub connect_timeout: Option<Duration>,
    /// Publish headers that are commands to the broker (`Nats-*`) too.
    pub broker_headers: bool,
    /// Refuse to publish an event that the broker would confirm and drop because no consumer covers its topic. Only
    /// JetStream streams with interest retention do that; every other store satisfies this.
    pub require_consumer: bool,
    /// Store no duplicate of an event (`dedup=event` in a URL); refused where
    /// [`Capabilities::dedup`](crate::transport::Capabilities::dedup) is absent.
    pub dedup: bool,
    /// How events are laid out; `None` is the `mode` of the URL, or structured. Refused where a transport does not write it.
    pub mode: Option<Mode>,
    /// Work on a store in a file in the calling thread instead of a thread of its own: cheaper for a program that does one
    /// thing and exits, but it blocks the caller.
    pub inline: bool,
}

/// Opens transports of one scheme.
#[async_trait]
pub trait Factory: Send + Sync + 'static {
    /// Opens the transport that the URL names.
    ///
    /// # Errors
    /// If the URL is not valid or nothing answers.
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>>;

    /// Checks the URL without opening anything.
    ///
    /// # Errors
    /// If the URL is not valid.
    fn check(&self, url: &Url) -> Result<()>;

    /// Reports whether URLs have a parameter `dead-letters`, which names topics that hold dead letters of other programs.
    fn names_dead_letters(&self) -> bool {
        false
    }

    /// Returns the capabilities that are known without asking a server.
    fn capabilities(&self) -> Option<Capabilities> {
        None
    }
}
