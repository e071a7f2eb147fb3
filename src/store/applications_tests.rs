//! Applications on both engines.

use serde_json::json;

use super::{
    tests::{NOON, any_postgres, on_both, sqlite},
    *,
};
use crate::domain::{
    Caller, PartnerId,
    application::{ApplicationState, Area, Criterion, DeclineReason, Declined, Purpose, Verdict},
    application_form::{Complete, Plan},
    company::{Company, CompanyForm},
};

const DAY: i64 = 86_400_000_000;

fn desk() -> Caller {
    Caller::Operator { name: "anna".into() }
}

fn company(number: i64) -> Company {
    // The check digit of each NIP is computed, so that there are as many as wanted.
    let weights = [6, 5, 7, 2, 3, 4, 5, 6, 7];
    let base = (100_000_000 + number * 10..1_000_000_000).find(|base| {
        let digits = base.to_string().into_bytes();
        let sum: u32 = digits
            .iter()
            .zip(weights)
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        sum % 11 != 10
    });
    let base = base.unwrap().to_string();
    let sum: u32 = base.bytes().zip(weights).map(|(d, weight)| u32::from(d - b'0') * weight).sum();
    let form = CompanyForm {
        legal_name: format!("Żółta Firma {number} sp. z o.o."),
        nip: format!("{base}{}", sum % 11),
        regon: "123456785".into(),
        street: "Prosta 1".into(),
        postal_code: "00-950".into(),
        city: "Warszawa".into(),
        ..CompanyForm::default()
    };
    Company::check(&form, "company").unwrap()
}

fn step(id: i64, version: i64, state: ApplicationState, set: ApplicationSet) -> ApplicationStep {
    ApplicationStep {
        id,
        version,
        state,
        set,
        kind: "tested",
        note: String::new(),
        is_public: true,
        deadlines: Vec::new(),
        mails: Vec::new(),
    }
}

async fn begun(store: &Store, number: i64) -> i64 {
    let new = NewApplication {
        purpose: Purpose::Join,
        link_hash: format!("hash {number}"),
        link_sealed: vec![1, 2, 3],
        language: "pl".into(),
        mail: "jan@firma.pl".into(),
        form: "{}".into(),
        partner: None,
        repeat: None,
    };
    store.add_application(NOON, &new, |_, _| Vec::new()).await.unwrap().0
}

/// Submitted, with one area and a decision due in `days`.
async fn submitted(store: &Store, number: i64, days: i64) -> i64 {
    let id = begun(store, number * 100 + days).await;
    let plan = Plan {
        area: Area::Wap,
        revenue: [number; 12],
        marketing_plan: "plan".into(),
        idea: "idea".into(),
        novelty: "new".into(),
    };
    let complete = Complete {
        company: Some(company(number)),
        contacts: Vec::new(),
        plans: vec![plan],
        documents: Vec::new(),
    };
    let sent = Submitted { complete, notice_version: "1".into(), consented_from: "x".into() };
    let due_at = NOON + days * DAY;
    let step = ApplicationStep {
        deadlines: vec![DeadlineStep::Start { rule: "decision", owner: "operator", due_at }],
        ..step(id, 1, ApplicationState::Submitted, ApplicationSet::Submitted(Box::new(sent)))
    };
    assert_eq!(store.step_application(&desk(), NOON, &step).await.unwrap(), 2);
    id
}

fn is_stale<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Conflict(Constraint::Version)))
}

on_both!(an_application_reads_back_as_it_was_begun, engine => {
    let id = begun(&engine.store, 1).await;
    let row = engine.store.application(id).await.unwrap().unwrap();
    assert_eq!(row.reference, "A-2026-000001");
    assert_eq!((row.state, row.purpose, row.version), (ApplicationState::Draft, Purpose::Join, 1));
    let by_link = engine.store.application_by_link("hash 1").await.unwrap();
    let by_reference = engine.store.application_by_reference("A-2026-000001").await.unwrap();
    assert_eq!((by_link, by_reference), (Some(row.clone()), Some(row)));
    assert_eq!(engine.store.application_by_link("hash 2").await.unwrap(), None);
    assert_eq!(engine.store.applications_begun("jan@firma.pl", NOON - 1).await.unwrap(), 1);
    assert_eq!(engine.store.applications_begun("jan@firma.pl", NOON).await.unwrap(), 0);
});

