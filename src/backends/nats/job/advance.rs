//! Dealing with the letters of a job.

use std::{convert::Infallible, future::pending, sync::Arc};

use futures_util::{StreamExt as _, stream, try_join};

use crate::{
    backends::nats::{
        connection::{handle::Link, kv::Written},
        dead_letter::store as letter,
        error::{Refusal, SCHEME, WRONG_LAST_SEQUENCE},
        job::{
            in_doubt::Doubt,
            journal::{self, Journal, Part, Place},
            letters::{
                ack_origin::{self as claims, Floors},
                load::{self as gather, Item},
                retention_guard::{self as guard, Unsure},
            },
            lifecycle::{self as jobs, Entry, Plan},
            reported::Outcomes,
            session::Ahead,
        },
    },
    event::Topic,
    failpoint,
    transport::{ErrorKind, JobAction, JobLease, Resolution, Result},
};

/// The most letters in one batch; the server takes a thousand messages, the journal among them.
const BATCH: usize = 500;
/// The most letters in one step: two batches, as the questions before each step cost as much as some letters do.
const STEP: usize = 2 * BATCH;
/// How many letters are published at once.
const AT_ONCE: usize = 64;

/// Deals with the next letters of a job.
pub(crate) async fn advance(
    link: &Arc<Link>,
    ahead: &Ahead,
    lease: &JobLease,
    max: usize,
) -> Result<Outcomes> {
    let ((), plan, place) = try_join!(
        jobs::check(link, lease),
        jobs::find(link, &lease.job),
        Place::of(link),
    )?;
    let plan = plan.value;
    let (journal, missed) = catch_up(link, ahead, (lease, &plan), (place, max)).await?;
    if !missed.is_empty() {
        return Ok(missed);
    }
    let next = (journal.value.resolved, max.min(STEP));
    let entries = ahead.entries(link, lease, &plan, next).await?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut items = gather::read(link, ahead, lease, &entries).await?;
    ahead.give_back(&entries[items.len()..]).await;
    if let JobAction::Replay { to: Some(topic) } = &plan.action {
        retarget(&mut items, topic);
    }
    let needs_consumer = match &plan.action {
        JobAction::Replay { .. } => guard::refuse(link, &mut items).await?,
        _ => false,
    };
    let mut outcomes = Outcomes::with_capacity(items.len());
    ahead.told.begin(lease, next.0);
    ahead.begin();
    let dealt = match (&plan.action, place) {
        (JobAction::Replay { .. }, Place::Inside) => {
            let work = batches(link, ahead, (journal, plan.planned()), items, &mut outcomes);
            let reading = async {
                ahead.look_ahead(STEP).await;
                pending::<Infallible>().await
            };
            // The server takes its time for a batch.
            tokio::select! {
                biased;
                dealt = work => dealt,
                never = reading => match never {},
            }
        }
        (JobAction::Replay { .. }, Place::Beside) => {
            one_by_one(link, journal, (items, needs_consumer), &mut outcomes).await
        }
        (_, place) => purge(link, place, journal, items, &mut outcomes).await,
    };
    ahead.told.tell(next.0 + outcomes.len() as u64);
    match dealt {
        // What was done is told first; a failure that does not pass shows at the next step.
        Err(failed) if !outcomes.is_empty() => {
            tracing::debug!(%failed, "the step is finished at the next one");
        }
        dealt => {
            dealt?;
            ahead.finish();
        }
    }
    Ok(outcomes)
}

/// Finishes what the last step did not, and returns the journal, and what became of letters of which was not told.
async fn catch_up(
    link: &Link,
    ahead: &Ahead,
    (lease, plan): (&JobLease, &Plan),
    (place, max): (Place, usize),
) -> Result<(Written<Journal>, Outcomes)> {
    let mut journal = journal::current(link, place, lease).await?;
    if !ahead.is_finished() {
        // What the last step sent may still be on its way.
        let (stream, subject) = place.subject(link);
        let shut = journal::shut(link, (&stream, &subject), lease).await?;
        journal = shut.ok_or_else(|| JobLease::lost(SCHEME, &lease.job))?;
    }
    let of = (lease, plan);
    let (told, missed) = ahead.told.missed(link, of, (&journal, place, max)).await?;
    ahead.check(link, &mut journal).await?;
    if !missed.is_empty() {
        ahead.told.tell(told + missed.len() as u64);
    }
    Ok((journal, missed))
}

