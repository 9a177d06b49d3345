//! What ends a command early: its exit code, its message and what to do about it. Nothing else knows those.

use std::{fmt, io, process::ExitCode};

use protoflow::{
    event::{EventError, NameError},
    runtime::{ConsumeError, FilterError, TriageError},
    transport::{ErrorKind, LetterId, TransportError},
};

pub type CliResult<T> = Result<T, CliError>;

/// How a command that did not do all of its work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing was done.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The time was up, or too few events came.
    Incomplete = 3,
    /// Some of the work was done.
    Partly = 4,
    /// The transport cannot do what was asked.
    Unsupported = 5,
    /// No server answered.
    Unavailable = 69,
    /// The server does not let us.
    Denied = 77,
    /// The configuration does not fit.
    Configuration = 78,
    /// SIGINT came before everything was finished.
    Interrupted = 130,
    /// Whoever read our output has gone away; told to nobody.
    BrokenPipe = 141,
    /// SIGTERM came before everything was finished.
    Terminated = 143,
}

impl Exit {
    /// Ends the process without letting anything finish.
    pub fn at_once(self) -> ! {
        std::process::exit(self as i32)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    source: anyhow::Error,
    hints: Vec<String>,
}

impl CliError {
    /// Wraps an error; its causes are shown on their own lines.
    pub fn new(exit: Exit, source: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            source: source.into(),
            hints: Vec::new(),
        }
    }

    /// Makes an error of a lower-case fragment without a period.
    pub fn message(exit: Exit, text: impl Into<String>) -> Self {
        Self::new(exit, anyhow::Error::msg(text.into()))
    }

    /// A command line that makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::message(Exit::Usage, text)
    }

    /// A configuration that does not fit.
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::message(Exit::Configuration, text)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what was being done when it happened; the error becomes the cause.
    #[must_use]
    pub fn during(mut self, text: impl fmt::Display + Send + Sync + 'static) -> Self {
        self.source = self.source.context(text);
        self
    }

    /// Returns how a command ends that ends with this.
    pub fn code(&self) -> Exit {
        self.exit
    }

    /// Ends with another code.
    #[must_use]
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Says that what was published could not be told: it is stored all the same.
    #[must_use]
    pub fn untold(self) -> Self {
        if self.is_silent() {
            return self;
        }
        self.during("published, but the receipt cannot be written")
            .ending(Exit::Partly)
    }

    /// Reports whether there is nobody to tell.
    pub fn is_silent(&self) -> bool {
        self.exit == Exit::BrokenPipe
    }

    /// Returns the message and its causes, outermost first. A cause that the one before has told is left out: some
    /// drivers' errors repeat their sources.
    pub fn chain(&self) -> impl Iterator<Item = String> {
        let mut told = String::new();
        self.source.chain().filter_map(move |cause| {
            let text = cause.to_string();
            // As SQLite's driver puts it.
            let numbered = text.starts_with("Error code ") && text.ends_with(&told);
            if told.ends_with(&text) || numbered && !told.is_empty() {
                return None;
            }
            told.clone_from(&text);
            Some(text)
        })
    }

    /// Returns what to do about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the status of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
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
            .or_else(|| usual_advice(error.kind()))
            .map(str::to_owned);
        let error = Self::new(exit, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn usual_advice(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unavailable => Some("is the broker running? `pf doctor` looks closer"),
        ErrorKind::Denied => Some("give user and password with a context: `pf context add --help`"),
        ErrorKind::Unsupported => Some("`pf caps` shows what this transport can do"),
        _ => None,
    }
}

impl From<ConsumeError> for CliError {
    fn from(error: ConsumeError) -> Self {
        match error {
            ConsumeError::Transport(error) => error.into(),
            ConsumeError::Undecodable { .. } => Self::new(Exit::Configuration, error)
                .hint("`--plain` hands over messages that are no CloudEvents"),
            ConsumeError::Unusable(_) => Self::new(Exit::Configuration, error)
                .hint("the event went back uncounted; run this again once the command works"),
            error => Self::new(Exit::Configuration, error),
        }
    }
}

impl From<TriageError> for CliError {
    fn from(error: TriageError) -> Self {
        match error {
            TriageError::Transport(error) if error.kind() == ErrorKind::Held => {
                Self::from(error).hint("jobs on dead letters run one at a time; run this again when that one has ended")
            }
            TriageError::Transport(error) => error.into(),
            TriageError::Ambiguous { ref candidates, .. } => {
                let candidates: Vec<_> = candidates.iter().map(LetterId::as_str).collect();
                let hint = format!("they are {}; give more of the id", candidates.join(", "));
                Self::new(Exit::Failed, error).hint(hint)
            }
            error => Self::new(Exit::Failed, error),
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

impl From<FilterError> for CliError {
    fn from(error: FilterError) -> Self {
        Self::new(Exit::Usage, error)
            .during("`--where` is not a filter that can be used")
            .hint("it is jq over the record of `-o json`, as in `.event.type == \"order.created\"`")
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
