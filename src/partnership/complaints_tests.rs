//! Stories of complaints: taken, asked about, decided, given back once; on both engines.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    agree_tests::{World, refused, world},
    faults_tests::{of, staff},
    *,
};
use crate::domain::{
    ComplaintChannel, ComplaintDemand, ComplaintEvent as E, ComplaintState as S, ComplaintSubject,
    Msisdn, PartnerId, PartnerSays, Refusal, Role, UserId,
    deadline::date,
    ids::{beside_nodes, first_at},
    secret::{Pepper, hex},
};
use crate::store::{ComplaintFilter, ComplaintRow};

const DAY: i64 = 86_400_000_000;
const NUMBER: &str = "48600100200";

/// A day, as the clock that is set goes on.
const A_DAY: Duration = Duration::from_hours(24);

impl World {
    /// Two partners with a charged service each, and a desk for complaints.
    pub(super) async fn complained(self) -> Self {
        let world = self.helped().await;
        world.run("insert into tariff (id, code) values (1, 'T4')").await;
        for id in 1..=2 {
            let (code, name) = (format!("745{id}"), ["", "quiz", "chat"][id]);
            world
                .run(&format!("insert into short_code (digits, made_at) values ('{code}', 0)"))
                .await;
            world
                .run(&format!(
                    "insert into service (id, version, partner_id, name, state, short_code, \
                     billing, tariff_id, tariffs_allowed, link_group, delivery, \
                     callback_enabled, on_unknown, charge_at, charges_per_minute, \
                     charges_per_day, spend_per_day_minor, validity_max_us, test_numbers, \
                     made_at) values ({id}, 1, {id}, '{name}', 'live', '{code}', 'mo', 1, 'T4', \
                     'main', 'smpp', 0, 'park', 'delivered', 0, 0, 0, 0, '', 0)"
                ))
                .await;
        }
        let mut settings = config::Settings::default();
        settings.operator.complaints_mail = "reklamacje@operator.pl".into();
        let rules = ComplaintRules::from_settings(&settings);
        Self { verbs: world.verbs.clone().with_complaint_rules(rules), ..world }
    }

    /// A text that a subscriber sent so many days ago, charged or not.
    pub(super) async fn texted(&self, partner: i64, days_ago: i64, gross: Option<i64>) -> i64 {
        let at = self.verbs.now() - days_ago * DAY;
        let id = first_at(at).0 + partner;
        self.run(&format!(
            "insert into message (id, direction, partner_id, service_id, service_version, \
             caller, link_group, sender, sender_kind, recipient, data_coding, has_udh, body, \
             parts, on_unknown, accepted_at, deliver_after, valid_until, receipts, \
             service_type, priority, protocol_id, keyword, likeness, state, state_at) values \
             ({id}, 'mo', {partner}, {partner}, 1, 'smsc', 'main', '{NUMBER}', 'number', \
             '745{partner}', 0, 0, '', 1, 'park', {at}, 0, {at}, 0, '', 0, 0, 'QUIZ', '', \
             'delivered', {at})"
        ))
        .await;
        self.run(&format!(
            "insert into message_event (message_id, seq, at, kind, who, attempt) \
             values ({id}, 1, {at}, 'accepted', 'smsc', 0)"
        ))
        .await;
        if let Some(gross) = gross {
            self.run(&format!(
                "insert into charge (id, message_id, line, partner_id, service_id, \
                 service_version, direction, tariff_id, tariff_code, gross_minor, net_minor, \
                 currency, msisdn, charged_at, reason) values ({id}, {id}, 0, {partner}, \
                 {partner}, 1, 'mo', 1, 'T4', {gross}, 400, 'PLN', '{NUMBER}', {at}, 'accepted')"
            ))
            .await;
        }
        id
    }

    pub(super) fn complaint(&self) -> ComplaintWish {
        let now = self.verbs.now();
        ComplaintWish {
            subject: ComplaintSubject::NotOrdered,
            channel: ComplaintChannel::Phone,
            demand: ComplaintDemand::Refund,
            msisdn: "600 100 200".to_owned(),
            name: "Łucja Żółw".to_owned(),
            mail: "lucja@example.pl".to_owned(),
            address: "ul. Chłodna 7\n31-007 Kraków".to_owned(),
            story: "Niczego nie zamawiałam.".to_owned(),
            from_at: now - 10 * DAY,
            until_at: now,
            received_at: now,
            partner: String::new(),
            service: String::new(),
        }
    }

    async fn complains(&self) -> ComplaintRow {
        self.verbs.take_complaint(&staff(), &self.complaint()).await.unwrap()
    }

    async fn does(&self, by: &Signed, row: &ComplaintRow, event: E) -> Result<ComplaintRow, Error> {
        let says = (event == E::Answer).then_some(PartnerSays::Refuse);
        let step = ComplaintStep { says, ..ComplaintStep::plain(event, "bo tak") };
        self.verbs.step_complaint(by, (row.id, row.version), &step).await
    }

    async fn pays(
        &self,
        row: &ComplaintRow,
        event: E,
        charges: &[i64],
    ) -> Result<ComplaintRow, Error> {
        let step = ComplaintStep { charges, ..ComplaintStep::plain(event, "Zwracamy.") };
        self.verbs.step_complaint(&staff(), (row.id, row.version), &step).await
    }

