//! The systemd units that ship: systemd itself must find them right and tight (S-75).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::config::Config;
use crate::listen::NAMES;

const UNITS: [(&str, &str); 6] = [
    ("bramka.service", include_str!("../systemd/bramka.service")),
    ("bramka-smpp.socket", include_str!("../systemd/bramka-smpp.socket")),
    ("bramka-smpp-tls.socket", include_str!("../systemd/bramka-smpp-tls.socket")),
    ("bramka-http.socket", include_str!("../systemd/bramka-http.socket")),
    ("bramka-http-tls.socket", include_str!("../systemd/bramka-http-tls.socket")),
    ("bramka-admin.socket", include_str!("../systemd/bramka-admin.socket")),
];
const SERVICE: &str = UNITS[0].1;

/// The units in a folder of their own, with a program that exists here.
struct Units(PathBuf);

impl Units {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("bramka-units-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (unit, text) in UNITS {
            std::fs::write(folder.join(unit), text.replace("/usr/bin/bramka", "/bin/true"))
                .unwrap();
        }
        Self(folder)
    }

    /// `RestartSteps` and `RestartMaxDelaySec` came with 254. An older systemd passes over them, which
    /// is well, but also calls them a fault.
    fn fit_to_this_systemd(&self) {
        let output = self.analyze(&["--version"]).stdout;
        let version = String::from_utf8_lossy(&output);
        let number = version.split([' ', '~', '-', '.']).find_map(|word| word.parse::<u32>().ok());
        if number.expect("systemd tells its version") < 254 {
            let is_new = |line: &&str| {
                line.starts_with("RestartSteps=") || line.starts_with("RestartMaxDelaySec=")
            };
            let text: Vec<&str> = SERVICE.lines().filter(|line| !is_new(line)).collect();
            let text = text.join("\n").replace("/usr/bin/bramka", "/bin/true");
            std::fs::write(self.0.join("bramka.service"), text).unwrap();
        }
    }

    fn analyze(&self, words: &[&str]) -> Output {
        crate::tools::debian(&[("systemd-analyze", "systemd")]);
        Command::new("systemd-analyze")
            .args(words)
            .current_dir(&self.0)
            .output()
            .expect("it was installed above")
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn path(folder: &Path, unit: &str) -> String {
    folder.join(unit).display().to_string()
}

fn value(unit: &'static str, key: &str) -> Option<&'static str> {
    unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn systemd_scores_the_service_at_most_one_point_five() {
    let units = Units::new("security");
    let unit = path(&units.0, "bramka.service");
    // The threshold is in tenths: 15 is 1.5.
    let output =
        units.analyze(&["security", "--offline=true", "--threshold=15", "--no-pager", &unit]);
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.lines().last().unwrap_or_default();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("Overall exposure level"), "{text}");
}

#[test]
fn systemd_finds_no_fault_in_any_unit() {
    let units = Units::new("verify");
    let paths: Vec<String> = UNITS.iter().map(|(unit, _)| path(&units.0, unit)).collect();
    units.fit_to_this_systemd();
    let mut words = vec!["verify", "--man=no", "--recursive-errors=no"];
    words.extend(paths.iter().map(String::as_str));
    let output = units.analyze(&words);
    let text = String::from_utf8_lossy(&output.stderr);
    // Other units of this machine may have faults of their own.
    let faults: Vec<&str> = text.lines().filter(|line| line.contains("bramka")).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(output.status.success(), "{text}");
}

#[test]
fn the_units_and_the_daemon_agree_about_names_ports_and_times() {
    let config = Config::default();
    let names: Vec<_> = UNITS[1..]
        .iter()
        .map(|(unit, text)| value(text, "FileDescriptorName").unwrap_or_else(|| panic!("{unit}")))
        .collect();
    assert_eq!(names, NAMES);
    for (unit, text) in &UNITS[1..] {
        assert_eq!(value(text, "Service"), Some("bramka.service"), "{unit}");
        let port = value(text, "ListenStream").and_then(|listen| listen.rsplit(':').next());
        let port: u16 = port.and_then(|port| port.parse().ok()).unwrap();
        assert!(port > 1024, "{unit} would need a capability (S-76)");
    }
    let smpp = value(UNITS[1].1, "ListenStream");
    assert_eq!(smpp, Some(config.smpp_server.listen[0].to_string().as_str()));
    let stop: u64 = value(SERVICE, "TimeoutStopSec").unwrap().parse().unwrap();
    assert!(stop > config.shutdown.grace.as_secs() + 5, "systemd would kill a stop half way");
    assert_eq!(value(SERVICE, "WatchdogSec"), Some("30"));
}
