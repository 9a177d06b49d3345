//! Whether a job may run: checked once it has its lease, for the plan may be older than an edit or than the policy.

use std::collections::{HashMap, HashSet};

use super::Plan;
use crate::{
    runtime::triage::{
        Guard, PolicyError, TriageError,
        notes::{
            Archived, Header, Listed, PendingEdit, load_manifest, load_purge_list, manifest_headers,
        },
    },
    transport::{DeadLetterId, ErrorKind, Result as Answer, Selection, Transport, TransportError},
};

/// Dead letters per page.
const PAGE: usize = 500;

/// Fails if dead letters are being edited, if some of the plan were archived since it was made, as the originals of edits are,
/// or if the policy of now forbids to replay some of it.
///
/// The job has its lease, so that no further edit begins.
pub(super) async fn check(
    transport: &dyn Transport,
    guard: &Guard,
    plan: &Plan,
) -> Result<(), TriageError> {
    let edits = PendingEdit::all(transport).await?;
    if let Some((_, edit)) = edits.iter().find(|(_, edit)| edit.may_run()) {
        return Err(edit.held(transport).into());
    }
    if plan.contents.action.is_replay() {
        return check_replay(transport, guard, plan).await;
    }
    let archived = Archived::read(transport).await?;
    if archived.is_empty() {
        return Ok(());
    }
    let planned = load_purge_list(transport, &plan.job).await?;
    Ok(check_archived(transport, &archived, planned.iter())?)
}

async fn check_replay(
    transport: &dyn Transport,
    guard: &Guard,
    plan: &Plan,
) -> Result<(), TriageError> {
    // What a job that edits has archived itself is done.
    let own = plan.contents.action.edit().map(|_| &plan.job);
    let archived = Archived::read_without(transport, own).await?;
    if archived.is_empty() && !guard.limits_replays() {
        return Ok(());
    }
    let mut headers = manifest_headers(transport).await?.into_iter();
    let Some(header) = headers.find(|header| header.job == plan.job) else {
        if guard.limits_replays() {
            let reason = "the store no longer keeps the list of the dead letters of this plan, by which it is checked";
            return Err(PolicyError::Forbidden(reason.to_owned()).into());
        }
        return Ok(());
    };
    let planned = load_manifest(transport, &header).await?.letters;
    check_not_archived(transport, &archived, &header, &planned)?;
    if guard.limits_replays() {
        check_policy(transport, guard, planned).await?;
    }
    Ok(())
}

fn check_not_archived(
    transport: &dyn Transport,
    archived: &Archived,
    header: &Header,
    planned: &[Listed],
) -> Answer<()> {
    if header.archived {
        return Ok(());
    }
    check_archived(transport, archived, planned.iter().map(|listed| &listed.id))
}

fn check_archived<'a>(
    transport: &dyn Transport,
    archived: &Archived,
    planned: impl Iterator<Item = &'a DeadLetterId>,
) -> Answer<()> {
    let gone = planned.filter(|id| archived.contains(id));
    let what = match gone.count() {
        0 => return Ok(()),
        1 => "1 dead letter of this plan was".to_owned(),
        count => format!("{count} dead letters of this plan were"),
    };
    let message = format!("{what} archived or edited since it was made");
    let error = TransportError::new(transport.scheme(), ErrorKind::Invalid, message);
    Err(error.hint("make a new plan; cancel this one with `pf dlq jobs cancel`"))
}

/// Fails if the policy forbids to replay one of the planned dead letters that are left.
async fn check_policy(
    transport: &dyn Transport,
    guard: &Guard,
    planned: Vec<Listed>,
) -> Result<(), TriageError> {
    let planned = planned
        .into_iter()
        .map(|listed| (listed.id, listed.target.topic));
    let planned: HashMap<_, _> = planned.collect();
    let mut checked = HashSet::new();
    let every = Selection::default();
    let mut scan = transport.dead_letters().scan(&every).await?;
    loop {
        let page = scan.next(PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        for letter in page {
            let Some(topic) = planned.get(&letter.id) else {
                continue;
            };
            guard.check_replay_of(&letter)?;
            if checked.insert(topic.clone()) {
                guard.check_target(topic)?;
            }
        }
    }
}
