//! The processes of the demo beside the gateway: the fake SMSC with its subscribers, and the
//! sample partner's application.
//!
//! What they are to be comes as the first line of standard input, orders as further ones, because
//! arguments are seen by everybody on the machine and an order must not need a port. What
//! surprises: the end of standard input is the order to end. That is how they die with a parent
//! that was killed.

use std::{
    io::{BufRead as _, Read as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::demo::{
    fake_smsc::{self, FakeSmsc, Script},
    sample_partner::{self, Answer, PartnerApp},
    subscribers::{self, Plan},
};

/// Octets of one order.
const ORDER_MAX: u64 = 16 * 1024;
/// Orders that wait.
const ORDERS_MAX: usize = 16;

/// How long the SMSC takes to answer a submit, and a handset to acknowledge a message.
const ANSWER_DELAY: Duration = Duration::from_millis(20);
const RECEIPT_DELAY: Duration = Duration::from_millis(500);

/// What a process is to be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Errand {
    Smsc(SmscErrand),
    Partner(PartnerErrand),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SmscErrand {
    pub(super) listen: SocketAddr,
    pub(super) system_id: String,
    pub(super) password: String,
    pub(super) journal: PathBuf,
    pub(super) tariff_tag: u16,
    pub(super) first_id: u64,
    pub(super) short_code: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PartnerErrand {
    pub(super) gateway: SocketAddr,
    pub(super) system_id: String,
    pub(super) password: String,
    pub(super) journal: PathBuf,
}

/// What the SMSC's subscribers are told later.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Texts in a second; 0 is silence.
    Rate(u32),
    /// One text to somebody else's number.
    Text { from: String, to: String, text: String },
}

/// Does the errand that standard input names, until that closes.
pub(crate) async fn run() -> anyhow::Result<()> {
    let (sender, mut orders) = mpsc::channel(ORDERS_MAX);
    // A thread, because a read of standard input cannot be cancelled and would hold up the end of
    // the runtime.
    std::thread::spawn(move || {
        while let Some(line) = line() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let first = orders.recv().await.context("nobody said what to do")?;
    match serde_json::from_slice(&first).context("the errand")? {
        Errand::Smsc(errand) => smsc(errand, orders).await,
        Errand::Partner(errand) => {
            let ended = async { while orders.recv().await.is_some() {} };
            PartnerApp::run(partner(errand), ended).await.context("the journal")
        }
    }
}

fn line() -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let read = std::io::stdin().lock().take(ORDER_MAX).read_until(b'\n', &mut line);
    (read.is_ok() && line.ends_with(b"\n")).then_some(line)
}

async fn smsc(errand: SmscErrand, mut orders: mpsc::Receiver<Vec<u8>>) -> anyhow::Result<()> {
    let options = fake_smsc::Options {
        listen: errand.listen,
        accounts: vec![(errand.system_id, errand.password)],
        journal: Some(errand.journal),
        submits_kept: 0,
        tariff_tag: errand.tariff_tag,
        first_id: errand.first_id,
        ..fake_smsc::Options::default()
    };
    let smsc = FakeSmsc::with(options, script()).await.context("the fake SMSC")?;
    let mut plan = Plan::new(0.0, &errand.short_code);
    loop {
        let texting = async {
            match plan.rate {
                rate if rate > 0.0 => subscribers::text(&smsc, &plan).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = texting => {}
            order = orders.recv() => match order {
                None => break,
                Some(order) => match serde_json::from_slice(&order).context("an order")? {
                    Order::Rate(rate) => plan.rate = f64::from(rate),
                    // A subscriber whose text finds no room texts again later.
                    Order::Text { from, to, text } => drop(smsc.queue_mo(&from, &to, &text)),
                },
            },
        }
    }
    smsc.run(None, std::future::ready(())).await;
    Ok(())
}

/// As busy as a real one, so that much is on its way whenever the plug is pulled.
fn script() -> Script {
    let mut script = Script { answer_delay: ANSWER_DELAY, ..Script::default() };
    script.receipts.delay = RECEIPT_DELAY;
    script
}

fn partner(errand: PartnerErrand) -> sample_partner::Options {
    let answers = vec![
        Answer::new("WIN", "You are in the draw, good luck", Some(super::business::TARIFF))
            .of_service("win"),
        Answer::new("INFO", "Sunny, 21 degrees", None).of_service("info"),
        Answer::new("*", "Text WIN or INFO", None),
    ];
    sample_partner::Options {
        answers,
        journal: Some(errand.journal),
        sessions: 2,
        reconnect: (Duration::from_millis(100), Duration::from_millis(500)),
        ..sample_partner::Options::new(errand.gateway, &errand.system_id, &errand.password)
    }
}

/// Ends this process as a power cut would when standard input closes.
pub(crate) fn die_with_stdin() {
    std::thread::spawn(|| {
        let mut octets = [0; 64];
        while matches!(std::io::stdin().lock().read(&mut octets), Ok(1..)) {}
        let me = rustix::process::getpid();
        // A process may always kill itself.
        let _unreached = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    });
}
