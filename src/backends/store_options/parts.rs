//! The parts of a URL that is being built.

use std::fmt;

use url::Url;

use crate::{
    backends::{Factory, parse_url},
    transport::{ErrorKind, Result, TransportError},
};

/// The parts of a URL. Shown without user, password and parameters, which may be secrets.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) scheme: &'static str,
    /// Server or path, as it stands behind the scheme.
    place: String,
    /// The path behind a server.
    pub(super) path: String,
    pub(super) login: Option<(String, Option<String>)>,
    parameters: Vec<(String, String)>,
}

impl Parts {
    /// Begins the URL of a server, `host:port`, or of a path.
    pub(super) fn new(scheme: &'static str, place: impl Into<String>) -> Self {
        Self {
            scheme,
            place: place.into(),
            path: String::new(),
            login: None,
            parameters: Vec::new(),
        }
    }

    /// Sets a parameter, which replaces an earlier value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.parameters.retain(|(known, _)| known != name);
        self.add(name, value);
    }

    /// Adds a parameter that may occur several times.
    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.parameters.push((name.to_owned(), value.into()));
    }

    /// Returns the place without a user and a password, which are not allowed in it.
    fn shown(&self) -> &str {
        match self.scheme {
            "sqlite" => &self.place,
            _ => self.place.rsplit('@').next().unwrap_or_default(),
        }
    }

    /// Builds the URL of a path or a server, and has it checked.
    pub(super) fn url(&self, factory: &dyn Factory) -> Result<Url> {
        let wrong = |what: &str| {
            let message = format!("`{}` {what}", self.shown());
            TransportError::new(self.scheme, ErrorKind::Configuration, message)
        };
        let text = if self.scheme == "sqlite" {
            let reserved = |c| matches!(c, '%' | '?' | '#') || u32::from(c) <= 0x20;
            let escaped = self.place.chars().map(|c| match c {
                c if reserved(c) => format!("%{:02X}", u32::from(c)),
                c => c.to_string(),
            });
            format!("sqlite:{}", escaped.collect::<String>())
        } else if self.place.is_empty() || self.place.contains(['/', '?', '#', '@', ',']) {
            return Err(wrong("is not a valid server").hint("write `host:port`"));
        } else {
            format!("{}://{}/{}", self.scheme, self.place, self.path)
        };
        let mut url = parse_url(&text).map_err(|why| wrong("is not a valid place").because(why))?;
        if let Some((user, password)) = &self.login {
            // The URL leaves `%` as it is.
            let escaped = |text: &str| text.replace('%', "%25");
            let password = password.as_deref().map(escaped);
            let set = url
                .set_username(&escaped(user))
                .and_then(|()| url.set_password(password.as_deref()));
            set.map_err(|()| wrong("takes no user and password"))?;
        }
        if !self.parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.parameters);
        }
        factory.check(&url)?;
        Ok(url)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("scheme", &self.scheme)
            .field("place", &self.shown())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