    async fn again(&self, row: &ComplaintRow) -> ComplaintRow {
        self.verbs.complaint(&staff(), row.id).await.unwrap()
    }

    /// Ledger rows of one message, as line and amount.
    pub(super) async fn ledger(&self, message: i64) -> Vec<String> {
        let sql = format!(
            "select line || ' ' || gross_minor || ' ' || net_minor from charge \
             where message_id = {message} order by line"
        );
        self.all(&sql).await
    }

    async fn told(&self, row: &ComplaintRow) -> Vec<String> {
        let sql = format!(
            "select template || ' ' || recipient from mail where subject = '{}' order by id",
            row.trail()
        );
        self.all(&sql).await
    }

    async fn happened(&self, row: &ComplaintRow) -> Vec<String> {
        let trail = row.trail();
        self.all(&format!("select kind from happening where subject = '{trail}' order by id")).await
    }
}

/// What an upload is.
fn agreement() -> Vec<u8> {
    use crate::documents::{Language, Texts, Values, pdf};
    let values = Values::sample(Language::Polish);
    pdf(&Texts::shipped().render("nda", Language::Polish, &values).unwrap()).unwrap()
}

fn wrong(refusal: Refusal) -> Vec<(String, &'static str)> {
    let Refusal::FieldErrors(faults) = refusal else { panic!("{refusal:?}") };
    faults.iter().map(|fault| (fault.field.to_string(), fault.code)).collect()
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = Box::pin(world(on_postgres).await.complained()).await;
                $body
                $world.letters_fit().await;
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(a_complaint_finds_its_messages_is_answered_by_the_partner_and_ends_in_one_refund, world => {
    let old = world.texted(1, 20, Some(492)).await;
    let (one, two) = (world.texted(1, 3, Some(492)).await, world.texted(1, 2, Some(246)).await);
    let audited = world.verbs.store.last_audit().await.unwrap();
    let row = world.complains().await;
    assert_eq!((row.state, row.reference().as_str()), (S::Received, "R-000001"));
    assert_eq!((row.partner.as_deref(), row.service.as_deref()), (Some("partner1"), Some("quiz")));
    assert_eq!(date(row.due_at).to_string(), "2026-12-21");
    let view = world.verbs.complaint_view(&staff(), row.id).await.unwrap();
    let found: Vec<i64> = view.messages.iter().map(|one| one.message_id).collect();
    assert_eq!(found, [one, two], "{old} is older than the days in question");
    assert!(view.messages[0].trace.contains("accepted") && !view.messages[0].trace.contains(NUMBER));
    assert_eq!(view.refundable(two), Some((246, "PLN")));

    let row = world.does(&staff(), &row, E::Ask).await.unwrap();
    assert_eq!(date(row.partner_due_at.unwrap()).to_string(), "2026-11-27");
    let row = world.does(&of(1), &row, E::Answer).await.unwrap();
    assert_eq!((row.state, row.partner_says.as_deref()), (S::Answered, Some("refuse")));
    let row = world.pays(&row, E::Accept, &[one]).await.unwrap();
    assert_eq!((row.state, row.refund_minor), (S::Accepted, 492));
    assert_eq!(world.ledger(one).await, ["0 492 400", "1 -492 -400"]);
    assert_eq!(world.ledger(two).await, ["0 246 400"]);
    let row = world.pays(&row, E::Refund, &[two]).await.unwrap();
    assert_eq!(row.refund_minor, 738);
    let row = world.does(&staff(), &row, E::Close).await.unwrap();
    assert_eq!(row.state, S::Closed);

    let trail = row.trail();
    let written = format!("select what from audit where seq > {audited} and subject = '{trail}' order by seq");
    assert_eq!(
        world.all(&written).await,
        ["complaint.take", "complaint.ask", "complaint.answer", "complaint.accept",
         "complaint.refund", "complaint.close"]
    );
    assert_eq!(
        world.told(&row).await,
        ["complaint_received lucja@example.pl", "complaint_asked p1@x.pl",
         "complaint_answered reklamacje@operator.pl", "complaint_answer lucja@example.pl",
         "complaint_outcome p1@x.pl", "complaint_answer lucja@example.pl",
         "complaint_outcome p1@x.pl"]
    );
    let file = world.verbs.open_file(&staff().caller(), row.answer_file.as_deref().unwrap()).await.unwrap();
    assert!(file.octets.starts_with(b"%PDF") && file.line.name == "odpowiedz-R-000001.pdf");
    assert_eq!(world.one("select count(*) || '' from audit where detail like '%48600%'").await, "0");
    let (name, pdf) = world.verbs.complaint_confirmation(&staff(), row.id).await.unwrap();
    assert!(name == "potwierdzenie-R-000001.pdf" && pdf.starts_with(b"%PDF"));
    assert_eq!(refused(world.verbs.complaint_confirmation(&of(1), row.id).await), Refusal::NotAllowed);
    let promises = world.verbs.store.newly_overdue(i64::MAX, 10).await.unwrap();
    assert!(promises.is_empty(), "all kept: {promises:?}");
    // What was given back stands in the order of time, beside the numbers of every node.
    let ids = world.all("select id || '' from charge where line = 1 order by id").await;
    let beside = beside_nodes(world.verbs.now());
    assert!(ids.iter().all(|id| beside.contains(&id.parse().unwrap())), "{ids:?}");
});

on_both!(of_many_who_give_back_at_the_same_instant_one_does_and_the_row_is_there_once, world => {
    let message = world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let pays = (0..12).map(|_| { let (world, row) = (&world, &row); async move { world.pays(row, E::Accept, &[message]).await } });
    let done = join_all(pays).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    assert!(done.into_iter().filter(Result::is_err).all(|one| refused(one) == Refusal::VersionConflict));
    assert_eq!(world.ledger(message).await, ["0 492 400", "1 -492 -400"]);
    assert_eq!(world.told(&row).await.iter().filter(|one| one.starts_with("complaint_answer ")).count(), 1);
    // Not by another complaint either, nor by an appeal of this one.
    let other = world.complains().await;
    let no = vec![("charges".to_owned(), "unknown")];
    assert_eq!(wrong(refused(world.pays(&other, E::Accept, &[message]).await)), no);
    let row = world.does(&staff(), &world.again(&row).await, E::Appeal).await.unwrap();
    assert_eq!(wrong(refused(world.pays(&row, E::Accept, &[message]).await)), no);
    assert_eq!(world.again(&row).await.state, S::Received, "nothing was written");
    assert_eq!(world.ledger(message).await.len(), 2);
});

on_both!(charges_named_with_a_step_that_gives_nothing_back_are_refused_and_nothing_is_written, world => {
    let message = world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    for event in [E::Ask, E::Refuse] {
        let no = vec![("charges".to_owned(), "invalid")];
        assert_eq!(wrong(refused(world.pays(&row, event, &[message]).await)), no, "{event:?}");
    }
    assert_eq!(world.again(&row).await.version, row.version, "nothing was written");
    assert_eq!(world.ledger(message).await, ["0 492 400"]);
});

on_both!(what_the_gateway_took_back_meanwhile_is_not_given_back_again, world => {
    let (one, two) = (world.texted(1, 3, Some(492)).await, world.texted(1, 2, Some(246)).await);
    let row = world.complains().await;
    // The verb has read the ledger; then the gateway writes its own row.
    let before = world.verbs.store.complaint(row.id).await.unwrap().unwrap();
    world.run(&format!(
        "insert into charge (id, message_id, line, partner_id, service_id, service_version, \
         direction, tariff_id, tariff_code, gross_minor, net_minor, currency, msisdn, charged_at, \
         reason) values (7, {two}, 1, 1, 1, 1, 'mo', 1, 'T4', -246, -400, 'PLN', '{NUMBER}', 0, \
         'undeliverable')"
    )).await;
    let after = ComplaintRow { state: S::Accepted, ..before.clone() };
    let refunds = [one, two];
    let write = crate::store::ComplaintWrite { what: "complaint.accept", refunds: &refunds, ..complaint_steps::plain(&before, after, "") };
    let done = world.verbs.store.step_complaint(&staff().caller(), world.verbs.now(), &write).await;
    assert_eq!(done.unwrap(), crate::store::ComplaintStepped::NoCharge(two));
    assert_eq!(world.ledger(one).await.len(), 1, "all or nothing");
    assert_eq!(world.again(&row).await.state, S::Received);
    // Nor what belongs to another complaint, or has no charge at all.
    let free = world.texted(1, 1, None).await;
    let foreign = world.texted(1, 40, Some(100)).await;
    for message in [free, foreign, 12, two] {
        let no = vec![("charges".to_owned(), "unknown")];
        assert_eq!(wrong(refused(world.pays(&row, E::Accept, &[message]).await)), no, "{message}");
    }
    assert_eq!(wrong(refused(world.pays(&row, E::Accept, &[one, one]).await)).len(), 1, "twice");
});

on_both!(a_decision_that_is_cut_off_in_its_middle_has_done_nothing, world => {
    let message = world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    // The last thing that is written fails, as if the process had died there.
    let breaks = if world.verbs.store.is_postgres() {
        "alter table mail add constraint cut check (template <> 'complaint_outcome') not valid"
    } else {
        "create trigger cut before insert on mail when new.template = 'complaint_outcome' \
         begin select raise(abort, 'cut'); end"
    };
    world.run(breaks).await;
    let audited = world.verbs.store.last_audit().await.unwrap();
    assert!(matches!(world.pays(&row, E::Accept, &[message]).await, Err(Error::Store(_))));
    assert_eq!(world.ledger(message).await, ["0 492 400"]);
    assert_eq!(world.verbs.store.last_audit().await.unwrap(), audited);
    let same = world.again(&row).await;
    assert_eq!((same.state, same.version, same.answer_file), (S::Received, row.version, None));
    assert_eq!(world.told(&row).await, ["complaint_received lucja@example.pl"]);
    world.run(if world.verbs.store.is_postgres() { "alter table mail drop constraint cut" } else { "drop trigger cut" }).await;
    assert_eq!(world.pays(&row, E::Accept, &[message]).await.unwrap().refund_minor, 492);
    assert_eq!(world.ledger(message).await.len(), 2);
});

on_both!(another_partners_complaint_is_answered_like_an_unknown_one, world => {
    world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let verbs = &world.verbs;
    let unknown = Refusal::UnknownId("complaint");
    for id in [row.id, 999] {
        let at = (id, 1);
        assert_eq!(refused(verbs.complaint(&of(2), id).await), unknown);
        assert_eq!(refused(verbs.complaint_view(&of(2), id).await.map(|view| view.row)), unknown);
        let step = ComplaintStep::plain(E::Answer, "x");
        assert_eq!(refused(verbs.step_complaint(&of(2), at, &step).await), unknown);
        assert_eq!(refused(verbs.note_complaint(&of(2), at, "x", false).await), unknown);
    }
    let all = ComplaintFilter { limit: 9, ..ComplaintFilter::default() };
    assert!(verbs.complaints(&of(2), &all).await.unwrap().is_empty());
    assert_eq!(refused(verbs.complaint_queue(&of(1), &all, None).await), Refusal::NotAllowed);
    // What a partner may not do with its own.
    for event in [E::Ask, E::Accept, E::Refuse, E::Refund, E::Withdraw, E::Close, E::Appeal, E::Lapse] {
        assert_eq!(refused(world.does(&of(1), &row, event).await), Refusal::NotAllowed, "{event}");
    }
    assert_eq!(refused(world.does(&staff(), &row, E::Lapse).await), Refusal::NotAllowed);
    let at = (row.id, row.version);
    assert_eq!(refused(verbs.note_complaint(&of(1), at, "x", true).await), Refusal::NotAllowed);
    assert_eq!(refused(verbs.own_complaint(&of(1), at).await), Refusal::NotAllowed);
    assert_eq!(refused(verbs.assign_complaint(&of(1), at, ("partner1", "")).await), Refusal::NotAllowed);
    assert_eq!(refused(verbs.pack_complaint(&of(1), at).await), Refusal::NotAllowed);
    assert_eq!(refused(verbs.complaint_rates(&of(1)).await), Refusal::NotAllowed);
    // Who works on complaints does not decide about money.
    let clerk = Signed { person: UserId(301), ..Signed::try_out(Role::OperatorProvisioning, None) };
    assert_eq!(refused(world.does(&clerk, &row, E::Accept).await), Refusal::NotAllowed);
    assert!(world.does(&clerk, &row, E::Ask).await.is_ok());
    for role in [Role::OperatorAuditor, Role::OperatorFinance] {
        let signed = Signed::try_out(role, None);
        assert_eq!(refused(world.does(&signed, &row, E::Close).await), Refusal::NotAllowed);
        assert!(verbs.complaint(&signed, row.id).await.is_ok());
    }
});

on_both!(s44_the_subscriber_is_shown_by_right_and_never_to_the_partner_as_a_person, world => {
    world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let seen = async |signed: &Signed| {
        let row = world.verbs.complaint(signed, row.id).await.unwrap();
        let all = ComplaintFilter { limit: 9, ..ComplaintFilter::default() };
        let listed = world.verbs.complaints(signed, &all).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&row), "a list tells no more");
        (row.msisdn, row.name, row.mail, row.address)
    };
    let nothing = String::new;
    let (number, name, mail, address) = seen(&staff()).await;
    assert_eq!((number.as_str(), name.as_str()), (NUMBER, "Łucja Żółw"));
    assert!(!mail.is_empty() && !address.is_empty());
    assert_eq!(seen(&of(1)).await, (NUMBER.to_owned(), nothing(), nothing(), nothing()));
    for (role, partner) in [(Role::PartnerFinance, Some(PartnerId(1))), (Role::OperatorAuditor, None)] {
        let signed = Signed::try_out(role, partner);
        let masked = ("48600***200".to_owned(), nothing(), nothing(), nothing());
        assert_eq!(seen(&signed).await, masked, "{role:?}");
        let view = world.verbs.complaint_view(&signed, row.id).await.unwrap();
        let has_trace = view.messages[0].trace.contains("accepted");
        assert_eq!(has_trace, role == Role::OperatorAuditor, "traffic is a right of its own");
        // Nor may they try a number out.
        let wish = ComplaintFilter { msisdn: NUMBER.to_owned(), limit: 9, ..ComplaintFilter::default() };
        assert_eq!(refused(world.verbs.complaints(&signed, &wish).await), Refusal::NotAllowed);
    }
    let wish = ComplaintFilter { msisdn: "600100200".into(), limit: 9, ..ComplaintFilter::default() };
    assert_eq!(world.verbs.complaints(&staff(), &wish).await.unwrap().len(), 1);
    let wish = ComplaintFilter { msisdn: "none".into(), ..wish };
    assert!(world.verbs.complaints(&staff(), &wish).await.unwrap().is_empty());
});