on_both!(a_step_on_an_old_version_changes_nothing, engine => {
    let id = submitted(&engine.store, 1, 5).await;
    let late = step(id, 1, ApplicationState::Withdrawn, ApplicationSet::Nothing);
    assert!(is_stale(&engine.store.step_application(&desk(), NOON, &late).await));
    let row = engine.store.application(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.version), (ApplicationState::Submitted, 2));
    assert_eq!(engine.store.timeline("application:1", true).await.unwrap().len(), 2);
    assert_eq!(engine.store.audit(100).await.unwrap().len(), 2);
});

on_both!(scores_and_verdicts_read_back_by_area, engine => {
    let id = submitted(&engine.store, 1, 5).await;
    let mut version = 2;
    for (criterion, score) in
        [(Criterion::Revenue, 5), (Criterion::MarketingPlan, 4), (Criterion::Innovation, 1)]
    {
        let set = ApplicationSet::Score { area: Area::Wap, criterion, score };
        let step = step(id, version, ApplicationState::InReview, set);
        version = engine.store.step_application(&desk(), NOON, &step).await.unwrap();
    }
    let declined = Verdict::Declined(Declined {
        reason: DeclineReason::BetterWithIntegrator,
        text: "too small".into(),
        reapply_on: Some(jiff::civil::date(2027, 1, 2)),
        refer_to: Some("Integrator S.A.".into()),
    });
    let set = ApplicationSet::Decided(vec![(Area::Wap, declined.clone())]);
    let decided = step(id, version, ApplicationState::Decided, set);
    engine.store.step_application(&desk(), NOON + 1, &decided).await.unwrap();
    let areas = engine.store.application_areas(id).await.unwrap();
    assert_eq!(areas.len(), 1);
    let scores = areas[0].scores;
    assert_eq!((scores.revenue, scores.marketing_plan, scores.innovation), (Some(5), Some(4), Some(1)));
    assert_eq!(areas[0].verdict, Some(declined));
    let row = engine.store.application(id).await.unwrap().unwrap();
    assert_eq!((row.decided_at, row.is_accepted), (Some(NOON + 1), false));
});

