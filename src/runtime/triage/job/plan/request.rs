//! Requests for a plan.

use std::{fmt::Write as _, io, sync::Arc};

use crate::{
    event::{Group, Topic},
    runtime::triage::{PlannedEdit, Query, ReplayEditor},
    transport::{DeadLetterId, JobAction},
};

/// Is called with each dead letter that is planned, and the topic and group that it is replayed to or comes from.
pub struct PlanObserver(pub Box<ObservePlanned>);

/// See [`PlanObserver`].
type ObservePlanned = dyn FnMut(&DeadLetterId, &Topic, Option<&Group>) -> io::Result<()> + Send;

impl std::fmt::Debug for PlanObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlanObserver")
    }
}

/// A request for a plan.
#[derive(Debug)]
pub struct PlanRequest {
    /// Replay or purge.
    pub action: JobAction,
    /// The dead letters.
    pub query: Query,
    /// Leave out dead letters that were replayed this many times or more.
    pub max_replays: Option<u32>,
    /// Whether the plan is kept until it is applied or cancelled, once [`Triage::keep`](crate::runtime::Triage::keep) says that it
    /// was handed over; by default it is dropped after an hour without a run.
    pub keep: bool,
    /// The edit of a plan that is kept: only what it edits is in the plan, and the plan cannot be run before it is edited.
    pub edit: Option<Arc<PlannedEdit>>,
    /// Edits the dead letters of a replay as they are replayed; those that cannot be edited are not in the plan.
    pub editor: Option<ReplayEditor>,
    /// Is called with each dead letter that is planned, in order.
    pub observer: Option<PlanObserver>,
    /// The request as the operator wrote it, by which an interrupted job is found again. By default the text of the query, in
    /// which relative times would differ from run to run.
    pub text: Option<String>,
}

impl PlanRequest {
    /// Creates a request for an action on dead letters.
    #[must_use]
    pub fn new(action: JobAction, query: impl Into<Query>) -> Self {
        Self {
            action,
            query: query.into(),
            max_replays: None,
            keep: false,
            edit: None,
            editor: None,
            observer: None,
            text: None,
        }
    }

    /// Returns what the job does.
    pub(super) fn job_action(&self) -> JobAction {
        match (&self.action, &self.editor) {
            (JobAction::Replay { to }, Some(editor)) => JobAction::EditedReplay {
                to: to.clone(),
                edit: editor.program().to_owned(),
            },
            (action, _) => action.clone(),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.text.clone().unwrap_or_else(|| self.query.text());
        if let Some(most) = self.max_replays {
            let _ = write!(text, " --max-replays {most}");
        }
        text
    }
}
