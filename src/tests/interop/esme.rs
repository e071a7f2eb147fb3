//! Three libraries as the software of a partner, out of the box: nothing about them is configured
//! on our side.

use serde_json::Value;
use tokio::process::Command;

use super::{
    super::{tools, world::eventually},
    Overheard,
    foreign::{Foreign, script},
    text::{POLISH, long, pieces, text_of},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn npm_smpp_as_a_partner_sends_receives_and_gets_its_receipts() {
    let modules = tools::npm(&["smpp@0.5.1"]);
    let node = |port: &str| {
        let mut command = Command::new(tools::program("node").expect("it was installed above"));
        command.arg(script("esme.js")).arg(&modules).arg(port);
        command
    };
    Box::pin(tells_its_story("node", &node)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pypi_smpplib_as_a_partner_sends_receives_and_gets_its_receipts() {
    let venv = tools::python(&["smpplib==2.2.4"]);
    let python = |port: &str| {
        let mut command = Command::new(venv.join("bin/python"));
        command.arg(script("smpplib_esme.py")).arg(port);
        command
    };
    Box::pin(tells_its_story("smpplib", &python)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pypi_smpp34_as_a_partner_sends_receives_and_gets_its_receipts() {
    let venv = tools::python(&["smpp34==1.5.0"]);
    let python = |port: &str| {
        let mut command = Command::new(venv.join("bin/python"));
        command.arg(script("smpp34_esme.py")).arg(port);
        command
    };
    Box::pin(tells_its_story("smpp34", &python)).await;
}

/// The whole story twice: over one transceiver, and over a transmitter and a receiver.
async fn tells_its_story(name: &str, client: &impl Fn(&str) -> Command) {
    for kinds in [&["trx"][..], &["tx", "rx"]] {
        let heard = Box::pin(Overheard::new()).await;
        let mut command = client(&heard.port());
        command.args(kinds);
        let mut partner = Foreign::start(command, heard.world.folder.path(), "partner");
        for kind in kinds {
            let bound = partner.says("bound").await;
            assert_eq!((&bound["kind"], &bound["status"]), (&(*kind).into(), &0.into()));
            // One library tells its user its own name instead of ours.
            assert!(bound.get("system_id").is_none_or(|name| name == "bramka"), "{bound}");
        }
        let lines = partner.says_all_until("ready").await;
        assert!(
            of(&lines, "alive").chain(of(&lines, "submitted")).all(|line| line["status"] == 0),
            "{lines:?}"
        );
        let refused: Vec<&Value> = of(&lines, "refused").collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0]["status"], 0x0a, "ESME_RINVSRCADR");
        assert!(of(&lines, "submitted").any(|line| line["what"] == "after"), "{lines:?}");

        sent_what_it_said(&heard, &lines, &format!("Hello from {name}")).await;
        receives_texts(&heard, &mut partner).await;
        let wanted =
            |line: &&Value| ["short", "polish", "long"].iter().any(|what| line["what"] == *what);
        for submitted in of(&lines, "submitted").filter(wanted) {
            let receipt = partner.says("receipt").await;
            let id = receipt["id"].as_str().unwrap();
            assert!(
                of(&lines, "submitted").any(|line| line["id"] == id),
                "{receipt} is for none of {submitted} and the others"
            );
            let text = receipt["text"].as_str().unwrap();
            assert!(text.starts_with(&format!("id:{id} sub:001 dlvrd:001 ")), "{text}");
            assert!(text.contains(" stat:DELIVRD "), "{text}");
            assert_eq!(receipt["state"], 2, "{receipt}");
            assert!(receipt["unknown"].as_array().is_none_or(Vec::is_empty), "{receipt}");
        }
        eventually("each session answers an enquire_link of the gateway", async || {
            (heard.partners.signs_of_life() >= kinds.len()).then_some(())
        })
        .await;
        partner.ends().await;
        for _ in kinds {
            assert_eq!(partner.says("unbound").await["status"], 0);
        }
        heard.end(&format!("{name}-{}", kinds.join("-"))).await;
    }
}

fn of<'l>(lines: &'l [Value], event: &'static str) -> impl Iterator<Item = &'l Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

/// What reached the operator is what the client was given.
async fn sent_what_it_said(heard: &Overheard, lines: &[Value], greeting: &str) {
    let parts = lines.iter().filter(|line| line["what"] == "part").count();
    let is_whole = lines.iter().any(|line| line["what"] == "long");
    // The gateway cuts into as many parts as the clients do.
    let expected = 3 + parts + if is_whole { parts } else { 0 };
    assert!(parts > 1, "{lines:?}");
    let sent = heard.world.smsc.wait_for_submits(expected as u64).await.unwrap();
    let texts: Vec<String> = sent.iter().map(|submit| text_of(submit).1).collect();
    for text in [greeting, POLISH, "still here"] {
        assert!(texts.iter().any(|sent| sent == text), "{text} is not in {texts:?}");
    }
    // What the client gave in one piece, and the gateway cut, is in capitals.
    let (by_gateway, by_client): (Vec<String>, Vec<String>) =
        pieces(&sent).into_iter().partition(|text| *text == text.to_uppercase());
    assert_eq!(by_client.concat(), long());
    assert_eq!(by_gateway.concat(), if is_whole { long().to_uppercase() } else { String::new() });
}

async fn receives_texts(heard: &Overheard, partner: &mut Foreign) {
    let long = format!("win {}", long());
    for text in ["win please", "win Zażółć gęślą jaźń", &long] {
        let status = heard.world.smsc.mo("48600100200", "7455", text).await.unwrap();
        assert!(status.is_ok());
        let mo = partner.says("mo").await;
        assert_eq!(mo["text"], text);
        assert_eq!((&mo["from"], &mo["to"]), (&"48600100200".into(), &"7455".into()));
        assert!(mo["unknown"].as_array().is_none_or(Vec::is_empty), "{mo}");
    }
}
