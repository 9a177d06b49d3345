//! One step of a job: announce, publish, and note in the journal what is resolved.

use std::{sync::Arc, time::SystemTime};

use super::{
    letters::Loaded,
    publishing::{Published, note_confirmed},
    targets::Addressed,
    worker::{Jobs, Slot, Unreported, Worker},
};
use crate::{
    backends::pulsar::{
        connection::handle::Connection,
        dead_letter::{journal::Progress, notes},
        error::SCHEME,
    },
    event::Topic,
    failpoint,
    transport::{
        DeadLetterId, ErrorKind, JobAction, JobLease, Note, ReplayEdit, Resolution, Result,
        TransportError,
    },
};

/// The most letters in one step.
const STEP: usize = 1000;
/// Letters that are read at a time, ...
const READ: usize = 50;
/// ... until a step has this many bytes of messages.
const STEP_BYTES: usize = 16 << 20;

type Outcomes = Vec<(DeadLetterId, Resolution)>;

/// A letter of a step.
struct Item {
    id: DeadLetterId,
    loaded: Option<Loaded>,
    /// Its number in the job.
    number: u64,
    state: State,
}

enum State {
    Known(Resolution),
    /// To be published.
    Due(Box<Addressed>),
    /// It will be known when the step is repeated.
    Open(TransportError),
}

/// Processes the next letters of a job.
pub(crate) async fn advance(
    connection: &Arc<Connection>,
    jobs: &Jobs,
    lease: &JobLease,
    (max, edit): (usize, Option<&Arc<dyn ReplayEdit>>),
) -> Result<Outcomes> {
    let mut slot = jobs.slot.lock().await;
    let mut is_last = false;
    loop {
        if let Some(outcomes) = prepare(connection, &mut slot, lease).await? {
            return Ok(outcomes);
        }
        let failed = match step(connection, &mut slot, max.clamp(1, STEP), edit).await {
            Ok(outcomes) => return Ok(outcomes),
            Err(failed) => failed,
        };
        slot.release().await;
        // Fenced by a process that came too late, or without an answer: read the journal and try once more.
        let may_pass = matches!(failed.kind(), ErrorKind::Held | ErrorKind::Ambiguous);
        if is_last || !may_pass {
            return Err(failed);
        }
        is_last = true;
    }
}

/// Makes the worker ready; returns the outcomes of a step that got no answer, if the journal has it.
async fn prepare(
    connection: &Arc<Connection>,
    slot: &mut Slot,
    lease: &JobLease,
) -> Result<Option<Outcomes>> {
    slot.ensure(connection, lease).await?;
    let (Some(unreported), Some(worker)) = (slot.unreported.take(), &slot.worker) else {
        return Ok(None);
    };
    let is_stored = unreported.job == lease.job && worker.progress.through >= unreported.through;
    Ok(is_stored.then_some(unreported.outcomes))
}

async fn step(
    connection: &Arc<Connection>,
    slot: &mut Slot,
    max: usize,
    edit: Option<&Arc<dyn ReplayEdit>>,
) -> Result<Outcomes> {
    let Some(worker) = &mut slot.worker else {
        return Err(TransportError::unanswered(SCHEME));
    };
    worker.action.check_edit(SCHEME, edit.is_some())?;
    worker.is_stepping = true;
    let through = worker.progress.through;
    let in_doubt = usize::try_from(worker.progress.announced.saturating_sub(through));
    let in_doubt = in_doubt.unwrap_or(usize::MAX);
    let max = if in_doubt > 0 { max.min(in_doubt) } else { max };
    let mut items = load(worker, through, max).await?;
    if items.is_empty() {
        worker.is_stepping = false;
        return Ok(Vec::new());
    }
    if let Some(edit) = edit {
        items = edit_all(items, edit).await?;
    }
    if worker.action.is_replay() {
        let to = worker.action.to().cloned();
        replay(worker, &mut items, to.as_ref(), in_doubt > 0).await?;
    }
    finish(connection, slot, items, edit).await
}

/// Puts what dead letters become in place of their messages.
async fn edit_all(mut items: Vec<Item>, edit: &Arc<dyn ReplayEdit>) -> Result<Vec<Item>> {
    let edit = Arc::clone(edit);
    let editing = tokio::task::spawn_blocking(move || {
        for item in &mut items {
            let Some(loaded) = &mut item.loaded else {
                continue;
            };
            match edit.edit(&loaded.found.letter) {
                Ok(message) => loaded.found.letter.message = message,
                Err(reason) => {
                    item.state = State::Known(Resolution::Failed { reason });
                    item.loaded = None;
                }
            }
        }
        items
    });
    editing
        .await
        .map_err(|_| TransportError::unanswered(SCHEME))
}

/// Reads the next letters of a job.
async fn load(worker: &mut Worker, through: u64, max: usize) -> Result<Vec<Item>> {
    let entries = worker.plan.peek(through, max).await?;
    let (mut loaded, mut bytes) = (Vec::with_capacity(entries.len()), 0);
    for some in entries.chunks(READ) {
        let some = worker.letters.load(some).await?;
        let sizes = some.iter().flatten();
        bytes += sizes
            .map(|one| one.found.letter.message.size())
            .sum::<usize>();
        loaded.extend(some);
        if bytes >= STEP_BYTES {
            break;
        }
    }
    let mut items = Vec::with_capacity(entries.len());
    for ((entry, loaded), number) in entries.into_iter().zip(loaded).zip(through..) {
        let loaded = loaded.filter(|one| !worker.resolved.contains(&one.found.key));
        items.push(Item {
            id: entry.0,
            // A letter that was published and not noted may be gone, too.
            state: State::Known(match &loaded {
                Some(_) => Resolution::Done,
                None => Resolution::Gone,
            }),
            loaded,
            number,
        });
    }
    Ok(items)
}

