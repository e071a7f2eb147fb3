//! Whole commands, run in this process against a folder of their own.

mod changes;
mod orders;
mod people;

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

use clap::CommandFactory as _;
use serde_json::{Value, json};

use super::*;
use crate::{
    control::tests::{self as fake, Daemon},
    domain::secret::Pepper,
};

/// What a command wrote.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A host with a configuration, and a daemon if it is asked for.
struct Host {
    folder: tempfile::TempDir,
    daemon: Option<(tokio::runtime::Runtime, Daemon)>,
}

struct Ended {
    exit: i32,
    out: String,
    err: String,
}

impl Host {
    fn without_daemon() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pepper"), "salt and more\n").unwrap();
        let text = format!(
            "[node]\ndata_folder = \"{}\"\n[smpp_server]\nlisten = []\npepper_file = \"pepper\"\n\
             [http]\nlisten = []\nadmin_listen = []\n[store]\ndisk_hard = \"8MiB\"\ndisk_soft = \"16MiB\"\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("bramka.toml"), text).unwrap();
        Self { folder, daemon: None }
    }

    /// The daemon has threads of its own, because `main_with` blocks this one.
    fn with_daemon() -> Self {
        let host = Self::without_daemon();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let daemon = runtime.block_on(fake::daemon(host.folder.path()));
        Self { daemon: Some((runtime, daemon)), ..host }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let file = self.path().join("bramka.toml");
        let head = ["bramka", "--config", file.to_str().unwrap()];
        let (out, err) = (Paper::default(), Paper::default());
        let mut output = Output::new(Box::new(out.clone()), Box::new(err.clone()));
        let exit = main_with(head.iter().chain(arguments), &mut output);
        Ended { exit, out: out.text(), err: err.text() }
    }

    /// Runs a command that must succeed; gives back its JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        let ended = self.run(&arguments);
        assert_eq!(ended.exit, 0, "{arguments:?}: {}", ended.err);
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
    }

    fn daemon(&self) -> &Daemon {
        &self.daemon.as_ref().unwrap().1
    }
}

fn seed_text() -> &'static str {
    "numbers = [\"7455\"]\n\
     [[tariff]]\ncode = \"T4\"\nnet = \"4.00\"\ngross = \"4.92\"\n\
     [[partner]]\nname = \"acme\"\nsender_names = [\"ACME\"]\n\
     [[partner.credential]]\nsystem_id = \"acme1\"\npassword_file = \"acme1.password\"\n\
     addresses = [\"192.0.2.0/24\"]\n\
     [[service]]\npartner = \"acme\"\nname = \"win\"\nnumber = \"7455\"\nkeywords = [\"win\"]\n\
     billing = \"mt\"\ntariff = \"T4\"\nlink_group = \"main\"\nstate = \"live\"\n"
}

/// What a person who types `--help` would miss, below one command.
fn unexplained(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name());
    if command.get_about().is_none() {
        missing.push(path.clone());
    }
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        if argument.get_help().is_none() {
            missing.push(format!("{path}: {}", argument.get_id()));
        }
        // Values of an enum of ours come one by one; plain words and truths explain themselves.
        let values = argument.get_possible_values();
        let is_told = values.iter().any(|value| value.get_help().is_some());
        for value in values.iter().filter(|value| is_told && value.get_help().is_none()) {
            missing.push(format!("{path}: {} {}", argument.get_id(), value.get_name()));
        }
    }
    let mut is_leaf = true;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        is_leaf = false;
        unexplained(below, &path, missing);
    }
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    // An example names the command whole, so that it can be copied.
    if is_leaf && !(more.contains("Example") && names_itself(&more, &path)) {
        missing.push(format!("{path}: no example"));
    }
}

/// `bramka --config FILE run` is an example of `bramka run`.
fn names_itself(help: &str, path: &str) -> bool {
    let words: Vec<&str> = path.split_whitespace().collect();
    help.lines().any(|line| {
        let mut said = line.split_whitespace();
        words.iter().all(|word| said.any(|one| one == *word))
    })
}

