//! What a partner describes and the operator approves is what the gateway routes, without a
//! restart: real texts from the SMSC through each step of a service's life.

use bramka::{
    clock::Clock,
    demo::esme::{Failed, mt},
    domain::{
        LifeEvent, NumberEvent, Refusal, seal::Seal, service::ServiceLimits,
        service_field::TextCoding,
    },
    partnership::{Error, HoldWish, Partnership, Signed, StepNote},
    smpp::{BindKind, CommandStatus, ShortMessage, Tlvs, Version},
    store::{NewService, OfferingRow, OrderFilter},
};

use super::{
    interop::api::session,
    world::{Builder, World, eventually, service},
};

/// Both sides at their desks.
struct Desks {
    verbs: Partnership,
    partner: Signed,
    staff: Signed,
}

impl Desks {
    async fn of(world: &World) -> Self {
        let gateway = world.gateway();
        let seal = Seal::new([&b"any"[..]]);
        let verbs = Partnership::new(gateway.store().clone(), Clock::System, seal);
        let acme = gateway.catalog().partner_named("acme").expect("acme is there").id;
        let (partner, staff) = (session(world, Some(acme)).await, session(world, None).await);
        let partner = verbs.caller_of(&partner).await.unwrap().expect("a session");
        let staff = verbs.caller_of(&staff).await.unwrap().expect("a session");
        Self { verbs, partner, staff }
    }

    /// A keyword on a free shared number, in use.
    async fn keyword(&self, digits: &str, keyword: &str) {
        let verbs = &self.verbs;
        let file = format!("digits,shared\n{digits},yes\n");
        // The second time the number is there already.
        verbs.import_numbers(&self.staff, file.as_bytes(), false).await.unwrap();
        let number = verbs.number_called(&self.staff, digits).await.unwrap().unwrap().id;
        let wish = HoldWish { number, keyword: keyword.to_owned(), despite_likeness: true };
        let row = verbs.reserve_number(&self.partner, &wish).await.unwrap();
        let at = (row.id, row.version);
        let row = verbs.step_reservation(&self.partner, at, NumberEvent::Order, "").await.unwrap();
        let at = (row.id, row.version);
        verbs.step_reservation(&self.staff, at, NumberEvent::Activate, "").await.unwrap();
    }

    /// What both sides read of their orders, the newest first.
    async fn orders(&self) -> Vec<String> {
        let all = OrderFilter { limit: 10, ..OrderFilter::default() };
        let (own, staff) =
            (self.verbs.orders(&self.partner, &all), self.verbs.orders(&self.staff, &all));
        let (own, staff) = (own.await.unwrap(), staff.await.unwrap());
        assert_eq!(own, staff);
        own.iter().map(|row| format!("{} {}", row.kind, row.state)).collect()
    }

    async fn write(&self, row: &OfferingRow, fields: &[(&str, &str)]) -> OfferingRow {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let at = (row.id, row.version);
        self.verbs.edit_service(&self.partner, at, &fields).await.unwrap()
    }

    async fn take(&self, row: &OfferingRow, event: LifeEvent) -> Result<OfferingRow, Error> {
        let is_own = matches!(event, LifeEvent::Submit);
        let signed = if is_own { &self.partner } else { &self.staff };
        let note = StepNote { reason: "reason", ..StepNote::default() };
        self.verbs.step_service(signed, (row.id, row.version), event, note).await
    }
}

/// The order of a keyword in use.
const ACTIVE: &str = "number_activation completed";

const FORM: &[(&str, &str)] = &[
    ("kind", "vote"),
    ("short_code", "8055"),
    ("keywords", "QUIZ"),
    ("billing", "free"),
    ("answer", "Dziekujemy za glos."),
    ("contact_mail", "pomoc@acme.pl"),
    ("contact_phone", "225554433"),
    ("rules_url", "https://acme.pl/regulamin"),
    ("test_numbers", "48600100200"),
];

