//! The demonstration, as a newcomer starts it: one command, and the plug pulled twice.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bramka"));
    command.arg("demo").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_plug_is_pulled_twice_and_nothing_is_lost_doubled_or_charged_twice() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let arguments = ["--seconds", "8", "--kills", "2", "--rate", "50", "--json", "--folder", name];
    let output = demo(&arguments).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let log = std::fs::read_to_string(folder.path().join("gateway.log")).unwrap_or_default();
    assert!(output.status.success(), "{said}\n{complaints}\n{log}");
    let summary: Value = serde_json::from_str(&said).unwrap();
    let count = |pointer: &str| {
        summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"))
    };
    assert_eq!((count("/lost"), count("/doubled"), count("/falls")), (0, 0, 0), "{summary}");
    assert_eq!(count("/kills"), 2, "{summary}");
    assert_eq!(summary["settled"], true, "{summary}");
    assert!(count("/mo/sent") > 100, "{summary}");
    assert_eq!(count("/mo/sent"), count("/mo/delivered"), "{summary}");
    assert_eq!(count("/mt/sent"), count("/mo/delivered"), "{summary}");
    assert_eq!(count("/mt/accepted"), count("/mt/sent"), "{summary}");
    // What was claimed at the very moment of a kill is given up, and its partner told (P8).
    assert_eq!(count("/mt/accepted"), count("/mt/delivered") + count("/mt/given_up"), "{summary}");
    assert_eq!(count("/receipts/delivered"), count("/mt/delivered"), "{summary}");
    assert!(count("/charged") > 0, "{summary}");
    assert_eq!(count("/charged"), count("/charges_due"), "{summary}");
}

#[tokio::test]
async fn there_is_no_plug_to_pull_where_no_demo_runs() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let output = demo(&["--pull-plug", "--folder", name]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no demo is running"));
}
