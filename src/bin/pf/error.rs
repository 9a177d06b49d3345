//! Errors of commands: exit code, message and hints. No other module knows exit codes.

use std::{fmt, io, path::Path, process::ExitCode};

use protoflow::{
    backends::explain_path,
    event::{EventError, NameError, protobuf::ProtobufError},
    runtime::{ConsumeError, FilterError, PolicyError, TriageError},
    transport::{DeadLetterId, ErrorKind, TransportError},
};

use crate::values::nearest::nearest;

pub type CliResult<T> = Result<T, CliError>;

/// Exit code of a command that did not do all of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing was done.
    Failed = 1,
    /// Wrong usage of the command line.
    Usage = 2,
    /// The time limit was reached, too few events arrived, or a limit of a check is exceeded.
    Incomplete = 3,
    /// Some of the work was done.
    Partly = 4,
    /// The transport does not support the request.
    Unsupported = 5,
    /// No server answered.
    Unavailable = 69,
    /// Permission denied.
    Denied = 77,
    /// Configuration error.
    Configuration = 78,
    /// Interrupted by SIGINT before everything was finished.
    Interrupted = 130,
    /// Stdout was closed by its reader; ends silently.
    BrokenPipe = 141,
    /// Interrupted by SIGTERM before everything was finished.
    Terminated = 143,
}

impl Exit {
    /// Returns the status of the process.
    pub fn status(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    /// Ends the process at once.
    pub fn at_once(self) -> ! {
        std::process::exit(self as i32)
    }
}

/// Error that ended a command.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    source: anyhow::Error,
    hints: Vec<String>,
}

impl CliError {
    /// Wraps an error; each of its causes is shown on a line of its own.
    pub fn new(exit: Exit, source: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            source: source.into(),
            hints: Vec::new(),
        }
    }

    /// Wraps an error of a file or folder; names the part of its path that is wrong.
    pub fn file(exit: Exit, path: &Path, error: io::Error) -> Self {
        match explain_path(path, &error) {
            Some(problem) => Self::message(exit, problem),
            None => Self::new(exit, error),
        }
    }

    /// Wraps an error of a folder that cannot be created, or in which nothing can be created.
    pub fn folder(exit: Exit, path: &Path, error: io::Error) -> Self {
        Self::file(exit, &path.join("x"), error)
    }

    /// Creates an error from a lower-case phrase without a period.
    pub fn message(exit: Exit, text: impl Into<String>) -> Self {
        Self::new(exit, anyhow::Error::msg(text.into()))
    }

    /// Creates a usage error.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::message(Exit::Usage, text)
    }

    /// Creates a configuration error.
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::message(Exit::Configuration, text)
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Gives another hint in place of those that it has, which do not fit what the command does.
    pub fn hint_instead(mut self, hint: impl Into<String>) -> Self {
        self.hints = vec![hint.into()];
        self
    }

    /// Reports whether a store, stream or topic is missing.
    pub fn is_not_found(&self) -> bool {
        let error = self.source.downcast_ref::<TransportError>();
        error.is_some_and(|error| error.kind() == ErrorKind::NotFound)
    }

    /// Adds the failed operation in front; the error becomes its cause.
    #[must_use]
    pub fn during(mut self, text: impl fmt::Display + Send + Sync + 'static) -> Self {
        self.source = self.source.context(text);
        self
    }

    /// Returns the exit code.
    pub fn code(&self) -> Exit {
        self.exit
    }

    /// Sets the exit code.
    #[must_use]
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Notes that events were published whose receipts could not be written.
    #[must_use]
    pub fn after_publish(self) -> Self {
        if self.is_silent() {
            return self;
        }
        self.during("published, but the receipt could not be written")
            .ending(Exit::Partly)
    }

    /// Reports whether the error is not printed.
    pub fn is_silent(&self) -> bool {
        self.exit == Exit::BrokenPipe
    }

    /// Returns the message and its causes, outermost first. A cause that only repeats the one before it is left out: errors of
    /// some drivers contain the text of their source.
    pub fn chain(&self) -> impl Iterator<Item = String> {
        let mut previous = String::new();
        self.source.chain().filter_map(move |cause| {
            let text = cause.to_string();
            // The form of SQLite's driver.
            let numbered = text.starts_with("Error code ") && text.ends_with(&previous);
            if previous.ends_with(&text) || numbered && !previous.is_empty() {
                return None;
            }
            previous.clone_from(&text);
            Some(text)
        })
    }

    /// Returns the hints.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the status of the process.
    pub fn exit_code(&self) -> ExitCode {
        self.exit.status()
    }
}

