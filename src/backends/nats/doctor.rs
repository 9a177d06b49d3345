//! Checks of a stream and its consumers, and the fixes.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        codec::timestamp::nanos,
        connection::{
            consumer::{self, ConsumerInfo},
            handle::Connection,
            stream::{
                info::{self, SCHEDULES, StreamInfo},
                retention::Retention,
                setup,
            },
        },
        consume::consumer::settings::{self, MAX_ACK_PENDING, Needs},
        dead_letter::advisories::Advisories,
        error::{SCHEME, error},
    },
    transport::{Capture as _, ErrorKind, Finding, Result},
};

/// The needs of a group with default settings.
const ANY: Needs = Needs {
    deliveries: 0,
    in_flight: 1000,
};
/// How many messages are captured at a time.
const CAPTURE_BATCH: usize = 500;

/// Checks the server, the stream and its consumers.
pub(crate) async fn diagnose(connection: &Connection) -> Result<Vec<Finding>> {
    let server = connection.client.server_info();
    let mut findings = vec![Finding::ok(
        "server",
        format!("nats-server {} answers", server.version),
    )];
    if let Some(text) = connection.too_old("schedules and atomic batches need", SCHEDULES) {
        findings.push(Finding::warning("server-version", text));
    }
    let stream = &connection.names.stream;
    let Some(info) = info::find(connection, stream).await? else {
        let missing = Finding::problem("stream", format!("there is no stream `{stream}`"));
        findings.push(missing.fix("pf doctor --fix"));
        return Ok(findings);
    };
    let text = format!("stream {stream} holds {} messages", info.state.messages);
    findings.push(Finding::ok("stream", text));
    if let Some(copies) = info.read_only() {
        findings.push(Finding::ok("copy", copies.message().to_owned()));
    } else {
        findings.extend(of_stream(connection, &info));
        findings.extend(of_retention(connection, &info).await?);
    }
    findings.extend(of_consumers(connection).await?);
    findings.extend(of_advisories(connection).await?);
    Ok(findings)
}

fn of_stream(connection: &Connection, info: &StreamInfo) -> Vec<Finding> {
    let config = &info.config;
    let edit = |what: &str| Some(format!("nats stream edit {} {what}", config.name));
    let fix = || Some("pf doctor --fix".to_owned());
    let mut findings = Vec::new();
    let mut warn = |name: &str, text: String, fix: Option<String>| {
        findings.push(Finding {
            fix,
            ..Finding::warning(name, text)
        });
    };
    let is_too_old = info.too_old.is_some();
    if !is_too_old && !info.covers(&connection.names.internal_wildcard()) {
        let text = "the stream has no subjects for schedules and the journal of a replay";
        warn("subjects", text.to_owned(), fix());
    }
    if !is_too_old && !config.allow_msg_schedules {
        let text = "the stream does not allow schedules, so no event can be delayed; that cannot be undone";
        warn("schedules", text.to_owned(), fix());
    }
    if !is_too_old && !config.allow_atomic {
        let text = "the stream does not allow atomic batches, so a replay is exactly once only within the duplicate window";
        warn("atomic", text.to_owned(), fix());
    }
    let window = Duration::from_nanos(config.duplicate_window);
    if window < Duration::from_mins(2) {
        let text = format!(
            "a message that is sent again is recognised for only {}",
            humantime::format_duration(window)
        );
        warn("duplicate-window", text, fix());
    }
    if config.retention == "interest" {
        let text = "the stream has interest retention: it drops schedules";
        warn("retention", text.to_owned(), None);
    }
    if config.discard == "old" && (config.max_msgs > 0 || config.max_bytes > 0) {
        let text =
            "the stream drops its oldest messages when it is full, read or not, schedules too";
        warn("discard", text.to_owned(), edit("--discard=new"));
    }
    findings
}

/// Checks whether the stream confirms messages that it drops.
async fn of_retention(connection: &Connection, info: &StreamInfo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if info.config.no_ack {
        let text =
            "the stream does not confirm what is published, so nothing is known to be stored";
        findings.push(Finding::problem("no-ack", text).fix("pf doctor --fix"));
    }
    let retention = Retention::of(connection, info).await?;
    for subject in retention.uncovered_subjects(info) {
        let text = format!(
            "no consumer covers all of `{subject}`: what is published to the rest is confirmed and dropped"
        );
        let fix = connection.names.consume_command(subject);
        findings.push(Finding::warning("interest", text).fix(fix));
    }
    Ok(findings)
}

async fn of_consumers(connection: &Connection) -> Result<Vec<Finding>> {
    let stream = &connection.names.stream;
    let answer = connection
        .api(format!("CONSUMER.NAMES.{stream}"), &json!({}))
        .await?;
    let names = answer.get("consumers").and_then(Value::as_array);
    let mut findings = Vec::new();
    for name in names.into_iter().flatten().filter_map(Value::as_str) {
        let Some(consumer) = consumer::find(connection, name).await? else {
            continue;
        };
        // The consumers of readers without a group end with their readers.
        if !consumer.config.durable_name.is_empty() {
            findings.extend(of_consumer(stream, &consumer));
        }
    }
    Ok(findings)
}

