//! The applicant's verbs, over a real store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    clock::{Clock, SetClock},
    domain::{
        Caller, Refusal,
        application::{ApplicationState, Purpose},
        application_form::{
            ConsentForm, ContactForm, DocumentForm, Form, PlanForm, Progress, Section, SectionForm,
        },
        company::CompanyForm,
        user::UserId,
    },
    store::{GroupLimits, Place},
};

/// Thursday 2026-11-19, noon in Warsaw.
pub(super) const NOON: i64 = 1_795_086_000_000_000;
pub(super) const DAY: Duration = Duration::from_hours(24);

/// A partnership over a store of its own, and its clock.
pub(super) struct World {
    pub(super) desk: Partnership,
    pub(super) clock: Arc<SetClock>,
    _folder: tempfile::TempDir,
}

pub(super) async fn world() -> World {
    world_with(|_| ()).await
}

/// No documents are asked for: there is nobody here who uploads files.
pub(super) async fn world_with(tune: impl FnOnce(&mut Rules)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let place = Place { url, readers: 2 };
    // The writer of traffic is not run: verbs of people do not go through it.
    let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    let clock = Arc::new(SetClock::at(NOON));
    let mut rules = Rules {
        documents: Vec::new(),
        desk_mail: "desk@operator.pl".into(),
        return_address: "Operator S.A.\nProsta 1".into(),
        ..Rules::default()
    };
    tune(&mut rules);
    let desk = Partnership::new(store, Clock::Set(Arc::clone(&clock)), Seal::new([&b"secret"[..]]));
    World { desk: desk.with_rules(rules), clock, _folder: folder }
}

pub(super) fn beginning(mail: &str) -> Beginning<'_> {
    Beginning { mail, language: "pl", address: "192.0.2.7" }
}

pub(super) fn form(nip: &str) -> Form {
    let plan = PlanForm {
        revenue: vec!["10000".into(); 12],
        marketing_plan: "Television and the press, every week.".into(),
        idea: "A quiz in which the audience votes.".into(),
        novelty: "Nobody has it yet.".into(),
    };
    Form {
        company: CompanyForm {
            legal_name: "Acme Media sp. z o.o.".into(),
            nip: nip.into(),
            regon: "123456785".into(),
            street: "Prosta 1".into(),
            postal_code: "00-950".into(),
            city: "Warszawa".into(),
            ..CompanyForm::default()
        },
        contacts: vec![ContactForm {
            name: "Jan Nowak".into(),
            mail: "jan@acme.pl".into(),
            ..ContactForm::default()
        }],
        areas: vec!["special_wap".into(), "special_number".into()],
        plans: BTreeMap::from([
            ("special_wap".to_owned(), plan.clone()),
            ("special_number".to_owned(), plan),
        ]),
        documents: Vec::new(),
        consent: ConsentForm { privacy_notice: "2026-01".into(), accepted: true },
    }
}

/// An application that was submitted, and its owner.
pub(super) async fn submitted(world: &World, nip: &str) -> (Caller, Begun) {
    let whole = WholeApplication { begin: beginning("jan@acme.pl"), form: form(nip), repeat: None };
    let begun = world.desk.apply_whole(&whole).await.unwrap();
    assert_eq!(begun.state, ApplicationState::Submitted);
    (Caller::Applicant { application: begun.id }, begun)
}

/// Letters about a subject: template and data.
pub(super) async fn letters(world: &World, id: i64) -> Vec<(String, serde_json::Value)> {
    let letters = world.desk.store().letters_of(&format!("application:{id}")).await.unwrap();
    letters
        .into_iter()
        .map(|(template, data)| (template, serde_json::from_str(&data).unwrap()))
        .collect()
}

pub(super) fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Refused(refusal)) => refusal.code(),
        Err(other) => panic!("{other}"),
        Ok(_) => "ok",
    }
}

