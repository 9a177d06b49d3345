//! A nats-server on a free port, gone with the benchmark.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

/// Where `tests/run` puts the one that it fetches.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/brokers/nats-server");

/// A server.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the one that `PF_NATS_SERVER` names, the fetched one or the installed one.
    pub fn start(folder: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let program = std::env::var("PF_NATS_SERVER").unwrap_or_else(|_| {
            let is_there = Path::new(FETCHED).exists();
            if is_there { FETCHED } else { "nats-server" }.to_owned()
        });
        let child = Command::new(&program)
            .args(["-js", "-a", "127.0.0.1", "-p"])
            .arg(address.port().to_string())
            .arg("-sd")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|failed| {
            panic!(
                "`{program}` does not start: {failed}; `tests/run` fetches it, PF_NATS_SERVER names another"
            )
        });
        let server = Self { child, address };
        let end = Instant::now() + START;
        while !server.greets() {
            assert!(Instant::now() < end, "nats-server did not start");
            std::thread::yield_now();
        }
        server
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    fn greets(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect_timeout(&self.address, Duration::from_secs(1))
        else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut start = [0; 4];
        stream.read_exact(&mut start).is_ok() && &start == b"INFO"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