#[test]
fn every_command_and_argument_is_explained_and_every_command_has_an_example() {
    let mut missing = Vec::new();
    unexplained(&Cli::command(), "", &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_words_of_the_command_line_do_not_contradict_each_other() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_that_changes_something_has_an_example() {
    fn visit(command: &clap::Command, path: &str, without: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name());
        let is_leaf = command.get_subcommands().next().is_none();
        let only_reads = ["list", "help", "status"].contains(&command.get_name());
        if is_leaf && !only_reads && command.get_after_help().is_none() {
            without.push(path.clone());
        }
        for inner in command.get_subcommands() {
            visit(inner, &path, without);
        }
    }
    let mut without = Vec::new();
    visit(&Cli::command(), "", &mut without);
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn the_exit_code_says_what_kind_of_failure_it_was() {
    let host = Host::without_daemon();
    for (arguments, exit, said) in [
        (&["--help"][..], 0, ""),
        (&["partner", "list"], 0, ""),
        (&["config", "sample"], 0, ""),
        (&[], 2, "Usage"),
        (&["partner", "ad", "acme"], 2, "unrecognized subcommand"),
        (&["partner", "add", "no spaces"], 2, "is no name"),
        (&["number", "add", "12", "x"], 2, "bramka: "),
        (&["partner", "limits", "acme"], 3, "no partner is called `acme`"),
        (&["partner", "disable", "acme"], 3, "no partner is called `acme`"),
        (&["credential", "add", "a", "--partner", "acme"], 3, "no partner is called `acme`"),
        (&["key", "add", "--partner", "acme"], 3, "no partner is called `acme`"),
        (&["key", "revoke", "abc"], 3, "no key is called"),
        (&["credential", "rotate", "a"], 3, "no system_id"),
        (&["message", "show", "1"], 3, "no message has the id 1"),
        (&["message", "trace", "1"], 3, "no message has the id 1"),
        (&["message", "find", "--partner", "acme"], 3, "no partner is called `acme`"),
        (&["message", "find", "--number", "acme"], 2, "`acme` is no number"),
        (&["message", "find", "--state", "lost"], 2, "`lost` is no state; there are accepted"),
        (&["status"], 4, "is `bramka run` running?"),
        (&["top", "--once"], 4, "no daemon answers"),
        (&["link", "down", "north"], 4, "no daemon answers"),
        (&["trace", "session", "1"], 4, "no daemon answers"),
        (&["log", "level", "debug"], 4, "no daemon answers"),
    ] {
        let ended = host.run(arguments);
        assert_eq!(ended.exit, exit, "{arguments:?}: {} {}", ended.out, ended.err);
        assert!(ended.err.contains(said), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn a_mistake_in_the_configuration_is_exit_code_2_with_all_of_them() {
    let host = Host::without_daemon();
    std::fs::write(host.path().join("bramka.toml"), "[htp]\n[node]\nid = 64\n").unwrap();
    let ended = host.run(&["check"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("2 mistakes") && ended.err.contains("node.id"), "{}", ended.err);
    assert_eq!(host.run(&["partner", "list"]).exit, 2);
    let ended = host.run(&["check", "--json"]);
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["mistakes"].as_array().unwrap().len(), 2);
    let error: Value = serde_json::from_str(&ended.err).unwrap();
    assert_eq!(error["exit"], 2);
    assert_eq!(host.run(&["doctor"]).exit, 1);
}

#[test]
fn a_partner_is_added_limited_disabled_and_shown() {
    let host = Host::without_daemon();
    host.json(&["partner", "add", "acme", "--rate", "20"]);
    let ended = host.run(&["partner", "add", "acme"]);
    assert_eq!((ended.exit, ended.err.contains("exists already")), (1, true), "{}", ended.err);
    let limits = ["partner", "limits", "acme", "--burst", "7", "--message-ids", "hex"];
    let value = host.json(&limits);
    assert_eq!((&value["rate"], &value["burst"]), (&json!(20), &json!(7)), "the rate stays");
    assert_eq!(value["message_ids"], "hex");
    host.json(&["partner", "disable", "acme"]);
    assert_eq!(host.json(&["partner", "list"])[0]["active"], false);
    host.json(&["partner", "enable", "acme"]);
    assert_eq!(host.json(&["partner", "show", "acme"])["active"], true);
    let text = host.run(&["partner", "list"]).out;
    assert!(text.starts_with("NAME  ACTIVE"), "{text}");
    assert!(text.contains("acme  yes"), "{text}");
    let trail = host.json(&["audit", "list"]);
    let who = format!("operator:{}", crate::control::who::myself());
    assert!(trail.as_array().unwrap().iter().all(|row| row["who"] == who.as_str()), "{trail}");
    assert_eq!(host.json(&["audit", "verify"])["records"], 5);
}

#[test]
fn a_password_is_shown_once_and_only_its_hash_is_kept() {
    let host = Host::without_daemon();
    host.json(&["partner", "add", "acme"]);
    let added = host.json(&[
        "credential",
        "add",
        "acme1",
        "--partner",
        "acme",
        "--address",
        "192.0.2.0/24",
    ]);
    let first = added["password"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 8);
    let rotated = host.json(&["credential", "rotate", "acme1"]);
    let second = rotated["password"].as_str().unwrap().to_owned();
    let listed = host.run(&["credential", "list", "--json"]).out;
    assert!(!listed.contains(&first) && !listed.contains(&second));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["rotating"], true);
    let pepper = Pepper::new(*b"salt and more");
    let secrets = catalog(&host).credential("acme1").unwrap().secrets.clone();
    assert!(
        pepper.matches(first.as_bytes(), &secrets) && pepper.matches(second.as_bytes(), &secrets)
    );

    let file = host.path().join("given");
    std::fs::write(&file, "hunter2\n").unwrap();
    let file = file.to_str().unwrap();
    let given =
        host.json(&["credential", "add", "acme2", "--partner", "acme", "--password-file", file]);
    assert_eq!(given["password"], Value::Null, "what was read is not shown");
    let secrets = catalog(&host).credential("acme2").unwrap().secrets.clone();
    assert!(pepper.matches(b"hunter2", &secrets));
    std::fs::write(file, "longer than eight\n").unwrap();
    let ended = host.run(&["credential", "rotate", "acme2", "--password-file", file]);
    assert_eq!(ended.exit, 2);
    assert!(!ended.err.contains("longer than eight"), "{}", ended.err);
}

#[test]
fn an_api_key_works_until_it_is_revoked() {
    let host = Host::without_daemon();
    host.json(&["partner", "add", "acme"]);
    let made = host.json(&["key", "add", "--partner", "acme", "--days", "0"]);
    let (prefix, key) = (made["prefix"].as_str().unwrap(), made["key"].as_str().unwrap());
    let (name, secret) = key.rsplit_once('_').unwrap();
    assert!(name == prefix && prefix.starts_with("bk_"), "as the API splits it: {key}");
    let known = catalog(&host).api_key(prefix).unwrap().secret;
    assert!(Pepper::new(*b"salt and more").matches(secret.as_bytes(), &[known]));
    let listed = host.json(&["key", "list", "--partner", "acme"]);
    assert_eq!((&listed[0]["expires_at"], &listed[0]["expired"]), (&Value::Null, &json!(false)));
    host.json(&["key", "revoke", prefix]);
    assert_eq!(host.json(&["key", "list"]), json!([]));
}

#[test]
fn a_seed_file_read_twice_changes_nothing_the_second_time() {
    let host = Host::without_daemon();
    let file = host.path().join("acme.toml");
    std::fs::write(host.path().join("acme1.password"), "hunter2\n").unwrap();
    std::fs::write(&file, seed_text()).unwrap();
    let file = file.to_str().unwrap();
    let first = host.json(&["seed", file]);
    assert_eq!((first["added"].as_array().unwrap().len(), &first["kept"]), (5, &json!(0)));
    assert_eq!(first["secrets"], json!([]));
    host.json(&["service", "state", "win", "suspended", "--partner", "acme"]);
    let second = host.json(&["seed", file]);
    assert_eq!((&second["added"], &second["kept"]), (&json!([]), &json!(5)));
    let services = host.json(&["service", "list"]);
    assert_eq!(services[0]["state"], "suspended", "a seed takes nothing back");
    assert_eq!(
        (&services[0]["keywords"], &services[0]["price"]),
        (&json!(["WIN"]), &json!("4.92 PLN"))
    );
}

#[test]
fn a_seed_file_with_a_slip_writes_nothing() {
    let host = Host::without_daemon();
    let file = host.path().join("acme.toml");
    for (slip, said) in [
        (
            seed_text().replace("billing = \"mt\"", "billing = \"both\""),
            "must be one of free, mo, mt",
        ),
        (seed_text().replace("link_group", "linkgroup"), "unknown field `linkgroup`"),
        (seed_text().replace("4.92", "3.92"), "gross must not be less"),
        (format!("{}[service.standard]\nhelp_text = \"Pomoc\"\n", seed_text()), "all four"),
        (seed_text().replace("tariff = \"T4\"\nlink", "link"), "needs a tariff"),
    ] {
        std::fs::write(&file, slip).unwrap();
        let ended = host.run(&["seed", file.to_str().unwrap()]);
        assert_eq!(ended.exit, 2, "{}", ended.err);
        assert!(ended.err.contains(said), "{}", ended.err);
        assert_eq!(host.json(&["partner", "list"]), json!([]));
    }
}

#[test]
fn a_tariff_has_one_version_for_a_moment() {
    let host = Host::without_daemon();
    let add = ["tariff", "add", "T4", "--net", "4.00", "--gross", "4.92", "--from"];
    let at = |from: &'static str| [&add[..], &[from]].concat();
    host.json(&at("2026-01-01T00:00:00Z"));
    host.json(&at("2027-01-01T00:00:00Z"));
    assert_eq!(host.run(&at("2027-01-01T00:00:00Z")).exit, 1);
    let listed = host.json(&["tariff", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["net"], &listed[0]["vat_permille"]), (&json!("4.00 PLN"), &json!(230)));
}

#[test]
fn a_service_names_things_that_exist() {
    let host = Host::without_daemon();
    host.json(&["partner", "add", "acme"]);
    host.json(&["number", "add", "7455"]);
    let add = |more: &[&'static str]| {
        let base = ["service", "add", "win", "--partner", "acme", "--link-group", "main"];
        [&base[..], more].concat()
    };
    for (more, exit) in [
        (&["--number", "7456", "--billing", "free"][..], 3),
        (&["--number", "7455", "--billing", "mt", "--tariff", "T9"], 3),
        (&["--number", "7455", "--billing", "mt"], 2),
        (&["--number", "7455", "--billing", "free", "--callback-url", "ftp://x"], 2),
        (&["--number", "7455", "--billing", "free", "--keyword", "a b"], 2),
        (&["--number", "7455", "--billing", "free", "--help-text", "Pomoc"], 2),
    ] {
        assert_eq!(host.run(&add(more)).exit, exit, "{more:?}");
    }
    let with_callback =
        ["--number", "7455", "--billing", "free", "--callback-url", "https://example.com/mo"];
    let made = host.json(&add(&with_callback));
    assert!(made["callback_secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(host.json(&["number", "list"])[0]["services"], 1);
}

#[test]
fn a_service_that_answers_standard_words_has_all_its_texts() {
    let host = Host::without_daemon();
    host.json(&["partner", "add", "acme"]);
    host.json(&["number", "add", "7455"]);
    let long = "x".repeat(161);
    let add = |help: &str, rules: &str| {
        let base = "service add horo --partner acme --number 7455 --keyword HORO --billing free \
                    --link-group main --stop-text Koniec --contact 225554433";
        let words = base.split(' ').chain(["--help-text", help, "--rules-url", rules]);
        host.run(&words.collect::<Vec<_>>())
    };
    for (help, rules, why) in [
        (&*long, "https://acme.pl", "the help text takes 2 parts; at most 1 are allowed"),
        ("Horoskop", "acme.pl", "the address of the rules"),
    ] {
        let refused = add(help, rules);
        assert!(refused.exit == 2 && refused.err.contains(why), "{}", refused.err);
    }
    let made = add("Horoskop", "https://acme.pl");
    assert_eq!(made.exit, 0, "{}", made.err);
    assert_eq!(host.json(&["service", "list"])[0]["answers_standard_words"], true);
}

#[test]
fn migrate_says_what_it_did() {
    let host = Host::without_daemon();
    assert_eq!(host.json(&["migrate"])["before"], Value::Null);
    let again = host.json(&["migrate"]);
    assert_eq!(again["before"], again["after"]);
}

#[test]
fn the_doctor_says_what_to_do_about_each_trouble() {
    let host = Host::without_daemon();
    let finding = |list: &Value, what: &str| {
        list.as_array().unwrap().iter().find(|row| row["what"] == what).cloned().unwrap()
    };
    let list = host.json(&["doctor"]);
    assert_eq!(finding(&list, "store")["result"], "warn", "no database yet");
    assert_eq!(finding(&list, "daemon")["text"], "does not run");
    host.json(&["migrate"]);
    let list = host.json(&["doctor"]);
    for what in ["store", "schema", "durability", "data folder", "pepper", "configuration"] {
        assert_eq!(finding(&list, what)["result"], "ok", "{list}");
    }
    // A port that nobody listens on: taken and given back.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = host.path().join("bramka.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(host.path().join("p"), "secret\n").unwrap();
    text = format!(
        "{text}[[smsc_link]]\nname = \"north\"\naddress = \"{closed}\"\nsystem_id = \"x\"\npassword_file = \"p\"\n"
    );
    std::fs::write(&file, text).unwrap();
    let ended = host.run(&["doctor", "--json"]);
    assert_eq!(ended.exit, 1, "{}", ended.err);
    let link = finding(&serde_json::from_str(&ended.out).unwrap(), "link north");
    assert_eq!(link["result"], "fail");
    assert!(link["advice"].as_str().unwrap().contains("firewall"));
}

#[test]
fn a_running_daemon_sees_a_new_partner_at_once() {
    let host = Host::with_daemon();
    host.json(&["partner", "add", "acme"]);
    assert!(host.daemon().gateway.catalog().partner_named("acme").is_some());
    host.json(&["partner", "disable", "acme"]);
    let catalog = host.daemon().gateway.catalog();
    assert!(!catalog.partner_named("acme").unwrap().is_active);
}

#[test]
fn live_commands_show_what_the_daemon_says() {
    let host = Host::with_daemon();
    fake::link_card(&host.daemon().gateway);
    let (card, _heard) = fake::session_card(&host.daemon().gateway);
    assert_eq!(host.json(&["status"])["ready"], true);
    assert_eq!(host.json(&["link", "list"])[0]["name"], "north");
    assert_eq!(host.json(&["link", "down", "north"])["state"], "down");
    assert_eq!(host.run(&["link", "up", "a/b"]).exit, 3);
    assert_eq!(host.json(&["bind", "list"])[0]["system_id"], "acme1");
    assert_eq!(host.run(&["bind", "list", "--partner", "amce"]).exit, 3);
    let id = card.id.to_string();
    host.json(&["bind", "kick", &id, "--reason", "test"]);
    assert_eq!(host.run(&["bind", "kick", "99", "--reason", "test"]).exit, 3);
    let top = host.json(&["top", "--once"]);
    assert_eq!(top["links"][0]["submitted_per_second"], Value::Null);
    let text = host.run(&["top"]).out;
    assert!(text.contains("test") && text.contains("north"), "{text}");
    assert_eq!(host.json(&["queue", "summary"]), json!([]));
    assert_eq!(host.run(&["log", "level", "debug"]).exit, 1, "this daemon has no log to turn");
}

#[test]
fn an_unknown_message_needs_a_second_person_at_the_command_line_too() {
    let host = Host::with_daemon();
    let (runtime, daemon) = host.daemon.as_ref().unwrap();
    let id = runtime.block_on(fake::unknown_message(&daemon.gateway)).to_string();
    assert_eq!(host.json(&["unknown", "list", "--state", "unknown"])[0]["id"], id.as_str());
    assert_eq!(host.json(&["unknown", "list", "--state", "held"]), json!([]));
    let resolve = |by: &str| {
        host.json(&["unknown", "resolve", &id, "write-off", "--reason", "no CDR", "--by", by])
    };
    assert_eq!(resolve("anna")["result"], "proposed");
    assert_eq!(resolve("anna")["result"], "proposed");
    assert_eq!(resolve("boris")["state"], "unknown_final");
    let shown = host.json(&["message", "show", &id]);
    assert_eq!(
        (&shown["recipient"], &shown["partner"], &shown["charges"]),
        (&json!("48600***200"), &json!("acme"), &json!([]))
    );
    let pdu = shown["pdu"].as_str().unwrap();
    assert!(pdu.starts_with("submit_sm ") && pdu.contains("=48600***200 "), "{pdu}");
    assert_eq!(host.json(&["message", "show", &id, "--reveal"])["recipient"], "48600100200");
    let trail = host.json(&["audit", "list", "--limit", "1"]);
    assert_eq!((&trail[0]["what"], &trail[0]["subject"]), (&json!("message.reveal"), &json!(id)));
    for arguments in [
        &[&*id][..],
        &["--number", "48600100200"],
        &["--number", "*200", "--partner", "acme", "--state", "unknown_final"],
        &["--direction", "mt", "--from", "2020-01-02T00:00:00Z", "--limit", "1"],
    ] {
        let found = host.json(&[&["message", "find"], arguments].concat());
        let row = (&found[0]["id"], &found[0]["recipient"]);
        assert_eq!(row, (&json!(id), &json!("48600***200")), "{arguments:?}: {found}");
    }
    assert_eq!(host.json(&["message", "find", "--state", "expired"]), json!([]));
    let events = host.json(&["message", "trace", &id]);
    let kinds: Vec<_> = events.as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert!(kinds.contains(&json!("write_off_proposed")), "{kinds:?}");
    assert_eq!(host.json(&["audit", "verify"])["whole"], true);
}

fn catalog(host: &Host) -> crate::domain::Catalog {
    use crate::store::{GroupLimits, Place, Store};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("sqlite:{}", host.path().join("bramka.db").display());
    runtime.block_on(async {
        let place = Place { url, readers: 1 };
        let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
        let catalog = store.load_catalog().await.unwrap();
        store.close().await;
        catalog
    })
}

#[test]
fn letters_are_listed_shown_without_their_key_and_sent_again() {
    let host = Host::without_daemon();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", host.path().join("bramka.db").display());
        let place = crate::store::Place { url, readers: 1 };
        let limits = crate::store::GroupLimits::default();
        let (store, _writer) = crate::store::Store::open(place, limits).await.unwrap();
        let new = crate::store::NewMail {
            recipient: "anna@zolw.example".into(),
            recipient_name: String::new(),
            language: "pl".into(),
            template: "password_reset",
            data: json!({ "login": "anna", "valid_until": 0, "link": "/reset?key=canary" }),
            attachments: Vec::new(),
            subject: "person:5".into(),
            partner: None,
        };
        let id = store.queue_letter(&crate::domain::Caller::Gateway, 1, &new).await.unwrap();
        store.letter_ended(id, false, "no").await.unwrap();
        store.close().await;
    });
    let list = host.json(&["mail", "list", "--about", "person:5"]);
    assert_eq!((&list[0]["state"], &list[0]["error"]), (&json!("failed"), &json!("no")));
    let shown = host.run(&["mail", "show", "1"]);
    assert!(shown.out.contains("Zmiana hasła"), "{}{}", shown.out, shown.err);
    assert!(shown.out.contains("http://localhost:8080/****"), "{}", shown.out);
    assert!(!shown.out.contains("canary"), "{}", shown.out);
    assert_eq!(host.json(&["mail", "retry", "1"])["state"], "queued");
    assert_eq!(host.run(&["mail", "retry", "1"]).exit, 1);
    assert_eq!(host.json(&["mail", "bounced", "1", "--reason", "full"])["state"], "bounced");
    for command in [&["mail", "show", "9"][..], &["mail", "bounced", "9", "--reason", "x"]] {
        assert_eq!(host.run(command).exit, 3);
    }
    let preview = host.run(&["mail", "preview", "invitation", "--language", "en"]);
    assert!(preview.out.contains("never send passwords"), "{}", preview.out);
    assert_eq!(host.run(&["mail", "preview", "nothing"]).exit, 3);
}

#[test]
fn check_finds_a_spoilt_letter() {
    let host = Host::without_daemon();
    std::fs::create_dir(host.path().join("letters")).unwrap();
    let file = host.path().join("bramka.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}[mail]\ntemplates = \"letters\"\n")).unwrap();
    assert_eq!(host.run(&["check"]).exit, 0);
    std::fs::write(host.path().join("letters/invitation.pl.txt"), "Temat\n\n{{ haslo }}").unwrap();
    let ended = host.run(&["check"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("invitation.en.txt: missing"), "{}", ended.err);
    assert!(ended.err.contains("`haslo` is not known"), "{}", ended.err);
}
