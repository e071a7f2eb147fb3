//! Stories of agreements, on both engines.

use std::{sync::Arc, time::Duration};

use sha2::Digest as _;

use super::*;
use crate::{
    clock::SetClock,
    domain::{
        AgreementState as S, Caller, PartnerId, Refusal, ReplyItem, ReturnWay, Role, Side, UserId,
        secret::hex,
    },
    store::{
        AgreementRow, Invitation, NewLink, NewPartner,
        tests::{Engine, any_postgres, sqlite},
    },
};

const NOON: i64 = 1_795_262_400_000_000;
const DAY: u64 = 86_400;

pub(super) struct World {
    pub(super) verbs: Partnership,
    pub(super) clock: Arc<SetClock>,
    pub(super) engine: Engine,
}

pub(super) const fn staff(user: i64) -> Caller {
    Caller::User { partner: None, user: UserId(user), name: smol_str::SmolStr::new_static("anna") }
}

pub(super) const fn person(partner: i64) -> Caller {
    Caller::User {
        partner: Some(PartnerId(partner)),
        user: UserId(100),
        name: smol_str::SmolStr::new_static("ewa"),
    }
}

pub(super) async fn world(on_postgres: bool) -> World {
    let engine = if on_postgres { any_postgres().await } else { sqlite().await };
    let clock = Arc::new(SetClock::at(NOON));
    let seal = Seal::new([&b"seal"[..]]);
    let verbs = Partnership::new(engine.store.clone(), Clock::Set(Arc::clone(&clock)), seal);
    World { verbs, clock, engine }
}

pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a renderer may fail")]
fn rendered(draft: &Draft) -> Result<Rendered, Error> {
    let pdf = format!("%PDF {} {}", draft.number, draft.company.legal_name).into_bytes();
    let sha256 = hex(&sha2::Sha256::digest(&pdf));
    Ok(Rendered { html: "<p>".to_owned(), pdf, sha256 })
}

impl World {
    /// A company that was accepted and has signed nothing yet; its traffic is not let in.
    pub(super) async fn company(&self, id: i64) {
        let by = staff(1);
        let new = NewPartner {
            name: format!("partner{id}"),
            rate: 1,
            burst: 1,
            backlog_max: 1,
            waiting_max: 1,
        };
        let partner = self.verbs.store.add_partner(&by, NOON, &new).await.unwrap();
        assert_eq!(partner.0, id);
        self.run(&format!("update partner set is_active = 0 where id = {id}")).await;
        self.run(&format!(
            "insert into company (partner_id, state, legal_name, nip, regon, krs, street, \
             postal_code, city, country, bank_account, language, level, version, made_at) values \
             ({id}, 'prospect', 'Zażółć {id}', '{id}', '', '', '', '', '', 'PL', '', 'pl', 0, 1, 0)"
        ))
        .await;
    }

    pub(super) async fn run(&self, sql: &str) {
        self.verbs.store.run_sql(sql).await.unwrap();
    }

    pub(super) async fn one(&self, sql: &str) -> String {
        self.all(sql).await.join("|")
    }

    pub(super) async fn all(&self, sql: &str) -> Vec<String> {
        self.verbs.store.texts(sql).await.unwrap()
    }

    async fn file(&self, row: &AgreementRow, id: &str, scan: &str) {
        let subject = row.subject();
        self.run(&format!(
            "insert into file (id, subject, name, media_type, octets, sha256, sealed, scan, \
             made_by, made_at) values ('{id}', '{subject}', 'x', 'application/pdf', 1, '', '', \
             '{scan}', 'x', 0)"
        ))
        .await;
    }

    pub(super) async fn draft(&self, partner: i64, kind: &str) -> Result<AgreementRow, Error> {
        let new = NewAgreementOf {
            partner: PartnerId(partner),
            kind: kind.to_owned(),
            language: None,
            contact_name: "Ewa".to_owned(),
            contact_mail: "ewa@example.pl".to_owned(),
            application: Some(partner + 1000),
            valid_until: None,
        };
        self.verbs.prepare_agreement(&staff(1), &new, rendered).await
    }

