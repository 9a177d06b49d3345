//! The connections to the brokers of a cluster, opened when they are first needed and again when they were lost.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::Mutex;

use super::{
    config::Config,
    topic_directory::TopicDirectory,
    wire::{Link, commands},
};
use crate::{
    backends::pulsar::{
        codec::protocol::LookupType,
        error::{configuration, error, from_server},
    },
    transport::{ErrorKind, Result},
};

/// How often a broker may send a lookup on to another.
const REDIRECTS: usize = 20;

/// The connections of one URL.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) config: Config,
    pub(crate) topics: TopicDirectory,
    links: Mutex<HashMap<Server, Arc<Link>>>,
}

/// A server, and the broker that it is a proxy for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Server {
    address: String,
    broker: Option<String>,
}

impl Connection {
    /// Connects to the first server of a URL that answers.
    pub(crate) async fn open(config: Config) -> Result<Arc<Self>> {
        let connection = Arc::new(Self {
            config,
            topics: TopicDirectory::default(),
            links: Mutex::default(),
        });
        connection.any().await?;
        Ok(connection)
    }

    /// Returns a connection to any server of the URL.
    pub(crate) async fn any(&self) -> Result<Arc<Link>> {
        let mut failed = None;
        for address in &self.config.servers {
            match self.link(address.clone(), None).await {
                Ok(link) => return Ok(link),
                Err(why) if why.is_transient() => failed = Some(why),
                Err(why) => return Err(why),
            }
        }
        let failed = failed.unwrap_or_else(|| configuration("the URL names no broker"));
        if self.config.servers.len() < 2 {
            return Err(failed);
        }
        let message = format!("no broker answers at {}", self.config.shown_servers());
        Err(error(ErrorKind::Unavailable, message).because(failed))
    }

    /// Returns a connection to the broker that serves a topic, or a partition of one.
    pub(crate) async fn broker_of(&self, topic: &str) -> Result<Arc<Link>> {
        let mut link = self.any().await?;
        let mut authoritative = false;
        for _ in 0..REDIRECTS {
            let answer = link
                .request(|id| commands::lookup(id, topic, authoritative))
                .await?;
            let answer = answer.lookup_topic_response;
            let answer = answer.ok_or_else(|| commands::unexpected("lookup"))?;
            if let Some(code) = answer.error {
                let text = answer.message.as_deref().unwrap_or_default();
                return Err(from_server(code, text));
            }
            let url = match self.config.tls {
                Some(_) => answer.broker_service_url_tls,
                None => answer.broker_service_url,
            };
            let address = url.as_deref().and_then(address_of).ok_or_else(|| {
                configuration("the broker of the topic does not listen as the URL says")
                    .hint("`pulsar://` and `pulsar+ssl://` are different ports of a broker")
            })?;
            let is_proxied = answer.proxy_through_service_url.unwrap_or(false);
            let kind = answer
                .response
                .and_then(|kind| LookupType::try_from(kind).ok());
            link = self.reach(address, is_proxied).await?;
            if kind != Some(LookupType::Redirect) {
                return Ok(link);
            }
            authoritative = answer.authoritative.unwrap_or(false);
        }
        let message = format!("the brokers do not agree on which of them serves {topic}");
        Err(error(ErrorKind::Unavailable, message))
    }

    async fn reach(&self, broker: &str, is_proxied: bool) -> Result<Arc<Link>> {
        if is_proxied {
            let proxy = self.config.servers[0].clone();
            return self.link(proxy, Some(broker.to_owned())).await;
        }
        self.link(broker.to_owned(), None).await
    }

    async fn link(&self, address: String, broker: Option<String>) -> Result<Arc<Link>> {
        let mut links = self.links.lock().await;
        links.retain(|_, link| !link.is_lost());
        let server = Server { address, broker };
        if let Some(link) = links.get(&server) {
            return Ok(Arc::clone(link));
        }
        let opened = Link::open(&self.config, &server.address, server.broker.as_deref()).await?;
        let link = Arc::new(opened);
        links.insert(server, Arc::clone(&link));
        Ok(link)
    }

    /// Drops every connection. What was requested before has been answered.
    pub(crate) async fn close(&self) {
        self.links.lock().await.clear();
    }
}

/// Returns `host:port` of a broker's URL.
fn address_of(url: &str) -> Option<&str> {
    let (_, address) = url.split_once("://")?;
    Some(address.trim_end_matches('/')).filter(|address| !address.is_empty())
}
