//! Stories of changed terms, on both engines.

use std::time::Duration;

use jiff::civil::Date;

use super::{
    agree_tests::{World, on_both, person, refused, staff, world},
    *,
};
use crate::{
    domain::{
        AgreementState, PartnerId, Refusal,
        agreement_kind::Both,
        terms::{AppliesTo, Consent, TermsState, day_begins, day_of},
    },
    store::TermsRow,
};

const DAY: i64 = 86_400_000_000;

fn both(text: &str) -> Both {
    Both { pl: text.to_owned(), en: text.to_owned() }
}

fn draft(label: &str, consent: Consent) -> TermsDraft {
    TermsDraft {
        kind: "framework".to_owned(),
        label: label.to_owned(),
        applies_to: AppliesTo::All,
        consent,
        text: both(&format!("§ 1\nrate of {label}\n§ 2\nstays")),
        summary: both("the rate"),
    }
}

impl World {
    fn day(&self, days: i32) -> Date {
        let today = day_of(self.verbs.now());
        today.checked_add(jiff::Span::new().days(days)).unwrap()
    }

    async fn approved(&self, new: &TermsDraft) -> TermsRow {
        let row = self.verbs.draft_terms(&staff(1), new).await.unwrap();
        self.verbs.approve_terms(&staff(2), row.id, row.version).await.unwrap()
    }

    async fn published(&self, label: &str, consent: Consent) -> TermsRow {
        let row = self.approved(&draft(label, consent)).await;
        let day = self.day(14);
        self.verbs.publish_terms(&staff(1), row.id, row.version, day).await.unwrap()
    }

    async fn partner(&self, id: i64) {
        self.company(id).await;
        self.in_force(id, "nda").await;
        self.in_force(id, "framework").await;
    }

    async fn add_person(&self, partner: i64, mail: &str) {
        self.run(&format!(
            "insert into person (id, partner_id, mail, name, role, state, totp_step, language, \
             theme, failures, version, made_at) select coalesce(max(id), 0) + 1, {partner}, \
             '{mail}', 'n', 'viewer', 'active', 0, 'en', 'auto', 0, 1, 0 from person"
        ))
        .await;
    }

    /// The outbox sent everything that waits.
    async fn mail_leaves(&self) {
        self.run("update mail set state = 'sent', sent_at = 7 where state = 'queued'").await;
    }

    async fn mail_bounces(&self, partner: i64) {
        self.run(&format!(
            "update mail set state = 'bounced' where template = 'terms_changed' \
             and partner_id = {partner}"
        ))
        .await;
    }

    fn until(&self, at: i64) {
        let by = u64::try_from(at - self.verbs.now()).unwrap();
        self.clock.advance(Duration::from_micros(by));
    }

    async fn notice_states(&self) -> Vec<String> {
        self.all(
            "select partner_id || ' ' || state from notice order by partner_id, recipient desc",
        )
        .await
    }

    async fn framework_of(&self, partner: i64) -> String {
        self.one(&format!(
            "select state || ' ' || coalesce(terms_id, 0) from agreement \
             where partner_id = {partner} and kind = 'framework'"
        ))
        .await
    }
}

on_both!(terms_are_published_only_after_a_second_person_has_read_them, w => {
    let verbs = &w.verbs;
    let row = verbs.draft_terms(&staff(1), &draft("1", Consent::Silent)).await.unwrap();
    assert_eq!(refused(verbs.draft_terms(&staff(1), &draft("1", Consent::Silent)).await).code(), "taken");
    let publish = async |row: &TermsRow| {
        verbs.publish_terms(&staff(1), row.id, row.version, w.day(14)).await
    };
    assert_eq!(refused(publish(&row).await).code(), "wrong_state");
    // The same person under another name is the same person.
    let renamed = crate::domain::Caller::User {
        partner: None, user: crate::domain::UserId(1), name: "married".into(),
    };
    assert_eq!(refused(verbs.approve_terms(&renamed, row.id, row.version).await).code(), "wrong_state");
    let row = verbs.approve_terms(&staff(2), row.id, row.version).await.unwrap();
    // What was read is what is published: an edit takes the approval away.
    let edited = verbs.edit_terms(&staff(2), row.id, row.version, (both("1. x"), both("y"))).await.unwrap();
    assert_eq!(refused(publish(&edited).await).code(), "wrong_state");
    assert_eq!(refused(publish(&row).await), Refusal::VersionConflict);
    assert_eq!(refused(verbs.approve_terms(&staff(2), row.id, edited.version).await).code(), "wrong_state");
    let row = verbs.approve_terms(&staff(1), row.id, edited.version).await.unwrap();
    let early = verbs.publish_terms(&staff(1), row.id, row.version, w.day(13)).await;
    assert_eq!(refused(early).code(), "invalid_fields");
    assert_eq!(publish(&row).await.unwrap().state, TermsState::Published);
    for result in [
        verbs.draft_terms(&person(1), &draft("2", Consent::Silent)).await,
        verbs.approve_terms(&person(1), row.id, 1).await,
        verbs.publish_terms(&person(1), row.id, 1, w.day(20)).await,
        verbs.withdraw_terms(&person(1), row.id, 1).await,
    ] {
        assert_eq!(refused(result), Refusal::NotAllowed);
    }
});

