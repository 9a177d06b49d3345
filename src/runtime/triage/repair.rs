//! Editing the dead letters of a query: a batch at a time, noted, the originals archived, the edited ones stored.

use std::collections::HashSet;

use super::{
    DeadLetterListing, Guard, Query, TriageError,
    edit::{self, EditEvent, EditReport, Edited},
    listing::PAGE,
    notes::{Archived, Hiding, PendingEdit},
};
use crate::{
    failpoint,
    transport::{
        DeadLetter, DeadLetterId, DeadLetterRef, ErrorKind, JobAction, JobLease, NoteName,
        Result as Answer, Selection, Transport, TransportError,
    },
};

/// Dead letters that are edited at a time: a transport that cannot look up an id reads all of them each time.
const BATCH: usize = 10_000;

/// Dead letters that are edited before what stores the previous ones gets its turn.
const AT_ONCE: usize = 100;

/// A request to edit dead letters.
#[derive(Debug, Clone)]
pub struct EditRequest {
    /// The dead letters.
    pub query: Query,
    /// The request as the operator wrote it: dead letters that the same request edited before are not edited again.
    pub text: String,
    /// The name of this process, for those who meet an edit that was interrupted.
    pub who: String,
    /// Reports whether the process of a name is known to have exited.
    pub is_dead: fn(&str) -> bool,
    /// The replay that the dead letters are edited for, if they are: what it would leave out stays as it is.
    pub replay: Option<EditedReplay>,
}

/// The replay of dead letters that are edited first.
#[derive(Debug, Clone)]
pub struct EditedReplay {
    /// What is done with them.
    pub action: JobAction,
    /// Leaves out dead letters that were replayed as often as this.
    pub max_replays: Option<u32>,
}

/// What makes the events, and what a report does not show of them.
struct Edit<'a, 'e> {
    guard: &'a Guard,
    hiding: Hiding,
    /// Whether nothing is stored.
    is_preview: bool,
    replay: Option<EditedReplay>,
    event: &'a mut EditEvent<'e>,
}

/// Edits the dead letters of a request, or only says what would change.
pub(super) async fn run(
    transport: &dyn Transport,
    guard: &Guard,
    request: EditRequest,
    is_preview: bool,
    event: &mut EditEvent<'_>,
) -> Result<EditReport, TriageError> {
    let mut edit = Edit {
        guard,
        hiding: Hiding::of(guard)?,
        is_preview,
        replay: request.replay.clone(),
        event,
    };
    if is_preview {
        return Box::pin(edit_all(transport, request, None, &mut edit)).await;
    }
    let note = begin(transport, &request).await?;
    let edited = Box::pin(edit_all(transport, request, Some(&note), &mut edit)).await;
    let is_unknown = |error: &TriageError| match error {
        TriageError::Transport(error) => is_unknown(error),
        _ => false,
    };
    // What may be stored keeps its note: the next edit looks before it takes an original back.
    if !edited.as_ref().is_err_and(is_unknown) {
        PendingEdit::end(transport, &note).await?;
    }
    edited
}

fn is_unknown(error: &TransportError) -> bool {
    error.is_transient() || error.kind() == ErrorKind::Ambiguous
}

/// Notes that an edit begins, unless a job is running, whose dead letters would be moved as they were and as they are edited.
///
/// Both write before they look: a job has its lease when it looks for edits, and an edit its note when it looks for jobs. One of
/// the two sees the other.
async fn begin(transport: &dyn Transport, request: &EditRequest) -> Answer<NoteName> {
    recover(transport, request.is_dead).await?;
    let note = PendingEdit::begin(transport, &request.who).await?;
    let alone = check_alone(transport, &note).await;
    if alone.is_err() {
        PendingEdit::end(transport, &note).await?;
    }
    alone.map(|()| note)
}

async fn check_alone(transport: &dyn Transport, note: &NoteName) -> Answer<()> {
    let jobs = transport.dead_letters().jobs().await?;
    if let Some(holder) = jobs.iter().find_map(|job| job.holder.as_deref()) {
        let held = JobLease::held_by(transport.scheme(), Some(holder));
        return Err(held);
    }
    let others = PendingEdit::all(transport).await?;
    let other = others
        .iter()
        .find(|(name, edit)| name != note && edit.may_run());
    other.map_or(Ok(()), |(_, edit)| Err(edit.held(transport)))
}

