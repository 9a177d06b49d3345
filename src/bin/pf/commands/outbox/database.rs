//! The database of an outbox or an inbox, as it is named on the command line.

use clap::Args;
use protoflow::{
    backends::parse_url,
    outbox::{Inbox, Outbox},
};
use url::Url;

use crate::{
    config::{refuse_for_database, variable},
    context::Context,
    error::{CliError, CliResult, Exit},
};

/// The database of an outbox or an inbox.
#[derive(Debug, Args)]
pub struct Database {
    #[arg(
        help = "The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context's `outbox`]"
    )]
    #[arg(long = "in", alias = "from", value_name = "URL")]
    pub url: Option<String>,
}

impl Database {
    /// Returns the outbox. Nothing is connected to yet.
    pub fn outbox(&self, context: &mut Context) -> CliResult<Outbox> {
        open(context, self.url.as_deref(), "--in")
    }

    /// Returns the inbox. Nothing is connected to yet.
    pub fn inbox(&self, context: &mut Context) -> CliResult<Inbox> {
        let url = find(context, self.url.as_deref(), "--in")?;
        let url = url.ok_or_else(|| missing("inbox", "--in"))?;
        Ok(Inbox::new(&url)?)
    }
}

/// Returns the outbox of a URL, of `PF_OUTBOX`, or of the context.
pub fn open(context: &mut Context, text: Option<&str>, flag: &'static str) -> CliResult<Outbox> {
    let url = find(context, text, flag)?;
    Ok(Outbox::new(&url.ok_or_else(|| missing("outbox", flag))?)?)
}

fn missing(what: &str, flag: &str) -> CliError {
    let text = format!("the database of the {what} is missing: `{flag} URL`");
    CliError::usage(text)
        .hint("as in `postgres://localhost/shop` or `sqlite:app.db`; or set PF_OUTBOX")
}

/// Returns the URL of a database that was given, or that of `PF_OUTBOX`, or that of the context.
pub fn find(
    context: &mut Context,
    text: Option<&str>,
    flag: &'static str,
) -> CliResult<Option<Url>> {
    let given = match text {
        Some(text) => Some((text.to_owned(), flag)),
        None => variable("PF_OUTBOX")?.map(|text| (text, "PF_OUTBOX")),
    };
    let given = match given {
        None => context
            .outbox()?
            .map(|text| (text, "`outbox` of the configuration")),
        given => given,
    };
    let Some((text, origin)) = given else {
        return Ok(None);
    };
    let mut url = parse_url(&text).map_err(|error| {
        CliError::new(Exit::Usage, error).during(format!("{origin} is not a valid URL"))
    })?;
    if origin == flag {
        refuse_for_database(&url, flag)?;
    }
    complete(&mut url)?;
    Ok(Some(url))
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
