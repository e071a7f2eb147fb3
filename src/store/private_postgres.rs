//! A `PostgreSQL` server of the tests' own: a fresh cluster in a temporary folder, on a free port,
//! gone with the last test that uses it. Installed from Debian if it is absent.
//!
//! What surprises: `PostgreSQL` refuses to run as root, so as root it runs as `postgres`.

use std::{
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::tools;

/// A running server; stopped when the last of its users is gone.
pub(super) struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The server that tests share.
pub(super) fn server() -> Arc<Server> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *running = Arc::downgrade(&server);
        server
    })
}

impl Server {
    pub(super) fn url(&self) -> String {
        format!("postgres://bramka:bramka@127.0.0.1:{}/postgres", self.port)
    }

    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        let mut initdb = as_owner(&programs.join("initdb"), owner);
        initdb.args(["-U", "bramka", "--auth=trust", "-E", "UTF8", "--no-sync", "-D"]).arg(&data);
        let made = initdb.stdout(Stdio::null()).output().expect("initdb starts");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let mut postgres = as_owner(&programs.join("postgres"), owner);
        // Durability is not what these stories are about; they run on SQLite with all of it.
        let settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c"];
        let sockets = format!("unix_socket_directories={}", folder.path().display());
        postgres.arg("-D").arg(&data).arg("-p").arg(port.to_string()).args(settings).arg(sockets);
        let child = postgres
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Self { child, port, _folder: folder };
        server.wait();
        server
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let client = programs().join("pg_isready");
        let is_ready = || {
            let mut ask = Command::new(&client);
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            ask.status().is_ok_and(|status| status.success())
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "PostgreSQL does not get ready");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        // SIGINT is a fast shutdown; its data go with the folder.
        if rustix::process::kill_process(id, rustix::process::Signal::INT).is_ok() {
            drop(self.child.wait());
        }
    }
}

/// Debian keeps the server's programs out of the path, by version.
fn programs() -> PathBuf {
    let find = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.flatten().map(|version| version.path().join("bin"));
        folders.filter(|folder| folder.join("initdb").is_file()).max()
    };
    find()
        .or_else(|| tools::program("initdb").and_then(|path| Some(path.parent()?.to_owned())))
        .or_else(|| {
            tools::debian(&[("initdb", "postgresql")]);
            find()
        })
        .expect("the package postgresql has initdb")
}

/// Whom the server runs as when the tests run as root.
fn owner() -> Option<(u32, u32)> {
    let id = |words: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(words).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    (id(&["-u"]) == Some(0)).then(|| {
        let user = id(&["-u", "postgres"]).expect("the package postgresql makes this user");
        (user, id(&["-g", "postgres"]).expect("and its group"))
    })
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group).current_dir("/");
    }
    command
}
