//! Stories of faults: reported, worked on, solved, opened again; on both engines.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    agree_tests::{World, refused, world},
    *,
};
use crate::domain::{
    FaultArea, FaultItemKind as K, PartnerId, Refusal, Role, Severity, TicketEvent as E,
    TicketState as S, UserId,
};
use crate::store::{FaultFilter, FaultRow, SOLUTION_RULE};

const HOUR: u64 = 3600;

pub(super) fn staff() -> Signed {
    Signed { person: UserId(301), ..Signed::try_out(Role::OperatorSupport, None) }
}

pub(super) fn of(partner: i64) -> Signed {
    let person = UserId(partner + 100);
    Signed { person, ..Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner))) }
}

impl World {
    /// Two partners with people, and a desk that is written to.
    pub(super) async fn helped(self) -> Self {
        for id in 1..=2 {
            self.company(id).await;
            self.run(&format!(
                "insert into person (id, partner_id, mail, name, role, state, totp_step, \
                 language, theme, failures, version, made_at) values ({0}, {id}, 'p{id}@x.pl', \
                 'Ewa', 'admin', 'active', 0, 'pl', 'auto', 0, 1, 0)",
                id + 100
            ))
            .await;
        }
        self.run(
            "insert into person (id, partner_id, mail, name, role, state, totp_step, language, \
             theme, failures, version, made_at) values (301, null, 'anna@operator.pl', 'Anna', \
             'support', 'active', 0, 'pl', 'auto', 0, 1, 0)",
        )
        .await;
        let mut settings = config::Settings::default();
        settings.operator.fault_mail = "desk@operator.pl".into();
        let rules = FaultRules::from_settings(&settings);
        Self { verbs: self.verbs.with_fault_rules(rules), ..self }
    }

    async fn report(&self, partner: i64) -> FaultRow {
        self.verbs.report_fault(&of(partner), &self.wish()).await.unwrap()
    }

    fn wish(&self) -> FaultWish {
        FaultWish {
            partner: None,
            area: FaultArea::Sms,
            severity: Severity::Critical,
            title: " Brak potwierdzeń ".to_owned(),
            story: "Od rana nie przychodzą.".to_owned(),
            since_at: self.verbs.now() - 1,
            contact: "Ewa, 600 100 200".to_owned(),
            items: Vec::new(),
            incident: None,
        }
    }

    async fn go(&self, by: &Signed, row: &FaultRow, event: E) -> Result<FaultRow, Error> {
        self.verbs.step_fault(by, (row.id, row.version), event, "bo tak").await
    }

    async fn solved(&self, partner: i64) -> FaultRow {
        let row = self.report(partner).await;
        let row = self.go(&staff(), &row, E::Take).await.unwrap();
        self.go(&staff(), &row, E::Resolve).await.unwrap()
    }

    async fn kinds(&self, row: &FaultRow) -> Vec<String> {
        let sql =
            format!("select kind from happening where subject = 'fault:{}' order by id", row.id);
        self.all(&sql).await
    }

