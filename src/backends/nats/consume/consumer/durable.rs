//! The durable consumer of a group: created, or used as it is if it loses nothing.

use serde_json::json;

use crate::{
    backends::nats::{
        codec::timestamp::{nanos, rfc3339},
        connection::{
            consumer::{self, ConsumerInfo},
            handle::Connection,
            names::{Names, overlap},
            stream::info::StreamInfo,
        },
        consume::consumer::settings::{self, MAX_ACK_PENDING, Needs},
        error::{CONSUMER_EXISTS, error},
    },
    transport::{ErrorKind, Result, StartFrom, SubscribeRequest, TransportError},
};

/// Finds or creates the consumer by which a group reads these subjects; returns a notice if it was created.
pub(crate) async fn join(
    connection: &Connection,
    stream_info: &StreamInfo,
    request: &SubscribeRequest,
    filters: &[String],
) -> Result<(ConsumerInfo, Option<String>)> {
    let stream = &connection.names.stream;
    let first = Names::consumer(&request.group);
    match consumer::find(connection, &first).await? {
        None => {
            create(
                connection,
                stream_info,
                request,
                NewConsumer {
                    name: &first,
                    filters,
                },
            )
            .await
        }
        Some(found) if found.filters() == filters => {
            check(&found, stream, request)?;
            Ok((found, None))
        }
        Some(found) if reads_same(&found, filters) => Err(other_filters(&found, stream, filters)),
        Some(_) => {
            let further = Names::further_consumer(&request.group, filters);
            match consumer::find(connection, &further).await? {
                None => {
                    create(
                        connection,
                        stream_info,
                        request,
                        NewConsumer {
                            name: &further,
                            filters,
                        },
                    )
                    .await
                }
                Some(found) => {
                    check(&found, stream, request)?;
                    Ok((found, None))
                }
            }
        }
    }
}

/// Reports whether the consumer reads some of these subjects, so that another one would deliver them a second time.
fn reads_same(consumer: &ConsumerInfo, filters: &[String]) -> bool {
    let known = consumer.filters();
    let mut pairs = known
        .iter()
        .flat_map(|known| filters.iter().map(move |filter| (known, filter)));
    pairs.any(|(known, filter)| overlap(known, filter))
}

/// The name and the filters of a consumer to create.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewConsumer<'a> {
    pub(crate) name: &'a str,
    pub(crate) filters: &'a [String],
}

/// Creates the consumer of a group unless another process does.
pub(crate) async fn create(
    connection: &Connection,
    stream_info: &StreamInfo,
    request: &SubscribeRequest,
    NewConsumer { name, filters }: NewConsumer<'_>,
) -> Result<(ConsumerInfo, Option<String>)> {
    let stream = &connection.names.stream;
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
            config["opt_start_seq"] = (stream_info.state.last_seq + 1).into();
        }
        StartFrom::Time(time) => {
            config["deliver_policy"] = "by_start_time".into();
            config["opt_start_time"] = rfc3339(time).into();
        }
    }
    let body = json!({"stream_name": stream, "config": config, "action": "create"});
    let verb = format!("CONSUMER.CREATE.{stream}.{name}");
    match connection.api(verb, &body).await {
        Ok(answer) => Ok((
            consumer::parse(answer)?,
            Some(format!("created consumer {name} on {stream}")),
        )),
        Err(refused) if refused.has_code(CONSUMER_EXISTS) => {
            match consumer::find(connection, name).await? {
                Some(found) if found.filters() == filters => {
                    check(&found, stream, request)?;
                    Ok((found, None))
                }
                Some(found) => Err(other_filters(&found, stream, filters)),
                None => Err(refused.into()),
            }
        }
        Err(failed) => Err(failed.into()),
    }
}

/// Refuses a consumer that does not fit.
pub(crate) fn check(
    consumer: &ConsumerInfo,
    stream: &str,
    request: &SubscribeRequest,
) -> Result<()> {
    let found = settings::misfits(consumer, needs(request));
    match found.iter().find(|misfit| !misfit.is_tolerable) {
        Some(misfit) => Err(misfit.to_error(stream, &consumer.name)),
        None => Ok(()),
    }
}

/// Returns warnings about a consumer that fits.
pub(crate) fn warnings(
    consumer: &ConsumerInfo,
    stream: &str,
    request: &SubscribeRequest,
) -> Vec<TransportError> {
    let found = settings::misfits(consumer, needs(request));
    let warnings = found
        .iter()
        .filter(|misfit| misfit.is_tolerable)
        .map(|misfit| misfit.to_error(stream, &consumer.name));
    warnings.collect()
}

fn needs(request: &SubscribeRequest) -> Needs {
    Needs {
        deliveries: i64::from(request.max_attempts) + 1,
        in_flight: i64::try_from(request.max_in_flight).unwrap_or(i64::MAX),
    }
}

/// Returns that a consumer reads other subjects.
pub(crate) fn other_filters(
    consumer: &ConsumerInfo,
    stream: &str,
    filters: &[String],
) -> TransportError {
    let (name, known) = (&consumer.name, consumer.filters().join(", "));
    let wanted = filters.join(" --filter=");
    unfit(format!(
        "the group reads {known}, not only the requested topics"
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
        let durable: ConsumerInfo =
            serde_json::from_value(json!({"name": "g", "config": {}})).unwrap();
        assert_eq!(durable.filters(), [">"]);
        assert!(reads_same(&durable, &["S.a".to_owned()]));
    }
}
