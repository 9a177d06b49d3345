//! Connections of the library to a broker. It is a module of each binary that needs it: the support package does not know the
//! library.

use std::sync::Arc;

use protoflow::{
    backends::{OpenOptions, Registry},
    transport::{Result, Transport},
};
use test_support::Urls;

pub(crate) trait Connect {
    /// Opens a connection; the text completes the broker's URL.
    async fn connect(&self, rest: &str, create: bool) -> Result<Arc<dyn Transport>>;
}

impl<B: Urls> Connect for B {
    async fn connect(&self, rest: &str, create: bool) -> Result<Arc<dyn Transport>> {
        let url = self.url(rest).parse().expect("a URL");
        let options = OpenOptions {
            create,
            ..OpenOptions::default()
        };
        Registry::builtin().open(&url, options).await
    }
}
