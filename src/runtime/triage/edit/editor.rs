//! The edit of a replay, as its plan is made and as its job runs.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{EditReport, Scope, edit_event};
use crate::{
    event::{Encoding, Message},
    lock::Mutex,
    runtime::triage::notes::{Archived, Hiding},
    transport::{
        DeadLetter, DeadLetterId, ErrorKind, JobId, MessageDigest, Note, ReplayEdit, Transport,
        TransportError,
    },
};

/// Threads on which the events of a page are edited.
const THREADS: usize = 2;

/// The most bytes of planned messages that are kept in memory, ...
const MOST_KEPT: usize = 32 << 20;
/// ... and what each takes besides its parts.
const OVERHEAD: usize = 256;

/// Makes another event of a dead letter, as [`EditEvent`](super::EditEvent) does, on any thread.
type ReplaceEvent = dyn Fn(&DeadLetter, &[u8]) -> Result<Vec<u8>, String> + Send + Sync;

/// What a replay makes of the events of its dead letters.
#[derive(Clone)]
pub struct ReplayEditor {
    program: String,
    event: Arc<ReplaceEvent>,
    scope: Scope,
    planned: Arc<Mutex<PlannedMessages>>,
}

/// What dead letters become, from the plan to the job of the same process, which else edits them again.
#[derive(Debug, Default)]
struct PlannedMessages {
    messages: HashMap<DeadLetterId, Message>,
    bytes: usize,
}

impl PlannedMessages {
    fn keep(&mut self, id: &DeadLetterId, message: Message) {
        let size = message.size() + OVERHEAD;
        if self.bytes + size <= MOST_KEPT {
            self.bytes += size;
            self.messages.insert(id.clone(), message);
        }
    }

    fn take(&mut self, id: &DeadLetterId) -> Option<Message> {
        let message = self.messages.remove(id)?;
        self.bytes -= message.size() + OVERHEAD;
        Some(message)
    }
}

impl ReplayEditor {
    /// Creates the editor of a program, which is stored with the job so that another process can resume it. `event` gets a dead
    /// letter and its record as JSON and returns the event as JSON: the same for the same dead letter.
    pub fn new(
        program: impl Into<String>,
        event: impl Fn(&DeadLetter, &[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            program: program.into(),
            event: Arc::new(event),
            scope: Scope::Record,
            planned: Arc::default(),
        }
    }

    /// Gives it a record with nothing but `.event`, which is faster: for a program that reads nothing else.
    #[must_use]
    pub fn of_event_alone(mut self) -> Self {
        self.scope = Scope::Event;
        self
    }

    /// Returns the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }
}

impl PartialEq for ReplayEditor {
    fn eq(&self, other: &Self) -> bool {
        self.program == other.program
    }
}

impl fmt::Debug for ReplayEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplayEditor").field(&self.program).finish()
    }
}

/// The edit of a job.
#[derive(Debug, Clone)]
pub(in crate::runtime::triage) struct JobEdit {
    editor: ReplayEditor,
    encoding: Encoding,
    job: JobId,
    hiding: Hiding,
}

impl JobEdit {
    pub(in crate::runtime::triage) fn new(
        editor: ReplayEditor,
        transport: &dyn Transport,
        job: &JobId,
        hiding: Hiding,
    ) -> Self {
        Self {
            editor,
            encoding: transport.encoding(),
            job: job.clone(),
            hiding,
        }
    }

    /// Edits dead letters that are planned, on several threads.
    pub(in crate::runtime::triage) async fn plan(
        &self,
        letters: Vec<DeadLetter>,
    ) -> Result<PlannedEvents, TransportError> {
        let letters = Arc::new(letters);
        let part = letters.len().div_ceil(THREADS).max(1);
        let mut parts = Vec::with_capacity(THREADS);
        for from in (0..letters.len()).step_by(part) {
            let (edit, letters) = (self.clone(), Arc::clone(&letters));
            parts.push(tokio::task::spawn_blocking(move || {
                let to = letters.len().min(from + part);
                edit.plan_part(&letters[from..to])
            }));
        }
        let mut planned = PlannedEvents::default();
        let mut digests = Vec::with_capacity(letters.len());
        for part in parts {
            let (some, report) = part.await.map_err(|source| {
                let message = "the thread that edited dead letters has ended";
                TransportError::new("", ErrorKind::Other, message).because(source)
            })?;
            digests.extend(some);
            planned.report.add_all(report);
        }
        let mut is_edited = digests.iter().map(Option::is_some);
        planned.letters = Arc::unwrap_or_clone(letters);
        planned.letters.retain(|_| is_edited.next() == Some(true));
        planned.digests = digests.into_iter().flatten().collect();
        Ok(planned)
    }

    fn plan_part(&self, letters: &[DeadLetter]) -> (Vec<Option<MessageDigest>>, EditReport) {
        let mut report = EditReport::default();
        let mut event = |letter: &_, record: &[u8]| (self.editor.event)(letter, record);
        let mut digests = Vec::with_capacity(letters.len());
        for letter in letters {
            let edited = edit_event(letter, self.encoding, (self.editor.scope, &mut event));
            digests.push(match edited {
                Ok(edited) => {
                    report.add_event(&edited, &self.hiding);
                    let digest = MessageDigest::of(&edited.message);
                    let mut planned = self.editor.planned.lock();
                    planned.keep(&letter.id, edited.message);
                    Some(digest)
                }
                Err(reason) => {
                    report.refuse(&letter.id, || self.hiding.text(letter, reason));
                    None
                }
            });
        }
        (digests, report)
    }
}

impl ReplayEdit for JobEdit {
    fn edit(&self, letter: &DeadLetter) -> Result<Message, String> {
        if let Some(planned) = self.editor.planned.lock().take(&letter.id) {
            return Ok(planned);
        }
        let mut event = |letter: &_, record: &[u8]| (self.editor.event)(letter, record);
        let edited = edit_event(letter, self.encoding, (self.editor.scope, &mut event));
        edited
            .map(|edited| edited.message)
            .map_err(|reason| self.hiding.text(letter, reason))
    }

    fn archive_note(&self, originals: &[DeadLetterId]) -> Note {
        Archived::note_of_job(&self.job, originals)
    }
}

/// Dead letters that are planned with what they become, and the report on them and on those that cannot be edited.
#[derive(Debug, Default)]
pub(in crate::runtime::triage) struct PlannedEvents {
    pub(in crate::runtime::triage) letters: Vec<DeadLetter>,
    /// The digests of the messages that they become; none where nothing is edited.
    pub(in crate::runtime::triage) digests: Vec<MessageDigest>,
    pub(in crate::runtime::triage) report: EditReport,
}