on_both!(a_partner_hands_over_with_its_own_messages_only, world => {
    let (own, foreign) = (world.texted(1, 3, Some(492)).await, world.texted(2, 3, Some(246)).await);
    let wish = ComplaintWish { channel: ComplaintChannel::Partner, ..world.complaint() };
    let row = world.verbs.take_complaint(&of(1), &wish).await.unwrap();
    assert_eq!(world.happened(&row).await, ["complaint_forward"], "the hand-over is recorded");
    assert_eq!(
        world.told(&row).await,
        ["complaint_received lucja@example.pl", "complaint_forwarded reklamacje@operator.pl"]
    );
    let view = world.verbs.complaint_view(&staff(), row.id).await.unwrap();
    assert_eq!(view.messages.iter().map(|one| one.message_id).collect::<Vec<_>>(), [own]);
    // It need not be asked before it says what it thinks.
    assert_eq!(world.does(&of(1), &row, E::Answer).await.unwrap().state, S::Answered);

    // Taken by the staff the days have messages of both, and nobody is named by them.
    let row = world.complains().await;
    assert_eq!((row.partner_id, row.service_id), (None, None));
    let view = world.verbs.complaint_view(&staff(), row.id).await.unwrap();
    assert_eq!((view.messages.len(), view.earlier.len()), (2, 1));
    assert_eq!(wrong(refused(world.does(&staff(), &row, E::Ask).await)), [("partner".to_owned(), "missing")]);
    let at = (row.id, row.version);
    let named = world.verbs.assign_complaint(&staff(), at, ("nobody", "")).await;
    assert_eq!(wrong(refused(named)), [("partner".to_owned(), "unknown")]);
    let named = world.verbs.assign_complaint(&staff(), at, ("partner2", "quiz")).await;
    assert_eq!(wrong(refused(named)), [("service".to_owned(), "unknown")]);
    let row = world.verbs.assign_complaint(&staff(), at, ("partner2", "chat")).await.unwrap();
    let row = world.does(&staff(), &row, E::Ask).await.unwrap();
    let view = world.verbs.complaint_view(&of(2), row.id).await.unwrap();
    assert_eq!(view.messages.iter().map(|one| one.message_id).collect::<Vec<_>>(), [foreign]);
    assert!(view.earlier.is_empty() && view.charges.iter().all(|one| one.partner_id == 2));
    // Once asked it is that partner's.
    let moved = world.verbs.assign_complaint(&staff(), (row.id, row.version), ("partner1", "")).await;
    assert!(matches!(refused(moved), Refusal::WrongState(_)));
    // A service that is named leaves out the messages of others.
    let wish = ComplaintWish { partner: "partner1".into(), service: "quiz".into(), ..world.complaint() };
    let row = world.verbs.take_complaint(&staff(), &wish).await.unwrap();
    let found = world.verbs.store.complaint_messages(row.id).await.unwrap();
    assert_eq!(found.iter().map(|one| one.message_id).collect::<Vec<_>>(), [own]);
});

