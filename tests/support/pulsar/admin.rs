//! The admin API of a broker, without a client.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// How long a question may take.
const ANSWER: Duration = Duration::from_secs(30);

/// The admin API of a broker.
#[derive(Debug, Clone)]
pub struct Admin {
    pub(crate) address: String,
    pub(crate) token: Option<String>,
}

impl Admin {
    /// Asks and returns the status and the body.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let token = self.token.as_ref();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{body}",
            body.len(),
            token.unwrap_or_default()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok((status.unwrap_or(0), body.to_owned()))
    }

    /// Does what must succeed: `path` is behind `/admin/v2/`.
    #[track_caller]
    pub fn must(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self
            .ask(method, &format!("/admin/v2/{path}"), body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// Creates a namespace of the tenant `public`.
    #[track_caller]
    pub fn create_namespace(&self, name: &str) {
        self.must("PUT", &format!("namespaces/public/{name}"), "{}");
    }
}
