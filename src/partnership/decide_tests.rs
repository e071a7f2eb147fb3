//! The desk's verbs, over a real store.

use super::{
    apply_tests::{DAY, NOON, World, code, fields, form, letters, submitted, world},
    *,
};
use crate::{
    domain::{
        PartnerId,
        application::{ApplicationState, Area, Criterion, DeclineReason, Declined, Verdict},
        application_form::SectionForm,
        turn::{Owner, Standing},
        user::Role,
    },
    store::{ApplicationFilter, Extras, NewMail},
};

pub(super) fn staff() -> Signed {
    Signed::try_out(Role::OperatorProvisioning, None)
}

fn nothing(_: PartnerId) -> Extras {
    Extras::default()
}

/// Taken up and scored in full; its new version.
async fn judged(world: &World, id: i64, version: i64) -> i64 {
    let mut version = world.desk.take_up(&staff(), (id, version)).await.unwrap();
    for area in [Area::Wap, Area::Number] {
        for criterion in Criterion::ALL {
            let score = (area, *criterion, 4);
            version = world.desk.score_application(&staff(), (id, version), score).await.unwrap();
        }
    }
    version
}

fn both_yes() -> Vec<(Area, Verdict)> {
    vec![(Area::Wap, Verdict::Accepted), (Area::Number, Verdict::Accepted)]
}

#[tokio::test]
async fn only_the_operators_staff_comes_to_the_desk() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    let at = (begun.id, begun.version);
    for role in [Role::PartnerAdmin, Role::PartnerFinance, Role::PartnerViewer] {
        let by = Signed::try_out(role, Some(PartnerId(1)));
        let desk = &world.desk;
        assert_eq!(
            code(desk.applications(&by, &ApplicationFilter::default()).await),
            "not_allowed"
        );
        assert_eq!(code(desk.application(&by, begun.id).await), "not_allowed");
        assert_eq!(code(desk.take_up(&by, at).await), "not_allowed");
        assert_eq!(code(desk.ask_applicant(&by, at, "?").await), "not_allowed");
        let score = (Area::Wap, Criterion::Revenue, 5);
        assert_eq!(code(desk.score_application(&by, at, score).await), "not_allowed");
        let decided = desk.decide_application(&by, at, both_yes(), &[], &nothing).await;
        assert_eq!(code(decided), "not_allowed");
        assert_eq!(code(desk.answer_idea(&by, at, "no").await), "not_allowed");
    }
}

#[tokio::test]
async fn an_auditor_reads_everything_and_changes_nothing() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    let (at, desk) = ((begun.id, begun.version), &world.desk);
    let by = Signed::try_out(Role::OperatorAuditor, None);
    assert_eq!(code(desk.application(&by, begun.id).await), "ok");
    assert_eq!(code(desk.take_up(&by, at).await), "not_allowed");
    assert_eq!(code(desk.comment_on_application(&by, at, "odd").await), "not_allowed");
    let decided = desk.decide_application(&by, at, both_yes(), &[], &nothing).await;
    assert_eq!(code(decided), "not_allowed");
}

#[tokio::test]
async fn nothing_is_decided_before_every_criterion_of_every_area_has_a_score() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    let early = (begun.id, begun.version);
    let decided = world.desk.decide_application(&staff(), early, both_yes(), &[], &nothing).await;
    assert_eq!(code(decided), "wrong_state");
    let version = world.desk.take_up(&staff(), early).await.unwrap();
    let at = (begun.id, version);
    let decided = world.desk.decide_application(&staff(), at, both_yes(), &[], &nothing).await;
    let found = fields(decided);
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|(_, code)| *code == "unscored"));
    let bad = (Area::Wap, Criterion::Revenue, 6);
    let found = fields(world.desk.score_application(&staff(), at, bad).await);
    assert_eq!(found, [("areas.special_wap.scores.revenue".to_owned(), "score_range")]);
    let other = (Area::SmsMms, Criterion::Revenue, 3);
    let found = fields(world.desk.score_application(&staff(), at, other).await);
    assert_eq!(found[0].1, "not_applied_for");
}