    pub(super) async fn sent(&self, partner: i64, kind: &str) -> AgreementRow {
        let row = self.draft(partner, kind).await.unwrap();
        self.verbs.send_agreement(&staff(1), row.id, row.version).await.unwrap()
    }

    /// Come back on paper.
    async fn signed(&self, row: &AgreementRow) -> Result<AgreementRow, Error> {
        self.verbs.return_agreement(&staff(1), row.id, row.version, &paper()).await
    }

    pub(super) async fn in_force(&self, partner: i64, kind: &str) -> AgreementRow {
        let row = self.signed(&self.sent(partner, kind).await).await.unwrap();
        if row.state == S::InForce {
            return row;
        }
        self.countersigned(&row, None).await.unwrap()
    }

    async fn countersigned(
        &self,
        row: &AgreementRow,
        administrator: Option<&Invitation>,
    ) -> Result<AgreementRow, Error> {
        let (id, version) = (row.id, row.version);
        self.verbs.countersign_agreement(&staff(1), id, version, &paper(), administrator).await
    }

    /// State and number of the company, whether its traffic is let in.
    pub(super) async fn company_is(&self, id: i64) -> String {
        self.one(&format!(
            "select c.state || ' ' || coalesce(c.partner_number, '-') || ' ' || p.is_active \
             from company c join partner p on p.id = c.partner_id where p.id = {id}"
        ))
        .await
    }

    async fn letters(&self) -> Vec<String> {
        self.all("select template from mail order by id").await
    }

    async fn deadlines(&self) -> String {
        self.one(
            "select subject || ' ' || rule || ' ' || owner || \
             case when met_at is null then '' else ' met' end from deadline order by subject, rule",
        )
        .await
    }
}

fn paper() -> ReturnedCopy {
    ReturnedCopy {
        way: ReturnWay::Paper,
        file: None,
        signed_by: "Jan Kowalski".to_owned(),
        has_signature: false,
    }
}

fn upload(file: &str) -> ReturnedCopy {
    ReturnedCopy { way: ReturnWay::Upload, file: Some(file.to_owned()), ..paper() }
}

fn administrator(partner: i64) -> Invitation {
    Invitation {
        partner: Some(PartnerId(partner)),
        mail: "admin@example.pl".to_owned(),
        name: "Ewa".to_owned(),
        role: Role::PartnerAdmin,
        language: "pl".to_owned(),
        link: NewLink { token: "ab".repeat(32), purpose: "invitation", expires_at: NOON * 2 },
        letter: None,
    }
}

/// Runs a story on `SQLite` and on `PostgreSQL`.
macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await;
                $body
                drop($world.engine);
            }
        }
    };
}

pub(super) use on_both;

on_both!(from_the_first_draft_to_a_partner_with_an_administrator, w => {
    w.company(1).await;
    let nda = w.sent(1, "nda").await;
    assert_eq!((nda.number.as_str(), nda.state), ("NDA/2026/0001", S::Sent));
    assert_eq!(w.deadlines().await, "agreement:1 agreement_return partner");
    let attached = w.one("select attachments from mail").await;
    assert_eq!(Some(&attached), nda.file_id.as_ref(), "the document goes with the letter");

    let nda = w.signed(&nda).await.unwrap();
    assert_eq!((nda.state, nda.slot), (S::InForce, None), "only the partner signs it");
    assert_eq!(w.company_is(1).await, "prospect - 0");
    assert_eq!(
        w.deadlines().await,
        "agreement:1 agreement_return partner met|company:1 agreement_prepare.framework operator"
    );

    let framework = w.sent(1, "framework").await;
    let framework = w.signed(&framework).await.unwrap();
    assert_eq!(framework.state, S::SignedByPartner);
    assert!(w.deadlines().await.contains("agreement:2 agreement_reply operator|"));
    let framework = w.countersigned(&framework, Some(&administrator(1))).await.unwrap();
    assert_eq!(framework.state, S::InForce);
    assert_eq!(w.company_is(1).await, "contracted P-000001 1");
    assert_eq!(w.all("select mail || ' ' || role || ' ' || state from person").await,
        ["admin@example.pl admin invited"]);
    assert_eq!(w.letters().await,
        ["agreement_sent", "agreement_in_force", "agreement_sent", "agreement_in_force"]);
    let data = w.one("select data from mail where id = 4").await;
    assert!(data.contains("P-000001"), "the letter tells the number: {data}");
    // Paper goes back by post: the reply is whole only when somebody has posted it (R0.27).
    assert_eq!(framework.replied, "partner_number,access,registering_services");
    assert!(w.deadlines().await.contains("agreement:2 agreement_reply operator|"));
    let item = ReplyItem::SignedCopy;
    let framework = w.verbs.tick_reply(&staff(1), 2, framework.version, item).await.unwrap();
    assert!(framework.replied.starts_with("signed_copy,"));
    assert!(w.deadlines().await.contains("agreement:2 agreement_reply operator met"));
    assert_eq!(w.verbs.store.verify_audit().await.unwrap().unwrap(), w.verbs.store.last_audit().await.unwrap());
});