on_both!(everybody_of_every_partner_is_told_once, w => {
    w.partner(1).await;
    w.partner(2).await;
    w.company(3).await;
    w.add_person(1, "a@example.pl").await;
    w.add_person(1, "b@example.pl").await;
    w.run("update person set state = 'disabled' where mail = 'b@example.pl'").await;
    w.add_person(1, "c@example.pl").await;
    let terms = w.published("1", Consent::Silent).await;
    assert_eq!(w.verbs.sweep_terms().await.unwrap().told, 3);
    assert_eq!(w.verbs.sweep_terms().await.unwrap().told, 0);
    let told = w.all("select recipient || ' ' || language from mail where template = \
        'terms_changed' order by recipient").await;
    assert_eq!(told, ["a@example.pl en", "c@example.pl en", "ewa@example.pl pl"]);
    // Who becomes a partner before the effect is told as well.
    w.in_force(3, "nda").await;
    w.in_force(3, "framework").await;
    assert_eq!(w.verbs.sweep_terms().await.unwrap().told, 1);
    w.mail_leaves().await;
    w.verbs.sweep_terms().await.unwrap();
    let proof = w.verbs.notices(&person(1), terms.id, (0, 10)).await.unwrap();
    assert_eq!(proof.len(), 2);
    assert!(proof.iter().all(|row| row.state == "sent" && row.sent_at == Some(7)));
    assert_eq!(w.verbs.notices(&staff(1), terms.id, (0, 10)).await.unwrap().len(), 4);
});

on_both!(a_refusal_suspends_at_the_day_of_effect_and_not_a_moment_before, w => {
    for id in 1..=3 {
        w.partner(id).await;
    }
    let terms = w.published("1", Consent::Silent).await;
    w.verbs.sweep_terms().await.unwrap();
    w.mail_leaves().await;
    w.verbs.answer_terms(&person(1), terms.id, false).await.unwrap();
    w.verbs.answer_terms(&person(2), terms.id, true).await.unwrap();
    let from = terms.effective_from.unwrap();
    assert_eq!(from, day_begins(w.day(14)).unwrap());
    w.until(from - 1);
    let before = w.verbs.sweep_terms().await.unwrap();
    assert_eq!((before.suspended, before.begun), (0, 0));
    assert_eq!(w.company_is(1).await, "contracted P-000001 1");
    // A change of mind is still possible in the last moment.
    w.verbs.answer_terms(&person(1), terms.id, true).await.unwrap();
    w.verbs.answer_terms(&person(1), terms.id, false).await.unwrap();
    w.until(from);
    assert_eq!(refused(w.verbs.answer_terms(&person(1), terms.id, true).await).code(), "wrong_state");
    let swept = w.verbs.sweep_terms().await.unwrap();
    assert_eq!(swept, TermsSwept { told: 0, suspended: 1, moved: 2, begun: 1 });
    assert_eq!(w.verbs.sweep_terms().await.unwrap(), TermsSwept::default());
    assert_eq!(w.company_is(1).await, "suspended P-000001 0");
    assert_eq!(w.framework_of(1).await, "suspended 0");
    assert_eq!(w.company_is(2).await, "contracted P-000002 1");
    assert_eq!(w.framework_of(2).await, "in_force 1");
    assert_eq!(w.framework_of(3).await, "in_force 1", "silence is consent");
    assert_eq!(w.notice_states().await, ["1 refused", "2 accepted", "3 deemed_accepted"]);
    let row = w.verbs.agreement(&staff(1), 2).await.unwrap();
    assert_eq!((row.state, row.reason.as_str()), (AgreementState::Suspended, "refused_terms"));
    assert_eq!(w.all("select template from mail where template = 'agreement_suspended'").await.len(), 1);
    assert!(w.verbs.store.verify_audit().await.unwrap().is_ok());
});

