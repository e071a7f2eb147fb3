//! What became of a message, asked of a running daemon by those who may: its partner and the
//! staff, by whatever name they have for it.

use bramka::{
    clock::Clock,
    demo::esme::mt,
    domain::{MessageId, MessageState, NumberPattern, Refusal, Story, seal::Seal},
    partnership::{Error, Partnership},
    store::MessageFilter,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    interop::api::session,
    world::{World, eventually},
};

const NUMBER: &str = "48600100200";
const MASKED: &str = "48600***200";

/// One answer of the API, head and body.
async fn get(world: &World, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(world.node.http[0]).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_found_by_every_name_it_has_and_tells_its_way_and_its_charge() {
    let world = World::new().await;
    world.link_up().await;
    let mut acme = world.bind("acme").await;
    let sent = acme.submit(mt("7466", NUMBER, "your prize")).await.expect("accepted");
    let id = MessageId(String::from_utf8_lossy(&sent.message_id).parse().unwrap());
    world.becomes(id, MessageState::Delivered).await;
    assert!(world.smsc.mo(NUMBER, "7455", "win please").await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "win please");

    let gateway = world.gateway();
    let verbs = Partnership::new(gateway.store().clone(), Clock::System, Seal::new([&b"any"[..]]));
    let number = gateway.catalog().partner_named("acme").unwrap().id;
    let tokens = (session(&world, Some(number)).await, session(&world, None).await);
    let partner = verbs.caller_of(&tokens.0).await.unwrap().expect("a session");
    let staff = verbs.caller_of(&tokens.1).await.unwrap().expect("a session");

    let all = MessageFilter { limit: 10, ..MessageFilter::default() };
    let found = eventually("the text is handed over", async || {
        let found = verbs.find_messages(&partner, &all).await.unwrap();
        let is_over = found.rows.iter().all(|row| row.state == "delivered");
        (found.rows.len() == 2 && is_over).then_some(found)
    })
    .await;
    let seen: Vec<_> =
        found.rows.iter().map(|row| (&*row.direction, &*row.sender, &*row.recipient)).collect();
    assert_eq!(seen, [("mo", MASKED, "7455"), ("mt", "7466", MASKED)], "the newest first");
    let text = MessageId(found.rows[0].id);

    let view = verbs.message_view(&partner, id).await.unwrap();
    assert_eq!(view.story, Story::MtDelivered);
    let kinds: Vec<_> = view.events.iter().map(|event| &*event.kind).collect();
    for kinds in kinds.windows(2) {
        assert_ne!(kinds[0], kinds[1], "each step once");
    }
    assert_eq!(kinds[..3], ["accepted", "claimed", "submitted"], "{kinds:?}");
    assert!(kinds.contains(&"delivered") && view.events.is_sorted_by_key(|event| event.at));
    let charge = (0, 492, "PLN".to_owned(), "delivered".to_owned());
    assert_eq!(view.charges, [charge]);
    assert!(view.events.iter().all(|event| event.link.is_none() && event.detail.is_none()));

    let whole = verbs.message_view(&staff, id).await.unwrap();
    let submitted = whole.events.iter().find(|event| event.kind == "submitted").unwrap();
    assert!(submitted.link.is_some());
    let smsc_id = submitted.detail.clone().unwrap();
    for name in [id.to_string(), format!("{:X}", id.0), smsc_id] {
        let called = verbs.messages_called(&staff, &name).await.unwrap();
        assert_eq!(called.iter().map(|row| row.id).collect::<Vec<_>>(), [id.0], "{name}");
    }
    let taken = verbs.message_view(&partner, text).await.unwrap();
    assert_eq!((taken.story, taken.line.keyword.as_deref()), (Story::MoDelivered, Some("WIN")));
    let by_number = MessageFilter { number: NumberPattern::parse(NUMBER), ..all };
    assert_eq!(verbs.find_messages(&staff, &by_number).await.unwrap().rows.len(), 2);

    let answer = get(&world, "/api/v1/messages?direction=mo&limit=5", &tokens.0).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(&text.to_string()) && !answer.contains(&id.to_string()), "{answer}");
    assert!(answer.contains(MASKED) && !answer.contains(NUMBER), "{answer}");
    let unknown = verbs.message_view(&partner, MessageId(7)).await;
    assert!(matches!(unknown, Err(Error::Refused(Refusal::UnknownMessage(_)))));
    world.stop().await;
}