#[tokio::test]
async fn an_acceptance_makes_a_prospect_that_carries_no_traffic_and_takes_the_extras_along() {
    let world = world().await;
    let (by, begun) = submitted(&world, "5261040828").await;
    let version = judged(&world, begun.id, begun.version).await;
    let extras = |partner: PartnerId| Extras {
        mails: vec![NewMail {
            recipient: "jan@acme.pl".into(),
            recipient_name: String::new(),
            language: "pl".into(),
            template: "agreement_sent",
            data: serde_json::json!({ "partner": partner.0 }),
            attachments: vec!["nda".into()],
            subject: format!("application:{}", begun.id),
            partner: Some(partner),
        }],
        ..Extras::default()
    };
    let no = Verdict::Declined(Declined::because(DeclineReason::RevenueTooLow));
    let verdicts = vec![(Area::Wap, Verdict::Accepted), (Area::Number, no)];
    let files = ["f1".to_owned()];
    let at = (begun.id, version);
    let decided = world.desk.decide_application(&staff(), at, verdicts, &files, &extras).await;
    let partner = decided.unwrap().partner.unwrap();

    let company = world.desk.store().company(partner).await.unwrap().unwrap();
    assert_eq!((company.state.as_str(), company.nip.as_str()), ("prospect", "5261040828"));
    let partners = world.desk.store().partners().await.unwrap();
    assert_eq!((partners[0].name.as_str(), partners[0].is_active), ("acme-media", 0));
    let letters = letters(&world, begun.id).await;
    let templates: Vec<_> = letters.iter().map(|(template, _)| template.as_str()).collect();
    let expected =
        ["application_saved", "application_received", "application_accepted", "agreement_sent"];
    assert_eq!(templates, expected);
    assert_eq!(letters[2].1["return_address"], "Operator S.A.\nProsta 1");

    let view = world.desk.my_application(&by, begun.id).await.unwrap();
    assert!(view.row.is_accepted && view.decision.as_ref().unwrap().met_at.is_some());
    assert_eq!(view.areas[0].verdict, Some(Verdict::Accepted));
    assert_eq!(view.areas[0].scores.unscored().count(), 3, "scores stay inside");
    let stops = view.stops(NOON);
    assert_eq!(stops[0].standing, Standing::Done);
    assert_eq!((stops[1].standing, stops[1].owner), (Standing::Open, Some(Owner::Operator)));
    // The same company applies again: it is a partner now.
    let whole = WholeApplication {
        begin: Beginning { mail: "eve@acme.pl", language: "pl", address: "192.0.2.9" },
        form: form("526-104-08-28"),
        repeat: None,
    };
    let found = fields(world.desk.apply_whole(&whole).await);
    assert_eq!(found, [("company.nip".to_owned(), "nip_taken")]);
}

#[tokio::test]
async fn of_many_who_decide_at_once_one_wins_and_the_others_are_told_to_look_again() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    let version = judged(&world, begun.id, begun.version).await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (desk, id) = (world.desk.clone(), begun.id);
        tries.spawn(async move {
            let at = (id, version);
            code(desk.decide_application(&staff(), at, both_yes(), &[], &nothing).await)
        });
    }
    let mut outcomes = tries.join_all().await;
    outcomes.sort_unstable();
    assert_eq!(outcomes.iter().filter(|code| **code == "ok").count(), 1);
    // Whoever read after the first commit sees the new state instead of the old version.
    assert!(
        outcomes.iter().all(|code| ["ok", "version_conflict", "wrong_state"].contains(code)),
        "{outcomes:?}"
    );
    assert_eq!(world.desk.store().partners().await.unwrap().len(), 1);
    let letters = letters(&world, begun.id).await;
    assert_eq!(letters.iter().filter(|(name, _)| name == "application_accepted").count(), 1);
}