on_both!(every_wrong_field_of_a_complaint_is_named_at_once, world => {
    let now = world.verbs.now();
    let bad = ComplaintWish {
        msisdn: "600".into(), story: " ".into(), name: "x".repeat(121), mail: "nobody".into(),
        received_at: now + DAY, from_at: now - 100 * DAY, ..world.complaint()
    };
    let found = wrong(refused(world.verbs.take_complaint(&staff(), &bad).await));
    let expected = [
        ("msisdn", "invalid"), ("story", "missing"), ("name", "too_long"), ("mail", "invalid_mail"),
        ("received", "out_of_range"), ("until", "out_of_range"),
    ];
    assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    let late = ComplaintWish { from_at: now - 380 * DAY, until_at: now - 370 * DAY, ..world.complaint() };
    assert_eq!(wrong(refused(world.verbs.take_complaint(&staff(), &late).await)), [("from".to_owned(), "too_old")]);
    for (partner, service, field) in [("nobody", "", "partner"), ("", "quiz", "partner"), ("partner1", "chat", "service")] {
        let named = ComplaintWish { partner: partner.into(), service: service.into(), ..world.complaint() };
        let found = wrong(refused(world.verbs.take_complaint(&staff(), &named).await));
        assert_eq!(found[0].0, field, "{partner} {service}");
    }
    for said in ["600100200", "+48 600-100-200", "0048600100200", "48600100200"] {
        let named = ComplaintWish { msisdn: said.into(), ..world.complaint() };
        let row = world.verbs.take_complaint(&staff(), &named).await.unwrap();
        assert_eq!(row.msisdn, NUMBER, "{said}");
    }
});