on_both!(the_framework_agreement_is_not_sent_before_the_nda_is_in_force, w => {
    w.company(1).await;
    w.company(2).await;
    let draft = w.draft(1, "framework").await.unwrap();
    let send = async || w.verbs.send_agreement(&staff(1), draft.id, draft.version).await;
    assert_eq!(refused(send().await).to_string(), "`nda` is not in force");
    w.in_force(2, "nda").await;
    let nda = w.sent(1, "nda").await;
    assert_eq!(refused(send().await).to_string(), "`nda` is not in force");
    let audited = w.verbs.store.last_audit().await.unwrap();
    assert_eq!(refused(send().await).code(), "wrong_state");
    assert_eq!(w.verbs.store.last_audit().await.unwrap(), audited, "a refusal leaves no trace");
    w.signed(&nda).await.unwrap();
    assert_eq!(send().await.unwrap().state, S::Sent);
});

on_both!(an_nda_that_ends_keeps_what_builds_on_it_from_coming_into_force, w => {
    w.company(1).await;
    let nda = w.in_force(1, "nda").await;
    let framework = w.signed(&w.sent(1, "framework").await).await.unwrap();
    w.verbs.terminate_agreement(&staff(1), nda.id, nda.version, "x").await.unwrap();
    let denied = refused(w.countersigned(&framework, Some(&administrator(1))).await);
    assert_eq!(denied.to_string(), "`nda` is not in force");
    assert_eq!(w.company_is(1).await, "prospect - 0");
    assert!(w.all("select mail from person").await.is_empty(), "nobody was invited");
});

on_both!(ending_the_nda_and_sending_the_framework_agreement_at_once_never_do_both_wrongly, w => {
    for id in 1..=8 {
        w.company(id).await;
        let nda = w.in_force(id, "nda").await;
        let draft = w.draft(id, "framework").await.unwrap();
        let by = staff(1);
        let (sent, ended) = tokio::join!(
            w.verbs.send_agreement(&by, draft.id, draft.version),
            w.verbs.terminate_agreement(&by, nda.id, nda.version, "x"),
        );
        ended.unwrap();
        // The audit trail has the order in which the two were carried out.
        let order = w.all(&format!(
            "select what from audit where (what = 'agreement.send' or what = \
             'agreement.terminate') and subject in ('agreement:{}', 'agreement:{}') order by seq",
            nda.id, draft.id
        ))
        .await;
        let order: Vec<_> = order.iter().map(String::as_str).collect();
        match sent {
            Ok(_) => assert_eq!(order, ["agreement.send", "agreement.send", "agreement.terminate"]),
            Err(_) => assert_eq!(order, ["agreement.send", "agreement.terminate"]),
        }
    }
});

