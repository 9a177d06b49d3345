//! The context of a command: its output, its store and its signals.

use std::{io, path::Path, process::ExitCode, sync::Arc};

use protoflow::{
    backends::{OpenOptions, Registry},
    event::{Group, Topic, protobuf::SchemaFiles},
    transport::Transport,
};
use tokio::sync::oneshot;
use url::Url;

use crate::{
    config::{Config, Target},
    error::{CliError, CliResult, Exit},
    global_args::GlobalArgs,
    log,
    output::{Format, Printer},
    signals::Signals,
};

pub struct Context {
    pub printer: Printer,
    pub registry: Registry,
    global: GlobalArgs,
    config: Option<Config>,
    target: Option<Target>,
    signals: Option<Signals>,
    transport: Option<Arc<dyn Transport>>,
}

impl Context {
    pub fn new(global: &GlobalArgs) -> Self {
        Self {
            printer: Printer::stdio(
                global.output.unwrap_or_default(),
                global.quiet,
                global.color,
            ),
            registry: Registry::builtin(),
            global: global.clone(),
            config: None,
            target: None,
            signals: None,
            transport: None,
        }
    }

    /// Starts the log of `--log`, and sending spans.
    pub fn start_log(&self) -> CliResult<()> {
        let filter = self.global.log.as_deref().unwrap_or_default();
        log::start(filter, self.global.color)
    }

    /// Reads the configuration files, once.
    pub fn config(&mut self) -> CliResult<&Config> {
        if self.config.is_none() {
            let (url, context) = (&self.global.url, &self.global.context);
            let config = Config::load(url.as_deref(), context.as_deref())?;
            for problem in config.ignored() {
                let text = format!("{problem}; it is ignored");
                self.printer.remarks().warning(&text);
            }
            if self.global.output.is_none()
                && let Some(format) =
                    config.output(self.global.url.as_deref(), self.global.context.as_deref())?
            {
                self.printer.set_format(format);
            }
            self.config = Some(config);
        }
        self.config
            .as_ref()
            .ok_or_else(|| CliError::configuration("no configuration"))
    }

    /// Reads the configuration files again after a change.
    pub fn reload(&mut self) -> CliResult<&Config> {
        self.config = None;
        self.config()
    }

    /// Returns the value of `--url`.
    pub fn given_url(&self) -> Option<String> {
        self.global.url.clone()
    }

    /// Returns the value of `--context`.
    pub fn given_context(&self) -> Option<String> {
        self.global.context.clone()
    }

    /// Returns the value of `-o`.
    pub fn given_output(&self) -> Option<Format> {
        self.global.output
    }

    /// Returns the group given for this command, otherwise that of the configuration.
    pub fn group(&mut self, named: Option<Group>) -> CliResult<Option<Group>> {
        if named.is_some() {
            return Ok(named);
        }
        let (url, context) = (self.global.url.clone(), self.global.context.clone());
        self.config()?.group(url.as_deref(), context.as_deref())
    }

    /// Returns the database of the outbox that the configuration names.
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    pub fn outbox(&mut self) -> CliResult<Option<String>> {
        let (url, context) = (self.global.url.clone(), self.global.context.clone());
        self.config()?.outbox(url.as_deref(), context.as_deref())
    }

    /// Returns the schemas that the context in use names.
    pub fn schema_files(&mut self) -> CliResult<SchemaFiles> {
        let (url, context) = (self.global.url.clone(), self.global.context.clone());
        self.config()?
            .schema_files(url.as_deref(), context.as_deref())
    }

    /// Uses another store than the global flags say: a URL, or the name of a context.
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    pub fn choose(&mut self, store: &str) -> CliResult<()> {
        let is_url = store.contains(':');
        self.global.url = is_url.then(|| store.to_owned());
        self.global.context = (!is_url).then(|| store.to_owned());
        self.target = None;
        self.reload().map(drop)
    }

    /// Reports whether the command line names a store.
    pub fn names_a_store(&self) -> bool {
        self.global.url.is_some() || self.global.context.is_some()
    }

