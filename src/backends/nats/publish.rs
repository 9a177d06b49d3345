//! Storing messages, now or for later: pipelined, every confirmation checked, sent again under the same id.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::{HeaderMap, Subject, jetstream::message::PublishMessage};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::{MutexGuard, OwnedSemaphorePermit},
    time::{Instant, sleep},
};
use ulid::Ulid;

use super::{
    connection::Link,
    error,
    errors::{self, Refusal},
    headers,
    reader::written,
    stream::Facts,
};
use crate::{
    event::{Message, Position},
    failpoint,
    transport::{ErrorKind, Outgoing, Receipt, Result, ScheduleId, TransportError},
};

/// How long a lost connection is ridden out; the server recognises an id for longer.
const RIDE_OUT: Duration = Duration::from_mins(1);
/// The pause before what a server could not take yet is sent again.
const PAUSE: Duration = Duration::from_millis(250);

/// A message as it goes to the server.
#[derive(Debug)]
struct Parcel {
    subject: Subject,
    message: Message,
    /// By which the server recognises it.
    id: String,
    later: Option<Later>,
    /// Laid out to be checked, and taken by the first try.
    headers: Option<HeaderMap>,
}

/// When and where a message is to be seen.
#[derive(Debug)]
struct Later {
    id: ScheduleId,
    due: SystemTime,
    subject: Subject,
}

impl Parcel {
    fn lay_out(&self, link: &Link) -> Result<HeaderMap> {
        let mut headers = if link.broker_headers {
            headers::write_with_commands(&self.message)?
        } else {
            headers::write(&self.message)?
        };
        if headers.get("Nats-Msg-Id").is_none() {
            headers.insert("Nats-Msg-Id", self.id.as_str());
        }
        if let Some(later) = &self.later {
            headers.insert("Nats-Schedule", at(later.due));
            headers.insert("Nats-Schedule-Target", later.subject.as_str());
        }
        Ok(headers)
    }
}

/// What became of a message so far.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all wait, and a box for each would cost more"
)]
enum State {
    Waiting(Parcel, Option<Refusal>),
    Done(Result<Receipt>),
}

/// Stores a batch.
pub(super) async fn publish_all(link: &Arc<Link>, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
    let connects = link.connects();
    let until = Instant::now() + RIDE_OUT;
    let turn = link.turn.lock().await;
    let states = prepare(link, batch).await;
    let mut states = send(link, states, Some(turn)).await;
    while Instant::now() < until && should_repeat(link, &states, connects) {
        sleep(PAUSE).await;
        link.wait_for_connection(until).await;
        states = send(link, states, None).await;
    }
    states.into_iter().map(conclude).collect()
}

/// Reports whether something may be stored if it is sent again. That no stream covers a subject is believed unless
/// the server has just been started again.
fn should_repeat(link: &Link, states: &[State], connects: u64) -> bool {
    let restarted = link.connects() != connects;
    states.iter().any(|state| match state {
        State::Waiting(_, Some(Refusal::Lost(failed))) => {
            failed.is_transient() || restarted && failed.kind() == ErrorKind::NotFound
        }
        State::Waiting(_, Some(refusal)) => refusal.may_pass(),
        _ => false,
    })
}

fn conclude(state: State) -> Result<Receipt> {
    match state {
        State::Done(result) => result,
        State::Waiting(_, Some(Refusal::Lost(failed))) if failed.is_transient() => {
            let message = "it is not known whether the message was stored";
            Err(error(ErrorKind::Ambiguous, message).because(failed))
        }
        State::Waiting(_, Some(refusal)) => Err(refusal.into()),
        State::Waiting(_, None) => Err(error(ErrorKind::Other, "the message was not sent")),
    }
}

