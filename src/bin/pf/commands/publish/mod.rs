//! `pf publish`: one event, or a stream of them.

mod args;
mod draft;
mod input;
mod many;
mod ndjson;
mod one;
mod outline;
mod place;
mod progress;
mod report;
mod values;

use std::{sync::Arc, time::SystemTime};

use protoflow::{
    backends::{OpenOptions, memory::Memory},
    cloudevents::event::ExtensionValue,
    event::Topic,
    runtime::{publish_span, record_error, set_parent, trace_of},
    transport::Transport,
};
use tracing::{Instrument as _, Span};

pub use self::{
    args::PublishArgs,
    draft::default_source,
    one::{data_of, with_schema},
};

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    handler::is_canary,
    output::Format,
    values::topics,
};

/// Publishes one event or a stream.
///
/// As part of a canary it validates everything, and stores nothing.
pub async fn run(args: &PublishArgs, context: &mut Context) -> CliResult<()> {
    let shows_receipts = matches!(context.printer.format(), Format::Text | Format::Json);
    if !shows_receipts && !args.dry_run {
        return Err(CliError::usage(
            "`-o` must be text or json here: `pf publish` prints receipts",
        ));
    }
    check_topic(args)?;
    check_id(args)?;
    if is_canary() {
        let remarks = context.printer.remarks();
        remarks.remark("PF_CANARY is set: nothing is published, this only validates");
    }
    let schemas = args.schemas.load(context)?;
    let options = OpenOptions {
        create: args.create && !is_canary(),
        broker_headers: args.allow_broker_headers,
        require_consumer: args.require_consumer,
        mode: args.mode.map(Into::into),
        inline: !(args.lines || args.ndjson),
        ..OpenOptions::default()
    };
    let transport: Arc<dyn Transport> = match context.open(options).await {
        // `--create` would have created it; what is validated needs no store.
        Err(missing) if is_canary() && args.create && missing.is_not_found() => {
            Arc::new(Memory::new())
        }
        opened => opened?,
    };
    check_dedup(args, transport.as_ref()).await?;
    check_delay(args, context, transport.as_ref()).await?;
    let (span, args) = &within_trace(args, transport.scheme());
    let publishing = async {
        if args.lines || args.ndjson {
            many::publish(args, schemas, context, transport).await
        } else {
            one::publish(args, schemas.as_ref(), context, transport.as_ref()).await
        }
    };
    let published = publishing.instrument(span.clone()).await;
    if let Err(failed) = &published {
        record_error(span, &format!("exit {}", failed.code() as u8));
    }
    published
}

/// Starts the span of the command, in the trace of `TRACEPARENT` if that is set, and writes it into the events that it creates.
fn within_trace(args: &PublishArgs, system: &'static str) -> (Span, PublishArgs) {
    let topic = args.topic.as_ref().map(Topic::as_str);
    let topic = topic.or(args.event_type.as_deref()).unwrap_or_default();
    let (span, mut args) = (publish_span(system, topic), args.clone());
    let outer = std::env::var("TRACEPARENT").ok();
    if let Some(outer) = outer.and_then(|outer| outer.parse().ok()) {
        set_parent(&span, outer, std::env::var("TRACESTATE").ok().as_deref());
    }
    let is_given = args.extension.iter().any(|(name, _)| name == "traceparent");
    if let Some(trace) = trace_of(&span).filter(|_| !is_given) {
        let trace = ExtensionValue::String(trace.to_string());
        args.extension.push(("traceparent".to_owned(), trace));
    }
    (span, args)
}

/// Refuses a dead-letter store as the topic before the store is opened.
fn check_topic(args: &PublishArgs) -> CliResult<()> {
    match (&args.topic, &args.event_type) {
        (Some(topic), _) => topics::refuse_dead_letters(topic),
        (None, Some(ty)) => topics::refuse_dead_letters(&ty.parse()?),
        (None, None) => Ok(()),
    }
}

/// Refuses `--dedup` for events that get a new id, because nothing would ever be a duplicate.
fn check_id(args: &PublishArgs) -> CliResult<()> {
    if !args.dedup || args.ndjson || args.id.is_some() {
        return Ok(());
    }
    let error = CliError::usage("`--dedup` has no effect on an event that gets a new id");
    Err(error.hint(if args.lines {
        "publish events that have an id with `--ndjson`"
    } else {
        "give the id of the event with `--id`"
    }))
}

/// Refuses `--dedup` where duplicates cannot be recognised.
async fn check_dedup(args: &PublishArgs, transport: &dyn Transport) -> CliResult<()> {
    if !args.dedup {
        return Ok(());
    }
    // A user who may only publish may not ask for that; the transport refuses what it cannot do.
    let Ok(capabilities) = transport.capabilities().await else {
        return Ok(());
    };
    if capabilities.dedup.is_present() {
        return Ok(());
    }
    let message = format!(
        "`{}` cannot recognise duplicates of events",
        capabilities.transport
    );
    let error = CliError::message(Exit::Unsupported, message);
    Err(error.hint(capabilities.dedup.note()))
}

/// Refuses a delay that the transport cannot keep, before anything is stored.
async fn check_delay(
    args: &PublishArgs,
    context: &Context,
    transport: &dyn Transport,
) -> CliResult<()> {
    let Some(due) = args.due() else {
        return Ok(());
    };
    let Ok(delay) = due.duration_since(SystemTime::now()) else {
        context
            .printer
            .remarks()
            .remark("this time is in the past: publishing now");
        return Ok(());
    };
    let capabilities = transport.capabilities().await?;
    if !capabilities.delay.is_present() {
        return Err(CliError::message(
            Exit::Unsupported,
            format!("`{}` cannot delay an event", capabilities.transport),
        )
        .hint(capabilities.delay.note()));
    }
    if !capabilities.delay.is_native() {
        let remarks = context.printer.remarks();
        remarks.remark(&format!("a delayed event {}", capabilities.delay.note()));
    }
    match capabilities.limits.max_delay {
        Some(longest) if delay > longest => Err(CliError::message(
            Exit::Unsupported,
            format!(
                "`{}` has no delays longer than {}",
                capabilities.transport,
                humantime::format_duration(longest)
            ),
        )),
        _ => Ok(()),
    }
}
