//! A group's durable consumer: made, or taken as it is if it loses nothing.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{
            handle::Link,
            names::{Names, overlap},
            stream::info::{Facts, nanos},
        },
        consume::consumer::settings::{self as fit, MAX_ACK_PENDING, Needs},
        error::{CONSUMER_EXISTS, NO_CONSUMER, error},
        read::{pull::Limits, stream_reader::written},
    },
    transport::{ErrorKind, Result, StartFrom, SubscribeRequest, TransportError},
};

/// A group's consumer as it is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Durable {
    pub(crate) name: String,
    pub(crate) config: Settings,
    #[serde(default)]
    pub(crate) num_pending: u64,
    #[serde(default)]
    pub(crate) num_ack_pending: u64,
    #[serde(default)]
    delivered: Reached,
    #[serde(default)]
    ack_floor: Reached,
    /// Another one if it was deleted and made again.
    #[serde(default)]
    pub(crate) created: String,
    #[serde(default)]
    pub(crate) paused: bool,
}

/// How far a consumer is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Reached {
    stream_seq: u64,
    consumer_seq: u64,
}

/// The settings that matter to us.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) durable_name: String,
    pub(crate) filter_subject: String,
    pub(crate) filter_subjects: Vec<String>,
    pub(crate) ack_policy: String,
    pub(crate) deliver_policy: String,
    pub(crate) ack_wait: u64,
    pub(crate) max_deliver: i64,
    pub(crate) max_ack_pending: i64,
    pub(crate) deliver_subject: String,
    pub(crate) backoff: Vec<u64>,
    pub(crate) replay_policy: String,
    pub(crate) headers_only: bool,
    pub(crate) priority_policy: String,
    pub(crate) priority_groups: Vec<String>,
    pub(crate) inactive_threshold: u64,
    pub(crate) mem_storage: bool,
    pub(crate) pause_until: Option<String>,
    #[serde(flatten)]
    pub(crate) limits: Limits,
}

impl Durable {
    /// Returns how long a delivery is ours without a word.
    pub(crate) fn ack_wait(&self) -> Duration {
        let wait = Duration::from_nanos(self.config.ack_wait);
        if wait.is_zero() {
            Duration::from_secs(30)
        } else {
            wait
        }
    }

    /// Returns up to which number nothing waits for its acknowledgement.
    pub(crate) fn acknowledged(&self) -> u64 {
        match self.num_ack_pending {
            0 => self.delivered.stream_seq,
            _ => self.ack_floor.stream_seq,
        }
    }

    /// Reports whether it leaves out messages that its filters match.
    pub(crate) fn passes_over(&self) -> bool {
        self.config.deliver_policy == "last_per_subject"
    }

    /// Returns up to which number it has delivered.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.stream_seq
    }

    /// Returns until when it is paused, if it is.
    pub(crate) fn paused_until(&self) -> Option<&str> {
        let until = self.config.pause_until.as_deref().filter(|_| self.paused);
        // To the second.
        until.map(|until| {
            until
                .split_once('.')
                .map_or(until, |(second, _)| second)
                .trim_end_matches('Z')
        })
    }

    /// Returns how many deliveries it has made.
    pub(crate) fn deliveries(&self) -> u64 {
        self.delivered.consumer_seq
    }

    /// Returns what it reads, in order.
    pub(crate) fn filters(&self) -> Vec<String> {
        let mut filters = self.config.filter_subjects.clone();
        if !self.config.filter_subject.is_empty() {
            filters.push(self.config.filter_subject.clone());
        }
        if filters.is_empty() {
            filters.push(">".to_owned());
        }
        filters.sort_unstable();
        filters
    }
}

/// Finds or makes the consumer by which a group reads these subjects; says so if it was made.
pub(crate) async fn join(
    link: &Link,
    facts: &Facts,
    request: &SubscribeRequest,
    filters: &[String],
) -> Result<(Durable, Option<String>)> {
    let stream = &link.names.stream;
    let first = Names::consumer(&request.group);
    match find(link, &first).await? {
        None => make(link, facts, request, (&first, filters)).await,
        Some(durable) if durable.filters() == filters => {
            check(&durable, stream, request)?;
            Ok((durable, None))
        }
        Some(durable) if reads_alike(&durable, filters) => {
            Err(other_filters(&durable, stream, filters))
        }
        Some(_) => {
            let further = Names::further_consumer(&request.group, filters);
            match find(link, &further).await? {
                None => make(link, facts, request, (&further, filters)).await,
                Some(durable) => {
                    check(&durable, stream, request)?;
                    Ok((durable, None))
                }
            }
        }
    }
}

/// Reports whether the consumer reads some of these subjects, so that another one would deliver them again.
fn reads_alike(durable: &Durable, filters: &[String]) -> bool {
    let known = durable.filters();
    let mut pairs = known
        .iter()
        .flat_map(|known| filters.iter().map(move |filter| (known, filter)));
    pairs.any(|(known, filter)| overlap(known, filter))
}

