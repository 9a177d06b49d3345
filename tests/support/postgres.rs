//! A real PostgreSQL server on a socket in a folder of its own, gone with the test.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::wait::until;

/// A server, whose superuser is `test`.
pub struct Postgres {
    folder: tempfile::TempDir,
    /// Where the server's programs are.
    programs: PathBuf,
}

impl Postgres {
    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Self {
            folder,
            programs: programs(),
        };
        if is_root() {
            // The server refuses to run as root.
            let owner = Command::new("chown")
                .arg("postgres")
                .arg(server.folder.path())
                .status();
            assert!(
                owner.is_ok_and(|status| status.success()),
                "there is a user `postgres`"
            );
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(server.folder.path(), open).expect("it is ours");
        }
        let data = server.data();
        let data = data.to_str().expect("a plain path");
        server.run(
            "initdb",
            &[
                "-D",
                data,
                "-A",
                "trust",
                "-U",
                "test",
                "--no-sync",
                "-E",
                "UTF8",
            ],
        );
        server.launch();
        server
    }

    /// Starts the server again on what it had stored.
    pub fn launch(&self) {
        self.launch_with("-c listen_addresses=");
    }

    /// Starts the server again with further options, and listens on a port of this machine, which it returns.
    pub fn listen(&self, options: &str) -> u16 {
        self.kill();
        let [port, _] = crate::process::free_ports();
        self.launch_with(&format!(
            "-c listen_addresses=localhost -c port={port} {options}"
        ));
        port
    }

    /// Refuses connections without TLS, but on its socket.
    pub fn require_tls(&self) {
        let rules = "local all all trust\nhostssl all all all trust\n";
        fs::write(self.data().join("pg_hba.conf"), rules).expect("it is ours");
        let data = self.data();
        self.run("pg_ctl", &["-D", data.to_str().unwrap(), "reload"]);
    }

    fn launch_with(&self, more: &str) {
        let data = self.data();
        let options = format!(
            "-c unix_socket_directories={} -c fsync=off -c max_connections=60 {more}",
            self.folder().display()
        );
        let log = self.folder().join("log");
        let (data, log) = (data.to_str().unwrap(), log.to_str().unwrap());
        self.run(
            "pg_ctl",
            &["-D", data, "-w", "-l", log, "-o", &options, "start"],
        );
    }

    /// Ends the server as a crash would.
    pub fn kill(&self) {
        let data = self.data();
        self.run(
            "pg_ctl",
            &["-D", data.to_str().unwrap(), "-m", "immediate", "stop"],
        );
    }

    /// Returns the folder of the socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the URL of a database for a user.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgres:///{database}?host={}&user={user}",
            self.folder().display()
        )
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir("/");
        // A server inherits its outputs, and would keep a pipe open.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
    }
}

/// PgBouncer in transaction mode.
pub struct Pooler {
    folder: tempfile::TempDir,
    child: Child,
}

impl Pooler {
    /// Starts a pooler in front of a server; none if it is not installed.
    pub fn start(server: &Postgres) -> Option<Self> {
        let program = [
            "/usr/sbin/pgbouncer",
            "/usr/local/bin/pgbouncer",
            "/opt/homebrew/bin/pgbouncer",
        ];
        let program = program.iter().find(|path| Path::new(path).exists())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().display().to_string();
        let config = format!(
            "[databases]\n* = host={}\n[pgbouncer]\nlisten_addr =\nlisten_port = 5432\nunix_socket_dir = {place}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
             logfile = {place}/log\n",
            server.folder().display()
        );
        // With `any`, every client is the user of the database's line.
        let config = config.replace("* = host=", "* = user=test host=");
        fs::write(folder.path().join("ini"), config).expect("it is ours");
        let mut command = if is_root() {
            let open = Command::new("chown")
                .args(["-R", "postgres", &place])
                .status();
            assert!(open.is_ok_and(|status| status.success()));
            // It becomes the pooler, so that killing it ends that.
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--",
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        let command = command
            .arg(folder.path().join("ini"))
            .current_dir("/")
            .stdin(Stdio::null());
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let pooler = Self { folder, child };
        until("the pooler listens", || {
            let socket = pooler.folder.path().join(".s.PGSQL.5432");
            std::os::unix::net::UnixStream::connect(socket).is_ok()
        });
        Some(pooler)
    }

    /// Returns the URL of a database for a user.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgres:///{database}?host={}&user={user}",
            self.folder.path().display()
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.kill()));
        drop(ended);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Finds the newest server: Debian keeps its programs off the PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists());
    found.sort();
    found.pop().unwrap_or_default()
}
