//! Pages as people meet them: in Chromium, in both languages, light and dark, on a phone and at a
//! desk, with JavaScript and without. axe looks for what would shut people out (WCAG 2.2 AA).
//!
//! `cargo test --test stories browser` takes every picture anew into `target/screenshots`. A page
//! is added by a line in `STORIES`. What surprises: axe needs JavaScript itself, so the run without
//! it only follows the steps and takes pictures.

mod driver;
mod tour;
mod walk;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{tools, world::Builder};

/// Packages of npm; the browser is Debian's, so that none is downloaded beside it.
const PACKAGES: &[&str] = &["playwright-core@1.65.1", "@axe-core/playwright@4.14.0"];

/// The browser without a window of its own: the one with a window keeps its own tabs and menus as
/// pages beside those that are looked at.
const CHROMIUM: &str = "chromium-headless-shell";

const PROGRAMS: &[(&str, &str)] = &[(CHROMIUM, CHROMIUM), ("node", "nodejs"), ("npm", "npm")];

/// What is looked at: a name for the pictures, and the way there.
fn stories() -> Vec<Value> {
    let page = |name: &str, path: &str| json!({ "name": name, "steps": [{ "go": path }] });
    vec![
        page("start", "/"),
        json!({ "name": "menu", "steps": [{ "go": "/" }, { "menu": true }] }),
        page("gallery", "/gallery"),
        page("docs", "/docs"),
        page("docs-messages", "/docs/messages"),
        page("apply", "/apply"),
        page("status", "/status"),
        page("ideas", "/ideas"),
        page("problems", "/problems"),
        page("problem", "/problems/throttled"),
        page("not-found", "/nothing-here"),
        page("login", "/login"),
        json!({ "name": "login-wrong", "steps": [
            { "go": "/login" },
            { "fill": "#mail", "value": "anna@example.com" },
            { "click": "main form[method=post] button" },
            { "title": ": " },
            { "there": ".error-summary a[href='#password']" }
        ] }),
        page("reset", "/reset"),
        page("invitation-wrong", "/invitation/0000000000"),
        json!({ "name": "gallery-wrong", "steps": [
            { "go": "/gallery" },
            { "fill": "#name", "value": "" },
            { "click": "main form[method=post] button:not(.second):not(.danger)" },
            { "title": ": " },
            { "there": ".error-summary a[href='#agreed']" }, { "there": ".wrong #name" }
        ] }),
        json!({ "name": "apply-company-wrong", "steps": [
            { "go": "/apply" },
            { "fill": "#name", "value": "Anna Nowak" },
            { "fill": "#mail", "value": "anna@example.com" },
            { "click": "main form[method=post] button" },
            { "at": "/apply/sent" },
            { "click": "main a.button" },
            { "there": ".tasks" },
            { "click": ".tasks li:first-child a" },
            { "fill": "#company-nip", "value": "5261040827" },
            { "click": "main form[method=post] button:not(.second)" },
            { "title": ": " },
            { "there": ".error-summary a[href='#company-nip']" }
        ] }),
        json!({ "name": "gallery-sent", "steps": [
            { "go": "/gallery" },
            { "fill": "#mail", "value": "anna@example.com" },
            { "fill": "#sum", "value": "2,46" },
            { "check": "#agreed" },
            { "upload": "#file", "name": "odpis.pdf", "type": "application/pdf", "content": "%PDF" },
            { "click": "main form[method=post] button:not(.second):not(.danger)" },
            { "at": "/gallery" }, { "there": ".banner[role=status]" }
        ] }),
        json!({ "name": "gallery-focus", "needs_javascript": true, "steps": [
            { "go": "/gallery" },
            { "fill": "#name", "value": "" },
            { "click": "main form[method=post] button:not(.second):not(.danger)" },
            { "focus": ".error-summary" }
        ] }),
    ]
}

fn pictures() -> PathBuf {
    Path::new(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("target/tmp"))
        .with_file_name("screenshots")
}

/// Looks at every story; gives how many looks it took and what was wrong.
pub(crate) async fn look(base: &str, languages: &[&str], stories: &[Value]) -> (u64, Vec<String>) {
    tools::debian(PROGRAMS);
    let folder = tools::npm(PACKAGES);
    let plan = json!({
        "base": base,
        "chromium": tools::program(CHROMIUM).expect("it was installed above"),
        "pictures": pictures(),
        "languages": languages,
        "stories": stories,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/browser/look.js");
    let mut child = Command::new(tools::program("node").expect("it was installed above"))
        .arg(script)
        .arg(folder.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(plan.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(Duration::from_mins(20), child.wait_with_output())
        .await
        .expect("the browser took too long")
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser did not run: {complaints}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wrong = report["report"].as_array().unwrap().iter();
    let wrong = wrong.map(|line| line.as_str().unwrap_or_default().to_owned()).collect();
    (report["looks"].as_u64().unwrap(), wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_open_to_everybody_and_asks_for_nothing_elsewhere() {
    // Five browsers on one address look at more pages in a minute than one person does.
    let settings = "[limits]\nanonymous_requests_minute = 100000\n".to_owned();
    let world = Box::pin(Builder { settings, ..Builder::default() }.build()).await;
    let base = format!("http://{}", world.node.http[0]);
    let stories = stories();
    let (looks, wrong) = look(&base, &["pl", "en"], &stories).await;
    let text = wrong.join("\n  ");
    assert!(wrong.is_empty(), "{} complaints:\n  {text}", wrong.len());
    // Each story in two languages, and once without JavaScript where it does without.
    assert!(looks >= 2 * stories.len() as u64, "{looks}");
    world.stop().await;
}
