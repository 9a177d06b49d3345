//! `pf context`: named stores.

mod edit;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use protoflow::event::Group;
use serde::Serialize;
use url::Url;

use self::edit::UserFile;
use crate::{
    config::{
        Config, Named, Profile, is_bare, masked, masked_for_user, refuse, refuse_for_database,
    },
    context::Context,
    error::{CliError, CliResult},
    output::{Paint, Painter, Report},
    schemas::SchemaArgs,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  pf context add prod --url nats://svc@nats.example --password-file ~/.secrets/nats --group billing
  pf context use prod
  pf tail --context prod

A `.pf.toml` in the working folder or above it takes precedence over the user's own file:
  context = \"local\"
  [contexts.local]
  url = \"sqlite:events.db\"")]
pub enum ContextCommand {
    Add(AddArgs),
    Use(UseArgs),
    List(ListArgs),
    Show(ShowArgs),
    Remove(RemoveArgs),
}

impl ContextCommand {
    pub fn run(self, context: &mut Context) -> CliResult<()> {
        match self {
            Self::Add(args) => args.run(context),
            Self::Use(args) => args.run(context),
            Self::List(_) => list(context),
            Self::Show(args) => args.run(context),
            Self::Remove(args) => args.run(context),
        }
    }
}

/// Add a named store, or replace it
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The name of the context
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The default group of its consumers
    #[arg(long)]
    group: Option<Group>,
    /// The database of its outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`
    #[arg(long, value_name = "URL")]
    outbox: Option<String>,
    /// A file that holds the password
    #[arg(long, value_name = "FILE", conflicts_with = "ask_password")]
    password_file: Option<PathBuf>,
    /// Prompt for the password when it is needed
    #[arg(long)]
    ask_password: bool,
    #[command(flatten)]
    schemas: SchemaArgs,
}

impl AddArgs {
    fn run(self, context: &mut Context) -> CliResult<()> {
        let text = context.given_url().ok_or_else(|| {
            CliError::usage("the store is missing").hint(format!(
                "for example: `pf context add {} --url sqlite:events.db`",
                self.name
            ))
        })?;
        let url = crate::config::parse(&text, "--url")?;
        let is_user = self.password_file.is_some()
            || self.ask_password
            || std::env::var_os("PF_PASSWORD").is_some_and(|text| !text.is_empty());
        refuse(&url, is_user, "--url")?;
        let url = edit::absolute(url)?;
        let meant = if is_bare(&url) {
            context.config()?.target(Some(&text), None)?.url
        } else {
            url.clone()
        };
        context.registry.check(&meant)?;
        let schemas = self.schemas.absolute()?;
        let profile = Profile {
            url: url.into(),
            group: self.group.map(String::from),
            output: context.given_output(),
            outbox: self.outbox.as_deref().map(outbox).transpose()?,
            password_file: self.password_file.map(std::path::absolute).transpose()?,
            password_prompt: self.ask_password,
            proto: schemas.sources,
            proto_path: schemas.include,
            protoset: schemas.sets,
            message: schemas.messages.iter().map(ToString::to_string).collect(),
        };
        let mut file = UserFile::open()?;
        file.add(&self.name, &profile)?;
        file.save()?;
        let remarks = context.printer.remarks();
        remarks.remark(&format!("added `{}`", self.name));
        remarks.hint(&format!(
            "`pf context use {}` makes it the default",
            shell_words::quote(&self.name)
        ));
        Ok(())
    }
}

/// Make a context the default
#[derive(Debug, Args)]
pub struct UseArgs {
    /// The name of the context
    name: String,
}

impl UseArgs {
    fn run(self, context: &mut Context) -> CliResult<()> {
        let config = context.config()?;
        config.named(&self.name)?;
        let mut file = UserFile::open()?;
        file.select(&self.name);
        file.save()?;
        let chosen = context.reload()?.current(None, None)?;
        let remarks = context.printer.remarks();
        remarks.remark(&format!("using `{}`", self.name));
        if chosen.as_deref() != Some(self.name.as_str()) {
            remarks.warning("PF_URL, PF_CONTEXT or a `.pf.toml` overrides it here");
        }
        Ok(())
    }
}

