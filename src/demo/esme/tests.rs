//! The test client against the fake operator, over real sockets.

use super::*;
use crate::{
    demo::FakeSmsc,
    smpp::{Connection, ConnectionLimits, Step, codec},
};

async fn bound(smsc: &FakeSmsc) -> Esme {
    Esme::bind(smsc.address(), BindKind::Transceiver, Version::V34, "acme", "x").await.unwrap()
}

#[tokio::test]
async fn any_stream_will_do() {
    let (near, far) = tokio::io::duplex(1024);
    let esme = Esme::over(near);
    let mut centre = Connection::new(far, ConnectionLimits::default());
    let serve = async {
        let Ok(Step::Frames(frames)) = centre.step(true).await else { panic!("no bind") };
        let bind = codec::decode(&frames[0], Version::V34).unwrap();
        let Pdu::Bind(kind, _) = bind.pdu else { panic!("{:?}", bind.pdu) };
        let resp = BindResp { system_id: "mc".into(), ..BindResp::default() };
        let answer = Command::new(bind.sequence, Pdu::BindResp(kind, resp));
        centre.queue(&answer, Version::V34).unwrap();
        centre.flush().await.unwrap();
    };
    let bind = esme.bind_as(BindKind::Receiver, Version::V34, "acme", "x");
    let (resp, ()) = tokio::join!(bind, serve);
    assert_eq!(resp.unwrap().system_id, "mc");
}

#[tokio::test]
async fn pipelined_results_are_in_the_order_of_the_messages() {
    let smsc = FakeSmsc::start().await.unwrap();
    smsc.script(|script| script.answer_recipient("4866", CommandStatus::RINVDSTADR));
    let esme = bound(&smsc).await;
    let recipients = ["4860", "4866", "4860", "4860", "4866"];
    let messages = recipients.map(|recipient| mt("7055", recipient, "a"));
    let results = esme.submit_pipelined(messages, 2).await;
    let taken: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, true, true, false]);
}

#[tokio::test]
async fn it_may_say_what_is_not_legal() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = Esme::connect(smsc.address()).await.unwrap();
    let early = esme.submit(mt("7055", "4860", "a")).await;
    assert!(matches!(early, Err(Failed::Refused(CommandStatus::RINVBNDSTS))));
    // Seventeen octets that say they are eight.
    esme.send_raw(vec![0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0]).await.unwrap();
    esme.closed().await.unwrap();
    assert!(esme.is_closed());
    assert!(matches!(esme.submit(mt("7055", "4860", "a")).await, Err(Failed::Closed)));
}

#[tokio::test]
async fn it_unbinds_or_hangs_up() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = bound(&smsc).await;
    assert_eq!(esme.unbind().await.unwrap(), CommandStatus::ROK);
    esme.closed().await.unwrap();
    let esme = bound(&smsc).await;
    esme.close().await.unwrap();
    smsc.wait_for_binds(0).await.unwrap();
}

#[tokio::test]
async fn a_message_that_does_not_fit_is_not_waited_for() {
    let smsc = FakeSmsc::start().await.unwrap();
    let esme = bound(&smsc).await;
    let result = esme.submit(mt("7055", &"4".repeat(30), "a")).await;
    assert!(matches!(result, Err(Failed::Closed)));
    esme.submit(mt("7055", "4860", "a")).await.unwrap();
}

#[tokio::test]
async fn signs_of_life_can_be_left_to_the_test() {
    let options = crate::demo::fake_smsc::Options {
        enquire_link: Duration::from_millis(1),
        ..Default::default()
    };
    let smsc = FakeSmsc::with(options, crate::demo::Script::default()).await.unwrap();
    let mut esme = bound(&smsc).await;
    esme.auto_enquire_link(false);
    let asked = esme.read_command().await.unwrap();
    assert_eq!(asked.pdu, Pdu::EnquireLink);
    esme.send(Command::new(asked.sequence, Pdu::EnquireLinkResp)).await.unwrap();
}
