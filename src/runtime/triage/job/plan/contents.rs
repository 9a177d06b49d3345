//! The contents of a plan: action, number of dead letters, targets, reasons and warnings.

use std::collections::HashMap;

use crate::{
    event::{Group, Topic},
    runtime::triage::{Counts, DeadLetterListing, notes::Hiding},
    transport::{
        Capabilities, DeadLetter, DeadLetterKind, Job, JobAction, ReplayTarget, StatsBuilder,
    },
};

/// Targets beyond this many are counted together.
const MOST_TARGETS: usize = 1_000;

/// Missing ids that a warning lists.
const LISTED: usize = 5;

/// The contents of a plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Contents {
    /// The action.
    #[serde(flatten)]
    pub action: JobAction,
    /// Number of dead letters.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
    /// Dead letters per target, the largest first.
    pub targets: Vec<Target>,
    /// Dead letters for further targets, if there are too many to list.
    pub elsewhere: u64,
    /// The reasons for their failure.
    pub reasons: Counts,
    /// Warnings that the operator should read before confirming.
    pub warnings: Vec<String>,
    /// Dead letters left out because they were replayed too often.
    pub left_out: u64,
    /// Dead letters left out because the policy says that they are never replayed.
    #[serde(skip_serializing_if = "crate::runtime::triage::job::report::is_zero")]
    pub forbidden: u64,
    /// Given ids that match no dead letter.
    pub missing: u64,
}

impl Contents {
    /// Returns the contents of a resumed job, of which only the remaining number is known.
    pub(super) fn left(action: JobAction, dead_letters: u64) -> Self {
        Self {
            action,
            dead_letters,
            targets: Vec::new(),
            elsewhere: 0,
            reasons: Counts::default(),
            warnings: Vec::new(),
            left_out: 0,
            forbidden: 0,
            missing: 0,
        }
    }
}

/// The target of replayed dead letters, or the origin of purged ones.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Target {
    /// The topic.
    pub topic: Topic,
    /// The group; `None` means every group.
    pub group: Option<Group>,
    /// Number of dead letters.
    #[serde(rename = "letters")]
    pub dead_letters: u64,
}

/// Builds the contents of a plan, one dead letter at a time, in bounded memory.
#[derive(Debug)]
pub(super) struct ContentsBuilder {
    action: JobAction,
    to_group: bool,
    dead_letters: u64,
    targets: HashMap<(Topic, Option<Group>), u64>,
    elsewhere: u64,
    counts: StatsBuilder,
    left_out: u64,
    forbidden: u64,
    replayed: u64,
    most_replays: u32,
    undecodable: u64,
    foreign: u64,
    hiding: Hiding,
}

