//! The configuration from outside: files, drop-ins and the environment as an operator writes them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// A folder of its own, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("bramka-config-{name}-{}", std::process::id()));
        let _old = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("conf.d")).unwrap();
        Self(folder)
    }

    fn with(self, file: &str, text: &str) -> Self {
        std::fs::write(self.0.join(file), text).unwrap();
        self
    }

    fn read(&self, environment: &[(&str, &str)]) -> Result<Config, Mistakes> {
        Config::read(&Sources {
            file: self.0.join("bramka.toml"),
            environment: environment.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            ..Sources::default()
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn parse(text: &str) -> Result<Config, Mistakes> {
    Config::from_text(text, Path::new("/nonexistent"))
}

fn mistakes(text: &str) -> Vec<(Option<usize>, String, String)> {
    let mistakes = parse(text).expect_err(text);
    mistakes.iter().map(|m| (m.line, m.path.clone(), m.text.clone())).collect()
}

/// A link that lacks nothing; the secret lies in the folder.
const LINK: &str = "[[smsc_link]]\nname = \"a\"\naddress = \"smsc.example:2775\"\n\
                    system_id = \"us\"\npassword_file = \"pw\"\n";

#[test]
fn an_empty_file_is_the_default() {
    let empty = parse("").unwrap();
    assert_eq!(*empty, Settings::default());
    assert_eq!(empty.effective(), Config::default().effective());
}

#[test]
fn all_mistakes_come_back_at_once_with_line_path_and_what_would_be_right() {
    let text = "[http]\n\
                lisen = \"127.0.0.1:1\"\n\
                header_timeout = \"10\"\n\
                [[smsc_link]]\n\
                name = \"a\"\n\
                window = 0\n\
                bind = \"tranceiver\"\n\
                [store]\n\
                commit_records = \"many\"\n\
                disk_soft = \"1GB\"\n\
                [colour]\n\
                red = 1\n\
                [smpp_server]\n\
                window = -1\n\
                pdu_octets_max_unbound = 99999999999999\n";
    let mut found = mistakes(text);
    found.sort();
    let lines: Vec<_> = found.iter().filter_map(|(line, ..)| *line).collect();
    let of = |line: usize| {
        let of: Vec<_> = found.iter().filter(|(l, ..)| *l == Some(line)).collect();
        (of[0].1.as_str(), of[0].2.as_str())
    };
    assert_eq!(of(2), ("http.lisen", "unknown key; did you mean `listen`?"));
    assert_eq!(of(3).0, "http.header_timeout");
    assert!(of(3).1.starts_with("must be a duration such as"));
    assert_eq!(of(6), ("smsc_link[0].window", "must be 1 to 1000"));
    assert_eq!(of(7).0, "smsc_link[0].bind");
    assert!(of(7).1.ends_with("did you mean \"transceiver\"?"), "{}", of(7).1);
    assert_eq!(of(9).1, "must be a whole number without quotes, not a string");
    assert!(of(10).1.starts_with("must be a size such as"));
    assert_eq!(of(11), ("colour", "unknown key"));
    assert_eq!(of(14), ("smpp_server.window", "must be 1 to 1000"));
    assert_eq!(of(15), ("smpp_server.pdu_octets_max_unbound", "must be 64 to 4096"));
    // The link of line 4 also lacks an address, a system_id and a password.
    assert_eq!(lines.iter().filter(|line| **line == 4).count(), 3, "{found:?}");
    assert_eq!(found.len(), 12, "{found:#?}");
}

#[test]
fn the_report_shows_file_count_line_path_and_value() {
    let folder = Folder::new("report").with("bramka.toml", "[node]\nid = 64\n[htp]\n");
    let report = folder.read(&[]).unwrap_err().to_string();
    let file = folder.0.join("bramka.toml");
    assert_eq!(
        report,
        format!(
            "{}: 2 mistakes\n  line 2   node.id = 64  must be 0 to 62\n  \
             line 3   htp           unknown key; did you mean `http`?",
            file.display()
        )
    );
}

#[test]
fn a_file_that_is_not_toml_reports_each_bad_line_and_no_guesses() {
    let found = mistakes("[node]\nname = bramka\nid = 70\n[http\nlisten = 3\n[log]\nlevel = \"x\n");
    let lines: Vec<_> = found.iter().filter_map(|(line, ..)| *line).collect();
    assert!(lines.contains(&2) && lines.contains(&4), "{found:?}");
    assert!(found.iter().all(|(_, path, text)| path.is_empty() && text.starts_with("not TOML")));

    // Without a broken header the rest of the file is checked too.
    let found = mistakes("[node]\nname = bramka\nid = 70\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1].1, "node.id");
}

#[test]
fn a_missing_file_never_becomes_the_default() {
    let folder = Folder::new("missing");
    let report = folder.read(&[]).unwrap_err().to_string();
    assert!(report.contains("cannot be read: no such file or directory"), "{report}");
}

#[test]
fn contradictions_are_reported_where_they_were_written() {
    for (text, line, path, part) in [
        ("[smpp_server]\nlisten = [\"0.0.0.0:2775\"]", 2, "smpp_server.listen", "plain_from"),
        ("[http]\n\nlisten = [\"192.0.2.1:80\"]", 3, "http.listen", "insecure_plain_listen"),
        ("[http]\nadmin_listen = [\"[::]:9464\"]", 2, "http.admin_listen", "log-in"),
        ("[smpp_server]\nlisten_tls = [\"[::]:3550\"]", 1, "smpp_server.key_file", "listen_tls"),
        (
            "[smpp_server]\nclient_names = \"system_id\"",
            2,
            "smpp_server.client_names",
            "`client_ca_file`",
        ),
        ("[http]\nlisten = [\"127.0.0.1:2775\"]", 2, "http.listen", "`smpp_server.listen`"),
        ("[store]\ndisk_hard = \"2GiB\"", 2, "store.disk_hard", "`disk_soft`"),
        ("[store]\nurl = \"mysql://h/d\"", 2, "store.url", "`sqlite:`"),
        ("[messages]\nvalidity_charged = \"8d\"", 2, "messages.validity_charged", "validity_max"),
        ("[shutdown]\ngrace = \"10s\"", 1, "shutdown.links", "`grace`"),
        (
            "[smpp_server.vendor_tlv]\nreason = 0x1D01",
            2,
            "smpp_server.vendor_tlv.reason",
            "`tariff`",
        ),
        (
            "[smpp_server.vendor_tlv]\nreason = 0x0204",
            2,
            "smpp_server.vendor_tlv.reason",
            "vendor range",
        ),
        ("[callback]\nca_file = \"ca.pem\"", 2, "callback.ca_file", "no such file"),
        ("[mail]\nserver = \"m.example\"", 1, "mail.from", "`server` needs it"),
        ("[mail]\nsink = true\nfrom = \"portal\"", 3, "mail.from", "an address"),
        (
            "[mail]\nfrom = \"a@b.example\"\nserver = \"m.example\"\nsink = true",
            4,
            "mail.sink",
            "keep one",
        ),
        ("[mail]\nsink = true\nuser = \"u\"", 3, "mail.user", "`password_file`"),
        (
            "[mail]\nsink = true\nretry_min = \"1h\"\nretry_max = \"1m\"",
            3,
            "mail.retry_min",
            "longer",
        ),
        ("[portal]\n[mail]\nserver = \"m.example\"", 1, "portal.address", "links in letters"),
        ("[log]\nlevel = \"loud\"", 2, "log.level", "error, warn"),
        ("[log]\nlevel = \"info,bramka::smpp=loud\"", 2, "log.level", "error, warn"),
        (
            "[smpp_server]\nbind_fail_delay = [\"3s\", \"1s\"]",
            2,
            "smpp_server.bind_fail_delay",
            "shorter first",
        ),
    ] {
        let found = mistakes(text);
        let hit = found.iter().any(|(l, p, t)| *l == Some(line) && p == path && t.contains(part));
        assert!(hit, "{text}\n{found:#?}");
    }
}

#[test]
fn the_lists_of_a_link_are_checked_with_its_own_names() {
    let folder = Folder::new("statuses").with("pw", "secret\n").with(
        "bramka.toml",
        &format!(
            "{LINK}safe_status = [\"VENDOR_BUSY\", \"0x0402\", \"ESME_RTHROTTLED\"]\n\
                  status_names = {{ VENDOR_BUSY = 0x401 }}\n"
        ),
    );
    let config = folder.read(&[]).unwrap();
    assert_eq!(config.smsc_link[0].safe_codes(), [0x401, 0x402, 0x58]);
    assert_eq!(config.smsc_link[0].group(), "a");
    assert_eq!(config.smsc_link[0].password_file.secret.reveal(), "secret");

    let folder = Folder::new("statuses2").with("pw", "secret").with(
        "bramka.toml",
        &format!(
            "{LINK}safe_status = [\"ESME_RTHROTLED\"]\n\
                  [smsc_link.tlvs.class]\ntag = 0x1402\ntype = \"int1\"\ndefault = \"300\"\n\
                  [smsc_link.tlvs.kind]\ntype = \"octets\"\n"
        ),
    );
    let report = folder.read(&[]).unwrap_err().to_string();
    assert!(report.contains("did you mean `ESME_RTHROTTLED`?"), "{report}");
    assert!(report.contains("smsc_link[0].tlvs.class.default = 300"), "{report}");
    assert!(report.contains("smsc_link[0].tlvs.kind.tag"), "{report}");
}

#[test]
fn drop_ins_are_read_in_the_order_of_their_names_and_change_links_by_name() {
    let folder = Folder::new("dropins")
        .with("pw", "secret")
        .with("bramka.toml", &format!("[node]\nname = \"one\"\n{LINK}"))
        .with("conf.d/10-a.toml", "[node]\nname = \"two\"\nid = 2\n")
        .with(
            "conf.d/20-b.toml",
            &format!(
                "[node]\nname = \"three\"\n\
              [[smsc_link]]\nname = \"a\"\nwindow = 50\n{}",
                LINK.replace("\"a\"", "\"b\"")
            ),
        )
        .with("conf.d/readme.txt", "not = [read");
    let config = folder.read(&[]).unwrap();
    assert_eq!((config.node.name.as_str(), config.node.id), ("three", 2));
    let links: Vec<_> = config.smsc_link.iter().map(|l| (l.name.as_str(), l.window)).collect();
    assert_eq!(links, [("a", 50), ("b", 10)]);
    assert_eq!(config.files.len(), 3);

    let origin = config.origin("smsc_link[1].address").unwrap();
    assert!(origin.source.ends_with("20-b.toml"));
    assert_eq!((origin.line, origin.path.as_str()), (Some(8), "smsc_link[1].address"));
    assert_eq!(config.origin("node.id").unwrap().line, Some(3));
    assert_eq!(config.origin("http.listen"), None);
    let shown = config.effective_with_origin();
    assert!(shown.contains("20-b.toml:5\n"), "{shown}");
    assert!(shown.contains("commit_records = 256  # default"), "{shown}");
}

#[test]
fn two_links_of_one_name_in_one_file_are_a_mistake() {
    let folder = Folder::new("twice").with("pw", "x").with("bramka.toml", &format!("{LINK}{LINK}"));
    let report = folder.read(&[]).unwrap_err().to_string();
    assert!(report.contains("smsc_link[1]  `a` is the name of another one"), "{report}");
}

#[test]
fn the_environment_overrides_the_files_but_neither_secrets_nor_links() {
    let folder = Folder::new("environment").with("bramka.toml", "[node]\nname = \"file\"\n");
    let config = folder
        .read(&[
            ("BRAMKA__NODE__NAME", "007"),
            ("BRAMKA__STORE__COMMIT_RECORDS", "64"),
            ("BRAMKA__HTTP__LISTEN", "[\"127.0.0.1:0\"]"),
            ("BRAMKA__LOG__FORMAT", "json"),
            ("BRAMKA__HTTP__HEADER_TIMEOUT", "5s"),
            ("BRAMKA__SMPP_SERVER__VENDOR_TLV__REASON", "0x2000"),
            ("PATH", "/bin"),
        ])
        .unwrap();
    assert_eq!(config.node.name, "007");
    assert_eq!(config.store.commit_records, 64);
    assert_eq!(config.http.listen, ["127.0.0.1:0".parse().unwrap()]);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.http.header_timeout, Duration::from_secs(5));
    assert_eq!(config.smpp_server.vendor_tlv.reason, Tag(0x2000));
    let origin = config.origin("node.name").unwrap();
    assert_eq!((origin.source.as_str(), origin.line), ("environment", None));
    assert_eq!(origin.path, "BRAMKA__NODE__NAME");

    let report = folder
        .read(&[
            ("BRAMKA__NODE__ID", "64"),
            ("BRAMKA__NOD__ID", "1"),
            ("BRAMKA__NODE__IDD", "1"),
            ("BRAMKA__STORE__URL_FILE", "/tmp/x"),
            ("BRAMKA__SMSC_LINK__WINDOW", "1"),
            ("BRAMKA__STORE", "{ url = \"sqlite:x\" }"),
        ])
        .unwrap_err()
        .to_string();
    assert!(report.starts_with("environment: 6 mistakes"), "{report}");
    for part in [
        "BRAMKA__NODE__ID = 64",
        "must be 0 to 62",
        "did you mean `BRAMKA__NODE`?",
        "did you mean `id`?",
        "secrets and their files are not overridden",
        "use a file in conf.d",
        "must be BRAMKA__SECTION__KEY",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
}

#[test]
fn no_secret_shows_in_the_effective_file_in_debug_or_in_a_mistake() {
    let folder = Folder::new("secrets")
        .with("pw", "s3cr3t!!\r\n")
        .with("url", "postgres://u:canary@h/d\n")
        .with("bramka.toml", &format!("[store]\nurl_file = \"url\"\n{LINK}"));
    let config = folder.read(&[]).unwrap();
    assert_eq!(config.store_url().reveal(), "postgres://u:canary@h/d");
    assert_eq!(config.smsc_link[0].password_file.secret.reveal(), "s3cr3t!!");
    let shown = format!("{config:?}{:#?}{}", config, config.effective_with_origin());
    assert!(!shown.contains("canary") && !shown.contains("s3cr3t"), "{shown}");

    for text in [
        "[store]\nurl = \"postgres://u:canary@h/d\"",
        "[store]\nurl = \"postgres://h/d?password=canary\"",
        "[[smsc_link]]\npassword = \"canary\"",
    ] {
        let report = parse(text).unwrap_err().to_string();
        assert!(!report.contains("canary"), "{report}");
        assert!(report.contains("_file`"), "{report}");
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_a_mistake_of_its_key() {
    for (file, part) in [("", "is empty"), ("much too long for smpp", "longer than 8 octets")] {
        let folder = Folder::new("badsecret").with("pw", file).with("bramka.toml", LINK);
        let report = folder.read(&[]).unwrap_err().to_string();
        assert!(report.contains("line 5   smsc_link[0].password_file"), "{report}");
        assert!(report.contains(part), "{report}");
        assert!(!report.contains("much too"), "{report}");
    }
    let folder = Folder::new("nosecret").with("bramka.toml", LINK);
    assert!(folder.read(&[]).unwrap_err().to_string().contains("no such file"));
}

#[test]
fn the_credentials_folder_of_systemd_comes_first_for_secrets() {
    let folder = Folder::new("credentials")
        .with("pw", "beside")
        .with("conf.d/pw", "granted")
        .with("bramka.toml", LINK);
    let config = Config::read(&Sources {
        file: folder.0.join("bramka.toml"),
        environment: Vec::new(),
        credentials: Some(folder.0.join("conf.d")),
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(config.smsc_link[0].password_file.secret.reveal(), "granted");
}

#[test]
fn the_store_lies_in_the_data_folder_unless_it_says_where() {
    let folder = Folder::new("data").with("bramka.toml", "");
    let mut config = Config::read(&Sources {
        file: folder.0.join("bramka.toml"),
        state: Some("/var/lib/bramka".into()),
        ..Sources::default()
    })
    .unwrap();
    let url = |config: &Config| config.store_url().reveal().to_owned();
    assert_eq!(url(&config), "sqlite:/var/lib/bramka/bramka.db");
    config.node.data_folder = Some("/srv/b".into());
    assert_eq!(url(&config), "sqlite:/srv/b/bramka.db");
    for (given, used) in [
        ("sqlite:/tmp/x.db", "sqlite:/tmp/x.db"),
        ("sqlite://x.db", "sqlite:/srv/b/x.db"),
        ("sqlite::memory:", "sqlite::memory:"),
        ("postgres://h/d", "postgres://h/d"),
    ] {
        config.store.url = given.into();
        assert_eq!(url(&config), used);
    }
}

#[test]
fn only_this_machine_and_named_networks_come_without_tls() {
    let config = parse(
        "[smpp_server]\nlisten = [\"0.0.0.0:2775\"]\nplain_from = [\"192.0.2.0/24\"]\n\
         [http]\nlisten = [\"[::]:8080\"]\ntrusted_proxies = [\"2001:db8::1\"]\n",
    )
    .unwrap();
    for (address, smpp, http) in [
        ("127.0.0.1", true, true),
        ("::ffff:127.0.0.1", true, true),
        ("192.0.2.7", true, false),
        ("::ffff:192.0.2.7", true, false),
        ("198.51.100.1", false, false),
        ("2001:db8::1", false, true),
    ] {
        let address: std::net::IpAddr = address.parse().unwrap();
        assert_eq!(config.smpp_server.allows_plain(address), smpp, "{address}");
        assert_eq!(config.http.allows_plain(address), http, "{address}");
    }
}

#[test]
fn insecure_settings_are_listed_by_their_telling_names() {
    let config = parse(
        "[smpp_server]\nlisten = [\"0.0.0.0:2775\"]\ninsecure_plain_listen = true\n\
         [callback]\ninsecure_http = true\n[mail]\nsecurity = \"insecure_plain\"\n",
    )
    .unwrap();
    let telling = ["smpp_server.insecure_plain_listen", "callback.insecure_http", "mail.security"];
    assert_eq!(config.insecure(), telling);
    assert!(Config::default().insecure().is_empty());
}

#[test]
fn a_reload_tells_what_changes_now_and_what_waits() {
    let folder = Folder::new("reload").with("pw", "old").with("bramka.toml", LINK);
    let old = folder.read(&[]).unwrap();
    let folder = folder.with(
        "bramka.toml",
        &format!(
            "[log]\nlevel = \"debug\"\nformat = \"json\"\n[limits]\nlane_head = 9\n\
                  {}{LINK}window = 20\nrate = 5\nresponse = \"30s\"\n",
            LINK.replace("\"a\"", "\"first\"")
        ),
    );
    let new = folder.read(&[]).unwrap();
    let diff = Config::reload_diff(&old, &new);
    assert_eq!(
        diff.changed_now,
        ["limits.lane_head", "log.level", "smsc_link[a].rate", "smsc_link[a].window"]
    );
    assert_eq!(diff.needs_restart, ["log.format", "smsc_link[a].response", "smsc_link[first]"]);

    let newest = folder.with("pw", "new").read(&[]).unwrap();
    let diff = Config::reload_diff(&new, &newest);
    assert_eq!(
        diff.needs_restart,
        ["smsc_link[first].password_file", "smsc_link[a].password_file"]
    );
    assert!(Config::reload_diff(&new, &new).is_empty());
}

#[test]
fn the_effective_file_reads_back_as_the_same_configuration() {
    let folder = Folder::new("effective").with("pw", "x").with(
        "bramka.toml",
        &format!(
            "[smpp_server]\ninactivity = \"1h\"\nplain_from = [\"192.0.2.0/24\"]\n{LINK}\
                  status_names = {{ V = 0x401 }}\n[smsc_link.tlvs.class]\ntag = 0x1402\n"
        ),
    );
    let config = folder.read(&[]).unwrap();
    let again = Config::from_text(&config.effective(), &folder.0).unwrap();
    assert_eq!(*again, *config);
}

#[test]
fn the_shipped_sample_is_what_the_code_says() {
    assert_eq!(include_str!("../../config/bramka.toml"), Config::sample());
}

// Independent of how the sample is made: what a user gets who takes every # away.
#[test]
fn the_shipped_sample_without_its_comment_marks_is_the_default() {
    let sample = include_str!("../../config/bramka.toml");
    let folder = Folder::new("sample").with("smsc-a.password", "x");
    assert_eq!(*Config::from_text(sample, &folder.0).unwrap(), Settings::default());

    let is_setting = |line: &str| {
        line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| walk::is_name(key))
    };
    let mut settings = String::new();
    for line in sample.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if is_setting(bare) {
            settings.push_str(bare);
            settings.push('\n');
        }
    }
    // `url_file` beside `url` is the one pair that excludes each other only when set.
    let settings = settings.replace("url = \"sqlite:bramka.db\"\n", "");
    let mut config = Config::from_text(&settings, &folder.0).unwrap();
    let links = std::mem::take(&mut config.smsc_link);
    assert_eq!(*config, Settings::default());

    let mut example = SmscLink::example();
    example.password_file.secret = Secret::new("x");
    assert_eq!(links, [example]);

    let why_is_missing: Vec<_> = config
        .entries()
        .into_iter()
        .filter(|entry| !entry.why.last().is_some_and(|why| why.ends_with('.')))
        .map(|entry| entry.path)
        .collect();
    assert!(why_is_missing.is_empty(), "no line of why: {why_is_missing:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z_\\[\\]=\"'{}.#0-9 \n-]|smsc_link|http|listen){0,80}") {
        let _read = parse(&text);
    }
}