    /// Returns the URL of the store, password included.
    pub fn url(&mut self) -> CliResult<Url> {
        if self.target.is_none() {
            let (url, context) = (self.global.url.clone(), self.global.context.clone());
            let target = self.config()?.target(url.as_deref(), context.as_deref())?;
            if let Some(remark) = &target.remark {
                self.printer.remarks().remark(remark);
            }
            self.target = Some(target);
        }
        match &self.target {
            Some(target) => Ok(target.url.clone()),
            None => Err(CliError::configuration("no URL")),
        }
    }

    /// Reads dead letters from these topics too, as the parameter of the URL says.
    pub fn add_dead_letter_topics(&mut self, topics: &[Topic]) -> CliResult<()> {
        if topics.is_empty() {
            return Ok(());
        }
        let url = self.url()?;
        let is_possible = self.registry.names_dead_letters(&url)?;
        let Some(target) = self.target.as_mut().filter(|_| is_possible) else {
            let scheme = url.scheme();
            return Err(CliError::usage(format!(
                "`--dead-letter-topic` names a topic of other programs, and `{scheme}:` has none"
            ))
            .hint("without it, every dead-letter store is read"));
        };
        for topic in topics {
            let mut parameters = target.url.query_pairs_mut();
            parameters.append_pair("dead-letters", topic.as_str());
        }
        Ok(())
    }

    /// Opens the store, once.
    pub async fn open(&mut self, options: OpenOptions) -> CliResult<Arc<dyn Transport>> {
        if let Some(transport) = &self.transport {
            return Ok(transport.clone());
        }
        let url = self.url()?;
        if let Some(folder) = self
            .target
            .as_ref()
            .and_then(|target| target.folder.as_ref())
        {
            // Nothing is created for a store that this program cannot open.
            self.registry.check(&url)?;
            create_folder(folder)?;
        }
        // The default store is created on first use.
        let is_default = self
            .target
            .as_ref()
            .is_some_and(|target| target.folder.is_some());
        let options = OpenOptions {
            create: options.create || is_default,
            connect_timeout: self.global.connect_timeout,
            ..options
        };
        let transport = self.registry.open(&url, options).await?;
        self.transport = Some(transport.clone());
        Ok(transport)
    }

    /// Takes over the signals that stop a command, once.
    pub fn signals(&mut self) -> CliResult<Signals> {
        if let Some(signals) = &self.signals {
            return Ok(signals.clone());
        }
        let signals = Signals::watch(self.printer.remarks())?;
        self.signals = Some(signals.clone());
        Ok(signals)
    }

    /// Waits for an answer of the operator. A signal ends the wait, also once signals are taken over.
    pub async fn wait_for<T: Send + 'static>(
        &self,
        answer: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> CliResult<T> {
        let Some(signals) = &self.signals else {
            return Ok(answer()?);
        };
        let (sender, receiver) = oneshot::channel();
        // It reads until the process ends if nobody answers.
        std::thread::spawn(move || sender.send(answer()));
        tokio::select! {
            () = signals.stop.drain.cancelled() => Err(signals.interrupted("interrupted; nothing was done")),
            answered = receiver => Ok(answered.map_err(io::Error::other)??),
        }
    }

    /// Closes the store, prints warnings and errors, and returns the exit code.
    pub async fn finish(mut self, result: CliResult<()>) -> ExitCode {
        let flushed = self.printer.flush().map_err(CliError::from);
        if let Some(transport) = &self.transport {
            let remarks = self.printer.remarks();
            for warning in transport.warnings() {
                remarks.warning(&warning);
            }
        }
        let closed = match self.transport.take() {
            Some(transport) => transport.close().await.map_err(CliError::from),
            None => Ok(()),
        };
        match result.and(flushed).and(closed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                self.printer.remarks().error(&error);
                error.exit_code()
            }
        }
    }
}

/// Creates the folder of the default store.
fn create_folder(folder: &Path) -> CliResult<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        CliError::folder(Exit::Configuration, folder, error)
            .during(format!("cannot create the folder {}", folder.display()))
            .hint("choose another store, such as `--url sqlite:events.db`")
    })
}
