//! Settings of `pulsar:` and `pulsar+ssl:` URLs.

use std::{path::PathBuf, time::Duration};

use url::Url;

use crate::{
    backends::{
        OpenOptions,
        pulsar::{
            codec::protocol::SubType,
            connection::names::Names,
            error::{SCHEME, configuration, error},
        },
        url_options::{MODES_AND_HEXA, Parameters},
    },
    event::{Dialect, Encoding},
    transport::{ErrorKind, Result},
};

/// The scheme of URLs with TLS.
pub(crate) const TLS_SCHEME: &str = "pulsar+ssl";
/// The port of the web service of a broker.
const ADMIN_PORT: u16 = 8080;
/// The prefix of parameters that become properties of subscriptions.
const PROPERTY: &str = "property.";

const PARAMETERS: Parameters = Parameters {
    scheme: SCHEME,
    names: &[
        "naming",
        "mode",
        "servers",
        "connect-timeout",
        "type",
        "token-file",
        "ca",
        "cert",
        "key",
        "admin",
        "partitions",
    ],
    modes: MODES_AND_HEXA,
    others: ", and `property.NAME` for properties of subscriptions",
};

/// The settings of a URL.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where brokers or proxies listen, `host:port`.
    pub(crate) servers: Vec<String>,
    pub(crate) names: Names,
    pub(crate) encoding: Encoding,
    /// How the consumers of a group share its subscription.
    pub(crate) sub_type: SubType,
    /// Properties of the subscriptions that are created.
    pub(crate) properties: Vec<(String, String)>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) tls: Option<Tls>,
    /// The admin API.
    pub(crate) admin: Url,
    /// Partitions of topics that are created; `None` creates topics without partitions.
    pub(crate) partitions: Option<u32>,
    pub(crate) timeout: Duration,
}

/// TLS settings of a URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

impl Config {
    /// Reads a URL.
    pub(crate) fn read(url: &Url, options: OpenOptions) -> Result<Self> {
        let is_tls = url.scheme() == TLS_SCHEME;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| configuration("the URL names no broker"))?;
        let port = url.port().unwrap_or(default_port(is_tls));
        if !url.username().is_empty() || url.password().is_some() {
            return Err(configuration("Pulsar has no users and passwords in URLs")
                .hint("`token-file=FILE` names the file with the token"));
        }
        let mut config = Self {
            servers: vec![format!("{host}:{port}")],
            names: names(url.path())?,
            encoding: Encoding {
                dialect: Dialect::Pulsar,
                ..Encoding::default()
            },
            sub_type: SubType::KeyShared,
            properties: Vec::new(),
            token_file: None,
            tls: is_tls.then(Tls::default),
            admin: default_admin(host)?,
            partitions: None,
            timeout: Duration::ZERO,
        };
        if options.dedup {
            let message = "duplicates cannot be recognised here";
            return Err(error(ErrorKind::Unsupported, message)
                .hint("leave `--dedup` out; `pf caps` says why"));
        }
        let common = PARAMETERS.read(url, options, config.encoding, |name, value| {
            config.set(name, value)
        })?;
        config.encoding = common.encoding;
        config.timeout = common.connect_timeout;
        for server in &common.servers {
            config.servers.push(with_port(server, is_tls)?);
        }
        config.refuse_contradictions()?;
        Ok(config)
    }

    /// Takes a parameter that only Pulsar has; `false` means that it is unknown.
    fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        let path = || Some(PathBuf::from(value));
        let tls = self.tls.as_mut();
        match (name, tls) {
            ("type", _) => self.sub_type = sub_type(value)?,
            ("token-file", _) => self.token_file = path(),
            ("admin", _) => self.admin = admin(value)?,
            ("partitions", _) => {
                self.partitions = Some(PARAMETERS.count(name, value)?.cast_unsigned());
            }
            ("ca", Some(tls)) => tls.authority = path(),
            ("cert", Some(tls)) => tls.certificate = path(),
            ("key", Some(tls)) => tls.key = path(),
            ("ca" | "cert" | "key", None) => {
                return Err(configuration(format!("`{name}` needs TLS"))
                    .hint("write `pulsar+ssl://` instead of `pulsar://`"));
            }
            _ => match name.strip_prefix(PROPERTY).filter(|name| !name.is_empty()) {
                Some(name) => self.properties.push((name.to_owned(), value.to_owned())),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn refuse_contradictions(&self) -> Result<()> {
        let tls = self.tls.as_ref();
        if tls.is_some_and(|tls| tls.certificate.is_some() != tls.key.is_some()) {
            return Err(configuration("`cert` and `key` must be given together"));
        }
        Ok(())
    }

    /// Reports whether consumers of a group share a topic, so that a message can be held back from all of them.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.sub_type, SubType::Shared | SubType::KeyShared)
    }

    /// Returns the brokers as people write them.
    pub(crate) fn shown_servers(&self) -> String {
        let scheme = if self.tls.is_some() {
            TLS_SCHEME
        } else {
            SCHEME
        };
        format!("{scheme}://{}", self.servers.join(","))
    }
}

