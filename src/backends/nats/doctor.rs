//! Checks of a stream and its consumers, and the fixes.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::{
            handle::Link,
            stream::{
                info::{Facts, SCHEDULES},
                retention::Keeping,
            },
        },
        consume::consumer::{
            durable::{self as consumer, Durable},
            settings::{self as fit, MAX_ACK_PENDING, Needs},
        },
        dead_letter::advisories::Advisories,
        error::{SCHEME, error},
    },
    transport::{Capture as _, ErrorKind, Finding, Result},
};

/// What any group needs: what it may have in flight unless it is told otherwise.
const ANY: Needs = Needs {
    deliveries: 0,
    in_flight: 1000,
};
/// How many messages that were given up are worked on at a time.
const AT_A_TIME: usize = 500;

/// Looks at the server, the stream, and what reads it.
pub(crate) async fn diagnose(link: &Link) -> Result<Vec<Finding>> {
    let info = link.client.server_info();
    let mut findings = vec![Finding::ok(
        "server",
        format!("nats-server {} answers", info.version),
    )];
    if let Some(text) = link.too_old("schedules and atomic batches need", SCHEDULES) {
        findings.push(Finding::warning("server-version", text));
    }
    let stream = &link.names.stream;
    let Some(facts) = link.find_stream(stream).await? else {
        let missing = Finding::problem("stream", format!("there is no stream `{stream}`"));
        findings.push(missing.fix("pf doctor --fix"));
        return Ok(findings);
    };
    let text = format!("stream {stream} holds {} messages", facts.state.messages);
    findings.push(Finding::ok("stream", text));
    if let Some(copies) = facts.no_messages() {
        findings.push(Finding::ok("copy", copies.message().to_owned()));
    } else {
        findings.extend(of_stream(link, &facts));
        findings.extend(of_keeping(link, &facts).await?);
    }
    findings.extend(of_consumers(link).await?);
    findings.extend(of_advisories(link).await?);
    Ok(findings)
}

fn of_stream(link: &Link, facts: &Facts) -> Vec<Finding> {
    let config = &facts.config;
    let edit = |what: &str| Some(format!("nats stream edit {} {what}", config.name));
    let fix = || Some("pf doctor --fix".to_owned());
    let mut findings = Vec::new();
    let mut warn = |name: &str, text: String, fix: Option<String>| {
        findings.push(Finding {
            fix,
            ..Finding::warning(name, text)
        });
    };
    let is_too_old = facts.too_old.is_some();
    if !is_too_old && !facts.covers(&link.names.inner()) {
        let text = "the stream has no subjects for schedules and the journal of a replay";
        warn("subjects", text.to_owned(), fix());
    }
    if !is_too_old && !config.allow_msg_schedules {
        let text = "the stream does not allow schedules, so no event can be delayed; that cannot be undone";
        warn("schedules", text.to_owned(), fix());
    }
    if !is_too_old && !config.allow_atomic {
        let text =
            "the stream does not allow atomic batches, so a replay is exact only for a while";
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
        let text = "the stream keeps only what somebody waits for: schedules are dropped";
        warn("retention", text.to_owned(), None);
    }
    if config.discard == "old" && (config.max_msgs > 0 || config.max_bytes > 0) {
        let text =
            "the stream drops its oldest messages when it is full, read or not, schedules too";
        warn("discard", text.to_owned(), edit("--discard=new"));
    }
    findings
}

/// Tells what is confirmed and not kept.
async fn of_keeping(link: &Link, facts: &Facts) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if facts.config.no_ack {
        let text =
            "the stream does not confirm what is published, so nothing is known to be stored";
        findings.push(Finding::problem("no-ack", text).fix("pf doctor --fix"));
    }
    let keeping = Keeping::of(link, facts).await?;
    for subject in keeping.unread_subjects(facts) {
        let text = format!(
            "no consumer covers all of `{subject}`: what is published to the rest is confirmed and dropped"
        );
        let mend = link.names.consume(subject);
        findings.push(Finding::warning("interest", text).fix(mend));
    }
    Ok(findings)
}

async fn of_consumers(link: &Link) -> Result<Vec<Finding>> {
    let stream = &link.names.stream;
    let answer = link
        .api(format!("CONSUMER.NAMES.{stream}"), &json!({}))
        .await?;
    let names = answer.get("consumers").and_then(Value::as_array);
    let mut findings = Vec::new();
    for name in names.into_iter().flatten().filter_map(Value::as_str) {
        let Some(durable) = consumer::find(link, name).await? else {
            continue;
        };
        // Those of readers without a group end with their readers.
        if !durable.config.durable_name.is_empty() {
            findings.extend(of_consumer(stream, &durable));
        }
    }
    Ok(findings)
}

