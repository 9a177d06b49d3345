//! One event, from the command line or from all of stdin.

use std::io::{self, IsTerminal as _, Read as _};

use protoflow::{
    event::{Encoding, EventError, Message, protobuf::Schemas},
    transport::{Receipt, Transport},
};

use serde::de::IgnoredAny;

use super::{
    args::PublishArgs,
    draft::{Draft, NewEvent},
    report,
};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    handler::is_canary,
    stdio::Stdin,
    values::topics,
};

/// Result of publishing the event.
type Stored = protoflow::transport::Result<Receipt>;

/// Publishes the event that the flags describe.
pub async fn publish(
    args: &PublishArgs,
    schemas: Option<&Schemas>,
    context: &mut Context,
    transport: &dyn Transport,
) -> CliResult<()> {
    let mut draft = Draft::new(args, transport.encoding())?;
    let made = match data(args)? {
        Some(data) => {
            let made = draft.fill(&data);
            let made = made.map_err(|error| invalid_data(args, &data, error))?;
            report::remark_event(&context.printer.remarks(), &data, draft.topic());
            made
        }
        None => draft.empty()?,
    };
    let NewEvent { id, message } = made;
    let message = with_schema(schemas, message, transport.encoding())?;
    let outgoing = args.address(message, None);
    let due = outgoing.due;
    if args.dry_run {
        return report::show(&mut context.printer, outgoing);
    }
    if is_canary() {
        let receipt_line = report::ReceiptLine::validated(Some(&id), draft.topic());
        context.printer.remarks().remark(&receipt_line.remark());
        return context.printer.report(&receipt_line);
    }
    if args.create {
        for made in transport.create(draft.topic()).await? {
            context.printer.remarks().remark(&made);
        }
    }
    let receipt = match confirmed(transport.publish(vec![outgoing]).await)? {
        Ok(receipt) => receipt,
        Err(refused) => return Err(topics::hint_nearest(transport, draft.topic(), refused).await),
    };
    let remarks = context.printer.remarks();
    for warning in transport.warnings() {
        remarks.warning(&warning);
    }
    let receipt_line = report::ReceiptLine::stored(Some(&id), draft.topic(), &receipt).due(due);
    remarks.remark(&receipt_line.remark());
    let receipt_line = context.printer.report(&receipt_line);
    receipt_line
        .and(context.printer.flush().map_err(CliError::from))
        .map_err(CliError::after_publish)
}

/// Returns an event with its JSON data as protobuf, if they have a schema.
pub fn with_schema(
    schemas: Option<&Schemas>,
    message: Message,
    encoding: Encoding,
) -> CliResult<Message> {
    let encoded = schemas.map(|schemas| schemas.encode(&message, encoding));
    Ok(encoded.transpose()?.flatten().unwrap_or(message))
}

fn confirmed(results: Vec<Stored>) -> CliResult<Stored> {
    match results.into_iter().next() {
        Some(result) => Ok(result),
        None => Err(CliError::message(
            Exit::Failed,
            "the transport returned no confirmation",
        )),
    }
}

/// Returns the error for data that is not valid.
fn invalid_data(args: &PublishArgs, data: &[u8], error: EventError) -> CliError {
    let EventError::Json(why) = error else {
        return error.into();
    };
    let error = CliError::message(Exit::Failed, format!("the data is not valid JSON: {why}"));
    if why.starts_with("trailing characters") && begins_with_json(data) {
        return error.hint("the data is more than one JSON document: publish an event for each line of stdin with `--lines`");
    }
    if args
        .data
        .as_ref()
        .is_some_and(|data| !data.starts_with(['{', '[']))
    {
        return error.hint("a JSON string needs quotes: '\"text\"'; text that is not JSON needs `--content-type text/plain`");
    }
    error.hint("data that is not JSON needs a content type, such as `--content-type text/plain`")
}

/// Reports whether the data begins with an object or an array, and goes on with another one.
fn begins_with_json(data: &[u8]) -> bool {
    let mut documents = serde_json::Deserializer::from_slice(data).into_iter::<IgnoredAny>();
    let is_next = |next: Option<serde_json::Result<IgnoredAny>>| matches!(next, Some(Ok(_)));
    matches!(data.trim_ascii_start().first(), Some(b'{' | b'['))
        && is_next(documents.next())
        && is_next(documents.next())
}

/// Returns the data; `None` if the event has none.
fn data(args: &PublishArgs) -> CliResult<Option<Vec<u8>>> {
    if args.no_data {
        return Ok(None);
    }
    let Some(data) = given(args.data.as_deref(), args.max_size)? else {
        return Ok(None);
    };
    if data.len() > args.max_size {
        return Err(too_long(args.max_size));
    }
    if data.is_empty() {
        let text = match args.data.as_deref() {
            Some(text) if text != "-" => "the data is empty",
            _ => "no data: stdin is empty",
        };
        return Err(CliError::message(Exit::Failed, text)
            .hint("publish an event without data with `--no-data`"));
    }
    Ok(Some(data))
}

/// Returns the data of an event: what the command line says, or else stdin; `None` without any.
pub fn data_of(data: Option<&str>) -> CliResult<Option<Vec<u8>>> {
    const LONGEST: usize = 1024 * 1024;
    let data = given(data, LONGEST)?.filter(|data| !data.is_empty());
    match data {
        Some(data) if data.len() > LONGEST => Err(CliError::message(
            Exit::Failed,
            format!("the data is longer than {LONGEST} bytes"),
        )),
        data => Ok(data),
    }
}

fn given(data: Option<&str>, max: usize) -> CliResult<Option<Vec<u8>>> {
    match data {
        Some("-") => all_of_stdin(max).map(Some),
        Some(text) => Ok(Some(text.as_bytes().to_vec())),
        None if io::stdin().is_terminal() => Ok(None),
        None => all_of_stdin(max).map(Some),
    }
}

fn all_of_stdin(max: usize) -> CliResult<Vec<u8>> {
    let mut data = Vec::new();
    Stdin.take(max as u64 + 1).read_to_end(&mut data)?;
    Ok(data)
}

/// Returns the error for data that is too long.
pub fn too_long(max: usize) -> CliError {
    CliError::message(Exit::Failed, format!("the data is longer than {max} bytes"))
        .hint("raise the limit with `--max-size`")
}