    /// What a letter is told is what its text needs.
    pub(super) async fn letters_fit(&self) -> Vec<String> {
        let names = self.all("select template from mail order by id").await;
        let told = self.all("select data from mail order by id").await;
        for (name, data) in names.iter().zip(&told) {
            let kind = crate::mail::Kind::named(name).expect(name);
            let data = serde_json::from_str(data).unwrap();
            assert_eq!(kind.accepts(&data), Ok(()), "{name}: {data}");
        }
        self.all("select template || ' ' || recipient from mail order by id").await
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await.helped().await;
                $body
                $world.letters_fit().await;
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(a_fault_is_solved_opened_again_and_closed_and_both_sides_are_told, world => {
    let audited = world.verbs.store.last_audit().await.unwrap();
    let row = world.report(1).await;
    assert_eq!((row.state, row.title.as_str()), (S::Acknowledged, "Brak potwierdzeń"));
    assert_eq!(row.due_at, world.verbs.now() + 4 * 3_600_000_000);
    let row = world.go(&staff(), &row, E::Take).await.unwrap();
    assert_eq!(row.owner.as_deref(), Some("Anna"));
    let row = world.go(&staff(), &row, E::Pend).await.unwrap();
    let row = world.go(&of(1), &row, E::Resume).await.unwrap();
    let row = world.go(&staff(), &row, E::Resolve).await.unwrap();
    let row = world.go(&of(1), &row, E::Reopen).await.unwrap();
    let row = world.go(&staff(), &row, E::Resolve).await.unwrap();
    let row = world.go(&of(1), &row, E::Close).await.unwrap();
    assert_eq!(row.state, S::Closed);
    assert_eq!(world.verbs.store.last_audit().await.unwrap() - audited, 8, "one row a step");
    assert_eq!(
        world.kinds(&row).await,
        ["fault_report", "fault_take", "fault_pend", "fault_resume", "fault_resolve",
         "fault_reopen", "fault_resolve", "fault_close"]
    );
    assert_eq!(
        world.letters_fit().await,
        ["fault_received p1@x.pl", "fault_filed desk@operator.pl", "fault_question p1@x.pl",
         "fault_note desk@operator.pl", "fault_resolved p1@x.pl",
         "fault_reopened desk@operator.pl", "fault_resolved p1@x.pl"]
    );
    assert!(world.verbs.store.newly_overdue(i64::MAX, 10).await.unwrap().is_empty(), "all kept");
    assert!(matches!(refused(world.go(&of(1), &row, E::Reopen).await), Refusal::WrongState(_)));
});

on_both!(the_clock_stands_while_the_partner_is_asked_and_only_where_the_contract_says_so, world => {
    for pauses in [true, false] {
        let mut rules = world.verbs.fault_rules().clone();
        rules.targets.pauses = pauses;
        let verbs = world.verbs.clone().with_fault_rules(rules);
        let go = async |by: &Signed, row: &FaultRow, event| {
            verbs.step_fault(by, (row.id, row.version), event, "bo tak").await.unwrap()
        };
        let row = world.report(1).await;
        let row = go(&staff(), &row, E::Take).await;
        world.clock.advance(Duration::from_secs(HOUR));
        let row = go(&staff(), &row, E::Pend).await;
        world.clock.advance(Duration::from_secs(10 * HOUR));
        let late = world.verbs.store.newly_overdue(world.verbs.now(), 10).await.unwrap();
        let is_late = late.iter().any(|one| one.subject == row.subject());
        assert_eq!(is_late, !pauses);
        let promised = row.due_at;
        let row = go(&of(1), &row, E::Resume).await;
        let moved = if pauses { 10 * 3_600_000_000 } else { 0 };
        assert_eq!(row.due_at - promised, moved);
        let row = go(&staff(), &row, E::Resolve).await;
        let kept = world.verbs.store.deadline(&row.subject(), SOLUTION_RULE).await.unwrap();
        assert_eq!(kept.unwrap().met_at, Some(world.verbs.now()));
    }
});

on_both!(another_partners_fault_is_answered_like_an_unknown_one, world => {
    let row = world.report(1).await;
    let verbs = &world.verbs;
    let at = (row.id, row.version);
    let unknown = Refusal::UnknownId("fault");
    for id in [row.id, 999] {
        assert_eq!(refused(verbs.fault(&of(2), id).await), unknown);
        assert_eq!(refused(verbs.fault_view(&of(2), id).await.map(|view| view.row)), unknown);
        let step = verbs.step_fault(&of(2), (id, 1), E::Close, "").await;
        assert_eq!(refused(step), unknown);
        assert_eq!(refused(verbs.note_fault(&of(2), (id, 1), "x", false).await), unknown);
    }
    assert!(verbs.faults(&of(2), &FaultFilter { limit: 9, ..FaultFilter::default() }).await.unwrap().is_empty());
    assert_eq!(refused(verbs.fault_queue(&of(1), &FaultFilter::default(), None).await), Refusal::NotAllowed);
    // What a partner may not do with its own, and a viewer and a lender of money not at all.
    for event in [E::Take, E::Pend, E::Resolve, E::Reject, E::Merge, E::Recover] {
        assert_eq!(refused(verbs.step_fault(&of(1), at, event, "x").await), Refusal::NotAllowed);
    }
    for role in [Role::PartnerViewer, Role::OperatorAuditor, Role::OperatorFinance] {
        let partner = (role == Role::PartnerViewer).then_some(PartnerId(1));
        let signed = Signed::try_out(role, partner);
        assert_eq!(refused(verbs.report_fault(&signed, &world.wish()).await), Refusal::NotAllowed);
        let step = verbs.step_fault(&signed, at, E::Take, "").await;
        assert_eq!(refused(step), Refusal::NotAllowed);
        assert!(verbs.fault(&signed, row.id).await.is_ok());
    }
    let cancelled = world.go(&staff(), &row, E::Cancel).await;
    assert_eq!(refused(cancelled), Refusal::NotAllowed);
    assert_eq!(world.go(&of(1), &row, E::Cancel).await.unwrap().state, S::Cancelled);
});

on_both!(what_a_report_names_is_the_partners_own, world => {
    world.run("insert into short_code (digits, made_at) values ('7455', 0)").await;
    world.run(
        "insert into credential (system_id, partner_id, secret, is_active, addresses, tls_only, \
         may_transmit, may_receive, binds_max, send_window, service_types, \
         may_have_receipts, pdu_octets_max, made_at) \
         values ('zolw', 1, 'x', 1, '', 0, 1, 1, 1, 1, '', 1, 65536, 0)",
    ).await;
    let named = |kind, name: &str| FaultWish { items: vec![(kind, name.to_owned()); 2], ..world.wish() };
    let own = world.verbs.report_fault(&of(1), &named(K::Link, "zolw")).await.unwrap();
    let items = world.verbs.store.fault_items(own.id).await.unwrap();
    assert_eq!(items.len(), 1, "each once");
    for (kind, name, field) in [
        (K::Link, "zolw", "links"),
        (K::Number, "7455", "numbers"),
        (K::Service, "quiz", "services"),
        (K::Message, "12", "messages"),
        (K::Message, "99999999999999999999", "messages"),
        (K::Message, "", "messages"),
    ] {
        let Refusal::FieldErrors(faults) = refused(world.verbs.report_fault(&of(2), &named(kind, name)).await)
        else { panic!("{kind} {name}") };
        assert_eq!((faults[0].field.as_str(), faults[0].code), (field, "unknown"), "{name}");
    }
    let bad = FaultWish {
        title: "x".repeat(121), story: "  ".to_owned(), since_at: world.verbs.now() + 3_600_000_000,
        items: vec![(K::Link, "zolw".to_owned()); 51], ..world.wish()
    };
    let Refusal::FieldErrors(faults) = refused(world.verbs.report_fault(&of(1), &bad).await)
    else { panic!() };
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["title", "story", "since", "items"]);
});

on_both!(a_hundred_reports_at_once_have_a_hundred_numbers, world => {
    let reports = (0..100).map(|turn| {
        let world = &world;
        async move { world.report(turn % 2 + 1).await.id }
    });
    let mut ids = join_all(reports).await;
    ids.sort_unstable();
    assert_eq!(ids, (1..=100).collect::<Vec<i64>>());
    let wish = FaultFilter { limit: 500, ..FaultFilter::default() };
    assert_eq!(world.verbs.faults(&of(1), &wish).await.unwrap().len(), 50);
    // Of two who take it at the same instant one is told to look again.
    let row = world.verbs.fault(&staff(), 1).await.unwrap();
    let takes = join_all((0..20).map(|_| { let (world, row) = (&world, &row); async move { world.go(&staff(), row, E::Take).await } })).await;
    assert_eq!(takes.iter().filter(|one| one.is_ok()).count(), 1);
});

on_both!(the_queue_begins_with_the_worst_and_of_these_with_the_least_time, world => {
    let mut ids = Vec::new();
    for severity in [Severity::Minor, Severity::Critical, Severity::Major, Severity::Critical] {
        let wish = FaultWish { severity, ..world.wish() };
        ids.push(world.verbs.report_fault(&of(1), &wish).await.unwrap().id);
        world.clock.advance(Duration::from_mins(1));
    }
    let wish = FaultFilter { limit: 3, ..FaultFilter::default() };
    let first = world.verbs.fault_queue(&staff(), &wish, None).await.unwrap();
    let shown: Vec<i64> = first.iter().map(|row| row.id).collect();
    assert_eq!(shown, [ids[1], ids[3], ids[2]]);
    let last = first.last().unwrap();
    let place = (last.severity.rank(), last.due_at, last.id);
    let rest = world.verbs.fault_queue(&staff(), &wish, Some(place)).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[0]]);
    // Worse than it seemed: to the front, with a new promise.
    let row = &rest[0];
    let by = staff();
    let rated = world.verbs.rate_fault(&by, (row.id, row.version), Severity::Critical, "gorzej");
    assert_eq!(rated.await.unwrap().due_at, world.verbs.now() + 4 * 3_600_000_000);
});