async fn prepare(link: &Arc<Link>, batch: Vec<Outgoing>) -> Vec<State> {
    let now = SystemTime::now();
    let later = |outgoing: &Outgoing| outgoing.due.is_some_and(|due| due > now);
    let facts = if batch.iter().any(later) {
        Some(link.facts().await)
    } else {
        None
    };
    let mut states = Vec::with_capacity(batch.len());
    for outgoing in batch {
        let due = outgoing.due.filter(|due| *due > now);
        let parcel = parcel(link, outgoing).and_then(|parcel| match due {
            None => Ok(parcel),
            Some(due) => match &facts {
                Some(Ok(facts)) => delayed(link, parcel, due, facts),
                Some(Err(failed)) => Err(again(failed)),
                None => Err(error(ErrorKind::Other, "the stream is unknown")),
            },
        });
        states.push(match parcel {
            Ok(parcel) => State::Waiting(parcel, None),
            Err(failed) => State::Done(Err(failed)),
        });
    }
    states
}

/// Copies an error.
pub(super) fn again(failed: &TransportError) -> TransportError {
    reworded(failed, str::to_owned)
}

/// Copies an error with other words.
pub(super) fn reworded(
    failed: &TransportError,
    say: impl FnOnce(&str) -> String,
) -> TransportError {
    let text = failed.to_string();
    let words = text.strip_prefix("nats: ").unwrap_or(&text);
    let copy = error(failed.kind(), say(words));
    match failed.advice() {
        Some(advice) => copy.hint(advice.to_owned()),
        None => copy,
    }
}

fn parcel(link: &Link, outgoing: Outgoing) -> Result<Parcel> {
    let message = outgoing.message;
    let mut parcel = Parcel {
        subject: link.names.subject(&message.topic)?.into(),
        message,
        id: link.id(),
        later: None,
        headers: None,
    };
    let headers = parcel.lay_out(link)?;
    if parcel.message.bytes().len() + headers::size(&headers) > link.client.max_payload() {
        return Err(errors::too_large());
    }
    parcel.headers = Some(headers);
    Ok(parcel)
}

/// Turns a message into a schedule, or says why its delay cannot be kept.
fn delayed(link: &Link, mut parcel: Parcel, due: SystemTime, facts: &Facts) -> Result<Parcel> {
    can_keep(link, due, facts)?;
    if !facts.covers(&parcel.subject) {
        return Err(errors::uncovered(&parcel.subject));
    }
    let id = Ulid::generate().to_string().to_lowercase();
    let later = Subject::from(link.names.later(&id));
    parcel.later = Some(Later {
        id: ScheduleId(id),
        due,
        subject: std::mem::replace(&mut parcel.subject, later),
    });
    parcel.headers = Some(parcel.lay_out(link)?);
    Ok(parcel)
}

/// Says why a delay cannot be kept, if so.
pub(super) fn can_keep(link: &Link, due: SystemTime, facts: &Facts) -> Result<()> {
    if let Some(reason) = facts.no_delay(&link.names.inner()) {
        let stream = &facts.config.name;
        let message = format!("{reason}: `{stream}` cannot keep a delay");
        let hint = match facts.too_old {
            Some(_) => facts.mend().to_owned(),
            None => format!(
                "{}; that it allows schedules cannot be undone",
                facts.mend()
            ),
        };
        return Err(error(ErrorKind::Unsupported, message).hint(hint));
    }
    let delay = due.duration_since(SystemTime::now()).unwrap_or_default();
    match facts.longest_delay() {
        Some(longest) if delay > longest => {
            let message = format!(
                "the stream drops events after {}, before this one is due",
                humantime::format_duration(Duration::from_nanos(facts.config.max_age))
            );
            Err(error(ErrorKind::Unsupported, message).hint("raise the stream's `max_age`"))
        }
        _ => Ok(()),
    }
}

/// Writes a time as a schedule has it.
pub(super) fn at(due: SystemTime) -> String {
    format!("@at {}", written(due))
}

type Confirmation = BoxFuture<'static, (usize, Result<Receipt, Refusal>)>;

