//! A program of somebody else, and what it says: JSON lines on its standard output.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// Longer than any honest answer on a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Foreign {
    child: Child,
    /// Its end tells a script to go.
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    /// Lines that came while another was waited for.
    waiting: Vec<Value>,
    said: Vec<String>,
    errors: PathBuf,
}

/// A script that lies beside this file.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/interop").join(name)
}

impl Foreign {
    /// `folder` takes what it writes to its standard error, which only a failure shows.
    pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> Self {
        let errors = folder.join(format!("{name}.errors"));
        let file = std::fs::File::create(&errors).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("piped above")).lines();
        let stdin = child.stdin.take();
        Self { child, stdin, lines, waiting: Vec::new(), said: Vec::new(), errors }
    }

    /// The next line whose `event` is this one; others are kept for later.
    pub(crate) async fn says(&mut self, event: &str) -> Value {
        if let Some(at) = self.waiting.iter().position(|line| line["event"] == event) {
            return self.waiting.remove(at);
        }
        loop {
            let Ok(line) = timeout(PATIENCE, self.lines.next_line()).await else {
                panic!("`{event}` did not come\n{}", self.story())
            };
            let Some(line) = line.unwrap() else {
                panic!("it ended before `{event}` came\n{}", self.story())
            };
            self.said.push(line.clone());
            // Interpreters greet and warn; only objects are ours.
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            if value["event"] == event {
                return value;
            }
            self.waiting.push(value);
        }
    }

    /// All lines up to the one with this `event`; each can still be waited for.
    pub(crate) async fn says_all_until(&mut self, event: &str) -> Vec<Value> {
        self.says(event).await;
        self.waiting.clone()
    }

    /// One line on its standard input.
    pub(crate) async fn told(&mut self, order: &Value) {
        let stdin = self.stdin.as_mut().expect("it was not told to go");
        stdin.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    pub(crate) fn said_nothing_of(&self, event: &str) {
        let found = self.waiting.iter().find(|line| line["event"] == event);
        assert_eq!(found, None, "{}", self.story());
    }

    /// Tells it to go and waits for its end, which must be a good one.
    pub(crate) async fn ends(&mut self) {
        self.stdin.take();
        while let Ok(Ok(Some(line))) = timeout(PATIENCE, self.lines.next_line()).await {
            self.waiting.extend(serde_json::from_str::<Value>(&line));
            self.said.push(line);
        }
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("it did not end\n{}", self.story())
        };
        let status = status.unwrap();
        assert!(status.success(), "{status}\n{}", self.story());
    }

    fn story(&self) -> String {
        let errors = std::fs::read(&self.errors).unwrap_or_default();
        format!("it said:\n{}\n{}", self.said.join("\n"), String::from_utf8_lossy(&errors))
    }
}