on_both!(time_tells_the_desk_in_steps_then_the_law_accepts_and_a_person_names_what_is_given_back, world => {
    let message = world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let row = world.verbs.own_complaint(&staff(), (row.id, row.version)).await.unwrap();
    let mut told = Vec::new();
    // Taken at noon of 21 November; every midnight between then and 22 December.
    for day in 1..=31 {
        world.clock.advance(A_DAY);
        let swept = world.verbs.sweep_complaints().await.unwrap();
        assert_eq!(world.verbs.sweep_complaints().await.unwrap(), ComplaintsSwept::default(), "nothing twice");
        if swept != ComplaintsSwept::default() {
            told.push((day, swept.stepped, swept.lapsed));
        }
    }
    assert_eq!(told, [(7, 1, 0), (14, 1, 0), (21, 1, 0), (25, 1, 0), (31, 0, 1)]);
    let row = world.again(&row).await;
    assert_eq!((row.state, row.decision.as_deref(), row.refund_minor), (S::Accepted, Some("by_law"), 0));
    assert_eq!(world.ledger(message).await.len(), 1, "the law names no charges");
    let letters = world.told(&row).await;
    let steps = letters.iter().filter(|one| one.starts_with("complaint_step"));
    assert_eq!(steps.collect::<Vec<_>>(), [
        "complaint_step reklamacje@operator.pl", "complaint_step anna@operator.pl"
    ].repeat(4).iter().collect::<Vec<_>>(), "the desk, and who works on it");
    assert_eq!(letters.iter().filter(|one| one.starts_with("complaint_lapsed")).count(), 2);
    let row = world.pays(&row, E::Refund, &[message]).await.unwrap();
    assert_eq!((row.decision.as_deref(), row.refund_minor), (Some("by_law"), 492));
    // Thirty days later it is closed, and an appeal opens it with a clock of its own.
    for _ in 0..31 {
        world.clock.advance(A_DAY);
        world.verbs.sweep_complaints().await.unwrap();
    }
    let row = world.again(&row).await;
    assert_eq!(row.state, S::Closed);
    assert!(matches!(refused(world.pays(&row, E::Refund, &[message]).await), Refusal::WrongState(_)));
    let row = world.does(&staff(), &row, E::Appeal).await.unwrap();
    assert_eq!((row.state, row.appeals, row.decision.clone(), row.told_step), (S::Received, 1, None, 0));
    assert_eq!(date(row.due_at), date(world.verbs.now() + 30 * DAY));
    let law = world.verbs.store.deadline(&row.trail(), crate::store::LAW_RULE).await.unwrap().unwrap();
    assert_eq!((law.met_at, law.due_at), (None, row.due_at));
});

