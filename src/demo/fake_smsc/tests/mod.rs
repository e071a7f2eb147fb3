//! The fake operator and the test client, over real sockets.

mod binds;
mod deliveries;
mod submits;

use super::*;
use crate::{
    demo::{
        esme::{self, Esme, Failed},
        journal::{self, Event},
    },
    smpp::{Command, CommandId, Pdu, Version, tag},
};

async fn smsc(change: impl FnOnce(&mut Script)) -> FakeSmsc {
    let mut script = Script::default();
    change(&mut script);
    FakeSmsc::with(Options::default(), script).await.unwrap()
}

async fn bind(smsc: &FakeSmsc, kind: BindKind) -> Esme {
    Esme::bind(smsc.address(), kind, Version::V34, "acme", "secret").await.unwrap()
}

async fn transceiver(smsc: &FakeSmsc) -> Esme {
    bind(smsc, BindKind::Transceiver).await
}

fn mt(text: &str) -> ShortMessage {
    esme::mt("7055", "48600100200", text)
}

/// A message that asks for no receipt.
fn quiet(text: &str) -> ShortMessage {
    ShortMessage { registered_delivery: 0, ..mt(text) }
}

fn status_of(result: Result<crate::smpp::pdu::MessageResp, Failed>) -> CommandStatus {
    match result {
        Ok(_) => CommandStatus::ROK,
        Err(Failed::Refused(status)) => status,
        Err(other) => panic!("{other}"),
    }
}
