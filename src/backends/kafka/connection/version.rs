//! Which release a broker is of. Kafka does not say; the requests that it answers tell.

use std::time::{Duration, Instant};

use rdkafka::{
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{
    client::{
        self,
        context::{Callbacks, Context},
        settings,
    },
    config::Config,
    handle::Connection,
};
use crate::{lock::Mutex, transport::Result};

/// What a line of the client's log begins with that tells which requests to store records a broker answers.
const STORING: &str = "ApiKey Produce (0) Versions ";

/// How long to listen to the log.
const LISTEN: Duration = Duration::from_millis(300);

/// The newest request to store records that a release answers, newest first.
const RELEASES: [(u16, &str); 4] = [
    (13, "4.1 or newer"),
    (12, "4.0"),
    (11, "3.8 or 3.9"),
    (0, "3.7 or older"),
];

/// Reads what the client logs about a broker.
#[derive(Debug, Default)]
struct Listener {
    storing: Mutex<Option<u16>>,
}

impl Listener {
    fn heard(&self) -> Option<u16> {
        *self.storing.lock()
    }
}

impl Callbacks for Listener {
    fn log(&self, line: &str) {
        if let Some(version) = produce_version(line) {
            *self.storing.lock() = Some(version);
        }
    }
}

/// Returns the release of the brokers, as far as it is known. Blocks.
pub(crate) fn of(config: &Config) -> Result<Option<&'static str>> {
    let mut settings = settings::metadata(config, settings::Isolation::Committed);
    settings
        .set("debug", "feature")
        .set_log_level(RDKafkaLogLevel::Debug);
    let client: BaseConsumer<Context<Listener>> = client::create(&settings, Context::default())?;
    let listener = &client.context().callbacks;
    client::metadata(&client, config, None)?;
    // What was logged meanwhile comes line by line.
    let end = Instant::now() + LISTEN;
    while listener.heard().is_none() && Instant::now() < end {
        let _ = client.poll(Duration::from_millis(1));
    }
    Ok(listener.heard().map(release))
}

/// Names a cluster for people.
pub(crate) async fn server(connection: &std::sync::Arc<Connection>) -> Result<String> {
    let config = connection.config.clone();
    let release = crate::backends::kafka::connection::handle::blocking(move || of(&config)).await?;
    let cluster = connection.cluster().await?;
    Ok(match release {
        Some(release) => format!("Apache Kafka {release}, cluster {cluster}"),
        None => format!("Apache Kafka, cluster {cluster}"),
    })
}

fn produce_version(line: &str) -> Option<u16> {
    let (_, versions) = line.split_once(STORING)?;
    versions.split_once("..")?.1.trim().parse().ok()
}

fn release(storing: u16) -> &'static str {
    let mut releases = RELEASES.iter();
    let found = releases.find(|(since, _)| storing >= *since);
    found.map_or("", |(_, release)| release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_tells_the_release() {
        let line = "[thrd:main]: 127.0.0.1:9092/1:   ApiKey Produce (0) Versions 0..13";
        assert_eq!(produce_version(line).map(release), Some("4.1 or newer"));
        assert_eq!(produce_version("  ApiKey Fetch (1) Versions 4..18"), None);
        assert_eq!(release(12), "4.0");
        assert_eq!(release(9), "3.7 or older");
    }
}