on_both!(an_answer_in_time_stops_the_clock_and_no_pause_does, world => {
    world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let promised = row.due_at;
    let row = world.does(&staff(), &row, E::Ask).await.unwrap();
    world.clock.advance(20 * A_DAY);
    let late = world.verbs.store.newly_overdue(world.verbs.now(), 10).await.unwrap();
    let rules: Vec<_> = late.iter().map(|one| (one.rule.as_str(), one.owner.as_str())).collect();
    assert_eq!(rules, [("complaint_partner", "partner")]);
    let row = world.does(&of(1), &row, E::Answer).await.unwrap();
    assert_eq!(row.due_at, promised, "the law waits for no partner");
    // Asked once more, with a new promise under the same rule.
    let row = world.does(&staff(), &row, E::Ask).await.unwrap();
    let promise = world.verbs.store.deadline(&row.trail(), "complaint_partner").await.unwrap().unwrap();
    assert_eq!((promise.met_at, Some(promise.due_at)), (None, row.partner_due_at));
    let row = world.does(&staff(), &row, E::Refuse).await.unwrap();
    assert_eq!((row.state, row.reason.as_str()), (S::Refused, "bo tak"));
    world.clock.advance(20 * A_DAY);
    assert_eq!(world.verbs.sweep_complaints().await.unwrap().lapsed, 0);
    // The desk has it among what a law sets.
    let row = world.complains().await;
    let admin = Signed::try_out(Role::OperatorAdmin, None);
    let waits = world.verbs.desk_waits(&admin).await.unwrap();
    assert_eq!(waits[0].subject, row.trail());
    assert!(waits[0].is_legal());
});

