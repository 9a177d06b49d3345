//! `memory:` and `memory:NAME` URL → transport.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{capabilities, error::error, transport::Memory};
use crate::{
    backends::{Factory, OpenOptions},
    event::{Encoding, Mode, Naming},
    transport::{Capabilities, ErrorKind, Result, Transport},
};

/// Opens `memory:` (a new store each time) and `memory:NAME` (one store for each name in this process).
///
/// The parameter `naming=protoflow` stores correlation and trace under the Go library's names, and
/// `mode=binary` stores attributes as headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryFactory;

#[async_trait]
impl Factory for MemoryFactory {
    async fn open(&self, url: &Url, _: OpenOptions) -> Result<Arc<dyn Transport>> {
        let encoding = encoding(url)?;
        let memory = match url.path() {
            "" => Memory::new(),
            name => Memory::named(name),
        };
        Ok(Arc::new(Memory { encoding, ..memory }))
    }

    fn check(&self, url: &Url) -> Result<()> {
        encoding(url).map(drop)
    }

    fn capabilities(&self) -> Option<Capabilities> {
        Some(capabilities::all())
    }
}

fn encoding(url: &Url) -> Result<Encoding> {
    let mut encoding = Encoding::default();
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.as_ref()) {
            ("naming", "protoflow") => encoding.naming = Naming::Protoflow,
            ("naming", "cloudevents") => encoding.naming = Naming::CloudEvents,
            ("mode", "binary") => encoding.mode = Mode::Binary,
            ("mode", "structured") => encoding.mode = Mode::Structured,
            _ => {
                let message = format!("the URL has an unknown parameter `{name}={value}`");
                return Err(error(ErrorKind::Configuration, message)
                    .hint("known are `naming=protoflow` and `mode=binary`"));
            }
        }
    }
    Ok(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::Registry,
        event::{Message, Topic},
        transport::Outgoing,
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