pub(super) fn fields<T>(result: Result<T, Error>) -> Vec<(String, &'static str)> {
    let Err(Error::Refused(Refusal::FieldErrors(faults))) = result else {
        panic!("fields are wrong");
    };
    faults.into_iter().map(|fault| (fault.field.to_string(), fault.code)).collect()
}

#[tokio::test]
async fn a_draft_keeps_what_is_wrong_and_goes_on_from_its_link() {
    let world = world().await;
    let begun = world.desk.begin_application(&beginning(" Jan@ACME.pl ")).await.unwrap();
    assert_eq!(begun.reference, "A-2026-000001");
    let letters = letters(&world, begun.id).await;
    assert_eq!(letters[0].0, "application_saved");
    let link = letters[0].1["link"].as_str().unwrap();
    assert_eq!(link, format!("/apply/A-2026-000001?key={}", *begun.key));

    let (by, row) = world.desk.follow_link("A-2026-000001", &begun.key).await.unwrap();
    assert_eq!(row.mail, "Jan@acme.pl");
    let wrong = CompanyForm { nip: "89500218498".into(), ..CompanyForm::default() };
    let saved = world.desk.save_section(&by, (row.id, 1), SectionForm::Company(wrong)).await;
    let (version, tasks) = saved.unwrap();
    assert_eq!(version, 2);
    assert_eq!((tasks[0].section, tasks[0].progress), (Section::Company, Progress::Incomplete));
    let view = world.desk.my_application(&by, row.id).await.unwrap();
    assert_eq!(view.form.company.nip, "89500218498");
    assert!(view.tasks[0].errors.iter().any(|error| error.code == "nip_form"));
    let again = SectionForm::Areas(vec!["special_wap".into()]);
    let stale = world.desk.save_section(&by, (row.id, 1), again).await;
    assert_eq!(code(stale), "version_conflict");
}

#[tokio::test]
async fn a_link_opens_only_its_own_application_and_a_draft_not_for_ever() {
    let world = world().await;
    let one = world.desk.begin_application(&beginning("jan@acme.pl")).await.unwrap();
    let two = world.desk.begin_application(&beginning("eve@acme.pl")).await.unwrap();
    let long = "x".repeat(10_000);
    for (reference, key) in [
        (one.reference.as_str(), two.key.as_str()),
        ("A-2026-000009", one.key.as_str()),
        (one.reference.as_str(), "ba_00000000000000000000000000000000"),
        (one.reference.as_str(), ""),
        (one.reference.as_str(), long.as_str()),
    ] {
        assert_eq!(code(world.desk.follow_link(reference, key).await), "link_invalid");
    }
    let by = Caller::Applicant { application: two.id };
    assert_eq!(code(world.desk.my_application(&by, one.id).await), "unknown_id");
    assert_eq!(code(world.desk.my_application(&by, 999).await), "unknown_id");
    let stranger = Caller::User { partner: None, user: UserId(1), name: "anna".into() };
    assert_eq!(code(world.desk.my_application(&stranger, one.id).await), "unknown_id");

    world.clock.advance(DAY * 30);
    assert!(world.desk.follow_link(&one.reference, &one.key).await.is_ok());
    world.clock.advance(DAY);
    assert_eq!(code(world.desk.follow_link(&one.reference, &one.key).await), "link_invalid");
}

#[tokio::test]
async fn what_is_incomplete_cannot_be_submitted_and_every_mistake_is_named() {
    let world = world().await;
    let begun = world.desk.begin_application(&beginning("jan@acme.pl")).await.unwrap();
    let by = Caller::Applicant { application: begun.id };
    let found = fields(world.desk.submit_application(&by, (begun.id, 1), "192.0.2.7").await);
    for expected in ["company.nip", "contacts", "areas", "plans", "consent.privacy_notice"] {
        assert!(found.iter().any(|(field, _)| field == expected), "{expected}: {found:?}");
    }
    let row = world.desk.store().application(begun.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.version), (ApplicationState::Draft, 1));
}