async fn edit_all(
    transport: &dyn Transport,
    request: EditRequest,
    note: Option<&NoteName>,
    edit: &mut Edit<'_, '_>,
) -> Result<EditReport, TriageError> {
    let hash = edit::hash(&request.text);
    let is_all = request.query.is_all();
    let listing = DeadLetterListing::open(transport, request.query).await?;
    let mut listing = listing.hiding(edit.hiding.clone());
    let mut report = EditReport::default();
    let mut archived = Archived::read(transport).await?;
    let (mut earlier, mut edited) = (Vec::new(), Vec::new());
    loop {
        // The next ones are edited while the previous ones are stored.
        let storing = store(
            transport,
            (note, &request.who),
            std::mem::take(&mut edited),
            &mut archived,
        );
        let editing = async {
            let page = listing.batch(BATCH).await?;
            // Before the first of them is stored.
            listing.check_unambiguous()?;
            earlier.extend(edited_by(&page, &hash));
            let edited = edit_page(transport, &page, &hash, &mut report, edit).await?;
            Ok::<_, TriageError>((edited, page.is_empty()))
        };
        let (stored, next) = tokio::join!(storing, editing);
        for (original, id, error) in stored? {
            report.take_back(&original, &id, || error.to_string());
        }
        let is_end;
        (edited, is_end) = next?;
        if is_end {
            break;
        }
    }
    report.filter_failures = listing.filter_failures().clone();
    if !is_all {
        earlier = all_edited_by(transport, &hash).await?;
    }
    match listing.check_names() {
        // They were edited before, and are archived.
        Err(TriageError::Unknown(_)) if !earlier.is_empty() => {}
        Err(error @ TriageError::Ambiguous { .. }) if note.is_some() && report.edited > 0 => {
            // The second one came after the first was stored, which the log must not forget.
            let message = format!("{error}, and {} were edited before that", report.edited);
            return Err(
                TransportError::new(transport.scheme(), ErrorKind::Invalid, message).into(),
            );
        }
        named => named?,
    }
    let known: HashSet<_> = report.ids.iter().cloned().collect();
    earlier.retain(|id| !known.contains(id));
    report.edited += earlier.len() as u64;
    report.ids.append(&mut earlier);
    Ok(report.finish())
}

/// Returns what the same request edited before it was interrupted: the query need not match edited events.
async fn all_edited_by(transport: &dyn Transport, hash: &str) -> Answer<Vec<DeadLetterId>> {
    let mut listing = DeadLetterListing::open(transport, Query::default()).await?;
    let mut ids = Vec::new();
    loop {
        let page = listing.next(PAGE).await?;
        if page.is_empty() {
            return Ok(ids);
        }
        ids.extend(edited_by(&page, hash));
    }
}

fn edited_by(page: &[DeadLetter], hash: &str) -> impl Iterator<Item = DeadLetterId> {
    let edited = page
        .iter()
        .filter(move |letter| letter.record.edit.as_deref() == Some(hash));
    edited.map(|letter| letter.id.clone())
}

