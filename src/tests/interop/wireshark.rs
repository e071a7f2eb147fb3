//! Wireshark's opinion of a capture: every PDU dissected, nothing malformed, nothing unknown.

use std::{path::Path, process::Command};

use super::{super::tools, relay::PORT};

/// What a dissector may complain about. Of severity "note" (0x400000) are remarks on closing a TCP
/// connection too, which are no business of this.
const WRONG: &str = "_ws.malformed || _ws.expert.severity >= 0x600000 || smpp.reserved_op || data \
    || (smpp && _ws.expert.severity >= 0x400000) || (tcp.len > 0 && !smpp && !tcp.reassembled_in)";

/// Reads a capture; fails at anything that a dissector complains about.
pub(crate) fn reads(capture: &Path, home: &Path) {
    tools::debian(&[("tshark", "tshark")]);
    let complaints = dissect(capture, home, WRONG, &["-V"]);
    assert!(complaints.is_empty(), "Wireshark does not like this:\n{complaints}");
    let ids = dissect(capture, home, "smpp", &["-T", "fields", "-e", "smpp.command_id"]);
    let ids: Vec<&str> = ids.split([',', '\n']).filter(|id| !id.is_empty()).collect();
    assert!(!ids.is_empty(), "there is no SMPP in the capture");
    // Each request has its answer: nothing was lost between two segments.
    for request in ["0x00000004", "0x00000005", "0x00000015", "0x00000006"] {
        let answer = request.replacen("0x0", "0x8", 1);
        let count = |wanted: &str| ids.iter().filter(|id| **id == wanted).count();
        assert_eq!(count(request), count(&answer), "{request} in {}", capture.display());
    }
}

fn dissect(capture: &Path, home: &Path, filter: &str, how: &[&str]) -> String {
    let tshark = tools::program("tshark").expect("it was installed above");
    let output = Command::new(tshark)
        // Nobody's own settings.
        .env("HOME", home)
        .arg("-r")
        .arg(capture)
        .args(["-d", &format!("tcp.port=={PORT},smpp"), "-Y", filter])
        .args(how)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}