fn of_consumer(stream: &str, durable: &Durable) -> Vec<Finding> {
    let name = &durable.name;
    let mut findings = Vec::new();
    for misfit in fit::misfits(durable, ANY) {
        let finding = format!("{}.{name}", misfit.name);
        if misfit.name == "kind" {
            // No group of ours, and nothing to mend.
            return vec![Finding::ok(finding, misfit.text)];
        }
        let command = misfit.command(stream, name);
        findings.push(Finding {
            fix: command,
            ..Finding::warning(finding, misfit.text)
        });
    }
    if let Some(until) = durable.paused_until() {
        let mend = format!("nats consumer resume {stream} {name}");
        let text = format!("the consumer `{name}` is paused until {until}");
        findings.push(Finding::warning(format!("paused.{name}"), text).fix(mend));
    }
    let waiting = i64::try_from(durable.num_ack_pending).unwrap_or(i64::MAX);
    let limit = durable.config.max_ack_pending;
    if limit > 0 && waiting >= limit {
        let finding = format!("max-pending.{name}");
        findings.retain(|known| known.name != finding);
        let mend = format!("nats consumer edit {stream} {name} --max-pending=200000");
        let text =
            format!("the consumer `{name}` stands still: {waiting} messages are out or held back");
        findings.push(Finding::problem(finding, text).fix(mend));
    }
    findings
}

/// Tells of what was given up and is no dead letter yet.
async fn of_advisories(link: &Link) -> Result<Option<Finding>> {
    let facts = link.find_stream(&link.names.advisories()).await?;
    let waiting = facts.map_or(0, |facts| facts.state.messages);
    Ok((waiting > 0).then(|| {
        let text = format!("consumers gave up {waiting} messages that are no dead letters yet");
        Finding::warning("capture", text).fix("pf dlq capture --until-end")
    }))
}

/// Makes dead letters of all that was given up.
async fn capture(link: &Arc<Link>) -> Result<()> {
    let mut advisories = Advisories::open(link, true).await?;
    while !advisories.next(AT_A_TIME).await?.is_empty() {}
    Ok(())
}

/// Fixes one finding.
pub(crate) async fn fix(link: &Arc<Link>, finding: &str) -> Result<()> {
    let set = |name: &'static str| move |config: &mut Value| config[name] = true.into();
    match finding.split_once('.') {
        Some(("max-deliver", name)) => {
            return change_consumer(link, name, "max_deliver", (-1).into()).await;
        }
        Some(("max-pending", name)) => {
            return change_consumer(link, name, "max_ack_pending", MAX_ACK_PENDING.into()).await;
        }
        Some((_, name)) if consumer::find(link, name).await?.is_some() => {
            let message = format!("the owner of the consumer `{name}` may want it so");
            return Err(error(ErrorKind::Configuration, message));
        }
        _ => {}
    }
    match finding {
        "stream" => link.make_stream().await.map(drop),
        "capture" => capture(link).await,
        "schedules" => link.change_stream(set("allow_msg_schedules")).await,
        "atomic" => link.change_stream(set("allow_atomic")).await,
        "no-ack" => {
            link.change_stream(|config| config["no_ack"] = false.into())
                .await
        }
        "interest" => Err(error(
            ErrorKind::Unsupported,
            "the application that consumes creates its consumer",
        )),
        "subjects" => {
            let inner = link.names.inner();
            link.change_stream(|config| {
                if let Some(subjects) = config["subjects"].as_array_mut() {
                    subjects.push(inner.into());
                }
            })
            .await
        }
        "duplicate-window" => {
            let window =
                crate::backends::nats::connection::stream::info::nanos(Duration::from_mins(2));
            link.change_stream(|config| config["duplicate_window"] = window.into())
                .await
        }
        _ => Err(Finding::unknown(SCHEME, finding)),
    }
}

/// Changes a setting of a consumer; everything else is sent back as it was read.
async fn change_consumer(link: &Link, name: &str, setting: &str, value: Value) -> Result<()> {
    let stream = &link.names.stream;
    let answer = link
        .api(format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
        .await?;
    let mut config = answer.get("config").cloned().unwrap_or_default();
    config[setting] = value;
    let body = json!({"stream_name": stream, "config": config, "action": "update"});
    link.api(format!("CONSUMER.CREATE.{stream}.{name}"), &body)
        .await?;
    Ok(())
}