on_both!(of_a_hundred_countersignatures_one_wins_and_the_others_hear_of_a_conflict, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    let framework = w.signed(&w.sent(1, "framework").await).await.unwrap();
    let administrator = administrator(1);
    let all = (0..100).map(|_| w.countersigned(&framework, Some(&administrator)));
    let mut won = 0;
    for result in futures_util::future::join_all(all).await {
        match result {
            Ok(row) => {
                assert_eq!(row.state, S::InForce);
                won += 1;
            }
            Err(Error::Refused(refusal)) => assert_eq!(refusal, Refusal::VersionConflict),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(w.company_is(1).await, "contracted P-000001 1");
    assert_eq!(w.all("select mail from person").await.len(), 1);
});

on_both!(numbers_run_by_kind_and_year_and_partners_are_counted_apart, w => {
    for id in 1..=3 {
        w.company(id).await;
        w.in_force(id, "nda").await;
    }
    w.in_force(3, "framework").await;
    w.in_force(1, "framework").await;
    assert_eq!(w.company_is(3).await, "contracted P-000001 1");
    assert_eq!(w.company_is(1).await, "contracted P-000002 1");
    // The last evening of the year in UTC is the new year in Warsaw.
    w.clock.advance(Duration::from_secs(DAY * 40 + 11 * 3600 + 1800));
    assert_eq!(w.draft(2, "framework").await.unwrap().number, "UR/2027/0001");
    let numbers = w.all("select number from agreement order by id").await;
    assert_eq!(numbers,
        ["NDA/2026/0001", "NDA/2026/0002", "NDA/2026/0003", "UR/2026/0001", "UR/2026/0002",
         "UR/2027/0001"]);
});

#[tokio::test]
async fn an_annex_lists_the_prices_of_its_area_and_is_not_made_while_something_is_undecided() {
    let world = world(false).await;
    world.company(1).await;
    world.in_force(1, "nda").await;
    world.in_force(1, "framework").await;
    let verbs = world.verbs.clone().with_contract(Contract::sample());
    let made = async |kind: &str| {
        let new = NewAgreementOf {
            partner: PartnerId(1),
            kind: kind.to_owned(),
            language: Some("pl".to_owned()),
            contact_name: "Ewa".to_owned(),
            contact_mail: "ewa@example.pl".to_owned(),
            application: None,
            valid_until: None,
        };
        let mut html = String::new();
        let render = |draft: &Draft| {
            let made = verbs.render(draft)?;
            html.clone_from(&made.html);
            Ok(made)
        };
        verbs.prepare_agreement(&staff(1), &new, render).await.map(|_| html)
    };
    let html = made("annex_special_sms_mms").await.unwrap();
    for cell in ["74xx", "4,00\u{a0}zł", "4,92\u{a0}zł", "50%", "900xxx", "0,62\u{a0}zł"] {
        assert!(html.contains(cell), "{cell}");
    }
    assert!(!html.contains("8000"), "a free number has no price");
    for (kind, why) in [
        ("annex_special_wap", "contract.share_special_wap"),
        ("annex_special_number", "no price in special_number"),
    ] {
        let Refusal::WrongState(told) = refused(made(kind).await) else { panic!("{kind}") };
        assert!(told.contains(why), "{told}");
    }
}

on_both!(one_of_a_kind_is_on_its_way_and_annexes_are_many, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    w.draft(1, "framework").await.unwrap();
    assert_eq!(refused(w.draft(1, "framework").await).code(), "taken");
    w.run("update agreement set state = 'in_force', slot = null where kind = 'framework'").await;
    for _ in 0..2 {
        w.sent(1, "annex_special_sms_mms").await;
    }
    assert_eq!(refused(w.draft(9, "nda").await), Refusal::UnknownId("partner"));
    assert_eq!(refused(w.draft(1, "lease").await).code(), "invalid_fields");
});

on_both!(a_newer_agreement_of_the_kind_supersedes_the_one_in_force, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    w.in_force(1, "framework").await;
    w.in_force(1, "framework").await;
    let states = w.all("select state from agreement where kind = 'framework' order by id").await;
    assert_eq!(states, ["superseded", "in_force"]);
    assert_eq!(w.company_is(1).await, "contracted P-000001 1", "its number stays");
});