#[tokio::test]
async fn a_submitted_application_is_promised_a_decision_for_the_end_of_the_fifth_day() {
    let world = world().await;
    let (by, begun) = submitted(&world, "5261040828").await;
    let letters = letters(&world, begun.id).await;
    assert_eq!(letters[1].0, "application_received");
    let data = &letters[1].1;
    assert_eq!(data["reference"], "A-2026-000001");
    assert_eq!(data["company"], "Acme Media sp. z o.o.");
    // The end of Tuesday 2026-11-24 in Warsaw.
    let due: jiff::Timestamp = "2026-11-24T22:59:59.999999Z".parse().unwrap();
    assert_eq!(data["promised_at"], due.as_microsecond());
    assert!(data["link"].as_str().unwrap().ends_with(begun.key.as_str()), "the same link");

    let view = world.desk.my_application(&by, begun.id).await.unwrap();
    assert_eq!(view.decision.as_ref().unwrap().due_at, due.as_microsecond());
    assert_eq!(view.row.notice_version, "2026-01");
    assert_eq!(view.row.consented_at, Some(NOON));
    assert_eq!(view.areas.len(), 2);
    let stop = view.stops(NOON)[0];
    assert_eq!(stop.promised_at, Some(due.as_microsecond()));
    let twice = world.desk.submit_application(&by, (begun.id, begun.version), "x").await;
    assert_eq!(code(twice), "wrong_state");
    let late = SectionForm::Areas(vec!["special_wap".into()]);
    let changed = world.desk.save_section(&by, (begun.id, begun.version), late).await;
    assert_eq!(code(changed), "wrong_state");
}

#[tokio::test]
async fn working_days_are_counted_only_if_the_operator_says_so() {
    let world = world_with(|rules| {
        rules.decision_within = crate::domain::deadline::Span::working_days(5);
    })
    .await;
    let (by, begun) = submitted(&world, "5261040828").await;
    let view = world.desk.my_application(&by, begun.id).await.unwrap();
    let due: jiff::Timestamp = "2026-11-26T22:59:59.999999Z".parse().unwrap();
    assert_eq!(view.decision.unwrap().due_at, due.as_microsecond());
}

#[tokio::test]
async fn a_file_that_was_not_uploaded_here_is_no_document() {
    let world = world_with(|rules| rules.documents = Rules::default().documents).await;
    let document = |kind: &str| DocumentForm {
        kind: kind.into(),
        file: "ab".repeat(16),
        issued_on: "2026-11-02".into(),
    };
    let documents = vec![document("register_entry"), document("nip_certificate")];
    let form = Form { documents, ..form("5261040828") };
    let whole = WholeApplication { begin: beginning("jan@acme.pl"), form, repeat: None };
    let found = fields(world.desk.apply_whole(&whole).await);
    let missing = |index| (format!("documents.{index}.file"), "file_missing");
    assert_eq!(found, [missing(0), missing(1)]);
}

#[tokio::test]
async fn a_whole_application_without_its_documents_waits_as_a_draft() {
    let world = world_with(|rules| rules.documents = Rules::default().documents).await;
    let whole = WholeApplication {
        begin: beginning("jan@acme.pl"),
        form: form("5261040828"),
        repeat: None,
    };
    let begun = world.desk.apply_whole(&whole).await.unwrap();
    assert_eq!(begun.state, ApplicationState::Draft);
    let mut wrong = whole.clone();
    wrong.form.company.nip = "1".into();
    assert_eq!(fields(world.desk.apply_whole(&wrong).await)[0].0, "company.nip");
}

#[tokio::test]
async fn a_repeat_of_a_request_makes_nothing_and_answers_the_same() {
    let world = world().await;
    let whole = |body: &str| WholeApplication {
        begin: beginning("jan@acme.pl"),
        form: form("5261040828"),
        repeat: Some(("my key", body.to_owned())),
    };
    let first = world.desk.apply_whole(&whole("a")).await.unwrap();
    let second = world.desk.apply_whole(&whole("a")).await.unwrap();
    assert!(!first.is_replay && second.is_replay);
    assert_eq!((first.id, &*first.key), (second.id, &*second.key));
    assert_eq!(second.state, ApplicationState::Submitted);
    assert_eq!(code(world.desk.apply_whole(&whole("b")).await), "idempotency_conflict");
    assert_eq!(letters(&world, first.id).await.len(), 2);
}

