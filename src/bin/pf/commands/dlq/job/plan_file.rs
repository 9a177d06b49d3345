//! Plan files: a frozen plan as JSON, to be read by another pair of eyes and applied as it is.
//!
//! The job itself stays in the broker, with the hash of its plan: the file is a hand-over, and altering it changes nothing but
//! its own hash.

use std::{
    collections::HashSet,
    fmt, fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use protoflow::{
    event::{Group, Topic},
    runtime::{PlanHash, PlanObserver},
    transport::{DeadLetterId, JobAction, JobId},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use crate::error::{CliError, CliResult, Exit};

/// The version of the format.
const VERSION: u32 = 1;

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
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: DeadLetterId,
    topic: Topic,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
}

/// A plan file that is being written, beside its place until it is complete.
pub struct PlanWriter {
    path: PathBuf,
    partial: PathBuf,
}

impl PlanWriter {
    /// Creates the file and an observer that writes each planned dead letter into it.
    pub fn create(path: &Path) -> CliResult<(Self, PlanObserver)> {
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
            CliError::from(error).during(format!("cannot write `{}`", self.path.display()))
        })
    }

    /// Removes what was written.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.partial);
    }
}

/// A plan file that was read: its header, and the ids of its dead letters.
#[derive(Debug, Deserialize)]
pub struct PlanFile {
    #[serde(rename = "dead_letters")]
    pub ids: Ids,
    pub plan: PlanHeader,
}

/// Ids in the order of the file.
#[derive(Debug)]
pub struct Ids(pub Vec<DeadLetterId>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of dead letters")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Ids, A::Error> {
                let mut ids = Vec::new();
                while let Some(entry) = entries.next_element::<Entry>()? {
                    ids.push(entry.id);
                }
                Ok(Ids(ids))
            }
        }
        from.deserialize_seq(Entries)
    }
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
        file.ids.0.iter().for_each(|id| hash.add(id));
        if hash.finish() != file.plan.hash {
            let text = format!("`{name}` was altered: its hash does not match");
            return Err(CliError::message(Exit::Failed, text).hint("write the plan again"));
        }
        Ok(file)
    }

    /// Returns the set of its ids.
    pub fn id_set(&self) -> HashSet<&DeadLetterId> {
        self.ids.0.iter().collect()
    }
}

impl PlanHeader {
    /// Returns the current version with the time of now as upper bound.
    pub fn version() -> (u32, String) {
        (VERSION, protoflow::event::format_time(SystemTime::now()))
    }
}