/// Asks for a consumer.
pub(crate) async fn find(link: &Link, name: &str) -> Result<Option<Durable>> {
    let verb = format!("CONSUMER.INFO.{}.{name}", link.names.stream);
    match link.api(verb, &json!({})).await {
        Ok(answer) => parse(answer).map(Some),
        Err(refusal) if refusal.is(NO_CONSUMER) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Returns how many messages a consumer has not delivered yet; none if there is no such consumer.
pub(crate) async fn pending(link: &Link, (stream, name): (&str, &str)) -> Result<Option<u64>> {
    match link
        .api(format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
        .await
    {
        Ok(answer) => Ok(Some(parse(answer)?.num_pending)),
        Err(refusal) if refusal.is(NO_CONSUMER) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Makes the consumer of a group unless somebody else does.
pub(crate) async fn make(
    link: &Link,
    facts: &Facts,
    request: &SubscribeRequest,
    (name, filters): (&str, &[String]),
) -> Result<(Durable, Option<String>)> {
    let stream = &link.names.stream;
    let mut config = json!({
        "durable_name": name,
        "name": name,
        "ack_policy": "explicit",
        "replay_policy": "instant",
        "ack_wait": nanos(request.lease),
        "max_deliver": -1,
        "max_ack_pending": MAX_ACK_PENDING.max(2 * request.max_in_flight as u64),
        "filter_subjects": filters,
    });
    match request.from {
        StartFrom::Earliest => config["deliver_policy"] = "all".into(),
        StartFrom::New => {
            config["deliver_policy"] = "by_start_sequence".into();
            config["opt_start_seq"] = (facts.state.last_seq + 1).into();
        }
        StartFrom::Time(time) => {
            config["deliver_policy"] = "by_start_time".into();
            config["opt_start_time"] = written(time).into();
        }
    }
    let body = json!({"stream_name": stream, "config": config, "action": "create"});
    let verb = format!("CONSUMER.CREATE.{stream}.{name}");
    match link.api(verb, &body).await {
        Ok(answer) => Ok((
            parse(answer)?,
            Some(format!("made consumer {name} on {stream}")),
        )),
        Err(refusal) if refusal.is(CONSUMER_EXISTS) => match find(link, name).await? {
            Some(durable) if durable.filters() == filters => {
                check(&durable, stream, request)?;
                Ok((durable, None))
            }
            Some(durable) => Err(other_filters(&durable, stream, filters)),
            None => Err(refusal.into()),
        },
        Err(refusal) => Err(refusal.into()),
    }
}

/// Reads what the server says of a consumer.
pub(crate) fn parse(answer: Value) -> Result<Durable> {
    serde_json::from_value(answer).map_err(|source| {
        error(
            ErrorKind::Other,
            "the server tells of a consumer in an unknown way",
        )
        .because(source)
    })
}

/// Refuses a consumer that does not fit.
pub(crate) fn check(durable: &Durable, stream: &str, request: &SubscribeRequest) -> Result<()> {
    let found = fit::misfits(durable, needs(request));
    match found.iter().find(|misfit| !misfit.is_tolerable) {
        Some(misfit) => Err(misfit.told(stream, &durable.name)),
        None => Ok(()),
    }
}

/// Returns what should be said about a consumer that fits.
pub(crate) fn warnings(
    durable: &Durable,
    stream: &str,
    request: &SubscribeRequest,
) -> Vec<TransportError> {
    let found = fit::misfits(durable, needs(request));
    let told = found
        .iter()
        .filter(|misfit| misfit.is_tolerable)
        .map(|misfit| misfit.told(stream, &durable.name));
    told.collect()
}

fn needs(request: &SubscribeRequest) -> Needs {
    Needs {
        deliveries: i64::from(request.max_attempts) + 1,
        in_flight: i64::try_from(request.max_in_flight).unwrap_or(i64::MAX),
    }
}

/// Refuses a consumer that reads something else.
pub(crate) fn other_filters(durable: &Durable, stream: &str, filters: &[String]) -> TransportError {
    let (name, known) = (&durable.name, durable.filters().join(", "));
    let wanted = filters.join(" --filter=");
    unfit(format!(
        "the group reads {known}, not only what was asked for"
    ))
    .hint(format!(
        "`nats consumer edit {stream} {name} --filter={wanted}`, or use another group"
    ))
}

fn unfit(message: String) -> TransportError {
    error(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_without_filter_reads_everything() {
        let durable: Durable = serde_json::from_value(json!({"name": "g", "config": {}})).unwrap();
        assert_eq!(durable.filters(), [">"]);
        assert!(reads_alike(&durable, &["S.a".to_owned()]));
    }
}
