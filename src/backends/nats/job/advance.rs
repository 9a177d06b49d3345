//! One step of a job: recover an interrupted one, then replay or purge the next dead letters.

use std::{convert::Infallible, future::pending, sync::Arc};

use futures_util::try_join;

use crate::{
    backends::nats::{
        connection::{handle::Connection, kv::Versioned},
        dead_letter::foreign::{Place, UserStream},
        error::SCHEME,
        job::{
            journal::{self, Journal, JournalStream},
            letters::{
                load::{JobItem, load},
                retention_guard,
            },
            lifecycle, plan, replay,
            reported::{self, Outcomes},
            session::{JobSession, Step},
            step_state::Event,
        },
    },
    event::Topic,
    transport::{JobLease, ReplayEdit, Result, TransportError},
};

/// The most dead letters in one step: two batches, as the requests before each step cost as much as some dead letters do.
const MAX_STEP: usize = 2 * replay::MAX_BATCH;

/// Resolves the next dead letters of a job, and returns their outcomes.
pub(crate) async fn advance(
    connection: &Arc<Connection>,
    session: &JobSession,
    lease: &JobLease,
    how: (usize, Option<&Arc<dyn ReplayEdit>>),
) -> Result<Outcomes> {
    Box::pin(resolve_next(connection, session, lease, how)).await
}

async fn resolve_next(
    connection: &Arc<Connection>,
    session: &JobSession,
    lease: &JobLease,
    (max, edit): (usize, Option<&Arc<dyn ReplayEdit>>),
) -> Result<Outcomes> {
    let ((), plan, stream) = try_join!(
        lifecycle::check(connection, lease),
        plan::find(connection, &lease.job),
        JournalStream::of(connection),
    )?;
    let max = max.max(1);
    plan.value.action.check_edit(SCHEME, edit.is_some())?;
    let step = Step {
        lease,
        plan: &plan.value,
        edit,
    };
    let recovering = Box::pin(recover(connection, session, step, stream, max));
    let (journal, unreported) = recovering.await?;
    if !unreported.is_empty() {
        session.note_named(lease, &unreported);
        return Ok(unreported);
    }
    let resolved = journal.value.resolved;
    let reading = Box::pin(next_work(connection, session, step, resolved, max));
    let Some(work) = reading.await? else {
        let unnamed = session.unnamed(lease, &journal.value);
        session.note_named(lease, &unnamed);
        return Ok(unnamed);
    };
    let mut outcomes = Outcomes::with_capacity(work.items.len());
    session.apply(&Event::StepStarted {
        token: lease.token,
        resolved,
    });
    let journal = CurrentJournal { journal, stream };
    let resolving = resolve(connection, session, step, journal, work, &mut outcomes);
    let resolved_all = Box::pin(resolving).await;
    session.apply(&Event::OutcomesReturned(resolved + outcomes.len() as u64));
    match resolved_all {
        // The outcomes so far are returned first. A failure that lasts shows again in the next step, which finishes this
        // one.
        Err(failed) if !outcomes.is_empty() => {
            tracing::debug!(%failed, "the next step finishes this one");
        }
        result => {
            result?;
            session.apply(&Event::StepFinished);
        }
    }
    session.note_named(lease, &outcomes);
    Ok(outcomes)
}

/// The dead letters of a step.
struct Work {
    items: Vec<JobItem>,
    /// Whether their events are kept only as long as a consumer covers them.
    needs_consumer: bool,
}

/// Reads the next dead letters of a job, and marks those that are not replayed; none if the job is done.
async fn next_work(
    connection: &Arc<Connection>,
    session: &JobSession,
    step: Step<'_>,
    resolved: u64,
    max: usize,
) -> Result<Option<Work>> {
    let max = max.min(MAX_STEP);
    let entries = session.entries(connection, step, resolved, max).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let mut items = load(connection, &session.prefetch, step.lease, &entries).await?;
    session.put_back(&entries[items.len()..]).await;
    refuse_undeletable(connection, &mut items).await?;
    let action = &step.plan.action;
    if let Some(edit) = step.edit {
        items = edit_all(items, edit).await?;
    }
    if let Some(topic) = action.to() {
        retarget(&mut items, topic);
    }
    let needs_consumer =
        action.is_replay() && retention_guard::refuse(connection, &mut items).await?;
    Ok(Some(Work {
        items,
        needs_consumer,
    }))
}