/// List all contexts
#[derive(Debug, Args)]
pub struct ListArgs {}

fn list(context: &mut Context) -> CliResult<()> {
    let (url, named) = (context.given_url(), context.given_context());
    let config = context.config()?;
    let current = config.current(url.as_deref(), named.as_deref())?;
    let shown = described(config, current.as_deref());
    if shown.is_empty() {
        let remarks = context.printer.remarks();
        remarks.remark("no contexts");
        remarks.hint("`pf context add NAME --url URL` creates one");
    }
    for entry in &shown {
        context.printer.report(entry)?;
    }
    Ok(())
}

/// Show a context, by default the one in use
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The name of the context
    name: Option<String>,
}

impl ShowArgs {
    fn run(self, context: &mut Context) -> CliResult<()> {
        let (url, named) = (context.given_url(), context.given_context());
        let config = context.config()?;
        let current = config.current(url.as_deref(), named.as_deref())?;
        let name = self.name.or_else(|| current.clone());
        let name = name.ok_or_else(|| {
            CliError::configuration("no context is in use").hint(
                "choose one with `pf context use NAME`, or name a store with `--url` or PF_URL",
            )
        })?;
        config.named(&name)?;
        let shown = described(config, current.as_deref());
        let entry = shown.iter().find(|entry| entry.name == name);
        entry.map_or(Ok(()), |entry| context.printer.report(entry))
    }
}

/// Remove a context; the store itself is not touched
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The name of the context
    name: String,
}

impl RemoveArgs {
    fn run(self, context: &mut Context) -> CliResult<()> {
        let config = context.config()?;
        let path = config.named(&self.name)?.file;
        if path != Config::user_file()? {
            return Err(CliError::configuration(format!(
                "`{}` is defined in {}",
                self.name,
                path.display()
            ))
            .hint("remove it there"));
        }
        let mut file = UserFile::open()?;
        file.remove(&self.name);
        file.save()?;
        context
            .printer
            .remarks()
            .remark(&format!("removed `{}`", self.name));
        Ok(())
    }
}

/// A context, to be shown.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    current: bool,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    file: PathBuf,
}

impl Report for Shown {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let mark = if self.current { "*" } else { " " };
        let name = paint(Paint::Name, &format!("{:<16}", self.name));
        write!(out, "{mark} {name} {}", self.url)?;
        if let Some(group) = &self.group {
            write!(out, "  group {group}")?;
        }
        if let Some(outbox) = &self.outbox {
            write!(out, "  outbox {outbox}")?;
        }
        if let Some(password) = &self.password {
            write!(out, "  password {password}")?;
        }
        writeln!(out)
    }
}

fn described(config: &Config, current: Option<&str>) -> Vec<Shown> {
    let contexts = config.contexts().into_iter();
    contexts
        .map(
            |Named {
                 name,
                 profile,
                 file,
             }| Shown {
                name: name.to_owned(),
                current: current == Some(name),
                url: url_of(profile),
                group: profile.group.clone(),
                outbox: profile.outbox.as_deref().map(outbox_of),
                password: password_of(profile),
                file: file.to_owned(),
            },
        )
        .collect()
}

/// Reads the URL of an outbox. Its password is given elsewhere.
fn outbox(text: &str) -> CliResult<String> {
    let url = crate::config::parse(text, "--outbox")?;
    refuse_for_database(&url, "--outbox")?;
    Ok(edit::absolute(url)?.into())
}

fn outbox_of(text: &str) -> String {
    let url = text.parse::<Url>();
    url.map_or_else(|_| text.to_owned(), |url| masked_for_user(&url))
}

fn url_of(profile: &Profile) -> String {
    match profile.url.parse::<Url>() {
        Ok(url) if password_of(profile).is_some() => masked_for_user(&url),
        Ok(url) => masked(&url),
        Err(_) => profile.url.clone(),
    }
}

fn password_of(profile: &Profile) -> Option<String> {
    match &profile.password_file {
        Some(file) => Some(format!("from {}", file.display())),
        None => profile.password_prompt.then(|| "asked for".to_owned()),
    }
}