#[tokio::test]
async fn neither_an_address_nor_a_mailbox_can_be_flooded() {
    let world = world().await;
    for _ in 0..5 {
        world.desk.begin_application(&beginning("jan@acme.pl")).await.unwrap();
    }
    let sixth = world.desk.begin_application(&beginning("jan@acme.pl")).await;
    assert_eq!(code(sixth), "too_many_tries");
    for number in 0..4 {
        let mail = format!("a{number}@acme.pl");
        world.desk.begin_application(&beginning(&mail)).await.unwrap();
    }
    let eleventh = world.desk.begin_application(&beginning("other@acme.pl")).await;
    assert_eq!(code(eleventh), "too_many_tries");
    let elsewhere = Beginning { address: "192.0.2.8", ..beginning("other@acme.pl") };
    world.desk.begin_application(&elsewhere).await.unwrap();
    world.clock.advance(DAY);
    world.desk.begin_application(&beginning("jan@acme.pl")).await.unwrap();
    let bad = fields(world.desk.begin_application(&beginning("a@b.pl\r\nBcc: x@y.pl")).await);
    assert_eq!(bad, [("mail".to_owned(), "mail_form")]);
}

#[tokio::test]
async fn what_is_withdrawn_is_over_and_no_promise_is_left() {
    let world = world().await;
    let (by, begun) = submitted(&world, "5261040828").await;
    world.desk.withdraw_application(&by, (begun.id, begun.version)).await.unwrap();
    world.clock.advance(DAY * 30);
    assert_eq!(world.desk.sweep_overdue().await.unwrap(), 0);
    let view = world.desk.my_application(&by, begun.id).await.unwrap();
    assert_eq!(view.row.state, ApplicationState::Withdrawn);
    assert_eq!(view.timeline.last().unwrap().kind, "withdrawn");
}

#[tokio::test]
async fn an_idea_needs_no_company_and_gets_an_answer() {
    let world = world().await;
    let idea = NewIdea {
        begin: beginning("ewa@poczta.pl"),
        name: "Ewa Lis",
        title: "A quiz on the bus",
        text: "Passengers vote on the next song by a short message.",
        privacy_notice: "2026-01",
        partner: None,
    };
    let begun = world.desk.file_idea(&idea).await.unwrap();
    let by = Caller::Applicant { application: begun.id };
    let view = world.desk.my_application(&by, begun.id).await.unwrap();
    assert_eq!((view.row.purpose, view.row.state), (Purpose::Idea, ApplicationState::Submitted));
    let staff = Signed::try_out(crate::domain::Role::OperatorProvisioning, None);
    let version = world.desk.take_up(&staff, (begun.id, begun.version)).await.unwrap();
    let decided =
        world.desk.decide_application(&staff, (begun.id, version), Vec::new(), &[], &|_| {
            crate::store::Extras::default()
        });
    assert_eq!(code(decided.await), "wrong_state");
    world.desk.answer_idea(&staff, (begun.id, version), "Let us talk.").await.unwrap();
    let letters = letters(&world, begun.id).await;
    let templates: Vec<_> = letters.iter().map(|(template, _)| template.as_str()).collect();
    assert_eq!(templates, ["idea_received", "idea_answered"]);
    assert_eq!(letters[1].1["answer"], "Let us talk.");
    assert_eq!(letters[1].1["title"], "A quiz on the bus");
    let refused = NewIdea { privacy_notice: "", title: "", ..idea };
    let found = fields(world.desk.file_idea(&refused).await);
    let expected =
        [("title".to_owned(), "missing"), ("privacy_notice".to_owned(), "consent_missing")];
    assert_eq!(found, expected);
}
