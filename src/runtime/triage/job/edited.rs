//! Jobs beside edits: a dead letter is moved as it was or as it is edited, never both.

use crate::{
    runtime::triage::notes::{Archived, PendingEdit, load_manifest, manifest_headers},
    transport::{ErrorKind, JobId, Result as Answer, Transport, TransportError},
};

/// Fails if dead letters are being edited, or some of the plan were archived since it was made, as the originals of edits are.
///
/// The job has its lease, so that no further edit begins.
pub(super) async fn check(transport: &dyn Transport, job: &JobId) -> Answer<()> {
    let edits = PendingEdit::all(transport).await?;
    if let Some((_, edit)) = edits.iter().find(|(_, edit)| edit.may_run()) {
        return Err(edit.held(transport));
    }
    let archived = Archived::read(transport).await?;
    if archived.is_empty() {
        return Ok(());
    }
    let mut headers = manifest_headers(transport).await?.into_iter();
    let Some(header) = headers.find(|header| header.job == *job && !header.archived) else {
        return Ok(());
    };
    let planned = load_manifest(transport, &header).await?.letters;
    let gone = planned
        .iter()
        .filter(|listed| archived.contains(&listed.id));
    let what = match gone.count() {
        0 => return Ok(()),
        1 => "1 dead letter of this plan was".to_owned(),
        count => format!("{count} dead letters of this plan were"),
    };
    let message = format!("{what} archived or edited since it was made");
    let error = TransportError::new(transport.scheme(), ErrorKind::Invalid, message);
    Err(error.hint("make a new plan; cancel this one with `pf dlq jobs cancel`"))
}
