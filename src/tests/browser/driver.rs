//! People at browsers: what a story makes them do, and what they must read then.
//!
//! `drive.js` holds the browsers; here is one line out and one line in for each act. What
//! surprises: an act that fails leaves `failed.png` beside the other pictures, which tells more
//! than the message does.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use super::{CHROMIUM, PACKAGES, PROGRAMS, pictures};
use crate::tools;

/// Longer than the patience of any single act; pictures of one page are four.
const ACT_MAX: Duration = Duration::from_mins(2);

/// A browser for everybody, each person with cookies of its own.
pub(super) struct Driver {
    inner: Mutex<Inner>,
    pub(super) has_scripts: bool,
}

struct Inner {
    /// Killed when the test dies.
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    pub(super) async fn start(base: &str, has_scripts: bool) -> Self {
        tools::debian(PROGRAMS);
        let folder = tools::npm(PACKAGES);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/browser/drive.js");
        let mut child = Command::new(tools::program("node").expect("it was installed above"))
            .arg(script)
            .arg(folder.join("node_modules"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let inner = Mutex::new(Inner { _child: child, stdin, lines });
        let driver = Self { inner, has_scripts };
        let chromium = tools::program(CHROMIUM).expect("it was installed above");
        let plan = json!({
            "base": base, "chromium": chromium, "pictures": pictures(), "javascript": has_scripts,
        });
        driver.say(&plan).await;
        driver
    }

    #[track_caller]
    fn say<'d>(&'d self, command: &'d Value) -> impl Future<Output = Value> + 'd {
        let caller = std::panic::Location::caller();
        async move {
            let mut inner = self.inner.lock().await;
            inner.stdin.write_all(format!("{command}\n").as_bytes()).await.unwrap();
            let line = tokio::time::timeout(ACT_MAX, inner.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("{caller}: no answer to {command}"));
            drop(inner);
            let line = line.unwrap().unwrap_or_else(|| panic!("{caller}: the browser is gone"));
            let answer: Value = serde_json::from_str(&line).unwrap();
            if let Some(failed) = answer["failed"].as_str() {
                panic!("{caller}: {command}: {failed}");
            }
            answer["done"].clone()
        }
    }

    /// Somebody sits down at a browser.
    pub(super) async fn person(&self, name: &'static str, language: &str) -> Human<'_> {
        let begin = json!({ "do": "begin", "who": name, "language": language });
        self.say(&begin).await;
        Human { driver: self, name }
    }
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Human<'d> {
    driver: &'d Driver,
    name: &'static str,
}

impl Human<'_> {
    #[track_caller]
    fn act(&self, mut command: Value) -> impl Future<Output = Value> + '_ {
        let caller = std::panic::Location::caller();
        command["who"] = self.name.into();
        async move {
            tracing::debug!(%caller, %command, "an act in a browser");
            self.driver.say(&command).await
        }
    }

    pub(super) async fn go(&self, to: &str) {
        self.act(json!({ "do": "go", "at": to })).await;
    }

    /// Presses the button with this text.
    pub(super) async fn press(&self, text: &str) {
        self.act(json!({ "do": "press", "text": text })).await;
    }

    /// Follows the link with this text.
    pub(super) async fn follow(&self, text: &str) {
        self.act(json!({ "do": "follow", "text": text })).await;
    }

    pub(super) async fn fill(&self, fields: &[(&str, &str)]) {
        for (field, value) in fields {
            self.act(json!({ "do": "fill", "field": field, "value": value })).await;
        }
    }

    pub(super) async fn choose(&self, field: &str, value: &str) {
        self.act(json!({ "do": "choose", "field": field, "value": value })).await;
    }

    pub(super) async fn check(&self, field: &str) {
        self.act(json!({ "do": "check", "field": field })).await;
    }

    pub(super) async fn upload(&self, field: &str, name: &str, content: &str) {
        let file = json!({ "do": "upload", "field": field, "name": name, "content": content });
        self.act(file).await;
    }

    /// Downloads what a link offers, a PDF, and puts it into a field of the same page.
    pub(super) async fn carry(&self, link: &str, field: &str) {
        self.act(json!({ "do": "carry", "text": link, "field": field })).await;
    }

    /// Reads all of these on the page.
    pub(super) async fn reads(&self, texts: &[&str]) {
        self.act(json!({ "do": "read", "sees": texts })).await;
    }

    pub(super) async fn does_not_read(&self, texts: &[&str]) {
        self.act(json!({ "do": "read", "lacks": texts })).await;
    }

    pub(super) async fn text(&self, field: &str) -> String {
        let text = self.act(json!({ "do": "text", "field": field })).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Pictures of the page that it is on in every face, and axe's judgement of each.
    pub(super) async fn look(&self, name: &str) {
        if self.driver.has_scripts {
            self.act(json!({ "do": "look", "name": name })).await;
        }
    }

    /// The same of a page elsewhere.
    pub(super) async fn look_at(&self, name: &str, path: &str) {
        if self.driver.has_scripts {
            self.act(json!({ "do": "look", "name": name, "at": path })).await;
        }
    }

    /// Pictures of what cannot be asked for again.
    pub(super) async fn look_here(&self, name: &str) {
        self.act(json!({ "do": "here", "name": name })).await;
    }

    /// Everything that was wrong with what it saw.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let said = self.act(json!({ "do": "said" })).await;
        let said = said.as_array().cloned().unwrap_or_default();
        said.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }
}
