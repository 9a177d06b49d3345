//! `pf request`: publishes a request and prints its replies.

use std::{str::FromStr, time::Duration};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    cloudevents::Event,
    event::{Envelope, Stored, Topic, event},
    runtime::{Request, Requester, reply_error},
    transport::Transport,
};
use tokio::time::Instant;

use super::publish::{data_of, default_source, with_schema};
use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Format, counted},
    schemas::{Decoder, SchemaArgs},
    values::{
        times::{self, sleep},
        topics,
    },
};

/// Publish a request, and print its replies
///
/// Listens on the topic of the replies first. The request expires when this command no longer waits, so that nobody
/// handles it then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf request price.asked '{\"sku\":\"a\"}'
  pf request price.asked '{\"sku\":\"a\"}' --replies all --timeout 2s
  pf consume price.asked -g pricing --reply -- ./price.sh    what answers it

Exit codes: 3 no reply in time, or fewer than asked for; 4 the request was dead-lettered.")]
pub struct RequestArgs {
    /// The type of the request, which is its topic
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// The data; `-` reads stdin, which is the default unless stdin is a terminal
    #[arg(allow_hyphen_values = true)]
    data: Option<String>,
    /// How long to wait for replies
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = times::some_duration)]
    timeout: Duration,
    /// How many replies to wait for; `all` prints what comes until the end of the time
    #[arg(long, value_name = "N", default_value = "1")]
    replies: Replies,
    /// The topic of the replies [default: `reply.` and the type]
    #[arg(long, value_name = "TOPIC")]
    reply_topic: Option<Topic>,
    /// The topic of the request [default: the type]
    #[arg(long)]
    topic: Option<Topic>,
    /// The source of the request [default: `//HOST/pf`]
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// The subject of the request
    #[arg(long)]
    subject: Option<String>,
    /// The id of the request [default: a ULID]
    #[arg(long)]
    id: Option<String>,
    /// The correlation id, which related events share
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// The content type of the data; only JSON is validated
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    content_type: String,
    /// Create the topics of the request and of the replies if they do not exist
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    schemas: SchemaArgs,
}

/// How many replies are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replies {
    First(u64),
    All,
}

impl FromStr for Replies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "all" => Ok(Self::All),
            Ok(0) | Err(_) => Err("use a number from 1, or `all`".to_owned()),
            Ok(count) => Ok(Self::First(count)),
        }
    }
}

/// What the replies said.
#[derive(Default)]
struct Heard {
    replies: u64,
    failure: Option<String>,
    /// Whether more came than one request may get.
    is_full: bool,
}

impl RequestArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if !matches!(
            context.printer.format(),
            Format::Text | Format::Json | Format::Event | Format::Data
        ) {
            return Err(CliError::usage(
                "`-o` must be text, json, event or data here",
            ));
        }
        let topic = match &self.topic {
            Some(topic) => topic.clone(),
            None => self.event_type.parse()?,
        };
        topics::refuse_dead_letters(&topic)?;
        let reply_topic = match &self.reply_topic {
            Some(topic) => topic.clone(),
            None => format!("reply.{topic}").parse()?,
        };
        let schemas = self.schemas.load(context)?;
        let decoder = self.schemas.decoder(context)?;
        let event = self.event()?;
        let signals = context.signals()?;
        let options = OpenOptions {
            create: self.create,
            inline: true,
            ..OpenOptions::default()
        };
        let until = Instant::now() + self.timeout;
        let transport = context.open(options).await?;
        if self.create {
            self.create(transport.as_ref(), &[&topic, &reply_topic], context)
                .await?;
        }
        let encoding = transport.encoding();
        let request = Request::new(event, topic, &reply_topic, self.timeout, encoding)?;
        let request = request.map(|message| with_schema(schemas.as_ref(), message, encoding))?;
        let asked = Requester::ask(transport.as_ref(), &reply_topic, request);
        let (requester, _) = asked.await?;
        let left = until.saturating_duration_since(Instant::now());
        let mut heard = Heard::default();
        tokio::select! {
            biased;
            () = signals.stop.drain.cancelled() => {
                return Err(signals.interrupted("interrupted while waiting for replies"));
            }
            listened = self.listen(requester, &mut heard, decoder, context) => listened?,
            () = sleep(Some(left)) => {}
        }
        context.printer.flush()?;
        self.conclude(&heard)
    }

    async fn create(
        &self,
        transport: &dyn Transport,
        named: &[&Topic],
        context: &Context,
    ) -> CliResult<()> {
        for topic in named {
            for made in transport.create(topic).await? {
                context.printer.remarks().remark(&made);
            }
        }
        Ok(())
    }

    fn event(&self) -> CliResult<Event> {
        let source = self.source.clone().unwrap_or_else(default_source);
        let mut draft = event(&self.event_type, source);
        if let Some(id) = &self.id {
            draft = draft.id(id);
        }
        if let Some(subject) = &self.subject {
            draft = draft.subject(subject);
        }
        if let Some(id) = &self.correlation_id {
            draft = draft.correlation_id(id);
        }
        if let Some(data) = data_of(self.data.as_deref())? {
            draft = draft.data_bytes(&self.content_type, data);
        }
        Ok(draft.build()?)
    }

    /// Prints replies until there are enough.
    async fn listen(
        &self,
        mut requester: Requester,
        heard: &mut Heard,
        decoder: Option<Decoder>,
        context: &mut Context,
    ) -> CliResult<()> {
        while self.replies != Replies::First(heard.replies) {
            let Some(stored) = requester.next().await? else {
                heard.is_full = true;
                return Ok(());
            };
            let envelope = Envelope::read(&stored.message)?;
            if let Some(reason) = reply_error(&envelope) {
                heard.failure.get_or_insert(reason);
                if self.replies == Replies::All {
                    continue;
                }
                return Ok(());
            }
            heard.replies += 1;
            print(&stored, decoder.as_ref(), context)?;
        }
        Ok(())
    }

    fn conclude(&self, heard: &Heard) -> CliResult<()> {
        if let Some(reason) = &heard.failure {
            let text = format!("the request was not handled: {reason}");
            return Err(
                CliError::message(Exit::Partly, text).hint("`pf dlq list` shows its dead letter")
            );
        }
        if heard.is_full {
            let text = "more than 1 MiB of replies came, the rest is not shown";
            return Err(CliError::message(Exit::Partly, text));
        }
        let waited = humantime::format_duration(self.timeout);
        match (self.replies, heard.replies) {
            (_, 0) => Err(
                CliError::message(Exit::Incomplete, format!("no reply within {waited}")).hint(
                    format!(
                        "is there a consumer that replies? pf consume {} --group NAME --reply -- ./reply.sh",
                        self.event_type
                    ),
                ),
            ),
            (Replies::First(number), came) if came < number => {
                let came = counted(came, "reply", "replies");
                let text = format!("only {came} of {number} within {waited}");
                Err(CliError::message(Exit::Incomplete, text))
            }
            _ => Ok(()),
        }
    }
}

/// Prints a reply: its data, unless another format is asked for.
fn print(stored: &Stored, decoder: Option<&Decoder>, context: &mut Context) -> CliResult<()> {
    if context.printer.format() == Format::Text {
        context.printer.set_format(Format::Data);
    }
    let seen = decoder.and_then(|decoder| decoder.seen(stored));
    context.printer.message_as(stored, seen.as_ref())?;
    Ok(context.printer.flush()?)
}