fn of_consumer(stream: &str, consumer: &ConsumerInfo) -> Vec<Finding> {
    let name = &consumer.name;
    let mut findings = Vec::new();
    for misfit in settings::misfits(consumer, ANY) {
        let finding = format!("{}.{name}", misfit.name);
        if misfit.name == "kind" {
            // Not the consumer of a group, and nothing to fix.
            return vec![Finding::ok(finding, misfit.text)];
        }
        let command = misfit.command(stream, name);
        findings.push(Finding {
            fix: command,
            ..Finding::warning(finding, misfit.text)
        });
    }
    if let Some(until) = consumer.paused_until() {
        let fix = format!("nats consumer resume {stream} {name}");
        let text = format!("the consumer `{name}` is paused until {until}");
        findings.push(Finding::warning(format!("paused.{name}"), text).fix(fix));
    }
    let waiting = i64::try_from(consumer.num_ack_pending).unwrap_or(i64::MAX);
    let limit = consumer.config.max_ack_pending;
    if limit > 1 && waiting >= limit {
        let finding = format!("max-pending.{name}");
        findings.retain(|known| known.name != finding);
        let fix = format!("nats consumer edit {stream} {name} --max-pending=200000");
        let text = format!(
            "the consumer `{name}` is stalled: {waiting} messages are in flight or wait for a retry"
        );
        findings.push(Finding::problem(finding, text).fix(fix));
    }
    findings
}

/// Checks for messages that consumers gave up and that are not dead letters yet.
async fn of_advisories(connection: &Connection) -> Result<Option<Finding>> {
    let info = info::find(connection, &connection.names.advisory_stream()).await?;
    let waiting = info.map_or(0, |info| info.state.messages);
    Ok((waiting > 0).then(|| {
        let text = format!("consumers gave up {waiting} messages that are not dead letters yet");
        Finding::warning("capture", text).fix("pf dlq capture --until-end")
    }))
}

/// Captures all messages that consumers gave up as dead letters.
async fn capture(connection: &Arc<Connection>) -> Result<()> {
    let mut advisories = Advisories::open(connection, true).await?;
    while !advisories.next(CAPTURE_BATCH).await?.is_empty() {}
    Ok(())
}

/// Fixes one finding.
pub(crate) async fn fix(connection: &Arc<Connection>, finding: &str) -> Result<()> {
    let set = |name: &'static str| move |config: &mut Value| config[name] = true.into();
    match finding.split_once('.') {
        Some(("max-deliver", name)) => {
            return change_consumer(connection, name, "max_deliver", (-1).into()).await;
        }
        Some(("max-pending", name)) => {
            return change_consumer(connection, name, "max_ack_pending", MAX_ACK_PENDING.into())
                .await;
        }
        Some((_, name)) if consumer::find(connection, name).await?.is_some() => {
            let message = format!("the owner of the consumer `{name}` may want it so");
            return Err(error(ErrorKind::Configuration, message));
        }
        _ => {}
    }
    match finding {
        "stream" => setup::create_stream(connection).await.map(drop),
        "capture" => capture(connection).await,
        "schedules" => info::update(connection, set("allow_msg_schedules")).await,
        "atomic" => info::update(connection, set("allow_atomic")).await,
        "no-ack" => info::update(connection, |config| config["no_ack"] = false.into()).await,
        "interest" => Err(error(
            ErrorKind::Unsupported,
            "the application that consumes creates its consumer",
        )),
        "subjects" => {
            let inner = connection.names.internal_wildcard();
            info::update(connection, |config| {
                if let Some(subjects) = config["subjects"].as_array_mut() {
                    subjects.push(inner.into());
                }
            })
            .await
        }
        "duplicate-window" => {
            let window = nanos(Duration::from_mins(2));
            info::update(connection, |config| {
                config["duplicate_window"] = window.into();
            })
            .await
        }
        _ => Err(Finding::unknown(SCHEME, finding)),
    }
}

/// Changes a setting of a consumer; everything else is sent back as it was read.
async fn change_consumer(
    connection: &Connection,
    name: &str,
    setting: &str,
    value: Value,
) -> Result<()> {
    let stream = &connection.names.stream;
    let answer = connection
        .api(format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
        .await?;
    let mut config = answer.get("config").cloned().unwrap_or_default();
    config[setting] = value;
    let body = json!({"stream_name": stream, "config": config, "action": "update"});
    connection
        .api(format!("CONSUMER.CREATE.{stream}.{name}"), &body)
        .await?;
    Ok(())
}