async fn edit_page(
    transport: &dyn Transport,
    page: &[DeadLetter],
    hash: &str,
    report: &mut EditReport,
    how: &mut Edit<'_, '_>,
) -> Result<Vec<(DeadLetterId, DeadLetter)>, TriageError> {
    let mut edited = Vec::with_capacity(page.len());
    for letters in page.chunks(AT_ONCE) {
        for letter in letters {
            if letter.record.edit.as_deref() == Some(hash) || how.leaves_out(letter, report)? {
                // Made by this run, or by one of the same request that was interrupted.
                continue;
            }
            let hiding = &how.hiding;
            match edit::edit(letter, hash, transport.encoding(), how.event) {
                Err(reason) => report.refuse(&letter.id, || hiding.text(letter, reason)),
                Ok(one) => {
                    report.add(&one, hiding, how.is_preview);
                    let Edited { letter: new, .. } = one;
                    edited.push((letter.id.clone(), new));
                }
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(edited)
}

impl Edit<'_, '_> {
    /// Reports whether the replay would leave a dead letter out, which then must not be edited; fails if it would fail.
    fn leaves_out(
        &self,
        letter: &DeadLetter,
        report: &mut EditReport,
    ) -> Result<bool, TriageError> {
        let Some(EditedReplay {
            action,
            max_replays,
        }) = &self.replay
        else {
            return Ok(false);
        };
        let record = &letter.record;
        if !self.guard.allows_replay_of(record) {
            report.forbidden += 1;
            return Ok(true);
        }
        if max_replays.is_some_and(|most| record.generation >= most) {
            report.left_out += 1;
            return Ok(true);
        }
        let target = action.to().unwrap_or(&letter.message.topic);
        self.guard.check_target(target)?;
        Ok(false)
    }
}

/// Archives the originals and stores the edited dead letters; returns those that the store refused, with the reasons. Without
/// a note, nothing is stored.
async fn store(
    transport: &dyn Transport,
    (note, who): (Option<&NoteName>, &str),
    edited: Vec<(DeadLetterId, DeadLetter)>,
    archived: &mut Archived,
) -> Answer<Vec<(DeadLetterId, DeadLetterId, TransportError)>> {
    let Some(note) = note.filter(|_| !edited.is_empty()) else {
        return Ok(Vec::new());
    };
    let pairs = edited.iter().map(|(id, new)| (id.clone(), new.id.clone()));
    let mut pairs: Vec<_> = pairs.collect();
    PendingEdit::note(transport, note, who, pairs.clone()).await?;
    failpoint::reach("triage.edit_noted");
    let (originals, letters): (Vec<_>, Vec<_>) = edited.into_iter().unzip();
    archived.add(transport, &originals).await?;
    failpoint::reach("triage.edit_archived");
    let stored = transport.dead_letters().import(letters).await;
    failpoint::reach("triage.edit_stored");
    let mut refused = Vec::new();
    for ((original, id), stored) in pairs.iter().zip(stored) {
        if let Err(error) = stored {
            if is_unknown(&error) {
                return Err(error);
            }
            refused.push((original.clone(), id.clone(), error));
        }
    }
    if !refused.is_empty() {
        let originals = refused.iter().map(|(original, ..)| original.clone());
        let originals: HashSet<_> = originals.collect();
        pairs.retain(|(original, _)| !originals.contains(original));
        archived
            .remove(transport, &Vec::from_iter(originals))
            .await?;
    }
    PendingEdit::keep(transport, who, pairs).await?;
    Ok(refused)
}

/// Undoes what an interrupted edit left: takes originals out of the archive whose edited dead letters are missing.
pub(super) async fn recover(transport: &dyn Transport, is_dead: fn(&str) -> bool) -> Answer<()> {
    for (note, pending) in PendingEdit::all(transport).await? {
        if pending.may_run() && !is_dead(&pending.who) {
            return Err(pending.held(transport));
        }
        let found = existing(transport, &pending).await?;
        let missing = pending.pairs.iter().filter(|(_, new)| !found.contains(new));
        let missing: Vec<_> = missing.map(|(original, _)| original.clone()).collect();
        if !missing.is_empty() {
            let mut archived = Archived::read(transport).await?;
            archived.remove(transport, &missing).await?;
        }
        PendingEdit::end(transport, &note).await?;
    }
    Ok(())
}

/// Returns which edited dead letters are stored.
async fn existing(
    transport: &dyn Transport,
    pending: &PendingEdit,
) -> Answer<HashSet<DeadLetterId>> {
    if pending.pairs.is_empty() {
        // Without ids, all would be meant.
        return Ok(HashSet::new());
    }
    let ids = pending.pairs.iter().map(|(_, new)| new);
    let selection = Selection {
        ids: ids
            .map(|id| DeadLetterRef(id.as_str().to_owned()))
            .collect(),
        ..Selection::default()
    };
    let mut listing = DeadLetterListing::open(transport, Query::from(selection)).await?;
    let mut found = HashSet::new();
    loop {
        let page = listing.next(PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|letter| letter.id));
    }
}
