//! `memory:` and `memory:NAME` URL → transport.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{capabilities, error::SCHEME, transport::Memory};
use crate::{
    backends::{
        Factory, OpenOptions,
        url_options::{MODES, Parameters, UrlOptions},
    },
    event::Encoding,
    transport::{Capabilities, Result, Transport},
};

const PARAMETERS: Parameters = Parameters {
    scheme: SCHEME,
    names: &["naming", "mode", "dedup"],
    modes: MODES,
    others: "",
};

/// Opens `memory:` (a new store each time) and `memory:NAME` (one store for each name in this process).
///
/// The parameter `naming=protoflow` stores correlation and trace under the Go library's names, and
/// `mode=binary` stores attributes as headers. `dedup=event` stores no duplicate of an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryFactory;

#[async_trait]
impl Factory for MemoryFactory {
    async fn open(&self, url: &Url, options: OpenOptions) -> Result<Arc<dyn Transport>> {
        let UrlOptions {
            encoding, dedup, ..
        } = read(url, options)?;
        let memory = match url.path() {
            "" => Memory::new(),
            name => Memory::named(name),
        };
        Ok(Arc::new(Memory {
            encoding,
            dedup,
            ..memory
        }))
    }

    fn check(&self, url: &Url) -> Result<()> {
        read(url, OpenOptions::default()).map(drop)
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::all())
    }
}

fn read(url: &Url, options: OpenOptions) -> Result<UrlOptions> {
    PARAMETERS.read(url, options, Encoding::default(), |_, _| Ok(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::Registry,
        event::{Message, Mode, Topic},
        transport::{ErrorKind, Outgoing},
    };

    async fn open(url: &str) -> Result<Arc<dyn Transport>> {
        let url = url.parse().unwrap();
        Registry::builtin().open(&url, OpenOptions::default()).await
    }

    #[tokio::test]
    async fn one_name_is_one_store() {
        let topic: Topic = "order".parse().unwrap();
        let first = open("memory:config-test").await.unwrap();
        let message = Outgoing::from(Message::new(topic.clone(), "{}"));
        first.publish(vec![message]).await.remove(0).unwrap();
        drop(first);
        let again = open("memory:config-test?mode=binary").await.unwrap();
        assert_eq!(again.topics().await.unwrap(), [topic]);
        assert_eq!(again.encoding().mode, Mode::Binary);
        let other = open("memory:").await.unwrap();
        assert_eq!(other.topics().await.unwrap(), []);
    }

    #[tokio::test]
    async fn an_unknown_parameter_is_refused() {
        let error = open("memory:?nmae=x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("nmae=x"), "{error}");
    }
}