on_both!(an_internal_note_stays_with_the_staff, world => {
    let row = world.report(1).await;
    let verbs = &world.verbs;
    let row = verbs.note_fault(&staff(), (row.id, row.version), "tylko dla nas", true).await.unwrap();
    let row = verbs.note_fault(&staff(), (row.id, row.version), "dla wszystkich", false).await.unwrap();
    let seen = verbs.fault_view(&of(1), row.id).await.unwrap().history;
    assert_eq!(seen.iter().map(|one| one.note.as_str()).collect::<Vec<_>>(), ["", "dla wszystkich"]);
    assert_eq!(verbs.fault_view(&staff(), row.id).await.unwrap().history.len(), 3);
    let refusal = refused(verbs.note_fault(&of(1), (row.id, row.version), "x", true).await);
    assert_eq!(refusal, Refusal::NotAllowed);
    assert_eq!(
        world.letters_fit().await[2..],
        ["fault_note p1@x.pl".to_owned()], "the internal one is told to nobody"
    );
});

on_both!(a_duplicate_ends_in_the_one_that_goes_on_and_never_in_anothers, world => {
    let (one, two, foreign) = (world.report(1).await, world.report(1).await, world.report(2).await);
    world.run(&format!("insert into fault_item (fault_id, kind, name, trace) values ({}, 'number', '7455', '')", two.id)).await;
    let verbs = &world.verbs;
    let at = (two.id, two.version);
    for wrong in [two.id, foreign.id] {
        assert!(matches!(refused(verbs.merge_fault(&staff(), at, wrong).await), Refusal::FieldErrors(_)));
    }
    let merged = verbs.merge_fault(&staff(), at, one.id).await.unwrap();
    assert_eq!((merged.state, merged.merged_into), (S::Closed, Some(one.id)));
    assert_eq!(verbs.store.fault_items(one.id).await.unwrap()[0].name, "7455");
    assert_eq!(world.kinds(&one).await, ["fault_report", "fault_absorb"]);
});

