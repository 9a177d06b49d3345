//! A small HTTP server: two paths, no request bodies, one request per connection.

use std::{net::TcpListener, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{health::Health, recorder::Registry, text};

/// How long a client may take for its request and for reading the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a request.
const LARGEST: usize = 8 << 10;
/// The most connections at the same time; others wait.
const CONNECTIONS: usize = 32;
/// How long to wait where the process has no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

/// What is served.
pub struct Server {
    registry: Arc<Registry>,
    health: Arc<Health>,
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Server {
    pub fn new(registry: Arc<Registry>, health: Arc<Health>) -> Self {
        Self { registry, health }
    }

    /// Serves until dropped.
    pub async fn run(self, listener: TcpListener) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        let (server, places) = (Arc::new(self), Arc::new(Semaphore::new(CONNECTIONS)));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                // A client that goes away, or is too slow, gets nothing.
                let _ = timeout(PATIENCE, server.converse(stream)).await;
                drop(place);
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if head.len() >= LARGEST || stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let mut words = head.split_whitespace();
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = target.split('?').next().unwrap_or(target);
        let answer = match method {
            "GET" | "HEAD" => self.answer(path),
            _ => Answer::plain("405 Method Not Allowed", "only GET is served\n"),
        };
        let Answer { status, kind, body } = answer;
        let length = body.len();
        let mut text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        );
        if method != "HEAD" {
            text += &body;
        }
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    }

    fn answer(&self, path: &str) -> Answer {
        let (ready, live) = (self.health.is_ready(), self.health.is_live());
        match path {
            "/metrics" => Answer {
                status: "200 OK",
                kind: TEXT,
                body: text::all(&self.registry),
            },
            "/healthz" | "/healthz/ready" => Answer::health(ready, ready, live),
            "/healthz/live" => Answer::health(live, ready, live),
            _ => Answer::plain("404 Not Found", "see /metrics and /healthz\n"),
        }
    }
}

impl Answer {
    fn plain(status: &'static str, body: &str) -> Self {
        Self {
            status,
            kind: TEXT,
            body: body.to_owned(),
        }
    }

    fn health(is_well: bool, ready: bool, live: bool) -> Self {
        Self {
            status: if is_well {
                "200 OK"
            } else {
                "503 Service Unavailable"
            },
            kind: JSON,
            body: format!("{{\"ready\":{ready},\"live\":{live}}}\n"),
        }
    }
}
