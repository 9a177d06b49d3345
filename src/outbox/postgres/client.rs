//! The connection to the database: opened on first use, and again after it was lost.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::timeout};
use tokio_postgres::{
    Client, Config, Error, NoTls, Row,
    config::{Host, SslMode},
    types::{ToSql, Type},
};
use url::Url;

use super::{
    error::{SCHEME, from_postgres},
    tls::Tls,
};
use crate::transport::{ErrorKind, Result, TransportError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a statement may take before the connection is given up.
const ANSWER: Duration = Duration::from_mins(1);
/// Begins a transaction that waits for a lock for one second at most. The limit ends with the transaction, so that it works
/// behind a pooler, too.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '1s'";

/// A value of a statement, with its type: a statement without a separate step of preparation works behind a pooler.
pub(super) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// The answer of a statement, if there was one in time.
type Answer<T> = std::result::Result<std::result::Result<T, Error>, tokio::time::error::Elapsed>;

/// A database by its URL.
pub(super) struct Database {
    config: Config,
    tls: Option<Tls>,
    /// The schema of the outbox.
    pub(super) schema: String,
    client: Mutex<Option<Arc<Client>>>,
    /// Held for each statement: what others send meanwhile would get into its transaction.
    turn: Mutex<()>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration has a password.
        f.debug_struct("Database")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Reads a URL: that of PostgreSQL's own clients, with `schema`.
    pub(super) fn new(url: &Url) -> Result<Self> {
        let mut schema = "public".to_owned();
        let (mut mode, mut roots) = ("prefer".to_owned(), None);
        let mut rest = Vec::new();
        for (name, value) in url.query_pairs() {
            match &*name {
                "schema" => schema = value.into_owned(),
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => roots = Some(PathBuf::from(&*value)),
                _ => rest.push((name.into_owned(), value.into_owned())),
            }
        }
        let mut plain = url.clone();
        plain.set_query(None);
        if !rest.is_empty() {
            plain.query_pairs_mut().extend_pairs(rest);
        }
        let config = plain.as_str().parse::<Config>();
        let mut config = config.map_err(|source| wrong("the URL is not valid").because(source))?;
        if config.get_hosts().is_empty() {
            config.host("localhost");
        }
        if config.get_application_name().is_none() {
            config.application_name("pf outbox");
        }
        config
            .connect_timeout(CONNECT)
            .keepalives_idle(Duration::from_secs(15));
        let (ssl, verify) = match mode.as_str() {
            "disable" => (SslMode::Disable, false),
            "allow" | "prefer" => (SslMode::Prefer, false),
            "require" => (SslMode::Require, roots.is_some()),
            "verify-ca" | "verify-full" => (SslMode::Require, true),
            other => {
                let error = wrong(format!("`sslmode={other}` is not a valid value"));
                return Err(error.hint("use `disable`, `prefer`, `require` or `verify-full`"));
            }
        };
        config.ssl_mode(ssl);
        let is_local = |host: &Host| matches!(host, Host::Unix(_));
        let needs_tls = ssl != SslMode::Disable && !config.get_hosts().iter().all(is_local);
        let tls = needs_tls.then(|| Tls::new(verify, roots.as_deref()));
        Ok(Self {
            config,
            tls: tls.transpose()?,
            schema,
            client: Mutex::default(),
            turn: Mutex::default(),
        })
    }

    /// Returns the same database with a connection of its own.
    pub(super) fn second(&self) -> Self {
        Self {
            config: self.config.clone(),
            tls: self.tls.clone(),
            schema: self.schema.clone(),
            client: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    async fn client(&self) -> Result<Arc<Client>> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let connecting = self.connect();
        let client = timeout(CONNECT, connecting).await;
        let client = Arc::new(client.unwrap_or_else(|_| Err(silent("connecting")))?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self) -> Result<Client> {
        let failed = |error| from_postgres(error, "connecting");
        if let Some(tls) = &self.tls {
            let connected = self.config.connect(tls.clone()).await;
            let (client, connection) = connected.map_err(failed)?;
            tokio::spawn(connection);
            return Ok(client);
        }
        let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs a statement in a transaction of its own; returns its rows.
    pub(super) async fn query(
        &self,
        doing: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>> {
        let client = self.client().await?;
        let answer = self.bounded(&client, client.query_typed(sql, values)).await;
        self.answered(answer, doing).await
    }

    /// Runs a statement in a transaction of its own; returns the number of rows that it changed.
    pub(super) async fn execute(
        &self,
        doing: &'static str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<u64> {
        let client = self.client().await?;
        let answer = self
            .bounded(&client, client.execute_typed(sql, values))
            .await;
        self.answered(answer, doing).await
    }

    /// Runs several statements, in one transaction.
    pub(super) async fn batch(&self, doing: &'static str, sql: &str) -> Result<()> {
        let client = self.client().await?;
        let answer = timeout(ANSWER, async {
            let _turn = self.turn.lock().await;
            client.batch_execute(sql).await
        });
        self.answered(answer.await, doing).await
    }

    /// Runs a statement in a transaction that does not wait long for locks. All of it is sent at once, before anything is
    /// awaited: it takes one round trip, and ends on the server even if this is dropped.
    async fn bounded<T>(
        &self,
        client: &Client,
        statement: impl Future<Output = std::result::Result<T, Error>>,
    ) -> Answer<T> {
        timeout(ANSWER, async {
            let _turn = self.turn.lock().await;
            let (begun, answer, ended) = tokio::join!(
                biased;
                client.batch_execute(BEGIN),
                statement,
                client.batch_execute("COMMIT"),
            );
            begun?;
            let answer = answer?;
            ended?;
            Ok(answer)
        })
        .await
    }

    async fn answered<T>(&self, answer: Answer<T>, doing: &'static str) -> Result<T> {
        if let Ok(answer) = answer {
            return answer.map_err(|error| from_postgres(error, doing));
        }
        // What the statement does is unknown: it ends with its connection.
        *self.client.lock().await = None;
        Err(silent(doing))
    }
}

fn silent(doing: &'static str) -> TransportError {
    let message = format!("{doing} failed: the database does not answer");
    TransportError::new(SCHEME, ErrorKind::Unavailable, message)
}

fn wrong(message: impl Into<std::borrow::Cow<'static, str>>) -> TransportError {
    TransportError::new(SCHEME, ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let read = |text: &str| Database::new(&text.parse().unwrap());
        let database = read("postgres://me@db.example/shop?schema=app&sslmode=disable").unwrap();
        assert_eq!(database.schema, "app");
        assert_eq!(database.config.get_dbname(), Some("shop"));
        assert!(database.tls.is_none());
        let database = read("postgres://db.example/shop").unwrap();
        assert!(database.tls.is_some() && database.schema == "public");
        let database = read("postgres:///shop?host=/run/postgresql").unwrap();
        assert!(database.tls.is_none(), "a socket has no TLS");
        for (text, why) in [
            (
                "postgres://h/d?sslmode=maybe",
                "`sslmode=maybe` is not a valid value",
            ),
            ("postgres://h/d?nonsense=1", "the URL is not valid"),
            (
                "postgres://h/d?sslmode=verify-full&sslrootcert=/none",
                "`sslrootcert=/none` cannot be read",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().message(), why);
        }
    }
}