on_both!(time_escalates_at_each_share_once_and_closes_what_stayed_solved, world => {
    let row = world.report(1).await;
    let mut told = Vec::new();
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(HOUR / 2));
        told.push(world.verbs.sweep_faults().await.unwrap().escalated);
        assert_eq!(world.verbs.sweep_faults().await.unwrap().escalated, 0, "nothing twice");
    }
    // Half of four hours after two, four fifths after three and a half, all after four.
    assert_eq!(told, [0, 0, 0, 1, 0, 0, 1, 1, 0, 0]);
    let row = world.verbs.fault(&staff(), row.id).await.unwrap();
    let row = world.go(&staff(), &row, E::Take).await.unwrap();
    let row = world.go(&staff(), &row, E::Resolve).await.unwrap();
    world.clock.advance(Duration::from_secs(4 * 24 * HOUR));
    assert_eq!(world.verbs.sweep_faults().await.unwrap().closed, 0);
    world.clock.advance(Duration::from_secs(6 * 24 * HOUR));
    assert_eq!(world.verbs.sweep_faults().await.unwrap().closed, 1);
    assert_eq!(world.verbs.fault(&staff(), row.id).await.unwrap().state, S::Closed);
    assert_eq!(world.letters_fit().await.last().unwrap(), "fault_ended p1@x.pl");
    let refusal = refused(world.go(&of(1), &row, E::Reopen).await);
    assert_eq!(refusal, Refusal::VersionConflict);
});

on_both!(an_incident_tells_followers_and_reporters_once_each, world => {
    let verbs = &world.verbs;
    let wish = IncidentWish {
        area: FaultArea::Sms, title_pl: "Opóźnienia".into(), title_en: String::new(),
        text_pl: "Pracujemy.".into(), text_en: "Working.".into(), is_public: true,
    };
    assert_eq!(refused(verbs.open_incident(&of(1), &wish).await), Refusal::NotAllowed);
    let id = verbs.open_incident(&staff(), &wish).await.unwrap();
    let row = verbs.incident(&of(1), id).await.unwrap();
    assert_eq!(row.title("en"), "Opóźnienia", "without an English title the Polish one");
    verbs.follow_incident(&of(1), id).await.unwrap();
    verbs.follow_incident(&of(1), id).await.unwrap();
    for partner in [1, 2] {
        let linked = FaultWish { incident: Some(id), ..world.wish() };
        verbs.report_fault(&of(partner), &linked).await.unwrap();
    }
    verbs.tell_incident(&staff(), (id, 1), ["Koniec.", "Over."], true).await.unwrap();
    let letters = world.letters_fit().await;
    let told: Vec<_> = letters.iter().filter(|one| one.starts_with("incident")).collect();
    assert_eq!(told, ["incident_news p1@x.pl", "incident_news p2@x.pl"]);
    let again = verbs.tell_incident(&staff(), (id, 2), ["x", ""], false).await;
    assert!(matches!(refused(again), Refusal::WrongState(_)));
    assert_eq!(refused(verbs.follow_incident(&of(1), 99).await), Refusal::UnknownId("incident"));
    let shown = verbs.public_incidents().await.unwrap();
    assert_eq!((shown.len(), shown[0].1.len()), (1, 2));
});