/// Waits until the running gateway knows a state of the service, and no longer than it may take.
async fn known(world: &World, state: &str, version: i64) {
    let begun = std::time::Instant::now();
    eventually("the gateway follows", async || {
        let catalog = world.gateway().catalog();
        let mut services = catalog.services();
        services
            .any(|one| one.name == "vote" && one.state.as_str() == state && one.version == version)
            .then_some(())
    })
    .await;
    // A second is promised; the rest is for a machine that has much else to do.
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_went_live_is_routed_within_a_second_and_a_suspended_one_is_not() {
    let world = World::new().await;
    let mut acme = world.bind("acme").await;
    let desks = Desks::of(&world).await;
    desks.keyword("8055", "QUIZ").await;
    desks.keyword("8055", "GRA").await;
    let row = desks.verbs.draft_service(&desks.partner, "vote").await.unwrap();
    let row = desks.write(&row, FORM).await;
    let row = desks.take(&row, LifeEvent::Submit).await.unwrap();
    let row = desks.take(&row, LifeEvent::Approve).await.unwrap();
    let row = desks.take(&row, LifeEvent::StartTest).await.unwrap();
    known(&world, "testing", 1).await;
    // Whoever is no tester is answered for the SMSC and reaches nobody.
    assert!(world.smsc.mo("48600999888", "8055", "quiz stranger").await.unwrap().is_ok());
    assert!(world.smsc.mo("48600100200", "8055", "quiz tester").await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "quiz tester");
    let at = (row.id, row.version);
    let row = desks.verbs.pass_service_test(&desks.staff, at, "an MO came").await.unwrap();
    assert_eq!(desks.orders().await, ["service_launch in_progress", ACTIVE, ACTIVE]);
    let row = desks.take(&row, LifeEvent::GoLive).await.unwrap();
    assert_eq!(desks.orders().await, ["service_launch completed", ACTIVE, ACTIVE]);
    known(&world, "live", 2).await;
    assert!(world.smsc.mo("48600999888", "8055", "quiz everybody").await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "quiz everybody");
    // Another keyword from the moment of its approval on.
    let row = desks.write(&row, &[("keywords", "GRA")]).await;
    let row = desks.take(&row, LifeEvent::Submit).await.unwrap();
    let row = desks.take(&row, LifeEvent::Approve).await.unwrap();
    known(&world, "live", 3).await;
    assert!(world.smsc.mo("48600999888", "8055", "quiz too late").await.unwrap().is_ok());
    assert!(world.smsc.mo("48600999888", "8055", "gra one").await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "gra one");
    let row = desks.take(&row, LifeEvent::Suspend).await.unwrap();
    known(&world, "suspended", 4).await;
    assert!(world.smsc.mo("48600999888", "8055", "gra suspended").await.unwrap().is_ok());
    let row = desks.take(&row, LifeEvent::Resume).await.unwrap();
    known(&world, "live", 5).await;
    assert!(world.smsc.mo("48600999888", "8055", "gra two").await.unwrap().is_ok());
    // What came in between was counted and went nowhere.
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "gra two");
    let stale = desks.verbs.step_service(
        &desks.staff,
        (row.id, row.version - 1),
        LifeEvent::Close,
        StepNote { reason: "x", ..StepNote::default() },
    );
    assert!(matches!(stale.await, Err(Error::Refused(Refusal::VersionConflict))));
    world.stop().await;
}