/// Sends what waits, in order, and takes note of every confirmation. The turn is over once all is sent.
async fn send(
    link: &Arc<Link>,
    mut states: Vec<State>,
    turn: Option<MutexGuard<'_, ()>>,
) -> Vec<State> {
    let (since, mut news) = (Instant::now(), link.denials.listen());
    if link.denials.of_answers().is_some() {
        deny(link, &mut states, since);
    }
    let mut window: FuturesOrdered<Confirmation> = FuturesOrdered::new();
    for index in 0..states.len() {
        if matches!(states[index], State::Done(_)) {
            continue;
        }
        let place = loop {
            tokio::select! {
                biased;
                place = Arc::clone(&link.window).acquire_owned() => break place.ok(),
                Some(confirmed) = window.next() => note(&mut states, confirmed),
            }
        };
        let State::Waiting(parcel, _) = &mut states[index] else {
            continue;
        };
        match start(link, (index, place), parcel).await {
            Ok(sent) => window.push_back(sent),
            Err(failed) => states[index] = State::Done(Err(failed)),
        }
    }
    drop(turn);
    failpoint::reach("nats.sent");
    loop {
        tokio::select! {
            biased;
            confirmed = window.next() => match confirmed {
                Some(confirmed) => note(&mut states, confirmed),
                None => break,
            },
            _ = news.changed() => {
                deny(link, &mut states, since);
                if states.iter().all(|state| matches!(state, State::Done(_))) {
                    break;
                }
            }
        }
    }
    failpoint::reach("nats.confirmed");
    states
}

async fn start(
    link: &Arc<Link>,
    (index, place): (usize, Option<OwnedSemaphorePermit>),
    parcel: &mut Parcel,
) -> Result<Confirmation> {
    let headers = match parcel.headers.take() {
        Some(headers) => headers,
        None => parcel.lay_out(link)?,
    };
    let publish = PublishMessage::build()
        .headers(headers)
        .payload(parcel.message.payload.clone().unwrap_or_default());
    let subject = parcel.subject.clone();
    let schedule = parcel.later.as_ref().map(|later| later.id.clone());
    let sent = link.js.send_publish(subject.clone(), publish).await;
    Ok(Box::pin(async move {
        let confirmed = async {
            let ack = sent?.await?;
            Ok(Receipt {
                position: schedule.is_none().then(|| Position::number(ack.sequence)),
                schedule,
            })
        };
        let confirmed: Result<_, async_nats::jetstream::context::PublishError> = confirmed.await;
        drop(place);
        (
            index,
            confirmed.map_err(|failed| errors::of_publish(failed, &subject)),
        )
    }))
}

fn note(states: &mut [State], (index, confirmed): (usize, Result<Receipt, Refusal>)) {
    let Some(state) = states.get_mut(index) else {
        return;
    };
    match confirmed {
        Ok(receipt) => *state = State::Done(Ok(receipt)),
        Err(refusal) => match state {
            State::Waiting(_, last) => *last = Some(refusal),
            State::Done(_) => {}
        },
    }
}

/// Gives up what the server silently does not let us publish, and what it does not let us hear of.
fn deny(link: &Link, states: &mut [State], since: Instant) {
    if let Some(denied) = link.denials.of_answers() {
        for state in states {
            if matches!(state, State::Waiting(..)) {
                let text = "not confirmed, so that it is not known whether the message was stored";
                *state = State::Done(Err(reworded(&denied, |words| format!("{text}: {words}"))));
            }
        }
        return;
    }
    let mut denied: HashMap<String, Option<TransportError>> = HashMap::new();
    for state in states {
        let State::Waiting(parcel, _) = &*state else {
            continue;
        };
        let denied = denied
            .entry(parcel.subject.to_string())
            .or_insert_with(|| link.denials.of(&parcel.subject, since));
        if let Some(denied) = denied {
            *state = State::Done(Err(again(denied)));
        }
    }
}

/// Stores one message of our own, sending it again under the same id while no answer comes.
pub(super) async fn persist(
    link: &Link,
    subject: String,
    payload: Bytes,
    mark: impl FnOnce(&mut HeaderMap),
) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", link.id());
    mark(&mut headers);
    let until = Instant::now() + RIDE_OUT / 6;
    loop {
        match link
            .put(subject.clone(), headers.clone(), payload.clone())
            .await
        {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.may_pass() && Instant::now() < until => {
                link.wait_for_connection(until).await;
                sleep(PAUSE).await;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
}