on_both!(a_foreign_agreement_is_as_unknown_as_none_and_so_is_a_draft, w => {
    w.company(1).await;
    w.company(2).await;
    let row = w.sent(1, "nda").await;
    let unknown = Refusal::UnknownId("agreement");
    let verbs = &w.verbs;
    let applicant = |application| Caller::Applicant { application };
    for by in [person(2), applicant(1002), Caller::Gateway] {
        assert_eq!(refused(verbs.agreement(&by, row.id).await), unknown);
        assert_eq!(refused(verbs.agreement_history(&by, row.id).await), unknown);
        assert_eq!(refused(verbs.agreement_signatures(&by, row.id).await), unknown);
        let back = verbs.return_agreement(&by, row.id, row.version, &upload("x")).await;
        assert_eq!(refused(back), unknown);
        let no = verbs.decline_agreement(&by, row.id, row.version, "x").await;
        assert_eq!(refused(no), unknown);
    }
    let none = verbs.agreements(&person(2), None, None, (0, 10)).await.unwrap();
    assert_eq!(none, (Vec::new(), 0));
    for by in [person(1), applicant(1001)] {
        assert_eq!(verbs.agreement(&by, row.id).await.unwrap(), row);
        let (rows, count) = verbs.agreements(&by, Some(S::Sent), Some("nda"), (0, 10)).await.unwrap();
        assert_eq!((rows.as_slice(), count), (&[row.clone()][..], 1));
        let stops = verbs.agreement_stops(&by, PartnerId(1)).await.unwrap();
        assert_eq!(stops[0].turn.map(Side::as_str), Some("partner"));
    }
    let draft = w.draft(2, "nda").await.unwrap();
    assert_eq!(refused(verbs.agreement(&person(2), draft.id).await), unknown);
    assert_eq!(verbs.agreements(&person(2), None, None, (0, 10)).await.unwrap().1, 0);
    // What only the operator knows is not in the partner's timeline.
    let of = async |by| {
        let rows = verbs.agreement_history(&by, row.id).await.unwrap();
        rows.into_iter().map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(of(staff(1)).await, ["agreement_prepared", "agreement_rendered", "agreement_sent"]);
    assert_eq!(of(person(1)).await, ["agreement_sent"]);
});

on_both!(a_partner_takes_no_step_of_the_operator_and_a_key_takes_none, w => {
    w.company(1).await;
    let row = w.sent(1, "nda").await;
    let (id, version, verbs) = (row.id, row.version, &w.verbs);
    let key = Caller::ApiKey { partner: PartnerId(1), key: "bk_x".into() };
    for by in [person(1), key.clone(), Caller::Applicant { application: 1001 }] {
        let no = [
            verbs.send_agreement(&by, id, version).await,
            verbs.return_agreement(&by, id, version, &paper()).await,
            verbs.countersign_agreement(&by, id, version, &paper(), None).await,
            verbs.reject_copy(&by, id, version, "x").await,
            verbs.suspend_agreement(&by, id, version, "x").await,
            verbs.resume_agreement(&by, id, version).await,
            verbs.terminate_agreement(&by, id, version, "x").await,
            verbs.tick_reply(&by, id, version, ReplyItem::Access).await,
            verbs.render_agreement(&by, id, version, rendered).await,
        ];
        for result in no {
            assert_eq!(refused(result), Refusal::NotAllowed);
        }
    }
    assert_eq!(verbs.agreement(&key, id).await.unwrap().version, version);
    let no = verbs.decline_agreement(&key, id, version, "x").await;
    assert_eq!(refused(no), Refusal::NotAllowed);
});

on_both!(an_uploaded_copy_must_be_a_file_of_the_agreement_that_was_not_refused, w => {
    w.company(1).await;
    w.company(2).await;
    let other = w.sent(2, "nda").await;
    let row = w.sent(1, "nda").await;
    w.file(&other, "foreign", "clean").await;
    w.file(&row, "virus", "refused").await;
    w.file(&row, "good", "pending").await;
    let back = async |copy: ReturnedCopy| {
        w.verbs.return_agreement(&person(1), row.id, row.version, &copy).await
    };
    for file in ["foreign", "virus", "none"] {
        assert_eq!(refused(back(upload(file)).await), Refusal::UnknownId("file"));
    }
    let none = ReturnedCopy { file: None, ..upload("x") };
    assert_eq!(refused(back(none).await).code(), "invalid_fields");
    let nobody = ReturnedCopy { signed_by: " ".to_owned(), ..upload("good") };
    assert_eq!(refused(back(nobody).await).code(), "invalid_fields");
    let row = back(ReturnedCopy { has_signature: true, ..upload("good") }).await.unwrap();
    assert_eq!(row.state, S::InForce);
    let copies = w.verbs.agreement_signatures(&person(1), row.id).await.unwrap();
    assert_eq!((copies.len(), copies[0].has_signature, &*copies[0].way), (1, 1, "upload"));
});

on_both!(a_rejected_copy_is_awaited_again_with_new_clocks, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    let row = w.signed(&w.sent(1, "framework").await).await.unwrap();
    w.clock.advance(Duration::from_secs(DAY * 3));
    let row = w.verbs.reject_copy(&staff(1), row.id, row.version, "no stamp").await.unwrap();
    assert_eq!(row.state, S::Sent);
    assert_eq!(row.return_by, Some(w.verbs.now() + 14 * 86_400_000_000));
    let all = w.deadlines().await;
    assert!(all.contains("agreement:2 agreement_reply operator met"), "{all}");
    assert!(all.contains("agreement:2 agreement_return partner|"), "{all}");
    assert_eq!(w.letters().await.last().unwrap(), "agreement_copy_rejected");
    let copies = w.verbs.agreement_signatures(&staff(1), row.id).await.unwrap();
    assert_eq!(copies[0].rejected_why.as_deref(), Some("no stamp"));
    let row = w.signed(&row).await.unwrap();
    assert_eq!(w.verbs.agreement_signatures(&staff(1), row.id).await.unwrap().len(), 2);
    assert_eq!(w.countersigned(&row, None).await.unwrap().state, S::InForce);
});

