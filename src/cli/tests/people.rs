//! `user`: the first administrator and what follows.

use super::*;

#[test]
fn the_first_administrator_is_made_on_the_host_with_a_link_that_is_shown_once() {
    let host = Host::without_daemon();
    assert_eq!(host.json(&["user", "list"]), json!([]));
    let add = [
        "user",
        "add",
        "--name",
        "Anna Nowak",
        "--mail",
        "Anna@Operator.example",
        "--role",
        "admin",
    ];
    let made = host.json(&add);
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with("/invitation/") && link.len() > 40, "{link}");
    let listed = host.json(&["user", "list"]);
    assert_eq!(listed[0]["mail"], "anna@operator.example");
    assert_eq!((&listed[0]["state"], &listed[0]["role"]), (&json!("invited"), &json!("admin")));
    assert!(!listed.to_string().contains(link.rsplit('/').next().unwrap()));
    let again = host.run(&add);
    assert_eq!(again.exit, 1);
    assert!(again.err.contains("taken"), "{}", again.err);
    let reset = host.json(&["user", "reset", "anna@operator.example"]);
    assert_ne!(reset["link"], made["link"]);
    let disabled = host.json(&["user", "disable", "anna@operator.example"]);
    assert_eq!(disabled["state"], "disabled");
    let enabled = host.json(&["user", "enable", "anna@operator.example"]);
    assert_eq!(enabled["state"], "invited", "there is no password yet");
}

#[test]
fn a_mistake_names_the_option() {
    let host = Host::without_daemon();
    let ended =
        host.run(&["user", "add", "--name", "Anna", "--mail", "anna", "--role", "developer"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("--mail must be") && ended.err.contains("--role must be one of"));
    assert_eq!(host.run(&["user", "disable", "nobody@x.example"]).exit, 3);
    assert_eq!(host.run(&["user", "list", "--partner", "acme"]).exit, 3);
}