fn retarget(items: &mut [Item], topic: &Topic) {
    for letter in items.iter_mut().filter_map(|item| item.letter.as_mut()) {
        letter.message.topic = topic.clone();
    }
}

/// Publishes events and writes the journal in one step; a batch that the server refuses is halved until the letter
/// that it does not want stands alone.
async fn batches(
    link: &Link,
    ahead: &Ahead,
    (mut journal, planned): (Written<Journal>, u64),
    items: Vec<Item>,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let is_slow = items.len() < BATCH;
    let mut rest = items;
    let mut size = BATCH;
    while !rest.is_empty() {
        let behind = rest.split_off(size.min(rest.len()));
        let claimed = claims_of(&rest);
        match together(link, &journal, &rest).await? {
            Together::Done(next, done) => {
                failpoint::reach("nats.replay_committed");
                journal = next;
                outcomes.extend(done);
                claims::acknowledge(link, claimed, &mut *ahead.floors.lock().await).await?;
                let left = planned.saturating_sub(journal.value.resolved);
                if is_slow || journal::should_remove(link, &journal.value.remove, left) {
                    journal::remove(link, &journal.value.remove).await?;
                    ahead.note_removed(&mut journal);
                    failpoint::reach("nats.letters_removed");
                }
                rest = behind;
                size = BATCH;
            }
            Together::Refused(reason) if rest.len() == 1 => {
                let failed = Resolution::Failed { reason };
                let name = rest.swap_remove(0).entry.0;
                journal = skip(link, journal).await?;
                outcomes.push((name, failed));
                rest = behind;
                size = BATCH;
            }
            Together::Refused(_) => {
                size = rest.len() / 2;
                rest.extend(behind);
            }
        }
    }
    Ok(())
}

fn claims_of(items: &[Item]) -> Vec<String> {
    items.iter().filter_map(|item| item.claim.clone()).collect()
}

enum Together {
    Done(Written<Journal>, Outcomes),
    Refused(String),
}