on_both!(of_a_hundred_acceptances_at_once_one_makes_the_partner, engine => {
    let id = submitted(&engine.store, 1, 5).await;
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let store = engine.store.clone();
        tries.spawn(async move {
            let set = ApplicationSet::Decided(vec![(Area::Wap, Verdict::Accepted)]);
            let step = step(id, 2, ApplicationState::Decided, set);
            let company = company(1);
            let extras = |partner: PartnerId| Extras {
                happenings: vec![(format!("company:{}", partner.0), "extra", String::new())],
                ..Extras::default()
            };
            let prospect = Prospect {
                company: Some(&company), partner: None, language: "pl", extras: &extras,
            };
            store.accept_application(&desk(), NOON, &step, &prospect).await
        });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let lost: Vec<_> = outcomes.iter().filter(|o| o.is_err() && !is_stale(o)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(engine.store.companies(0, 10).await.unwrap().len(), 1);
    let partners = engine.store.partners().await.unwrap();
    assert_eq!(partners.len(), 1);
    assert_eq!((partners[0].name.as_str(), partners[0].is_active), ("zolta-firma-1", 0));
    let partner = PartnerId(partners[0].id);
    let company = engine.store.company(partner).await.unwrap().unwrap();
    assert_eq!((company.state.as_str(), company.partner_number), ("prospect", None));
    let kinds = engine.store.timeline("company:1", true).await.unwrap();
    assert_eq!(kinds.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>(), ["prospect", "extra"]);
});

on_both!(an_acceptance_that_cannot_be_finished_leaves_nothing_behind, engine => {
    let first = submitted(&engine.store, 1, 5).await;
    let second = submitted(&engine.store, 2, 5).await;
    let company = company(1);
    let extras = |_: PartnerId| Extras::default();
    let prospect =
        Prospect { company: Some(&company), partner: None, language: "pl", extras: &extras };
    let accept = |id| {
        let set = ApplicationSet::Decided(vec![(Area::Wap, Verdict::Accepted)]);
        step(id, 2, ApplicationState::Decided, set)
    };
    engine.store.accept_application(&desk(), NOON, &accept(first), &prospect).await.unwrap();
    // The same company again: its NIP is taken, and the application stays undecided.
    let again = engine.store.accept_application(&desk(), NOON, &accept(second), &prospect).await;
    assert!(matches!(again, Err(Error::Conflict(Constraint::CompanyNip))), "{again:?}");
    let row = engine.store.application(second).await.unwrap().unwrap();
    assert_eq!((row.state, row.version), (ApplicationState::Submitted, 2));
    assert_eq!(engine.store.partners().await.unwrap().len(), 1);
});

on_both!(a_second_company_of_the_same_name_gets_a_name_with_a_number, engine => {
    for number in [1, 2] {
        let id = submitted(&engine.store, number, 5).await;
        let mut company = company(number);
        company.legal_name = "Acme S.A.".into();
        let extras = |_: PartnerId| Extras::default();
        let prospect =
            Prospect { company: Some(&company), partner: None, language: "pl", extras: &extras };
        let set = ApplicationSet::Decided(vec![(Area::Wap, Verdict::Accepted)]);
        let step = step(id, 2, ApplicationState::Decided, set);
        engine.store.accept_application(&desk(), NOON, &step, &prospect).await.unwrap();
    }
    let names: Vec<_> =
        engine.store.partners().await.unwrap().into_iter().map(|partner| partner.name).collect();
    assert_eq!(names, ["acme", "acme-2"]);
});

on_both!(a_list_goes_page_by_page_in_every_order_and_loses_nothing, engine => {
    begun(&engine.store, 0).await;
    for number in 1..=9 {
        submitted(&engine.store, number, 20 - number % 3).await;
    }
    for (order, first) in [
        (ApplicationOrder::Oldest, 2),
        (ApplicationOrder::Newest, 10),
        // Due in 18 days: those whose number leaves 2, the oldest of them is number 2.
        (ApplicationOrder::Due, 3),
        (ApplicationOrder::Revenue, 10),
    ] {
        let mut seen = Vec::new();
        let mut filter = ApplicationFilter { order, limit: 4, ..ApplicationFilter::default() };
        loop {
            let page = engine.store.applications(&filter).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.after = Some((last.sort_key, last.id));
            seen.extend(page.iter().map(|line| line.id));
        }
        assert_eq!(seen[0], first, "{order:?}");
        seen.sort_unstable();
        assert_eq!(seen, (2..=10).collect::<Vec<_>>(), "{order:?}: all but the draft, each once");
    }
});

on_both!(a_list_shows_what_was_asked_for_only, engine => {
    for number in 1..=3 {
        submitted(&engine.store, number, 5).await;
    }
    let gone = step(2, 2, ApplicationState::Withdrawn, ApplicationSet::Nothing);
    engine.store.step_application(&desk(), NOON, &gone).await.unwrap();
    let nip = company(3).nip.to_string();
    let table = [
        (ApplicationFilter { state: "open".into(), ..ApplicationFilter::default() }, vec![1, 3]),
        (ApplicationFilter { state: "withdrawn".into(), ..ApplicationFilter::default() }, vec![2]),
        (ApplicationFilter { area: "special_wap".into(), ..ApplicationFilter::default() }, vec![1, 2, 3]),
        (ApplicationFilter { area: "special_number".into(), ..ApplicationFilter::default() }, vec![]),
        (ApplicationFilter { purpose: "idea".into(), ..ApplicationFilter::default() }, vec![]),
        (ApplicationFilter { text: "ŻÓŁTA FIRMA 2".into(), ..ApplicationFilter::default() }, vec![2]),
        (ApplicationFilter { text: "a-2026-000003".into(), ..ApplicationFilter::default() }, vec![3]),
        (ApplicationFilter { text: nip, ..ApplicationFilter::default() }, vec![3]),
        (ApplicationFilter { text: "%".into(), ..ApplicationFilter::default() }, vec![1, 2, 3]),
        (ApplicationFilter { text: "nobody".into(), ..ApplicationFilter::default() }, vec![]),
    ];
    for (filter, expected) in table {
        let filter = ApplicationFilter { limit: 10, ..filter };
        let lines = engine.store.applications(&filter).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
});

on_both!(applications_of_the_same_company_are_found, engine => {
    let first = submitted(&engine.store, 1, 5).await;
    let second = submitted(&engine.store, 1, 6).await;
    let nip = company(1).nip.to_string();
    let found = engine.store.applications_of_nip(&nip, second).await.unwrap();
    assert_eq!(found, [(first, "A-2026-000001".to_owned(), "submitted".to_owned())]);
    assert!(engine.store.applications_of_nip("", first).await.unwrap().is_empty());
});

on_both!(a_promise_pauses_resumes_and_is_broken_once, engine => {
    let id = submitted(&engine.store, 1, 5).await;
    let over = NOON + 6 * DAY;
    let with = |version, deadline| ApplicationStep {
        deadlines: vec![deadline],
        ..step(id, version, ApplicationState::InReview, ApplicationSet::Nothing)
    };
    let pause = with(2, DeadlineStep::Pause { rule: "decision" });
    engine.store.step_application(&desk(), NOON + DAY, &pause).await.unwrap();
    assert!(engine.store.newly_overdue(over, 10).await.unwrap().is_empty(), "the clock stands");
    let resume = with(3, DeadlineStep::Resume { rule: "decision", due_at: NOON + 8 * DAY });
    engine.store.step_application(&desk(), over, &resume).await.unwrap();
    assert!(engine.store.newly_overdue(NOON + 8 * DAY, 10).await.unwrap().is_empty());

    let late = engine.store.newly_overdue(NOON + 9 * DAY, 10).await.unwrap();
    assert_eq!(late.len(), 1);
    assert_eq!((late[0].due_at, late[0].promised_at), (NOON + 8 * DAY, NOON + 5 * DAY));
    assert_eq!(engine.store.overdue_by_rule(NOON + 9 * DAY).await.unwrap(), [("decision".into(), 1)]);
    assert!(engine.store.breach_deadline(NOON + 9 * DAY, &late[0], &[]).await.unwrap());
    assert!(!engine.store.breach_deadline(NOON + 9 * DAY, &late[0], &[]).await.unwrap());
    assert!(engine.store.newly_overdue(NOON + 9 * DAY, 10).await.unwrap().is_empty());

    let meet = with(4, DeadlineStep::Meet { rule: "decision" });
    engine.store.step_application(&desk(), NOON + 10 * DAY, &meet).await.unwrap();
    assert_eq!(engine.store.overdue_by_rule(NOON + 11 * DAY).await.unwrap(), [("decision".into(), 0)]);
});

on_both!(a_company_changes_only_from_the_version_that_was_seen, engine => {
    let id = submitted(&engine.store, 1, 5).await;
    let one = company(1);
    let extras = |_: PartnerId| Extras::default();
    let prospect = Prospect { company: Some(&one), partner: None, language: "pl", extras: &extras };
    let set = ApplicationSet::Decided(vec![(Area::Wap, Verdict::Accepted)]);
    let accept = step(id, 2, ApplicationState::Decided, set);
    let partner =
        engine.store.accept_application(&desk(), NOON, &accept, &prospect).await.unwrap();
    let moved = Company { city: "Łódź".into(), ..one.clone() };
    let set = engine.store.set_company(&desk(), NOON, (partner, 1), &moved).await;
    assert_eq!(set.unwrap(), 2);
    assert!(is_stale(&engine.store.set_company(&desk(), NOON, (partner, 1), &one).await));
    let row = engine.store.company(partner).await.unwrap().unwrap();
    assert_eq!((row.city.as_str(), row.version), ("Łódź", 2));
    assert_eq!(json!(row)["nip"], one.nip.as_str());
});

on_both!(a_repeat_is_known_by_its_key, engine => {
    let new = |key: &str, link: &str| NewApplication {
        purpose: Purpose::Join,
        link_hash: link.into(),
        link_sealed: vec![1],
        language: "pl".into(),
        mail: "jan@firma.pl".into(),
        form: "{}".into(),
        partner: None,
        repeat: Some(Repeat { key_hash: key.into(), body_hash: "body".into() }),
    };
    let (id, _) =
        engine.store.add_application(NOON, &new("k", "a"), |_, _| Vec::new()).await.unwrap();
    let second = engine.store.add_application(NOON, &new("k", "b"), |_, _| Vec::new()).await;
    assert!(matches!(second, Err(Error::Conflict(Constraint::ApplicationKey))), "{second:?}");
    assert_eq!(engine.store.application_repeat("k").await.unwrap(), Some(("body".into(), id)));
    assert!(engine.store.application_by_link("b").await.unwrap().is_none());
});