impl From<TransportError> for CliError {
    fn from(error: TransportError) -> Self {
        let exit = match error.kind() {
            ErrorKind::Unavailable => Exit::Unavailable,
            ErrorKind::Denied => Exit::Denied,
            ErrorKind::Unsupported => Exit::Unsupported,
            ErrorKind::Configuration => Exit::Configuration,
            _ => Exit::Failed,
        };
        let hint = error
            .advice()
            .or_else(|| default_hint(error.kind()))
            .map(str::to_owned);
        let error = Self::new(exit, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn default_hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unavailable => Some("is the broker running? `pf doctor` checks the store"),
        ErrorKind::Denied => Some("set user and password in a context: `pf context add --help`"),
        ErrorKind::Unsupported => Some("`pf caps` shows what this transport can do"),
        _ => None,
    }
}

impl From<ConsumeError> for CliError {
    fn from(error: ConsumeError) -> Self {
        match error {
            ConsumeError::Transport(error) => error.into(),
            ConsumeError::ShortWindow { .. } => Self::new(Exit::Usage, error)
                .hint("marks must outlast the retries: give `--dedup` a longer window, or fewer or shorter `--backoff` pauses"),
            ConsumeError::Undecodable { ref failure, .. } if failure.message.starts_with("data ") => {
                Self::new(Exit::Configuration, error).hint(
                    "does `--message` name the message of this topic? nothing was dead-lettered",
                )
            }
            ConsumeError::Undecodable { .. } => Self::new(Exit::Configuration, error)
                .hint("`--plain` also passes messages that are not CloudEvents to the command"),
            ConsumeError::Unusable(_) => Self::new(Exit::Configuration, error)
                .hint("the event went back without losing an attempt; run this again once the command works"),
            error => Self::new(Exit::Configuration, error),
        }
    }
}

impl From<TriageError> for CliError {
    fn from(error: TriageError) -> Self {
        match error {
            TriageError::Transport(error) if error.kind() == ErrorKind::Held => {
                Self::from(error).hint("only one dead-letter job runs at a time; run this again when that one has ended")
            }
            TriageError::Transport(error) => error.into(),
            TriageError::Policy(error) => error.into(),
            TriageError::Ambiguous { ref candidates, .. } => {
                let candidates: Vec<_> = candidates.iter().map(DeadLetterId::as_str).collect();
                let hint = format!("candidates: {}; give more characters of the id", candidates.join(", "));
                Self::new(Exit::Failed, error).hint(hint)
            }
            error => Self::new(Exit::Failed, error),
        }
    }
}

impl From<PolicyError> for CliError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Transport(error) => error.into(),
            PolicyError::Forbidden(_) => {
                Self::new(Exit::Denied, error).hint("see `pf dlq policy show`")
            }
            error => Self::new(Exit::Configuration, error).hint(
                "nothing is changed while it cannot be read; set it again with `pf dlq policy set`",
            ),
        }
    }
}

impl From<EventError> for CliError {
    fn from(error: EventError) -> Self {
        Self::new(Exit::Failed, error)
    }
}

impl From<NameError> for CliError {
    fn from(error: NameError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<ProtobufError> for CliError {
    fn from(error: ProtobufError) -> Self {
        match error {
            ProtobufError::Event(error) => error.into(),
            ProtobufError::Json { .. } | ProtobufError::Bytes { .. } => {
                Self::new(Exit::Failed, error)
            }
            ProtobufError::Schema(ref text) if text.contains("import '") => {
                Self::new(Exit::Usage, error).hint("name the folder of its imports with `-I`")
            }
            ProtobufError::Set { .. } => Self::new(Exit::Usage, error).hint(
                "a schema file is named with `--proto`; a set has to hold the imports too (`--include_imports`)",
            ),
            ProtobufError::UnknownMessage {
                ref name,
                ref known,
            } => {
                let hint = match nearest(name, known.iter().map(String::as_str)) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => listed(known),
                };
                Self::new(Exit::Usage, error).hint(hint)
            }
            ProtobufError::File { path, source } => Self::file(Exit::Usage, &path, source)
                .during(format!("{} cannot be read", path.display())),
            error => Self::new(Exit::Usage, error),
        }
    }
}

/// Lists the first messages of a schema.
fn listed(known: &[String]) -> String {
    const LISTED: usize = 5;
    let names: Vec<_> = known.iter().take(LISTED).map(String::as_str).collect();
    match known.len() {
        0 => "it has none".to_owned(),
        1..=LISTED => format!("it has {}", names.join(", ")),
        _ => format!("it has {}, and more", names.join(", ")),
    }
}

impl From<FilterError> for CliError {
    fn from(error: FilterError) -> Self {
        Self::new(Exit::Usage, error)
            .during("`--where` is not a valid filter")
            .hint("it is jq on the record of `-o json`, as in `.event.type == \"order.created\"`")
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::BrokenPipe,
            _ => Exit::Failed,
        };
        Self::new(exit, error)
    }
}