async fn together(link: &Link, journal: &Written<Journal>, items: &[Item]) -> Result<Together> {
    let mut next = journal.value.clone();
    next.resolved += items.len() as u64;
    let entries = items.iter().map(|item| &item.entry);
    next.doubt.conclude(entries, journal.announced());
    let mut events: Vec<Part> = Vec::with_capacity(items.len());
    let mut done = Vec::with_capacity(items.len());
    for Item {
        entry,
        letter,
        refused,
        ..
    } in items
    {
        if journal.value.doubt.holds(&entry.0) {
            let why = "it may have been published before the last worker went down, and the stream was changed since";
            done.push((entry.0.clone(), unknown(why)));
            continue;
        }
        let Some(letter) = letter else {
            done.push((entry.0.clone(), Resolution::Gone));
            continue;
        };
        if let Some(reason) = refused {
            let reason = reason.clone();
            done.push((entry.0.clone(), Resolution::Failed { reason }));
            continue;
        }
        match letter::revive(link, letter) {
            Ok(part) => events.push(part),
            Err(failed) => return Ok(Together::Refused(failed.to_string())),
        }
        next.remove.push(entry.1);
        done.push((entry.0.clone(), Resolution::Done));
    }
    match journal::commit(link, &events, &next, journal.number).await {
        Ok(number) => Ok(Together::Done(
            Written {
                value: next,
                number,
                time: journal.time,
            },
            done,
        )),
        Err(refusal) if refusal.is(WRONG_LAST_SEQUENCE) => Err(jobs::lost(refusal, &next.job)),
        Err(refusal @ Refusal::Server { .. }) if !refusal.may_pass() => {
            Ok(Together::Refused(letter::reason(refusal)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Leaves a letter as it is and goes on behind it.
async fn skip(link: &Link, journal: Written<Journal>) -> Result<Written<Journal>> {
    let mut next = journal.value;
    next.resolved += 1;
    let number = journal::commit(link, &[], &next, journal.number).await;
    let number = number.map_err(|refusal| jobs::lost(refusal, &next.job))?;
    Ok(Written {
        value: next,
        number,
        time: journal.time,
    })
}

/// Publishes events under ids that the server recognises for a while. What a worker that went down may have published
/// is published again only within that while.
async fn one_by_one(
    link: &Link,
    journal: Written<Journal>,
    (mut items, needs_consumer): (Vec<Item>, bool),
    told: &mut Outcomes,
) -> Result<()> {
    let (stream, subject) = Place::Beside.subject(link);
    let recognised = journal::is_recognised(link, &journal).await?;
    let mut next = journal.value.clone();
    let doubt = &journal.value.doubt;
    let is_pending = |item: &Item| doubt.holds(&item.entry.0);
    if items.iter().any(is_pending) {
        // What nobody announced has to wait for its turn.
        items.retain(is_pending);
    } else {
        next.doubt = Doubt::announce(items.iter().map(|item| item.entry.clone()).collect());
        next.remove.clear();
    }
    let job = next.job.clone();
    let lost = |refusal| jobs::lost(refusal, &job);
    let number = if next == journal.value {
        journal.number
    } else {
        let written = link
            .set_value((&stream, &subject), &next, journal.number, None)
            .await;
        written.map_err(lost)?
    };
    failpoint::reach("nats.replay_announced");
    let doubtful = |entry: &Entry| !recognised && doubt.holds(&entry.0);
    let (claimed, unsure) = (claims_of(&items), Unsure::of(&items, needs_consumer));
    let mut outcomes: Vec<(Entry, Resolution)> = stream::iter(items)
        .map(|item| {
            let doubtful = doubtful(&item.entry);
            alone(link, item, doubtful, &journal.value)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    failpoint::reach("nats.replay_published");
    unsure.check(link, &mut outcomes).await?;
    next.resolved += outcomes.len() as u64;
    let dealt_with = outcomes.iter().map(|(entry, _)| entry);
    next.doubt.conclude(dealt_with, journal.announced());
    let done = outcomes
        .iter()
        .filter(|(_, outcome)| *outcome == Resolution::Done);
    next.remove = done.map(|(entry, _)| entry.1).collect();
    link.set_value((&stream, &subject), &next, number, None)
        .await
        .map_err(lost)?;
    let named = outcomes.into_iter();
    told.extend(named.map(|(entry, outcome)| (entry.0, outcome)));
    claims::acknowledge(link, claimed, &mut Floors::new()).await?;
    journal::remove(link, &next.remove).await
}

async fn alone(link: &Link, item: Item, doubtful: bool, journal: &Journal) -> (Entry, Resolution) {
    let Item {
        entry,
        letter,
        refused,
        ..
    } = item;
    let Some(letter) = letter else {
        return (entry, Resolution::Gone);
    };
    match refused {
        Some(reason) if journal.doubt.holds(&entry.0) => {
            let reason = format!("it may have been published before, and {reason}");
            return (entry, Resolution::Ambiguous { reason });
        }
        Some(reason) => return (entry, Resolution::Failed { reason }),
        None => {}
    }
    if doubtful {
        let why = "it may have been published before the last worker went down, which is too long ago for the \
                   server to recognise";
        return (entry, unknown(why));
    }
    let outcome = match letter::revive(link, &letter) {
        Err(failed) => Err(Refusal::Untaken(failed)),
        Ok((subject, mut map, payload)) => {
            map.insert(
                "Nats-Msg-Id",
                format!("pf-replay/{}/{}", journal.job, entry.0),
            );
            link.put_surely(subject, map, payload).await
        }
    };
    match outcome {
        Ok(_) => (entry, Resolution::Done),
        Err(Refusal::Lost(failed)) if failed.kind() == ErrorKind::Unavailable => {
            let reason = failed.to_string();
            (entry, Resolution::Ambiguous { reason })
        }
        Err(refusal) => {
            let reason = letter::reason(refusal);
            (entry, Resolution::Failed { reason })
        }
    }
}

fn unknown(why: &str) -> Resolution {
    Resolution::Ambiguous {
        reason: why.to_owned(),
    }
}

async fn purge(
    link: &Link,
    place: Place,
    journal: Written<Journal>,
    items: Vec<Item>,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let (stream, subject) = place.subject(link);
    let mut next = journal.value;
    next.resolved += items.len() as u64;
    let there = items.iter().filter(|item| item.letter.is_some());
    next.remove = there.map(|item| item.entry.1).collect();
    let written = link
        .set_value((&stream, &subject), &next, journal.number, None)
        .await;
    written.map_err(|refusal| jobs::lost(refusal, &next.job))?;
    failpoint::reach("nats.purge_announced");
    let claimed = claims_of(&items);
    outcomes.extend(items.into_iter().map(|item| match item.letter {
        Some(_) => (item.entry.0, Resolution::Done),
        None => (item.entry.0, Resolution::Gone),
    }));
    claims::acknowledge(link, claimed, &mut Floors::new()).await?;
    journal::remove(link, &next.remove).await
}