/// Replays or purges the dead letters of a step, and adds the outcomes of those that are resolved.
async fn resolve(
    connection: &Connection,
    session: &JobSession,
    step: Step<'_>,
    journal: CurrentJournal,
    work: Work,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let CurrentJournal { journal, stream } = journal;
    let Work {
        items,
        needs_consumer,
    } = work;
    match (step.plan.action.is_replay(), stream) {
        (true, JournalStream::User) => {
            let planned = step.plan.planned();
            let batches = replay::Batches {
                connection,
                session,
                planned,
                edit: step.edit,
            };
            let replayed = batches.replay(journal, items, outcomes);
            let read_ahead = async {
                session.prefetch.read_ahead(MAX_STEP).await;
                pending::<Infallible>().await
            };
            // While the server takes its time for a batch, the next dead letters are read.
            tokio::select! {
                biased;
                replayed = replayed => replayed,
                never = read_ahead => match never {},
            }
        }
        (true, JournalStream::State) => {
            let how = (needs_consumer, step.edit);
            replay::one_by_one(connection, journal, items, how, outcomes).await
        }
        (false, stream) => replay::purge(connection, stream, journal, items, outcomes).await,
    }
}

/// Puts what dead letters become in place of their messages.
async fn edit_all(items: Vec<JobItem>, edit: &Arc<dyn ReplayEdit>) -> Result<Vec<JobItem>> {
    let mut rest = items;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let behind = rest.split_off(rest.len().min(replay::MAX_BATCH));
        let (part, edit) = (std::mem::replace(&mut rest, behind), Arc::clone(edit));
        parts.push(tokio::task::spawn_blocking(move || edit_part(part, &*edit)));
    }
    let mut edited = Vec::new();
    for part in parts {
        let part = part.await;
        edited.extend(part.map_err(|_| TransportError::unanswered(SCHEME))?);
    }
    Ok(edited)
}

fn edit_part(mut items: Vec<JobItem>, edit: &dyn ReplayEdit) -> Vec<JobItem> {
    for item in &mut items {
        // The delivery that became it is not acknowledged: its original is still there.
        item.ack_subject = None;
        if let Some(letter) = &mut item.letter {
            match edit.edit(letter) {
                Ok(message) => letter.message = message,
                Err(reason) => item.refused = Some(reason),
            }
        }
    }
    items
}

/// The journal as it was read, and its stream.
struct CurrentJournal {
    journal: Versioned<Journal>,
    stream: JournalStream,
}

/// Finishes an interrupted step. Returns the journal, and the outcomes that earlier steps did not return.
async fn recover(
    connection: &Connection,
    session: &JobSession,
    step: Step<'_>,
    stream: JournalStream,
    max: usize,
) -> Result<(Versioned<Journal>, Outcomes)> {
    let lease = step.lease;
    let mut journal = journal::current(connection, stream, lease).await?;
    if session.is_interrupted() {
        // Writes of that step may still be on their way.
        let fenced = journal::fence(connection, &stream.key(connection), lease).await?;
        journal = fenced.ok_or_else(|| JobLease::lost(SCHEME, &lease.job))?;
    }
    let unreported = match session.account(lease) {
        Some(account) => {
            let outcomes =
                reported::unreported(connection, step, &account, &journal, stream, max).await?;
            let returned = account.returned + outcomes.len() as u64;
            Some((outcomes, returned))
        }
        None => None,
    };
    session.forget_deleted(&mut journal);
    if session.is_interrupted() {
        journal.value.finish(connection).await?;
        session.note_deleted(&mut journal);
        session.apply(&Event::StepFinished);
    }
    let Some((outcomes, returned)) = unreported else {
        return Ok((journal, Outcomes::new()));
    };
    if !outcomes.is_empty() {
        session.apply(&Event::OutcomesReturned(returned));
    }
    Ok((journal, outcomes))
}

/// Marks the dead letters of other programs that could not be deleted once they are resolved: they would be resolved again.
async fn refuse_undeletable(connection: &Connection, items: &mut [JobItem]) -> Result<()> {
    let is_foreign = |item: &JobItem| matches!(Place::of(item.entry.place), Place::User(_));
    if !items.iter().any(is_foreign) {
        return Ok(());
    }
    let stream = UserStream::find(connection).await?;
    let reason = stream.and_then(|stream| stream.keeps_all);
    for item in items.iter_mut().filter(|item| is_foreign(item)) {
        item.refused.clone_from(&reason);
    }
    Ok(())
}

fn retarget(items: &mut [JobItem], topic: &Topic) {
    for letter in items.iter_mut().filter_map(|item| item.letter.as_mut()) {
        letter.message.topic = topic.clone();
    }
}
