//! Settings of `nats:` and `tls:` URLs.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::{
    backends::{
        OpenOptions,
        nats::{
            connection::names::Names,
            error::{SCHEME, error},
        },
        url_options::{MODES_AND_HEXA, Parameters},
    },
    event::{Dialect, Encoding},
    transport::{ErrorKind, Result, TransportError},
};

/// The stream of a URL without a path; the Go library uses the same.
const STREAM: &str = "PROTOFLOW";

/// The prefix of requests to the JetStream of the server itself.
const API_PREFIX: &str = "$JS.API";
/// The prefix of the subjects at which answers arrive.
pub(crate) const INBOX_PREFIX: &str = "_INBOX";

const PARAMETERS: Parameters = Parameters {
    scheme: SCHEME,
    names: &[
        "prefix",
        "dead-letters",
        "naming",
        "mode",
        "servers",
        "creds",
        "ca",
        "cert",
        "key",
        "nkey",
        "domain",
        "api-prefix",
        "inbox-prefix",
        "connect-timeout",
        "dedup",
    ],
    modes: MODES_AND_HEXA,
    others: "",
};

/// The settings of a URL.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) servers: Vec<String>,
    pub(crate) names: Names,
    pub(crate) encoding: Encoding,
    pub(crate) login: Option<Login>,
    pub(crate) creds: Option<PathBuf>,
    /// A file with the seed of a user's key.
    pub(crate) nkey: Option<PathBuf>,
    /// The prefix of requests to JetStream, and of the subjects at which answers arrive.
    pub(crate) api_prefix: String,
    pub(crate) inbox_prefix: String,
    pub(crate) tls: Tls,
    pub(crate) timeout: Duration,
    /// Whether messages may carry commands to the server (`Nats-*` headers).
    pub(crate) broker_headers: bool,
    /// Whether to refuse messages that the stream would drop because no consumer covers them.
    pub(crate) require_consumer: bool,
    /// Whether no duplicate of an event is stored.
    pub(crate) dedup: bool,
}