fn limited(name: &str, number: &str, limits: ServiceLimits) -> NewService {
    NewService { limits, ..service("acme", name, number, &["GO"]) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_keeps_to_its_rate_its_parts_and_its_days() {
    let mut builder = Builder::default();
    builder.services.extend([
        limited("slow", "7501", ServiceLimits { rate: 1, ..ServiceLimits::default() }),
        limited("short", "7502", ServiceLimits { parts_max: 1, ..ServiceLimits::default() }),
        limited("over", "7503", ServiceLimits { ends_at: 1, ..ServiceLimits::default() }),
        limited("early", "7504", ServiceLimits { begins_at: i64::MAX, ..ServiceLimits::default() }),
    ]);
    let world = builder.ready().await;
    let mut acme = world.bind("acme").await;
    let submit = async |number: &str, text: &str| {
        let message = ShortMessage { registered_delivery: 0, ..mt(number, "48600100200", text) };
        match acme.submit(message).await {
            Ok(_) => CommandStatus::ROK,
            Err(Failed::Refused(status)) => status,
            Err(error) => panic!("no answer: {error}"),
        }
    };
    assert_eq!(submit("7501", "one").await, CommandStatus::ROK);
    assert_eq!(submit("7501", "two").await, CommandStatus::RTHROTTLED);
    assert_eq!(submit("7502", "short").await, CommandStatus::ROK);
    for number in ["7503", "7504"] {
        assert_eq!(submit(number, "x").await, CommandStatus::RSUBMITFAIL, "{number}");
        assert!(world.smsc.mo("48600100200", number, "go").await.unwrap().is_ok());
    }
    // Those two were counted and went nowhere; what a service takes now comes first.
    assert!(world.smsc.mo("48600100200", "7501", "go now").await.unwrap().is_ok());
    assert_eq!(acme.next_delivery().await.unwrap().message.short_message, "go now");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_keeps_to_its_alphabet_and_its_tlvs_and_nothing_is_changed_to_fit() {
    let in_only = |coding| ServiceLimits { coding, ..ServiceLimits::default() };
    let mut builder = Builder::default();
    builder.services.extend([
        limited("gsm", "7511", in_only(TextCoding::Gsm7)),
        limited("ucs", "7512", in_only(TextCoding::Ucs2)),
        limited("tlv", "7513", ServiceLimits { tlvs: vec![0x1501], ..ServiceLimits::default() }),
    ]);
    let world = builder.ready().await;
    // In 3.4 there is no status for an alphabet.
    let acme = world.bind_as("acme", BindKind::Transmitter, Version::V50).await;
    // "Hi" as GSM 7-bit or Latin-1, and as UCS-2; octets are no text.
    let (letters, wide) = (&b"Hi"[..], &[0, b'H', 0, b'i'][..]);
    let none = Tlvs::new;
    for (number, data_coding, octets, tlvs, expected) in [
        ("7511", 0, letters, none(), CommandStatus::ROK),
        ("7511", 8, wide, none(), CommandStatus::RINVDCS),
        ("7511", 3, letters, none(), CommandStatus::RINVDCS),
        ("7511", 4, letters, none(), CommandStatus::ROK),
        ("7512", 8, wide, none(), CommandStatus::ROK),
        ("7512", 0, letters, none(), CommandStatus::RINVDCS),
        ("7513", 0, letters, none(), CommandStatus::ROK),
        ("7513", 0, letters, none().with_u8(0x1501, 1), CommandStatus::ROK),
        // The specification's own tags and ours need no entry.
        ("7513", 0, letters, none().with_u16(0x0204, 7), CommandStatus::ROK),
        ("7513", 0, letters, none().with_text(0x1d06, "once"), CommandStatus::ROK),
        ("7513", 0, letters, none().with_u8(0x1502, 1), CommandStatus::RTLVNOTALLWD),
    ] {
        let message = ShortMessage {
            registered_delivery: 0,
            data_coding,
            short_message: octets.to_vec().into(),
            tlvs,
            ..mt(number, "48600100200", "")
        };
        let shown = format!("{message:?}");
        let status = match acme.submit(message).await {
            Ok(_) => CommandStatus::ROK,
            Err(Failed::Refused(status)) => status,
            Err(error) => panic!("no answer: {error}"),
        };
        assert_eq!(status, expected, "{shown}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_tried_as_often_as_its_service_says_and_then_rejected() {
    let mut builder = Builder::default();
    let limits = ServiceLimits { retry: vec![1], ..ServiceLimits::default() };
    builder.services.push(limited("brief", "7514", limits));
    builder.script.answer_with(CommandStatus::RMSGQFUL);
    let world = builder.ready().await;
    let mut acme = world.bind("acme").await;
    acme.submit(mt("7514", "48600100200", "hello")).await.unwrap();
    let receipt = acme.next_delivery().await.unwrap().message.short_message;
    let receipt = String::from_utf8_lossy(&receipt).into_owned();
    assert!(receipt.contains("stat:REJECTD"), "{receipt}");
    assert_eq!(world.smsc.submits().len(), 2);
    world.stop().await;
}
