//! Plan files: a frozen plan as JSON, to be read by another pair of eyes and applied as it is.
//!
//! The job itself stays in the broker, with the hash of its plan: the file is a hand-over, and altering it changes nothing but
//! its own hash.

use std::{
    fmt, fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use protoflow::{
    event::{Group, Topic},
    runtime::{Becomes, PlanHash, PlanObserver, PlannedEdit},
    transport::{DeadLetterId, JobAction, JobId},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use super::plan::count;
use crate::error::{CliError, CliResult, Exit};

/// The version of the format.
const VERSION: u32 = 2;

/// What a plan file says beside the dead letters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanHeader {
    pub version: u32,
    pub store: String,
    pub job: JobId,
    #[serde(flatten)]
    pub action: JobAction,
    pub selection: String,
    /// Dead letters since then are not in the plan.
    pub until: String,
    pub hash: String,
    pub who: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The edit of the dead letters, in jq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: DeadLetterId,
    topic: Topic,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    /// The edited dead letter that takes its place.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    becomes: Option<Becomes>,
}

/// A plan file that is being written, beside its place until it is complete.
pub struct PlanWriter {
    path: PathBuf,
    partial: PathBuf,
}

impl PlanWriter {
    /// Creates the file and an observer that writes each planned dead letter into it.
    pub fn create(path: &Path, edit: Option<Arc<PlannedEdit>>) -> CliResult<(Self, PlanObserver)> {
        let partial = path.with_added_extension("partial");
        let failed = |error: io::Error| {
            CliError::from(error).during(format!("cannot write `{}`", path.display()))
        };
        let file = fs::File::create(&partial).map_err(failed)?;
        let mut out = BufWriter::new(file);
        out.write_all(b"{\"dead_letters\":[").map_err(failed)?;
        let mut is_first = true;
        let observer = move |id: &DeadLetterId, topic: &Topic, group: Option<&Group>| {
            let entry = Entry {
                id: id.clone(),
                topic: topic.clone(),
                group: group.cloned(),
                becomes: edit.as_ref().and_then(|edit| edit.becomes.get(id).cloned()),
            };
            out.write_all(if is_first { b"\n" } else { b",\n" })?;
            is_first = false;
            serde_json::to_writer(&mut out, &entry)?;
            out.flush()
        };
        let writer = Self {
            path: path.to_owned(),
            partial,
        };
        Ok((writer, PlanObserver(Box::new(observer))))
    }

    /// Completes the file.
    pub fn finish(self, header: &PlanHeader) -> CliResult<()> {
        let write = || {
            let mut file = fs::OpenOptions::new().append(true).open(&self.partial)?;
            let header = serde_json::to_string(header)?;
            file.write_all(format!("],\n\"plan\":{header}}}\n").as_bytes())?;
            file.sync_all()?;
            fs::rename(&self.partial, &self.path)
        };
        write().map_err(|error: io::Error| {
            let _ = fs::remove_file(&self.partial);
            CliError::from(error).during(format!("cannot write `{}`", self.path.display()))
        })
    }

    /// Removes what was written.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.partial);
    }
}

/// A plan file that was read: its header, and its dead letters in order.
#[derive(Debug, Deserialize)]
pub struct PlanFile {
    #[serde(rename = "dead_letters", deserialize_with = "letters")]
    pub letters: Vec<PlannedLetter>,
    pub plan: PlanHeader,
}

/// A dead letter of a plan.
#[derive(Debug)]
pub struct PlannedLetter {
    pub id: DeadLetterId,
    pub becomes: Option<Becomes>,
}

/// Reads the dead letters one by one: topics and groups are not kept.
fn letters<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PlannedLetter>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<PlannedLetter>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of dead letters")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut letters = Vec::new();
            while let Some(Entry { id, becomes, .. }) = entries.next_element::<Entry>()? {
                letters.push(PlannedLetter { id, becomes });
            }
            Ok(letters)
        }
    }
    from.deserialize_seq(Entries)
}

impl PlanFile {
    /// Reads a file and checks that it was not altered.
    pub fn read(path: &Path) -> CliResult<Self> {
        let name = path.display();
        let file = fs::File::open(path)
            .map_err(|error| CliError::from(error).during(format!("cannot read `{name}`")))?;
        let file: Self = serde_json::from_reader(io::BufReader::new(file)).map_err(|error| {
            CliError::message(Exit::Failed, error.to_string())
                .during(format!("`{name}` is not a plan file"))
                .hint("write one with `pf dlq replay … --plan FILE`")
        })?;
        if file.plan.version > VERSION {
            let text = format!("`{name}` is of a later version of pf");
            return Err(CliError::message(Exit::Failed, text));
        }
        let mut hash = PlanHash::new(&file.plan.action);
        if let Some(edit) = &file.plan.edit {
            hash.edit(edit);
        }
        for letter in &file.letters {
            match &letter.becomes {
                Some(becomes) => hash.add_edited(&letter.id, becomes),
                None => hash.add(&letter.id),
            }
        }
        if hash.finish() != file.plan.hash {
            let text = format!("`{name}` was altered: its hash does not match");
            return Err(CliError::message(Exit::Failed, text).hint("write the plan again"));
        }
        Ok(file)
    }
}

impl PlanHeader {
    /// Returns the version that a plan needs, with the time of now as upper bound: an earlier program would replay edited dead
    /// letters as they are.
    pub fn version(is_edit: bool) -> (u32, String) {
        let version = if is_edit { VERSION } else { 1 };
        (version, protoflow::event::format_time(SystemTime::now()))
    }
}

/// Returns the error of a plan of which dead letters are gone.
pub fn gone(letters: u64, first: &DeadLetterId) -> CliError {
    let text = format!(
        "{} of this plan are gone since, {first} among them",
        count(letters)
    );
    CliError::message(Exit::Failed, text)
        .hint("nothing was done; make a new plan, and cancel this one with `pf dlq jobs cancel`")
}
