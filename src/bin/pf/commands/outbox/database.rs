//! The database of an outbox or an inbox, as it is named on the command line.

use clap::Args;
use protoflow::{
    backends::parse_url,
    outbox::{Inbox, Outbox},
};
use url::Url;

use crate::{
    config::{refuse, variable},
    error::{CliError, CliResult, Exit},
};

/// The database of an outbox or an inbox.
#[derive(Debug, Args)]
pub struct Database {
    #[arg(
        help = "The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX]"
    )]
    #[arg(long = "in", alias = "from", value_name = "URL")]
    pub url: Option<String>,
}

impl Database {
    /// Returns the outbox. Nothing is connected to yet.
    pub fn outbox(&self) -> CliResult<Outbox> {
        open(self.url.as_deref(), "--in")
    }

    /// Returns the inbox. Nothing is connected to yet.
    pub fn inbox(&self) -> CliResult<Inbox> {
        Ok(Inbox::new(&url("inbox", self.url.as_deref(), "--in")?)?)
    }
}

/// Returns the outbox of a URL, or of `PF_OUTBOX`.
pub fn open(text: Option<&str>, flag: &'static str) -> CliResult<Outbox> {
    Ok(Outbox::new(&url("outbox", text, flag)?)?)
}

/// Returns the URL of a database that was given, or of `PF_OUTBOX`. `what` is in it.
fn url(what: &str, text: Option<&str>, flag: &'static str) -> CliResult<Url> {
    let given = match text {
        Some(text) => Some((text.to_owned(), flag)),
        None => variable("PF_OUTBOX")?.map(|text| (text, "PF_OUTBOX")),
    };
    let Some((text, origin)) = given else {
        let error = CliError::usage(format!(
            "the database of the {what} is missing: `{flag} URL`"
        ));
        return Err(
            error.hint("as in `postgres://localhost/shop` or `sqlite:app.db`; or set PF_OUTBOX")
        );
    };
    let mut url = parse_url(&text).map_err(|error| {
        CliError::new(Exit::Usage, error).during(format!("{origin} is not a valid URL"))
    })?;
    if origin == flag {
        refuse_password(&url, flag)?;
    }
    complete(&mut url)?;
    Ok(url)
}

fn refuse_password(url: &Url, flag: &str) -> CliResult<()> {
    if url.password().is_none() && !url.query_pairs().any(|(name, _)| name == "password") {
        return refuse(url, true, flag);
    }
    let text = format!("a password in {flag} is visible to every user of this machine");
    Err(CliError::usage(text)
        .hint("leave only the user name in the URL, and set PGPASSWORD or PF_OUTBOX"))
}

/// Adds the password that PostgreSQL's own clients take.
fn complete(url: &mut Url) -> CliResult<()> {
    let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
    let can_have = is_postgres
        && url.password().is_none()
        && url.host_str().is_some_and(|host| !host.is_empty());
    if can_have && let Some(password) = variable("PGPASSWORD")? {
        // A URL with a host can have one.
        let _ = url.set_password(Some(&password));
    }
    Ok(())
}