/// Publishes the messages of letters.
async fn replay(
    worker: &mut Worker,
    items: &mut [Item],
    to: Option<&Topic>,
    is_in_doubt: bool,
) -> Result<()> {
    for item in &mut *items {
        let Some(loaded) = &item.loaded else {
            continue;
        };
        let addressed = worker.targets.address(to, loaded, item.number).await?;
        item.state = match addressed {
            Err(reason) => State::Known(Resolution::Failed { reason }),
            Ok(addressed) if is_in_doubt => {
                let progress = &worker.progress;
                if worker.producers.is_recognised(progress, &addressed).await? {
                    State::Due(Box::new(addressed))
                } else {
                    State::Known(unknown())
                }
            }
            Ok(addressed) => State::Due(Box::new(addressed)),
        };
    }
    if !is_in_doubt && items.iter().any(|item| matches!(item.state, State::Due(_))) {
        announce(worker, items).await?;
    }
    failpoint::reach("pulsar.replay_announced");
    publish(worker, items).await?;
    failpoint::reach("pulsar.replay_published");
    Ok(())
}

fn unknown() -> Resolution {
    let reason = "it may have been published before the last worker crashed, and its topic does not recognise duplicates";
    Resolution::Ambiguous {
        reason: reason.to_owned(),
    }
}

/// Notes that letters are published from now on, and where they are recognised if they are published again.
async fn announce(worker: &mut Worker, items: &[Item]) -> Result<()> {
    let mut exact: Vec<String> = Vec::new();
    for item in items {
        if let State::Due(addressed) = &item.state
            && addressed.is_exact
            && !exact.contains(&addressed.log)
        {
            exact.push(addressed.log.clone());
        }
    }
    let progress = Progress {
        announced: worker.progress.through + items.len() as u64,
        time: SystemTime::now(),
        exact,
        ..worker.progress.clone()
    };
    worker.write_step(&progress, Vec::new()).await?;
    worker.progress = progress;
    Ok(())
}

async fn publish(worker: &mut Worker, items: &mut [Item]) -> Result<()> {
    let mut places = Vec::new();
    let mut messages = Vec::new();
    for (place, item) in items.iter_mut().enumerate() {
        let is_due = matches!(item.state, State::Due(_));
        if !is_due {
            continue;
        }
        let state = std::mem::replace(&mut item.state, State::Known(Resolution::Done));
        if let State::Due(addressed) = state {
            places.push((place, addressed.is_exact.then(|| addressed.log.clone())));
            messages.push((item.number, *addressed));
        }
    }
    let published = worker.producers.publish(messages).await?;
    for ((place, exact), published) in places.into_iter().zip(published) {
        let item = &mut items[place];
        item.state = match published {
            Published::Known(resolution) => {
                if let Some(log) = exact.filter(|_| resolution == Resolution::Done) {
                    note_confirmed(&mut worker.progress.confirmed, &log, item.number);
                }
                State::Known(resolution)
            }
            Published::Open(failed) => State::Open(failed),
        };
    }
    Ok(())
}

/// Notes the outcomes in the journal, up to the first that is open.
async fn finish(
    connection: &Arc<Connection>,
    slot: &mut Slot,
    items: Vec<Item>,
    edit: Option<&Arc<dyn ReplayEdit>>,
) -> Result<Outcomes> {
    let Some(worker) = &mut slot.worker else {
        return Err(TransportError::unanswered(SCHEME));
    };
    let (mut outcomes, mut resolved, mut letters) = (Vec::new(), Vec::new(), Vec::new());
    let (mut edited, mut open) = (Vec::new(), None);
    for item in items {
        match item.state {
            State::Known(resolution) => {
                let is_done = resolution == Resolution::Done;
                if edit.is_some() && is_done {
                    edited.push(item.id.clone());
                } else if let Some(loaded) = item.loaded.filter(|_| is_done) {
                    let found = loaded.found;
                    resolved.push(found.key);
                    let entries = [found.id].into_iter().chain(found.parts);
                    letters.extend(entries.map(|id| (loaded.log.clone(), id)));
                }
                outcomes.push((item.id, resolution));
            }
            State::Open(failed) => {
                open = Some(failed);
                break;
            }
            State::Due(_) => break,
        }
    }
    if let Some(failed) = open.filter(|_| outcomes.is_empty()) {
        return Err(failed);
    }
    if let Some(edit) = edit.filter(|_| !edited.is_empty()) {
        // Before the progress: if this process dies in between, the next one publishes them again, which is recognised.
        let Note { name, value } = edit.archive_note(&edited);
        notes::put(connection, &name, Some(value)).await?;
        failpoint::reach("pulsar.originals_archived");
    }
    let mut progress = worker.progress.clone();
    progress.through += outcomes.len() as u64;
    if let Err(failed) = worker.write_step(&progress, resolved.clone()).await {
        slot.unreported = Some(Unreported {
            job: worker.lease.job.clone(),
            through: progress.through,
            outcomes,
        });
        return Err(failed);
    }
    match worker.action {
        JobAction::Purge => failpoint::reach("pulsar.purge_committed"),
        _ => failpoint::reach("pulsar.replay_committed"),
    }
    worker.progress = progress;
    worker.resolved.extend(resolved);
    worker.keepers.acknowledge(connection, letters).await;
    worker.is_stepping = false;
    Ok(outcomes)
}