on_both!(who_was_not_reached_is_not_deemed_to_accept, w => {
    for id in 1..=3 {
        w.partner(id).await;
    }
    w.add_person(3, "good@example.pl").await;
    w.add_person(3, "gone@example.pl").await;
    let terms = w.published("1", Consent::Silent).await;
    w.verbs.sweep_terms().await.unwrap();
    // The first bounces, the second is never sent, one of the third's two bounces.
    w.mail_bounces(1).await;
    w.run("update mail set state = 'sent', sent_at = 7 where recipient = 'good@example.pl'").await;
    w.run("update mail set state = 'failed' where recipient = 'gone@example.pl'").await;
    w.until(terms.effective_from.unwrap());
    let swept = w.verbs.sweep_terms().await.unwrap();
    assert_eq!((swept.moved, swept.suspended, swept.begun), (1, 0, 1));
    assert_eq!(w.notice_states().await, ["1 bounced", "2 queued", "3 deemed_accepted", "3 bounced"]);
    assert_eq!(w.framework_of(1).await, "in_force 0");
    assert_eq!(w.framework_of(2).await, "in_force 0");
    assert_eq!(w.framework_of(3).await, "in_force 1");
    let left_behind = w.verbs.store.bounced_notices().await.unwrap();
    let partners: Vec<i64> = left_behind.iter().map(|row| row.partner_id).collect();
    assert_eq!(partners, [1], "one person of partner 3 was reached");
});

on_both!(where_consent_is_explicit_silence_changes_nothing, w => {
    w.partner(1).await;
    w.partner(2).await;
    let terms = w.published("1", Consent::Explicit).await;
    w.verbs.sweep_terms().await.unwrap();
    w.mail_leaves().await;
    w.verbs.answer_terms(&person(2), terms.id, true).await.unwrap();
    w.until(terms.effective_from.unwrap());
    w.verbs.sweep_terms().await.unwrap();
    assert_eq!(w.notice_states().await, ["1 sent", "2 accepted"]);
    assert_eq!((w.framework_of(1).await, w.framework_of(2).await),
        ("in_force 0".to_owned(), "in_force 1".to_owned()));
});

on_both!(a_withdrawn_version_never_takes_effect_and_a_newer_one_ends_the_older, w => {
    w.partner(1).await;
    let first = w.published("1", Consent::Silent).await;
    w.until(first.effective_from.unwrap());
    w.verbs.sweep_terms().await.unwrap();
    let first = w.verbs.terms(&person(1), first.id).await.unwrap();
    assert_eq!(first.state, TermsState::InForce);
    assert_eq!(refused(w.verbs.withdraw_terms(&staff(1), first.id, first.version).await).code(), "wrong_state");

    let second = w.published("2", Consent::Silent).await;
    w.verbs.sweep_terms().await.unwrap();
    let second = w.verbs.withdraw_terms(&staff(1), second.id, second.version).await.unwrap();
    assert_eq!(refused(w.verbs.answer_terms(&person(1), second.id, false).await).code(), "wrong_state");

    let third = w.published("3", Consent::Silent).await;
    let changed = w.verbs.compare_terms(&person(1), third.id, "pl").await.unwrap();
    assert_eq!((changed.old.as_deref(), changed.new.as_str()), (Some("1"), "3"));
    let moved: Vec<_> = changed.clauses.iter().map(|one| one.is_changed).collect();
    assert_eq!(moved, [true, false]);
    w.until(third.effective_from.unwrap());
    assert_eq!(refused(w.verbs.withdraw_terms(&staff(1), third.id, third.version).await).code(),
        "wrong_state", "its day has come, swept or not");
    w.verbs.sweep_terms().await.unwrap();
    let states = w.all("select state from terms_version order by id").await;
    assert_eq!(states, ["superseded", "withdrawn", "in_force"]);
    assert_eq!(w.verbs.store.current_terms("framework").await.unwrap().unwrap().id, third.id);
});

