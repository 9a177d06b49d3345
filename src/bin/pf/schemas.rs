//! Schemas of protobuf: the flags that name them, and data as people and handlers see them.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Args;
use protoflow::{
    event::{
        Envelope, EventError, Stored, Topic, identified,
        protobuf::{Decoded, MessageRule, ProtobufError, SchemaFiles, Schemas, with_json},
        write_record, write_record_seen,
    },
    runtime::{EventFilter, Filter},
};

use crate::{
    context::Context,
    error::{CliError, CliResult},
    output::Remarks,
};

/// Flags that name schemas. They override those of the context.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Protobuf")]
pub struct SchemaArgs {
    /// A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store
    #[arg(long, value_name = "FILE")]
    proto: Vec<PathBuf>,
    /// A folder in which schema files and their imports are looked up [default: that of each file]
    #[arg(short = 'I', long, value_name = "DIR")]
    proto_path: Vec<PathBuf>,
    /// A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it
    #[arg(long, value_name = "FILE")]
    protoset: Vec<PathBuf>,
    /// The message that the data is, as in `shop.v1.Order`, or 'order.*=shop.v1.Order' for some topics [default: the one
    /// that `dataschema` names]
    #[arg(long, value_name = "MESSAGE")]
    message: Vec<MessageRule>,
}

impl SchemaArgs {
    /// Returns the files that the flags name.
    ///
    /// # Errors
    /// If the working folder does not exist.
    pub fn absolute(self) -> CliResult<SchemaFiles> {
        let found = |paths: Vec<PathBuf>| -> CliResult<Vec<PathBuf>> {
            let paths = paths.into_iter();
            Ok(paths.map(std::path::absolute).collect::<Result<_, _>>()?)
        };
        // A source may be named as imports are, which is no path.
        let (there, named) = self.proto.into_iter().partition(|path| path.exists());
        let mut sources = found(there)?;
        sources.extend::<Vec<_>>(named);
        Ok(SchemaFiles {
            sources,
            include: found(self.proto_path)?,
            sets: found(self.protoset)?,
            messages: self.message,
        })
    }

    /// Reads the schemas that the flags name, or else the context; none if neither does.
    ///
    /// # Errors
    /// If a schema cannot be used, or has no message of this name.
    pub fn load(&self, context: &mut Context) -> CliResult<Option<Schemas>> {
        let configured = context.schema_files()?;
        let over = |flags: &[PathBuf], files: Vec<PathBuf>| {
            if flags.is_empty() {
                files
            } else {
                flags.to_vec()
            }
        };
        let files = SchemaFiles {
            sources: over(&self.proto, configured.sources),
            include: over(&self.proto_path, configured.include),
            sets: over(&self.protoset, configured.sets),
            messages: if self.message.is_empty() {
                configured.messages
            } else {
                self.message.clone()
            },
        };
        if files.is_empty() {
            return Ok(None);
        }
        if files.sources.is_empty() && files.sets.is_empty() {
            return Err(CliError::usage("`--message` needs a schema")
                .hint("name its file with `--proto` or `--protoset`"));
        }
        Ok(Some(files.load()?))
    }

    /// Reads the schemas to decode data with.
    ///
    /// # Errors
    /// If a schema cannot be used, or has no message of this name.
    pub fn decoder(&self, context: &mut Context) -> CliResult<Option<Decoder>> {
        let remarks = context.printer.remarks();
        Ok(self
            .load(context)?
            .map(|schemas| Decoder::new(schemas, remarks)))
    }
}

/// Decodes data, and reports what it skips, once. Clones share that.
#[derive(Debug, Clone)]
pub struct Decoder(Arc<State>);

#[derive(Debug)]
struct State {
    schemas: Schemas,
    remarks: Remarks,
    reported_framing: AtomicBool,
    reported_misfit: AtomicBool,
}

impl Decoder {
    fn new(schemas: Schemas, remarks: Remarks) -> Self {
        Self(Arc::new(State {
            schemas,
            remarks,
            reported_framing: AtomicBool::new(false),
            reported_misfit: AtomicBool::new(false),
        }))
    }

    /// Returns the data of an event as JSON, if they are protobuf and their message is known and has JSON.
    ///
    /// # Errors
    /// If they are not that message.
    pub fn json(
        &self,
        topic: &Topic,
        envelope: &Envelope<'_>,
    ) -> Result<Option<String>, EventError> {
        match self.0.schemas.decode(topic, envelope) {
            Ok(decoded) => Ok(decoded.map(|decoded| self.reported(decoded))),
            Err(ProtobufError::Event(error)) => Err(error),
            Err(error @ ProtobufError::Unshown { .. }) => {
                self.report(&error.to_string());
                Ok(None)
            }
            Err(error) => Err(EventError::Data(data_fault(&error))),
        }
    }

    /// Returns a message as people see it, with its data as JSON; `None` if there is nothing to decode. The first one that
    /// does not fit its schema is reported, and all of them are shown as they are.
    pub fn seen(&self, stored: &Stored) -> Option<Stored> {
        self.try_seen(stored).unwrap_or_else(|error| {
            self.report(&format!("at {}: {error}", stored.position));
            None
        })
    }

    /// Returns a filter on the record of `-o json` with the data decoded. An event whose data do not fit passes: it must not
    /// be acknowledged unseen.
    pub fn filter(self, filter: Filter) -> EventFilter {
        EventFilter::new(move |stored| {
            let mut record = Vec::with_capacity(1024);
            match self.try_seen(stored) {
                Ok(Some(seen)) => write_record_seen(&mut record, stored, &seen.message, None),
                Ok(None) | Err(ProtobufError::Unshown { .. }) => {
                    write_record(&mut record, stored, None);
                }
                Err(_) => return Ok(true),
            }
            filter.matches(&record).map_err(|error| error.to_string())
        })
    }

    fn try_seen(&self, stored: &Stored) -> Result<Option<Stored>, ProtobufError> {
        // The id of a message of hexa-event is where it is stored.
        let message = identified(&stored.message, &stored.position);
        let decoded = match Envelope::read(&message) {
            Ok(envelope) => self.0.schemas.decode(&message.topic, &envelope)?,
            Err(_) => self.0.schemas.decode_plain(&message)?,
        };
        let json = decoded.map(|decoded| self.reported(decoded));
        Ok(json.map(|json| Stored {
            message: with_json(&message, &json),
            ..stored.clone()
        }))
    }

    fn report(&self, problem: &str) {
        if !self.0.reported_misfit.swap(true, Ordering::Relaxed) {
            self.0.remarks.warning(problem);
        }
    }

    fn reported(&self, decoded: Decoded) -> String {
        if let Some(id) = decoded.schema_id
            && !self.0.reported_framing.swap(true, Ordering::Relaxed)
        {
            let text = format!(
                "the data has the framing of a schema registry (schema {id}), which is skipped"
            );
            self.0.remarks.remark(&text);
        }
        decoded.json
    }
}

/// Returns what is wrong with data, worded to follow `data`.
fn data_fault(error: &ProtobufError) -> String {
    let text = error.to_string();
    text.strip_prefix("the data ")
        .map_or(text.clone(), ToOwned::to_owned)
}
