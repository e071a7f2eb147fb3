//! The grade of the TLS door as a program says that nobody here wrote: Debian's `testssl.sh`.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use tokio::process::Command;

use super::{tools, world::Builder};

/// What a test program asks one server at once is more than any partner may.
fn generous(server: &mut bramka::config::SmppServer) {
    server.listen_tls = vec![([127, 0, 0, 1], 0).into()];
    server.connections_per_address = 1000;
    server.unbound_max = 1000;
}

/// S-32: only TLS 1.2 and 1.3, only ciphers with authenticated encryption, no known hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s32_testssl_finds_two_protocols_strong_ciphers_and_no_hole_at_the_partners_door() {
    tools::debian(&[("testssl", "testssl.sh"), ("openssl", "openssl")]);
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [certificate, key] = ["tls.pem", "tls.key"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let world = Builder::server(move |server| {
        generous(server);
        server.certificate_file = Some(certificate);
        server.key_file = Some(key);
    })
    .build()
    .await;

    let report = folder.path().join("report.json");
    let mut command = Command::new(tools::program("testssl").unwrap());
    command.args(["--quiet", "--fast", "--color", "0", "--warnings", "off", "--ip", "one"]);
    command.args(["--protocols", "--std", "--server-preference", "--vulnerable", "--jsonfile"]);
    command.arg(&report).arg(world.node.smpp_tls[0].to_string());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_mins(5), command.output());
    let output = output.await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();

    let text = std::fs::read_to_string(&report).unwrap_or_else(|error| panic!("{error}: {said}"));
    let found: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    let finding = |id: &str| {
        let entry = found.iter().find(|entry| entry["id"] == id);
        entry
            .and_then(|entry| entry["finding"].as_str())
            .unwrap_or_else(|| panic!("no {id}: {said}"))
    };
    for protocol in ["SSLv2", "SSLv3", "TLS1", "TLS1_1"] {
        assert_eq!(finding(protocol), "not offered", "{protocol}");
    }
    for protocol in ["TLS1_2", "TLS1_3"] {
        assert!(finding(protocol).starts_with("offered"), "{protocol}: {}", finding(protocol));
    }
    for weak in ["NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA", "AVERAGE"] {
        let id = format!("cipherlist_{weak}");
        assert_eq!(finding(&id), "not offered", "{id}");
    }
    assert_eq!(finding("cipherlist_STRONG"), "offered");
    // Tests that ran, not tests that were skipped.
    for hole in ["heartbleed", "CCS", "ROBOT", "POODLE_SSL", "SWEET32", "FREAK", "LOGJAM", "BEAST"]
    {
        assert!(finding(hole).starts_with("not vulnerable"), "{hole}: {}", finding(hole));
    }
    let is_bad = |entry: &&Value| {
        matches!(entry["severity"].as_str(), Some("MEDIUM" | "HIGH" | "CRITICAL" | "FATAL"))
    };
    let bad: Vec<&Value> = found.iter().filter(is_bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    world.stop().await;
}