on_both!(reminders_go_out_at_their_days_and_after_sixty_days_the_agreement_lapses, w => {
    w.company(1).await;
    let row = w.sent(1, "nda").await;
    let sweep = async || w.verbs.sweep_agreements().await.unwrap();
    let day = async |day: u64| {
        let passed = u64::try_from(w.verbs.now() - NOON).unwrap() / 1_000_000;
        w.clock.advance(Duration::from_secs(day * DAY - passed));
        sweep().await
    };
    let reminded = Swept { reminded: 1, ..Swept::default() };
    assert_eq!(day(6).await, Swept::default());
    assert_eq!(day(7).await, reminded);
    assert_eq!(sweep().await, Swept::default(), "once");
    // After a pause of the gateway: one letter for the two that were due.
    assert_eq!(day(31).await, reminded);
    assert_eq!(day(59).await, Swept::default());
    w.clock.advance(Duration::from_secs(DAY - 1));
    assert_eq!(sweep().await, Swept::default(), "one second before");
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(sweep().await, Swept { lapsed: 1, ..Swept::default() });
    assert_eq!(sweep().await, Swept::default());
    assert_eq!(w.letters().await,
        ["agreement_sent", "agreement_reminder", "agreement_reminder", "agreement_lapsed"]);
    assert_eq!(w.verbs.agreement(&staff(1), row.id).await.unwrap().state, S::Lapsed);
    assert_eq!(w.sent(1, "nda").await.number, "NDA/2027/0001", "another one may be begun");
});

on_both!(suspension_stops_the_traffic_and_resuming_gives_back_what_was, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    let row = w.in_force(1, "framework").await;
    w.run("update company set state = 'live' where partner_id = 1").await;
    let row = w.verbs.suspend_agreement(&staff(1), row.id, row.version, "unpaid").await.unwrap();
    assert_eq!(row.company_was.as_deref(), Some("live"));
    assert_eq!(w.company_is(1).await, "suspended P-000001 0");
    assert_eq!(refused(
        w.verbs.terminate_agreement(&staff(1), row.id, row.version, "x").await).code(), "wrong_state");
    let row = w.verbs.resume_agreement(&staff(1), row.id, row.version).await.unwrap();
    assert_eq!(w.company_is(1).await, "live P-000001 1");
    w.verbs.terminate_agreement(&staff(1), row.id, row.version, "the end").await.unwrap();
    assert_eq!(w.company_is(1).await, "closed P-000001 0");
});