fn default_port(is_tls: bool) -> u16 {
    if is_tls { 6651 } else { 6650 }
}

/// Completes a server, `host` or `host:port`.
fn with_port(server: &str, is_tls: bool) -> Result<String> {
    let wrong = || configuration(format!("`{server}` is not a valid server"));
    let url: Url = format!("{SCHEME}://{server}")
        .parse()
        .map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    let port = url.port().unwrap_or(default_port(is_tls));
    Ok(format!("{host}:{port}"))
}

fn names(path: &str) -> Result<Names> {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    match parts[..] {
        [""] => Names::new("public", "default"),
        [tenant, namespace] => Names::new(tenant, namespace),
        _ => Err(configuration(format!(
            "`{path}` in the URL is not a tenant and a namespace"
        ))
        .hint("write both, as in `pulsar://host:6650/public/default`, or neither")),
    }
}

fn sub_type(value: &str) -> Result<SubType> {
    Ok(match value {
        "shared" => SubType::Shared,
        "key_shared" => SubType::KeyShared,
        "failover" => SubType::Failover,
        "exclusive" => SubType::Exclusive,
        _ => {
            let choices = "use `shared`, `key_shared`, `failover` or `exclusive`";
            return Err(PARAMETERS.choice("type", value, choices));
        }
    })
}

fn default_admin(host: &str) -> Result<Url> {
    admin(&format!("http://{host}:{ADMIN_PORT}"))
}

fn admin(value: &str) -> Result<Url> {
    let url: Option<Url> = value.parse().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        PARAMETERS.choice(
            "admin",
            value,
            "write the web service of a broker, as in `http://host:8080`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Config> {
        let url = crate::backends::parse_url(url).unwrap();
        Config::read(&url, OpenOptions::default())
    }

    #[test]
    fn a_bare_url_names_the_public_namespace() {
        let config = read("pulsar://localhost").unwrap();
        assert_eq!(config.servers, ["localhost:6650"]);
        let topic = "order.created".parse().unwrap();
        assert_eq!(
            config.names.topic_name(&topic).unwrap(),
            "persistent://public/default/order.created"
        );
        assert_eq!(config.sub_type, SubType::KeyShared);
        assert_eq!(config.admin.as_str(), "http://localhost:8080/");
    }

    #[test]
    fn parameters_are_read() {
        let url = "pulsar+ssl://a,b:2/shop/eu?type=failover&ca=ca.pem&partitions=4&property.team=pay&token-file=t";
        let config = read(url).unwrap();
        assert_eq!(config.servers, ["a:6651", "b:2"]);
        assert_eq!(config.sub_type, SubType::Failover);
        assert_eq!(config.partitions, Some(4));
        assert_eq!(config.properties, [("team".to_owned(), "pay".to_owned())]);
        assert!(config.tls.unwrap().authority.is_some());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, part) in [
            ("pulsar://a/b", "tenant"),
            ("pulsar://a/b/c/d", "tenant"),
            ("pulsar://a?typ=shared", "typ=shared"),
            ("pulsar://a?type=x", "type=x"),
            ("pulsar://a?ca=x", "TLS"),
            ("pulsar+ssl://a?cert=x", "together"),
            ("pulsar://a?partitions=0", "partitions=0"),
            ("pulsar://a?admin=x", "admin=x"),
            ("pulsar://u:p@a", "users"),
            ("pulsar://a/te%20nant/x", "te%20nant"),
        ] {
            let error = read(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