on_both!(a_draft_of_terms_is_unknown_to_partners_and_an_answer_is_for_who_was_told, w => {
    w.partner(1).await;
    let row = w.verbs.draft_terms(&staff(1), &draft("1", Consent::Silent)).await.unwrap();
    let unknown = Refusal::UnknownId("terms");
    assert_eq!(refused(w.verbs.terms(&person(1), row.id).await), unknown);
    assert_eq!(refused(w.verbs.compare_terms(&person(1), row.id, "pl").await), unknown);
    assert_eq!(refused(w.verbs.answer_terms(&person(1), row.id, true).await), unknown);
    assert!(w.verbs.terms_list(&person(1), None).await.unwrap().is_empty());
    let key = crate::domain::Caller::ApiKey { partner: PartnerId(1), key: "bk".into() };
    assert_eq!(refused(w.verbs.answer_terms(&key, row.id, true).await), Refusal::NotAllowed);
    let row = w.verbs.approve_terms(&staff(2), row.id, row.version).await.unwrap();
    w.verbs.publish_terms(&staff(1), row.id, row.version, w.day(14)).await.unwrap();
    assert_eq!(w.verbs.terms_list(&person(1), Some("framework")).await.unwrap().len(), 1);
    assert_eq!(refused(w.verbs.answer_terms(&person(1), row.id, true).await), unknown);
});

on_both!(a_thousand_partners_are_told_and_bound_page_by_page, w => {
    // Whole rows at once: the way of each of them is not what this story is about.
    w.run("insert into partner (id, name, is_active, rate, burst, backlog_max, waiting_max, \
        message_id_form, receipt_seconds, receipt_zone, default_alphabet, strip_trailing_nul, \
        prefers_rx_t_appn, vendor_tlvs, splits_long, takes_data_sm, made_at) \
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
        select i, 'p' || i, 1, 1, 1, 1, 1, 'decimal', 0, 'Europe/Warsaw', 'gsm7', 0, 0, 0, 1, 0, 0 \
        from n").await;
    w.run("insert into company (partner_id, state, legal_name, nip, regon, krs, street, \
        postal_code, city, country, bank_account, language, level, version, made_at) \
        select id, 'live', name, name, '', '', '', '', '', 'PL', '', 'pl', 0, 1, 0 from partner")
        .await;
    w.run("insert into agreement (id, number, partner_id, kind, language, state, contact_name, \
        contact_mail, prepared_at, sent_at, reminders, reason, replied, version) \
        select id, name, id, 'framework', 'pl', 'in_force', 'n', name || '@example.pl', 0, 0, 0, \
        '', '', 1 from partner").await;
    let terms = w.published("1", Consent::Silent).await;
    // Cut off after the first page, as by a crash.
    let (partners, people) = w.verbs.store.untold(terms.id, 0, 100).await.unwrap();
    assert_eq!((partners.len(), people.len()), (100, 100));
    assert_eq!(w.verbs.sweep_terms().await.unwrap().told, 1000);
    assert_eq!(w.verbs.sweep_terms().await.unwrap().told, 0);
    w.mail_leaves().await;
    for refuser in [1, 500, 1000] {
        w.verbs.answer_terms(&person(refuser), terms.id, false).await.unwrap();
    }
    w.until(terms.effective_from.unwrap());
    // The effect too may be cut off between two pages.
    w.verbs.store.sync_notices(w.verbs.now()).await.unwrap();
    let kind = w.verbs.kinds.get("framework").unwrap().clone();
    let told = |row: &_| agree_steps::letter(row, &kind, "agreement_suspended", Vec::new(), &serde_json::json!({}));
    let page = w.verbs.store.effect_page(w.verbs.now(), &terms, 100, &told).await.unwrap();
    assert_eq!((page.partners, page.suspended, page.moved), (100, 1, 99));
    let swept = w.verbs.sweep_terms().await.unwrap();
    assert_eq!((swept.suspended, swept.moved, swept.begun), (2, 898, 1));
    let states = w.all("select state || ' ' || count(*) from notice group by state order by 1").await;
    assert_eq!(states, ["deemed_accepted 997", "refused 3"]);
    assert_eq!(w.all("select name from partner where is_active = 0 order by id").await,
        ["p1", "p500", "p1000"]);
    assert!(w.verbs.now() - terms.published_at.unwrap() < 15 * DAY);
});