fn link(is_bound: bool, is_wanted: bool) -> SeenLink {
    SeenLink {
        name: "smsc-a".into(),
        address: "192.0.2.7:2775".into(),
        is_bound,
        is_wanted,
        last_error: Some("connection refused".into()),
    }
}

on_both!(a_link_that_is_down_for_five_minutes_is_filed_once_and_closes_itself, world => {
    let mut watch = FaultWatch::default();
    let mut filed = 0;
    for _ in 0..12 {
        filed += watch.look(&world.verbs, &[link(false, true)]).await.unwrap().filed;
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(filed, 1, "six minutes");
    // Another node that watches the same link, and this one after a start.
    let mut other = FaultWatch::default();
    for _ in 0..12 {
        assert_eq!(other.look(&world.verbs, &[link(false, true)]).await.unwrap().filed, 0);
        world.clock.advance(Duration::from_secs(30));
    }
    let row = world.verbs.store.fault_of_cause("link_down:smsc-a").await.unwrap().unwrap();
    assert_eq!((row.severity, row.state, row.partner_id), (Severity::Critical, S::Acknowledged, None));
    assert!(row.evidence.contains("192.0.2.7:2775") && row.evidence.contains("connection refused"));
    let items = world.verbs.store.fault_items(row.id).await.unwrap();
    assert_eq!((items[0].kind.as_str(), items[0].name.as_str()), ("link", "smsc-a"));
    assert!(world.verbs.faults(&of(1), &FaultFilter { limit: 9, ..FaultFilter::default() }).await.unwrap().is_empty());
    world.go(&staff(), &row, E::Take).await.unwrap();
    let done = watch.look(&world.verbs, &[link(true, true)]).await.unwrap();
    assert_eq!(done, FaultsFiled { filed: 0, recovered: 1 });
    let row = world.verbs.fault(&staff(), row.id).await.unwrap();
    assert_eq!((row.state, row.answer.as_str()), (S::Closed, "the link is bound again"));
    assert_eq!(world.kinds(&row).await, ["fault_report", "fault_take", "fault_recover"]);
    assert_eq!(watch.look(&world.verbs, &[link(true, true)]).await.unwrap(), FaultsFiled::default());
    // Down again: a new one. Taken down by a person: none.
    for (is_wanted, expected) in [(false, 0), (true, 1)] {
        let mut filed = 0;
        for _ in 0..12 {
            filed += watch.look(&world.verbs, &[link(false, is_wanted)]).await.unwrap().filed;
            world.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(filed, expected, "{is_wanted}");
    }
});

on_both!(s45_a_fault_that_is_over_is_forgotten_in_its_time_and_an_open_one_stays, world => {
    let (open, kept) = (world.report(1).await, world.solved(1).await);
    let over = world.solved(1).await;
    world.go(&of(1), &over, E::Close).await.unwrap();
    world.run(&format!("update fault set merged_into = {} where id = {}", over.id, kept.id)).await;
    world.report(2).await;
    let keeping = config::Retention::default();
    world.clock.advance(keeping.faults);
    world.verbs.sweep_old(&keeping).await.unwrap();
    assert_eq!(world.all("select cast(id as text) from fault order by id").await.len(), 4);
    world.clock.advance(Duration::from_secs(1));
    world.verbs.sweep_old(&keeping).await.unwrap();
    let left = world.all("select cast(id as text) from fault order by id").await;
    assert_eq!(left, ["1", "2", "4"]);
    let told = "select count(*) || '' from happening where subject = ";
    assert_eq!(world.one(&format!("{told}'fault:{}'", over.id)).await, "0");
    assert_eq!(world.one(&format!("{told}'fault:{}'", open.id)).await, "1");
});

#[tokio::test]
async fn a_word_of_a_closed_fault_is_final_for_notes_and_files() {
    let world = world(false).await.helped().await;
    let row = world.solved(1).await;
    let row = world.go(&of(1), &row, E::Close).await.unwrap();
    let note = world.verbs.note_fault(&of(1), (row.id, row.version), "x", false).await;
    assert!(matches!(refused(note), Refusal::WrongState(_)));
    let stale = world.verbs.note_fault(&of(1), (row.id, row.version - 1), "x", false).await;
    assert_eq!(refused(stale), Refusal::VersionConflict);
}
