//! Storing messages, now or for later: pipelined, every confirmation checked, sent again under the same id.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{HeaderMap, Subject, jetstream::message::PublishMessage};
use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use tokio::{
    sync::{MutexGuard, OwnedSemaphorePermit},
    time::{Instant, sleep},
};

use crate::{
    backends::nats::{
        codec::headers::EXPECTED_STREAM,
        connection::{handle::Link, stream::retention::Keeping},
        error::{self as errors, Refusal, error},
        publish::prepared::{Parcel, State, conclude, prepare, reworded},
    },
    event::Position,
    failpoint,
    transport::{ErrorKind, Outgoing, Receipt, Result, TransportError},
};

/// How long a lost connection is ridden out; the server recognises an id for longer.
const RIDE_OUT: Duration = Duration::from_mins(1);
/// The pause before what a server could not take yet is sent again.
const PAUSE: Duration = Duration::from_millis(250);

/// Stores a batch.
pub(crate) async fn publish_all(link: &Arc<Link>, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
    let connects = link.connects();
    let until = Instant::now() + RIDE_OUT;
    let turn = link.turn.lock().await;
    let mut states = prepare(link, batch).await;
    let known = object(link, &mut states).await;
    let watched = match &known {
        Some(keeping) if !keeping.needs_readers() => Vec::new(),
        _ => watched(&states),
    };
    let sent = send(link, states, Some(turn));
    let (mut states, mut keeping) = if watched.is_empty() {
        (sent.await, None)
    } else {
        match beside(link, sent).await {
            (Some(states), keeping) => (states, Some(keeping)),
            (None, keeping) => return silent(&keeping, watched.len()),
        }
    };
    clarify(link, &mut states).await;
    while Instant::now() < until && should_repeat(link, &states, connects) {
        sleep(PAUSE).await;
        link.wait_for_connection(until).await;
        states = send(link, states, None).await;
        clarify(link, &mut states).await;
        if keeping.as_ref().is_some_and(|keeping| keeping.is_unknown()) {
            keeping = Some(link.glance().await);
        }
    }
    if let Some(keeping) = keeping {
        distrust(link, &keeping, (&watched, &mut states));
    }
    states.into_iter().map(conclude).collect()
}

/// Refuses what is known not to be kept before it is sent; who requires a consumer wants to know of every message.
async fn object(link: &Link, states: &mut [State]) -> Option<Arc<Keeping>> {
    let known = if link.require_consumer {
        link.keeping().await.map(Some)
    } else {
        Ok(link.known_keeping())
    };
    for state in states {
        let State::Waiting(parcel, _) = state else {
            continue;
        };
        let objection = match &known {
            Err(failed) => Some(failed.clone()),
            Ok(Some(keeping)) if link.require_consumer => {
                keeping.objection(&link.names, (&parcel.subject, parcel.bytes()))
            }
            Ok(Some(keeping)) => keeping
                .silence()
                .or_else(|| keeping.too_large(parcel.bytes())),
            Ok(None) => None,
        };
        if let Some(objection) = objection {
            *state = State::Done(Err(objection));
        }
    }
    known.ok().flatten()
}

/// Returns the subject and the size of each message.
fn watched(states: &[State]) -> Vec<(Subject, usize)> {
    let watched = |state: &State| match state {
        State::Waiting(parcel, _) => (parcel.subject.clone(), parcel.bytes()),
        State::Done(_) => (Subject::from(""), 0),
    };
    states.iter().map(watched).collect()
}

/// Looks at the stream while messages are under way to it; it is not waited for what it will not confirm.
async fn beside(
    link: &Link,
    sent: impl Future<Output = Vec<State>>,
) -> (Option<Vec<State>>, Arc<Keeping>) {
    let look = link.glance();
    tokio::pin!(sent, look);
    tokio::select! {
        biased;
        states = &mut sent => (Some(states), look.await),
        keeping = &mut look => {
            if keeping.silence().is_some() {
                return (None, keeping);
            }
            (Some(sent.await), keeping)
        }
    }
}

fn silent(keeping: &Keeping, count: usize) -> Vec<Result<Receipt>> {
    let silence = || {
        let unknown = || {
            error(
                ErrorKind::Ambiguous,
                "it is not known whether the message was stored",
            )
        };
        keeping.silence().unwrap_or_else(unknown)
    };
    (0..count).map(|_| Err(silence())).collect()
}

/// Takes confirmations for what they are: some messages were dropped at once.
fn distrust(
    link: &Link,
    keeping: &Keeping,
    (watched, states): (&[(Subject, usize)], &mut [State]),
) {
    for ((subject, bytes), state) in watched.iter().zip(states) {
        if !matches!(state, State::Done(Ok(_))) {
            continue;
        }
        match keeping.too_large(*bytes) {
            Some(dropped) => *state = State::Done(Err(dropped)),
            None => link.warn_unread(keeping, subject),
        }
    }
}

/// Finds out why messages were not taken by the stream that they are meant for. While it only lacks a leader, that is so
/// for all of them.
async fn clarify(link: &Link, states: &mut [State]) {
    let mut known: HashMap<String, TransportError> = HashMap::new();
    let mut leaderless = None;
    for state in states {
        let State::Waiting(parcel, Some(refusal)) = state else {
            continue;
        };
        if !matches!(refusal, Refusal::Untaken(_)) && !refusal.is(errors::OTHER_STREAM) {
            continue;
        }
        let subject = parcel.subject.as_str();
        if leaderless.is_none() && !known.contains_key(subject) {
            let why = link.untaken(subject, Some(&link.names.stream)).await;
            if why.is_transient() {
                leaderless = Some(why);
            } else {
                known.insert(subject.to_owned(), why);
            }
        }
        if let Some(why) = known.get(subject).or(leaderless.as_ref()) {
            *refusal = Refusal::Untaken(why.clone());
        }
    }
}

/// Reports whether something may be stored if it is sent again. That no stream covers a subject is believed unless
/// the server has just been started again.
fn should_repeat(link: &Link, states: &[State], connects: u64) -> bool {
    let restarted = link.connects() != connects;
    states.iter().any(|state| match state {
        State::Waiting(_, Some(Refusal::Untaken(failed))) => {
            failed.is_transient() || restarted && failed.kind() == ErrorKind::NotFound
        }
        State::Waiting(_, Some(refusal)) => refusal.may_pass(),
        _ => false,
    })
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
            State::Waiting(parcel, last) => {
                parcel.doubtful |=
                    matches!(&refusal, Refusal::Lost(failed) if failed.is_transient());
                *last = Some(refusal);
            }
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
            *state = State::Done(Err(denied.clone()));
        }
    }
}

/// Stores one message of our own beside the user's stream, sending it again under the same id while no answer comes.
pub(crate) async fn persist(
    link: &Link,
    subject: String,
    payload: Bytes,
    mark: impl FnOnce(&mut HeaderMap),
) -> Result<()> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", link.id());
    headers.insert(EXPECTED_STREAM, link.names.side());
    mark(&mut headers);
    let stored = link.put_surely(subject, headers, payload).await;
    stored.map(drop).map_err(TransportError::from)
}