/// Credentials in a URL.
#[derive(Clone)]
pub(crate) enum Login {
    /// A token.
    Token(String),
    /// A user and a password.
    User(String, String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// TLS settings of a URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    pub(crate) required: bool,
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

impl Config {
    /// Reads a URL.
    pub(crate) fn read(url: &Url, options: OpenOptions) -> Result<Self> {
        let scheme = url.scheme();
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("the URL names no server"))?;
        let port = url.port().unwrap_or(4222);
        let stream = match url.path().trim_matches('/') {
            "" => STREAM,
            name => name,
        };
        if stream.contains(['.', '*', '>', '/', '\\', '%', ' ']) {
            return Err(wrong(format!("`{stream}` is not a valid stream name")));
        }
        let mut config = Self {
            servers: vec![format!("{scheme}://{host}:{port}")],
            names: Names {
                stream: stream.to_owned(),
                prefix: format!("{stream}."),
                dead_letters: Vec::new(),
            },
            encoding: Encoding {
                dialect: Dialect::Nats,
                ..Encoding::default()
            },
            login: login(url),
            creds: None,
            nkey: None,
            api_prefix: API_PREFIX.to_owned(),
            inbox_prefix: INBOX_PREFIX.to_owned(),
            tls: Tls {
                required: scheme == "tls",
                ..Tls::default()
            },
            timeout: Duration::ZERO,
            broker_headers: options.broker_headers,
            require_consumer: options.require_consumer,
            dedup: false,
        };
        let common = PARAMETERS.read(url, options, config.encoding, |name, value| {
            config.set(name, value)
        })?;
        config.encoding = common.encoding;
        config.dedup = common.dedup;
        config.timeout = common.connect_timeout;
        let further = common.servers.iter();
        config
            .servers
            .extend(further.map(|server| format!("{scheme}://{server}")));
        config.refuse_contradictions()?;
        if config.tls.certificate.is_some() != config.tls.key.is_some() {
            return Err(wrong("`cert` and `key` must be given together"));
        }
        Ok(config)
    }

    /// Sets the prefix of requests to JetStream, once.
    fn set_api_prefix(&mut self, prefix: String) -> Result<()> {
        if self.api_prefix != API_PREFIX {
            return Err(wrong("`domain` and `api-prefix` exclude each other"));
        }
        self.api_prefix = prefix;
        Ok(())
    }

    /// Refuses several ways to authenticate.
    fn refuse_contradictions(&self) -> Result<()> {
        if self.nkey.is_some() && (self.creds.is_some() || self.login.is_some()) {
            return Err(wrong(
                "`nkey` excludes `creds`, a user and a token: a server asks for one of them",
            ));
        }
        Ok(())
    }

    /// Takes a parameter that only NATS has; `false` means that it is unknown.
    fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "prefix" => self.names.prefix = prefix(value)?,
            "dead-letters" => {
                let topics = PARAMETERS.topics_of_dead_letters(value)?;
                self.names.dead_letters.extend(topics);
            }
            "creds" => self.creds = Some(value.into()),
            "nkey" => self.nkey = Some(value.into()),
            "domain" if !is_subject(value) || value.contains('.') => {
                return Err(wrong(format!("`{value}` is not a valid domain")));
            }
            "domain" => self.set_api_prefix(format!("$JS.{value}.API"))?,
            "api-prefix" => self.set_api_prefix(subject_prefix(name, value)?)?,
            "inbox-prefix" => self.inbox_prefix = subject_prefix(name, value)?,
            "ca" => self.tls.authority = Some(value.into()),
            "cert" => self.tls.certificate = Some(value.into()),
            "key" => self.tls.key = Some(value.into()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Reads the beginning of subjects, with or without a dot behind it.
fn subject_prefix(name: &str, value: &str) -> Result<String> {
    let bare = value.strip_suffix('.').unwrap_or(value);
    if is_subject(bare) {
        return Ok(bare.to_owned());
    }
    Err(wrong(format!("`{name}={value}` is not a valid subject")))
}

/// Reports whether a text is a subject without wildcards.
fn is_subject(text: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    !text.contains(['*', '>']) && text.split('.').all(is_token)
}

fn login(url: &Url) -> Option<Login> {
    let decode = |text: &str| {
        let bytes = percent_encoding::percent_decode_str(text);
        bytes.decode_utf8_lossy().into_owned()
    };
    match (url.username(), url.password()) {
        ("", None) => None,
        ("", Some(token)) | (token, None) => Some(Login::Token(decode(token))),
        (user, Some(password)) => Some(Login::User(decode(user), decode(password))),
    }
}

fn prefix(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    if bare.parse::<crate::event::Topic>().is_err() || bare.starts_with(['$', '_']) {
        return Err(wrong(format!("`{text}` is not a valid prefix")));
    }
    Ok(format!("{bare}."))
}

fn wrong(message: impl Into<String>) -> TransportError {
    error(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Naming;

    fn read(url: &str) -> Result<Config> {
        Config::read(&url.parse().unwrap(), OpenOptions::default())
    }

    #[test]
    fn the_defaults_are_those_of_the_go_library() {
        let config = read("nats://localhost").unwrap();
        assert_eq!(config.servers, ["nats://localhost:4222"]);
        assert_eq!(config.names.stream, "PROTOFLOW");
        assert_eq!(config.names.prefix, "PROTOFLOW.");
        assert!(!config.tls.required);
    }

    #[test]
    fn parameters_are_read() {
        let url = "tls://me:p%40ss@a:1/ORDERS?servers=b:2,c:3&prefix=shop&naming=protoflow";
        let config = read(url).unwrap();
        assert_eq!(config.servers, ["tls://a:1", "tls://b:2", "tls://c:3"]);
        assert_eq!(config.names.prefix, "shop.");
        assert_eq!(config.encoding.naming, Naming::Protoflow);
        assert!(matches!(&config.login, Some(Login::User(_, password)) if password == "p@ss"));
        assert!(!format!("{config:?}").contains("p@ss"));
        for url in ["nats://t0ken@a", "nats://:t0ken@a"] {
            let login = read(url).unwrap().login;
            assert!(matches!(login, Some(Login::Token(token)) if token == "t0ken"));
        }
    }

    #[test]
    fn requests_and_answers_have_prefixes() {
        let config = read("nats://a?domain=leaf&inbox-prefix=_INBOX_shop.").unwrap();
        assert_eq!(config.api_prefix, "$JS.leaf.API");
        assert_eq!(config.inbox_prefix, "_INBOX_shop");
        let config = read("nats://a?api-prefix=JS.acc.API").unwrap();
        assert_eq!(config.api_prefix, "JS.acc.API");
        let config = read("nats://a?nkey=user.nk").unwrap();
        assert_eq!(config.api_prefix, "$JS.API");
        assert_eq!(config.nkey, Some("user.nk".into()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, part) in [
            ("nats://a/b.c", "b.c"),
            ("nats://a?prefx=x", "prefx=x"),
            ("nats://a?prefix=a..b", "a..b"),
            ("nats://a?cert=x", "together"),
            ("nats://a?domain=a.b", "a.b"),
            ("nats://a?domain=", "domain"),
            ("nats://a?api-prefix=a..b", "a..b"),
            ("nats://a?inbox-prefix=a.%3E", "a.>"),
            ("nats://a?domain=a&api-prefix=b", "exclude"),
            ("nats://u:p@a?nkey=x", "excludes"),
            ("nats://a?creds=x&nkey=y", "excludes"),
            ("nats://a?connect-timeout=soon", "connect-timeout"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