on_both!(an_agreement_for_a_time_expires_with_it, w => {
    w.company(1).await;
    w.in_force(1, "nda").await;
    let row = w.in_force(1, "framework").await;
    w.run(&format!("update agreement set valid_until = {} where id = 2", NOON + 5_000_000)).await;
    w.clock.advance(Duration::from_secs(4));
    assert_eq!(w.verbs.sweep_agreements().await.unwrap(), Swept::default());
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(w.verbs.sweep_agreements().await.unwrap().expired, 1);
    assert_eq!(w.verbs.agreement(&staff(1), row.id).await.unwrap().state, S::Expired);
    assert_eq!(w.company_is(1).await, "closed P-000001 0");
});

on_both!(the_way_says_whose_turn_it_is_and_that_the_operator_is_late, w => {
    w.company(1).await;
    let stops = async || w.verbs.agreement_stops(&staff(1), PartnerId(1)).await.unwrap();
    let way = stops().await;
    let kinds: Vec<_> = way.iter().map(|stop| (stop.kind.as_str(), stop.state)).collect();
    assert_eq!(kinds, [("nda", "awaited"), ("framework", "awaited")]);
    w.in_force(1, "nda").await;
    let framework = stops().await.remove(1);
    assert_eq!(framework.turn.map(Side::as_str), Some("operator"));
    assert_eq!(framework.due_at, Some(NOON + 5 * 86_400_000_000));
    w.clock.advance(Duration::from_secs(6 * DAY));
    assert!(stops().await[1].is_late);
    w.sent(1, "framework").await;
    let framework = stops().await.remove(1);
    assert!(!framework.is_late);
    assert_eq!(framework.turn.map(Side::as_str), Some("partner"));
});

on_both!(a_document_that_is_not_what_was_hashed_is_never_kept, w => {
    w.company(1).await;
    let new = NewAgreementOf {
        partner: PartnerId(1), kind: "nda".to_owned(), language: Some("en".to_owned()),
        contact_name: "E".to_owned(), contact_mail: "e@example.pl".to_owned(),
        application: None, valid_until: None,
    };
    let lie = |draft: &Draft| Ok(Rendered { sha256: "00".to_owned(), ..rendered(draft)? });
    let broken = w.verbs.prepare_agreement(&staff(1), &new, lie).await;
    assert!(matches!(broken, Err(Error::Broken(_))));
    // The draft is there without a document, and cannot be sent until it has one.
    let row = w.verbs.agreement(&staff(1), 1).await.unwrap();
    assert_eq!(refused(w.verbs.send_agreement(&staff(1), 1, row.version).await).code(), "wrong_state");
    let row = w.verbs.render_agreement(&staff(1), 1, row.version, |draft| {
        assert_eq!((draft.title.as_str(), draft.copies), ("Non-disclosure agreement", 2));
        rendered(draft)
    }).await.unwrap();
    assert_eq!(w.verbs.send_agreement(&staff(1), 1, row.version).await.unwrap().state, S::Sent);
    let bad = NewAgreementOf { contact_mail: "nobody".to_owned(), ..new };
    assert_eq!(refused(w.verbs.prepare_agreement(&staff(1), &bad, rendered).await).code(), "invalid_fields");
});

/// Names that stand after `letter(` or `template:` in the sources of the verbs.
#[test]
fn every_letter_that_a_verb_writes_has_its_texts() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/partnership");
    let mut found = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with("_tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for mark in ["letter(", "template: "] {
            for rest in source.split(mark).skip(1) {
                let head: String = rest.chars().take(120).collect();
                let mut words = head.split('"');
                let before = words.next().unwrap_or_default();
                if let (false, Some(word)) = (before.contains(';'), words.next()) {
                    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
                    if word.contains('_') && word.chars().all(is_word) {
                        found.insert(word.to_owned());
                    }
                }
            }
        }
    }
    found.extend(["agreement_declined", "agreement_terminated"].map(str::to_owned));
    let unknown: Vec<_> =
        found.iter().filter(|name| crate::mail::Kind::named(name).is_none()).collect();
    assert!(unknown.is_empty() && found.len() > 20, "{unknown:?} of {found:?}");
}