on_both!(d20_the_evidence_is_kept_under_its_hash_and_the_partners_copy_names_nobody, world => {
    world.texted(1, 3, Some(492)).await;
    let stop = world.texted(2, 2, None).await;
    world.run(&format!("update message set keyword = 'STOP' where id = {stop}")).await;
    world.run(
        "insert into offering (id, partner_id, name, state, service_id, link_group, reason, \
         made_at, version) values (1, 1, 'quiz', 'live', 1, 'main', '', 0, 1)",
    ).await;
    world.run(
        "insert into service_revision (offering_id, number, state, body, made_by, made_at, \
         approved_by, approved_at, service_version) values (1, 3, 'approved', \
         '{\"stop\":\"Wyślij STOP\",\"tariff\":\"T4\",\"contact_phone\":\"1\"}', 'ewa', 0, 'anna', 5, 1)",
    ).await;
    world
        .run(&format!(
            "insert into stopped_subscriber (service_id, msisdn, message_id, at) values \
             (1, '{NUMBER}', 77, 5), (2, '{NUMBER}', 78, 6), (1, '48600999999', 79, 7)"
        ))
        .await;
    let first = world.complains().await;
    let row = world.complains().await;
    let at = (row.id, row.version);
    let row = world.verbs.assign_complaint(&staff(), at, ("partner1", "")).await.unwrap();
    let row = world.verbs.note_complaint(&staff(), (row.id, row.version), "trudny klient", true).await.unwrap();
    let row = world.verbs.pack_complaint(&staff(), (row.id, row.version)).await.unwrap();
    let open = async |signed: &Signed, id: &Option<String>| {
        world.verbs.open_file(&signed.caller(), id.as_deref().unwrap()).await
    };
    let whole = open(&staff(), &row.pack_file).await.unwrap();
    let hash = hex(&<sha2::Sha256 as sha2::Digest>::digest(&whole.octets));
    assert_eq!(Some(&hash), row.pack_sha256.as_ref());
    let pack: serde_json::Value = serde_json::from_slice(&whole.octets).unwrap();
    assert_eq!(pack["complaint"]["subscriber"], NUMBER);
    assert_eq!(pack["messages"].as_array().unwrap().len(), 2);
    assert_eq!(pack["stops"][0]["message"], stop);
    let ended = pack["ended_services"].as_array().unwrap();
    assert_eq!(ended.iter().map(|one| &one["message_id"]).collect::<Vec<_>>(), [77, 78]);
    assert_eq!(pack["charges"][0]["gross_minor"], 492);
    assert_eq!(pack["consents"][0]["text_version"], 3);
    assert_eq!(pack["consents"][0]["said"]["stop"], "Wyślij STOP");
    assert_eq!(pack["earlier_complaints"][0]["id"], first.id);
    assert!(String::from_utf8_lossy(&whole.octets).contains("trudny klient"));

    assert!(open(&of(1), &row.pack_file).await.is_err(), "not the partner's");
    assert!(open(&of(2), &row.pack_copy).await.is_err(), "another partner's");
    let copy = open(&of(1), &row.pack_copy).await.unwrap();
    let text = String::from_utf8(copy.octets).unwrap();
    for secret in [NUMBER, "Łucja", "lucja@", "Chłodna", "Niczego", "trudny", "7452"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let ended: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(ended["ended_services"].as_array().unwrap().len(), 1);
    assert!(text.contains("48600***200") && text.contains("\"is_redacted\": true"));
    // Who opens a pack needs the right to see numbers, whatever else it may see.
    let right = world.verbs.right_to_file(&staff().caller(), row.pack_file.as_deref().unwrap()).await;
    assert_eq!(right.unwrap(), crate::domain::Right::SeeFullNumbers);
});

on_both!(a_service_that_is_complained_of_too_often_is_proposed_once_and_a_person_decides, world => {
    for day in 1..=5 {
        world.texted(1, day, Some(492)).await;
        world.texted(2, day, Some(246)).await;
    }
    let one = |partner: &str| ComplaintWish { partner: partner.into(), ..world.complaint() };
    for _ in 0..5 {
        world.verbs.take_complaint(&staff(), &one("partner1")).await.unwrap();
    }
    for _ in 0..4 {
        world.verbs.take_complaint(&staff(), &one("partner2")).await.unwrap();
    }
    let proposed = [world.verbs.sweep_complaint_rates().await.unwrap(), world.verbs.sweep_complaint_rates().await.unwrap()];
    assert_eq!(proposed, [1, 0], "four are chance, and nothing is proposed twice");
    let admin = Signed { person: UserId(301), ..Signed::try_out(Role::OperatorAdmin, None) };
    let ComplaintRates { services, partners, alarms } =
        world.verbs.complaint_rates(&admin).await.unwrap();
    let counted: Vec<_> = services.iter().map(|row| (row.service.as_str(), row.complaints, row.charges)).collect();
    assert_eq!(counted, [("quiz", 5, 5), ("chat", 4, 5)]);
    // A complaint that names a partner and no service is one of the partner's.
    let counted: Vec<_> = partners.iter().map(|row| (row.partner_id, row.complaints, row.charges)).collect();
    assert_eq!(counted, [(1, 5, 5), (2, 4, 5)]);
    assert_eq!((alarms.len(), alarms[0].service.as_str(), alarms[0].is_open()), (1, "quiz", true));
    let at = (alarms[0].id, alarms[0].version);
    let verbs = &world.verbs;
    assert_eq!(refused(verbs.decide_alarm(&staff(), at, (true, "x")).await), Refusal::NotAllowed);
    assert_eq!(wrong(refused(verbs.decide_alarm(&admin, at, (true, " ")).await)).len(), 1);
    // Set up at the host: nobody can suspend it here.
    assert!(matches!(refused(verbs.decide_alarm(&admin, at, (true, "dość")).await), Refusal::WrongState(_)));
    world.run(
        "insert into offering (id, partner_id, name, state, person_id, service_id, link_group, \
         reason, made_at, version) values (1, 1, 'quiz', 'live', 101, 1, 'main', '', 0, 1)",
    ).await;
    world.run(
        "insert into service_revision (offering_id, number, state, body, made_by, made_at, \
         service_version) values (1, 1, 'approved', '{}', 'ewa', 0, 1)",
    ).await;
    verbs.decide_alarm(&admin, at, (true, "dość")).await.unwrap();
    assert_eq!(world.one("select state from offering").await, "suspended");
    assert_eq!(world.one("select state from service where id = 1").await, "suspended");
    let alarms = verbs.complaint_rates(&admin).await.unwrap().alarms;
    assert_eq!((alarms[0].state.as_str(), alarms[0].reason.as_str()), ("confirmed", "dość"));
    assert!(matches!(refused(verbs.decide_alarm(&admin, (at.0, alarms[0].version), (false, "x")).await), Refusal::WrongState(_)));
    assert_eq!(verbs.sweep_complaint_rates().await.unwrap(), 0, "decided for these days");
    assert_eq!(world.all("select template from mail where template = 'complaint_alarm'").await.len(), 1);
});

on_both!(s45_s46_a_closed_complaint_is_forgotten_and_an_open_one_is_still_owed_an_answer, world => {
    let message = world.texted(1, 3, Some(492)).await;
    let closed = world.pays(&world.complains().await, E::Accept, &[message]).await.unwrap();
    let closed = world.verbs.pack_complaint(&staff(), (closed.id, closed.version)).await.unwrap();
    let closed = world.does(&staff(), &closed, E::Close).await.unwrap();
    let open = world.complains().await;
    let (number, pseudonym) = (Msisdn::parse(NUMBER).unwrap(), Pepper::new(*b"pepper").pseudonym(&Msisdn::parse(NUMBER).unwrap()));
    let by = staff().caller();
    let later = world.verbs.now() + DAY;
    let done = world.verbs.store.forget_subscriber(&by, later, &number, &pseudonym).await.unwrap();
    assert_eq!((done.complaints, done.left), (1, 1));
    let row = world.verbs.store.complaint(closed.id).await.unwrap().unwrap();
    assert_eq!(row.msisdn, pseudonym.as_str());
    assert!(row.name.is_empty() && row.mail.is_empty() && row.story.is_empty() && row.address.is_empty());
    assert_eq!((row.refund_minor, row.decision.as_deref()), (492, Some("accepted")));
    assert!(world.verbs.store.files_of(&closed.trail()).await.unwrap().is_empty());
    assert_eq!(world.again(&open).await.msisdn, NUMBER);
    assert_eq!(world.ledger(message).await.len(), 2, "the books stay");

    let keeping = config::Retention::default();
    world.clock.advance(keeping.complaints + A_DAY);
    world.verbs.sweep_old(&keeping).await.unwrap();
    assert_eq!(world.all("select id || '' from complaint order by id").await, ["2"]);
    assert_eq!(world.one(&format!("select count(*) || '' from complaint_message where complaint_id = {}", closed.id)).await, "0");
});

#[tokio::test]
async fn a_file_of_the_staff_stays_with_the_staff_and_the_partners_is_seen_by_both() {
    let world = Box::pin(world(false).await.complained()).await;
    world.texted(1, 3, Some(492)).await;
    let row = world.complains().await;
    let pdf = agreement();
    let add = async |by: &Signed, row: &ComplaintRow, name: &str| {
        world
            .verbs
            .add_complaint_file(by, (row.id, row.version), (name, pdf.as_slice()))
            .await
            .unwrap()
            .unwrap()
    };
    let row = add(&staff(), &row, "list-abonenta.pdf").await;
    let row = add(&of(1), &row, "zamowienie.pdf").await;
    let names = async |by: &Signed| {
        let view = world.verbs.complaint_view(by, row.id).await.unwrap();
        let mut names: Vec<_> = view.files.iter().map(|file| file.name.clone()).collect();
        names.sort();
        (names, view.history.len())
    };
    assert_eq!(names(&of(1)).await, (vec!["zamowienie.pdf".to_owned()], 2));
    assert_eq!(names(&staff()).await.0, ["list-abonenta.pdf", "zamowienie.pdf"]);
    let row = world.does(&staff(), &row, E::Withdraw).await.unwrap();
    let late = world.verbs.note_complaint(&staff(), (row.id, row.version), "x", false).await;
    assert!(matches!(refused(late), Refusal::WrongState(_)));
}

on_both!(a_hundred_complaints_at_once_have_a_hundred_numbers, world => {
    let mut ids = join_all((0..100).map(|_| async { world.complains().await.id })).await;
    ids.sort_unstable();
    assert_eq!(ids, (1..=100).collect::<Vec<i64>>());
    let wish = ComplaintFilter { limit: 60, ..ComplaintFilter::default() };
    let first = world.verbs.complaint_queue(&staff(), &wish, None).await.unwrap();
    let last = first.last().unwrap();
    let rest = world.verbs.complaint_queue(&staff(), &wish, Some((last.due_at, last.id))).await.unwrap();
    assert_eq!((first.len(), rest.len()), (60, 40));
});

#[tokio::test]
async fn a_partner_hands_over_a_hundred_in_an_hour_and_staff_takes_what_there_is() {
    let world = Box::pin(world(false).await.complained()).await;
    let wish = ComplaintWish { channel: ComplaintChannel::Partner, ..world.complaint() };
    for _ in 0..100 {
        world.verbs.take_complaint(&of(1), &wish).await.unwrap();
    }
    let more = refused(world.verbs.take_complaint(&of(1), &wish).await);
    assert!(matches!(more, Refusal::TooManyTries { .. }), "{more:?}");
    assert!(world.verbs.take_complaint(&of(2), &wish).await.is_ok());
    world.complains().await;
    world.clock.advance(Duration::from_hours(1));
    assert!(world.verbs.take_complaint(&of(1), &wish).await.is_ok());
}