impl ContentsBuilder {
    pub(super) fn new(action: JobAction, capabilities: &Capabilities, hiding: Hiding) -> Self {
        Self {
            action,
            to_group: capabilities.replay_to_group.is_present(),
            dead_letters: 0,
            targets: HashMap::new(),
            elsewhere: 0,
            counts: Counts::builder(),
            left_out: 0,
            forbidden: 0,
            replayed: 0,
            most_replays: 0,
            undecodable: 0,
            foreign: 0,
            hiding,
        }
    }

    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
    }

    pub(super) fn forbid(&mut self) {
        self.forbidden += 1;
    }

    pub(super) fn is_replay(&self) -> bool {
        self.action.is_replay()
    }

    pub(super) fn add(&mut self, letter: &DeadLetter) {
        self.dead_letters += 1;
        self.replayed += u64::from(letter.record.generation > 0);
        self.most_replays = self.most_replays.max(letter.record.generation);
        self.undecodable += u64::from(letter.record.kind == DeadLetterKind::Decode);
        let hiding = &self.hiding;
        self.counts
            .add_with(letter, |letter| hiding.failure(letter));
        self.foreign += u64::from(letter.is_foreign);
        let target = self.target(letter);
        if let Some(count) = self.targets.get_mut(&target) {
            *count += 1;
        } else if self.targets.len() < MOST_TARGETS {
            self.targets.insert(target, 1);
        } else {
            self.elsewhere += 1;
        }
    }

    /// Returns the topic and the group that a dead letter is replayed to, or comes from.
    pub(super) fn target(&self, letter: &DeadLetter) -> (Topic, Option<Group>) {
        let record = &letter.record;
        let topic = &record.origin.topic;
        match self.action.to() {
            Some(topic) => (topic.clone(), None),
            None if self.is_replay() && (!self.to_group || letter.is_foreign) => {
                (topic.clone(), None)
            }
            None => (topic.clone(), Some(record.group.clone())),
        }
    }

    /// Returns where the message of a dead letter is replayed to.
    pub(super) fn replay_target(&self, letter: &DeadLetter) -> ReplayTarget {
        match self.action.to() {
            Some(topic) => ReplayTarget {
                topic: topic.clone(),
                group: None,
            },
            None => ReplayTarget {
                topic: letter.message.topic.clone(),
                group: (self.to_group && !letter.is_foreign).then(|| letter.record.group.clone()),
            },
        }
    }

    /// Returns the group that failed, unless every group of another topic gets the replay.
    pub(super) fn failed_group(&self, letter: &DeadLetter) -> Option<Group> {
        match self.action.to() {
            Some(_) => None,
            None => Some(letter.record.group.clone()),
        }
    }

    pub(super) fn finish(
        self,
        capabilities: &Capabilities,
        letters: &DeadLetterListing,
        others: &[Job],
    ) -> Contents {
        let missing = letters.missing();
        let mut warnings = Vec::new();
        if self.is_replay() {
            self.warn_of_replay(capabilities, &mut warnings);
        } else {
            warn_of_purge(capabilities, &mut warnings);
        }
        warn_of_filter_failures(letters, &mut warnings);
        warn_of_missing(&missing, &mut warnings);
        warnings.extend(others.iter().map(unfinished));
        let missing = missing.len() as u64;
        let mut targets: Vec<_> = self
            .targets
            .into_iter()
            .map(|((topic, group), letters)| Target {
                topic,
                group,
                dead_letters: letters,
            })
            .collect();
        targets.sort_by(|a, b| {
            let name = |target: &Target| (target.topic.clone(), target.group.clone());
            b.dead_letters
                .cmp(&a.dead_letters)
                .then_with(|| name(a).cmp(&name(b)))
        });
        Contents {
            action: self.action,
            dead_letters: self.dead_letters,
            targets,
            elsewhere: self.elsewhere,
            reasons: Counts {
                filter_failures: letters.filter_failures().clone(),
                ..self.counts.into()
            },
            warnings,
            left_out: self.left_out,
            forbidden: self.forbidden,
            missing,
        }
    }

    fn warn_of_replay(&self, capabilities: &Capabilities, warnings: &mut Vec<String>) {
        if self.dead_letters == 0 {
            return;
        }
        if let Some(topic) = self.action.to() {
            warnings.push(format!(
                "every group that reads `{topic}` gets these events"
            ));
        } else if !self.to_group {
            warnings.push(format!(
                "every group of the topic gets these events again, not only the one that failed{}",
                note(capabilities.replay_to_group.note())
            ));
        } else if self.foreign > 0 {
            warnings.push(format!(
                "{} stored by another program: every group of the topic gets these events again, not only the one that failed",
                were(self.foreign)
            ));
        }
        if !capabilities.exactly_once_replay.is_present() {
            warnings.push(format!(
                "a crash during the replay may publish some twice{}",
                note(capabilities.exactly_once_replay.note())
            ));
        }
        if self.replayed > 0 {
            warnings.push(format!(
                "{} replayed before, up to {}x each: is the cause fixed?",
                were(self.replayed),
                self.most_replays
            ));
        }
        if self.undecodable > 0 {
            warnings.push(format!(
                "{} not valid CloudEvents and will fail again unless the consumer wraps them (--plain)",
                are(self.undecodable)
            ));
        }
    }
}

fn warn_of_purge(capabilities: &Capabilities, warnings: &mut Vec<String>) {
    if !capabilities.purge.is_native() {
        warnings.push(format!(
            "purging only marks dead letters here; their bytes remain{}",
            note(capabilities.purge.note())
        ));
    }
}

fn warn_of_filter_failures(letters: &DeadLetterListing, warnings: &mut Vec<String>) {
    let failed = letters.filter_failures();
    if failed.count > 0 {
        warnings.push(format!(
            "left out {} on which the filter failed: {}",
            count(failed.count),
            failed.reason
        ));
    }
}

fn warn_of_missing(missing: &[&str], warnings: &mut Vec<String>) {
    if missing.is_empty() {
        return;
    }
    let listed = missing[..missing.len().min(LISTED)].join(", ");
    let more = if missing.len() > LISTED { ", …" } else { "" };
    warnings.push(format!("no dead letter matches: {listed}{more}"));
}

fn unfinished(job: &Job) -> String {
    let verb = job.action.verb();
    let left = count(job.planned.saturating_sub(job.resolved));
    let selection = &job.selection;
    match &job.holder {
        Some(holder) => format!("{holder} is running `{verb} {selection}` with {left} to go"),
        None => {
            format!(
                "`{verb} {selection}` was interrupted with {left} to go; run it again to resume it"
            )
        }
    }
}

fn note(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

fn count(letters: u64) -> String {
    match letters {
        1 => "1 dead letter".to_owned(),
        more => format!("{more} dead letters"),
    }
}

fn were(letters: u64) -> String {
    format!(
        "{} {}",
        count(letters),
        if letters == 1 { "was" } else { "were" }
    )
}

fn are(letters: u64) -> String {
    format!(
        "{} {}",
        count(letters),
        if letters == 1 { "is" } else { "are" }
    )
}