#[tokio::test]
async fn a_decline_says_why_and_from_when_on_to_ask_again() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    let version = judged(&world, begun.id, begun.version).await;
    let declined = |reason| Declined {
        text: "Sorry.".into(),
        reapply_on: Some(jiff::civil::date(2027, 1, 4)),
        refer_to: Some("Integrator S.A.".into()),
        ..Declined::because(reason)
    };
    let verdicts = vec![
        (Area::Wap, Verdict::Declined(declined(DeclineReason::BetterWithIntegrator))),
        (Area::Number, Verdict::Declined(declined(DeclineReason::RevenueTooLow))),
    ];
    let at = (begun.id, version);
    let decided = world.desk.decide_application(&staff(), at, verdicts, &[], &nothing).await;
    assert_eq!(decided.unwrap().partner, None);
    let letters = letters(&world, begun.id).await;
    let (template, data) = letters.last().unwrap();
    assert_eq!(template, "application_declined");
    let reason = data["reason"].as_str().unwrap();
    assert!(reason.contains("Integrator S.A.") && reason.contains("przychód"), "{reason}");
    let again: jiff::Timestamp = "2027-01-03T23:00:00Z".parse().unwrap();
    assert_eq!(data["may_apply_from"], again.as_microsecond());
    assert!(world.desk.store().companies(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_question_stops_the_clock_and_the_answer_starts_it_again() {
    let world = world().await;
    let (by, begun) = submitted(&world, "5261040828").await;
    world.clock.advance(DAY * 2);
    let version = world.desk.take_up(&staff(), (begun.id, begun.version)).await.unwrap();
    let asked = world.desk.ask_applicant(&staff(), (begun.id, version), "Which channel?").await;
    let version = asked.unwrap();
    assert_eq!(letters(&world, begun.id).await.last().unwrap().0, "application_question");
    let promised = world.desk.my_application(&by, begun.id).await.unwrap().decision.unwrap();
    world.clock.advance(DAY * 20);
    assert_eq!(world.desk.sweep_overdue().await.unwrap(), 0, "the applicant's turn");
    let documents = SectionForm::Documents(Vec::new());
    let saved = world.desk.save_section(&by, (begun.id, version), documents).await.unwrap();
    let version = world.desk.answer_application(&by, (begun.id, saved.0), "TV.").await.unwrap();

    let view = world.desk.application(&staff(), begun.id).await.unwrap().view;
    assert_eq!((view.row.state, view.row.version), (ApplicationState::InReview, version));
    let sides: Vec<_> = view.messages.iter().map(|message| message.side.as_str()).collect();
    assert_eq!(sides, ["operator", "partner"]);
    let now = view.decision.unwrap();
    assert_eq!(now.promised_at, promised.promised_at, "the first promise stays visible");
    // Three days were left on the 21st; the answer came on 2026-12-11.
    let due: jiff::Timestamp = "2026-12-14T22:59:59.999999Z".parse().unwrap();
    assert_eq!(now.due_at, due.as_microsecond());
}

#[tokio::test]
async fn a_broken_promise_is_told_to_the_desk_once() {
    let world = world().await;
    let (_, begun) = submitted(&world, "5261040828").await;
    assert_eq!(world.desk.sweep_overdue().await.unwrap(), 0);
    world.clock.advance(DAY * 6);
    assert_eq!(world.desk.sweep_overdue().await.unwrap(), 1);
    assert_eq!(world.desk.sweep_overdue().await.unwrap(), 0);
    let letters = letters(&world, begun.id).await;
    let (template, data) = letters.last().unwrap();
    assert_eq!(template, "application_overdue");
    assert_eq!(data["link"], format!("/applications/{}", begun.id));
    assert_eq!(letters.len(), 3);
    let lines = world.desk.applications(&staff(), &ApplicationFilter::default()).await.unwrap();
    assert!(lines[0].due_at.unwrap() < world.desk.now());
}

#[tokio::test]
async fn the_desk_sees_who_else_sent_the_same_nip() {
    let world = world().await;
    let (_, first) = submitted(&world, "5261040828").await;
    let (_, second) = submitted(&world, "5261040828").await;
    let view = world.desk.application(&staff(), second.id).await.unwrap();
    assert_eq!(view.same_nip.len(), 1);
    assert_eq!(view.same_nip[0].1, first.reference);
    assert_eq!(view.same_partner, None);
    let draft = Beginning { mail: "new@acme.pl", language: "en", address: "192.0.2.7" };
    let draft = world.desk.begin_application(&draft).await.unwrap();
    assert_eq!(code(world.desk.application(&staff(), draft.id).await), "unknown_id");
}
