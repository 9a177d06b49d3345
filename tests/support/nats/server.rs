//! A real nats-server on a free port, with a folder of its own, gone with the test.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::TARGET;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// How long a request may take.
const ANSWER: Duration = Duration::from_mins(1);

/// A server, and the stream that a test works on.
pub struct Broker {
    folder: tempfile::TempDir,
    address: SocketAddr,
    program: String,
    options: Vec<String>,
    child: Mutex<Child>,
}

impl Broker {
    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with options of its own.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_program(program("PF_NATS_SERVER", "nats-server"), options)
    }

    /// Starts a server of an old version.
    pub fn start_old() -> Self {
        Self::start_program(program("PF_OLD_NATS_SERVER", "nats-server-2.10.26"), &[])
    }

    fn start_program(program: String, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let child = Mutex::new(launch(&program, &folder, address, &options));
        let broker = Self {
            folder,
            address,
            program,
            options,
            child,
        };
        broker.wait();
        broker
    }

    /// Ends the server as a crash would.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Starts the server again on what it had stored.
    pub fn restart(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        *child = launch(&self.program, &self.folder, self.address, &self.options);
        drop(child);
        self.wait();
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a stream of the server.
    pub fn url(&self, rest: &str) -> String {
        format!("nats://{}/{rest}", self.address)
    }

    /// Asks the server something, over a connection that knows nothing of ours.
    pub fn ask(&self, subject: &str, body: &serde_json::Value) -> String {
        let body = body.to_string();
        let answer = self.exchange(&format!(
            "PUB {subject} _INBOX.t {}\r\n{body}\r\n",
            body.len()
        ));
        assert!(!answer.contains("\"error\""), "{answer}");
        answer
    }

    /// Publishes a message as another client would.
    pub fn publish_raw(&self, subject: &str, headers: &[(&str, &str)], payload: &str) {
        let mut lines = "NATS/1.0\r\n".to_owned();
        for (name, value) in headers {
            lines.extend([name, ": ", value, "\r\n"]);
        }
        lines.push_str("\r\n");
        let (head, all) = (lines.len(), lines.len() + payload.len());
        let text = format!("HPUB {subject} _INBOX.t {head} {all}\r\n{lines}{payload}\r\n");
        let answer = self.exchange(&text);
        assert!(!answer.contains("\"error\""), "{answer}");
    }

    fn exchange(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it answers");
        stream.set_read_timeout(Some(ANSWER)).expect("it is a time");
        let connect = "CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB _INBOX.t 1\r\n";
        stream
            .write_all(format!("{connect}{text}").as_bytes())
            .expect("it listens");
        let mut lines = BufReader::new(stream).lines();
        let mut line = || lines.next().expect("it answers").expect("it answers");
        while !line().starts_with("MSG ") {}
        line()
    }

    fn wait(&self) {
        let end = Instant::now() + START;
        while !greets(self.address) {
            assert!(Instant::now() < end, "nats-server did not start");
            std::thread::yield_now();
        }
    }
}

/// Returns an address at which nobody listens.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// Returns the program that a variable names, or the fetched one, or else the one of the machine.
fn program(variable: &str, name: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        let fetched = format!("{TARGET}/brokers/{name}");
        let is_there = std::path::Path::new(&fetched).exists();
        if is_there { fetched } else { name.to_owned() }
    })
}

fn launch(
    program: &str,
    folder: &tempfile::TempDir,
    address: SocketAddr,
    options: &[String],
) -> Child {
    Command::new(program)
        .args(["-js", "-a", "127.0.0.1", "-p"])
        .arg(address.port().to_string())
        .arg("-sd")
        .arg(folder.path())
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|failed| {
            panic!("`{program}` does not start, see tests/brokers.sh: {failed}")
        })
}

fn greets(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut start = [0; 4];
    stream.read_exact(&mut start).is_ok() && &start == b"INFO"
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

impl crate::Urls for Broker {
    fn url(&self, rest: &str) -> String {
        Self::url(self, rest)
    }
}
