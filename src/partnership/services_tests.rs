//! Stories of services: described, reviewed, tested, live, changed, closed; on both engines.

use super::{
    agree_tests::{World, refused, world},
    *,
};
use crate::domain::{
    LifeEvent as L, LifeState as S, Msisdn, NumberEvent, PartnerId, Refusal, Role, ShortCode,
    UserId,
    catalog::{Route, Unrouted},
    service_revision::{ServiceForm, tests::good},
    turn::{Owner, StepFacts},
};
use crate::store::{OfferingFilter, OfferingRow};

fn staff() -> Signed {
    Signed { person: UserId(3), ..Signed::try_out(Role::OperatorProvisioning, None) }
}

fn of(partner: i64) -> Signed {
    Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner)))
}

pub(super) fn fields(form: &ServiceForm) -> Vec<(String, String)> {
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    ServiceForm::FIELDS.iter().map(|(_, name)| ((*name).to_owned(), value(name))).collect()
}

pub(super) fn free() -> ServiceForm {
    let empty = String::new;
    ServiceForm {
        billing: "free".to_owned(),
        tariff: empty(),
        register_entry: empty(),
        register_date: empty(),
        keywords: "WIN".to_owned(),
        short_code: "8055".to_owned(),
        ..good()
    }
}

impl World {
    /// Two partners with a contract; 8055 is shared and free, and partner 1 uses WIN and GOL on it.
    pub(super) async fn shop(&self) {
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
        self.run("update company set state = 'live'").await;
        self.run("update partner set is_active = 1").await;
        let pool = "digits,shared\n8055,yes\n7455,\n";
        let report = self.verbs.import_numbers(&staff(), pool.as_bytes(), false).await.unwrap();
        assert_eq!(report.taken, 2, "{report:?}");
        for keyword in ["WIN", "GOL"] {
            self.holds("8055", keyword).await;
        }
    }

    async fn holds(&self, digits: &str, keyword: &str) {
        let number = self.verbs.store.number_called(self.verbs.now(), digits).await.unwrap();
        let number = number.unwrap().id;
        let wish = HoldWish { number, keyword: keyword.to_owned(), despite_likeness: true };
        let row = self.verbs.reserve_number(&of(1), &wish).await.unwrap();
        let at = (row.id, row.version);
        let row = self.verbs.step_reservation(&of(1), at, NumberEvent::Order, "").await.unwrap();
        let at = (row.id, row.version);
        self.verbs.step_reservation(&staff(), at, NumberEvent::Activate, "").await.unwrap();
    }

    pub(super) async fn described(&self, name: &str, form: &ServiceForm) -> OfferingRow {
        let row = self.verbs.draft_service(&of(1), name).await.unwrap();
        self.verbs.edit_service(&of(1), (row.id, row.version), &fields(form)).await.unwrap()
    }

    pub(super) async fn take(
        &self,
        by: &Signed,
        row: &OfferingRow,
        event: L,
    ) -> Result<OfferingRow, Error> {
        let note = StepNote { reason: "powód", link_group: "" };
        self.verbs.step_service(by, (row.id, row.version), event, note).await
    }

    /// From a description to subscribers, each step by whoever takes it.
    async fn live(&self, row: &OfferingRow) -> OfferingRow {
        let row = self.take(&of(1), row, L::Submit).await.unwrap();
        let row = self.take(&staff(), &row, L::Approve).await.unwrap();
        let row = self.take(&staff(), &row, L::StartTest).await.unwrap();
        let at = (row.id, row.version);
        let row = self.verbs.pass_service_test(&staff(), at, "MO i odpowiedź").await.unwrap();
        self.take(&staff(), &row, L::GoLive).await.unwrap()
    }

    /// The name and the version of the service that takes a text, or why none does.
    async fn routed(&self, text: &str, sender: &str) -> Result<(String, i64), Unrouted> {
        let catalog = self.verbs.store.load_catalog().await.unwrap();
        let number = ShortCode::parse("8055").unwrap();
        match catalog.route(&number, text, &Msisdn::parse(sender).unwrap()) {
            Route::To { service, .. } => Ok((service.name.to_string(), service.version)),
            Route::Unrouted(why) => Err(why),
        }
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await;
                $world.shop().await;
                $body
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

const TESTER: &str = "48600100200";
const ANYBODY: &str = "48600999888";

on_both!(a_service_goes_from_its_draft_to_subscribers_and_to_its_end, world => {
    let row = world.described("win", &free()).await;
    let audited = world.verbs.store.last_audit().await.unwrap();
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Return).await.unwrap();
    assert_eq!((row.state, row.reason.as_str()), (S::Draft, "powód"));
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    assert_eq!(world.routed("win", TESTER).await, Err(Unrouted::NoSuchNumber));
    let row = world.take(&staff(), &row, L::StartTest).await.unwrap();
    // Limited production: who tries it gets an answer, and nobody else.
    assert_eq!(world.routed("win", TESTER).await, Ok(("win".to_owned(), 1)));
    assert_eq!(world.routed("win", ANYBODY).await, Err(Unrouted::NotATestNumber));
    assert!(matches!(refused(world.take(&staff(), &row, L::GoLive).await),
        Refusal::WrongState(why) if why.starts_with("technical_test")));
    let at = (row.id, row.version);
    let row = world.verbs.pass_service_test(&staff(), at, "MO i odpowiedź").await.unwrap();
    let row = world.take(&staff(), &row, L::GoLive).await.unwrap();
    assert_eq!(world.routed("Win 1", ANYBODY).await, Ok(("win".to_owned(), 2)));
    let row = world.take(&staff(), &row, L::Suspend).await.unwrap();
    assert_eq!(world.routed("win", ANYBODY).await, Err(Unrouted::ServiceNotLive));
    let row = world.take(&staff(), &row, L::Resume).await.unwrap();
    assert!(world.routed("win", ANYBODY).await.is_ok());
    let row = world.take(&of(1), &row, L::Close).await.unwrap();
    assert_eq!(row.state, S::Closed);
    assert_eq!(world.routed("win", ANYBODY).await, Err(Unrouted::NoSuchKeyword));
    assert_eq!(world.verbs.store.last_audit().await.unwrap() - audited, 10, "one row a step");
    let told = world.all("select template from mail order by id").await;
    let about: Vec<_> = told.iter().filter(|name| name.starts_with("service_")).collect();
    assert_eq!(about, ["service_returned", "service_approved", "service_live",
        "service_suspended", "service_live", "service_closed"]);
    for (name, data) in told.iter().zip(world.all("select data from mail order by id").await) {
        let kind = crate::mail::Kind::named(name).unwrap();
        assert_eq!(kind.accepts(&serde_json::from_str(&data).unwrap()), Ok(()), "{name}: {data}");
    }
});

on_both!(the_way_of_a_partner_says_whose_turn_it_is_with_its_number_and_its_service, world => {
    let partner = Some(Owner::Partner);
    let operator = Some(Owner::Operator);
    let whose = async |id: i64| {
        let later = world.verbs.later_steps(Some(PartnerId(id))).await.unwrap();
        let turn = |facts: &StepFacts| (facts.owner, facts.done_at.is_some());
        (turn(&later.number), turn(&later.service))
    };
    assert_eq!(whose(1).await, ((None, true), (partner, false)), "its keywords are in use");
    assert_eq!(whose(2).await, ((partner, false), (partner, false)));
    let number = world.verbs.store.number_called(world.verbs.now(), "7455").await.unwrap();
    let wish = HoldWish { number: number.unwrap().id, keyword: String::new(), despite_likeness: true };
    let row = world.verbs.reserve_number(&of(2), &wish).await.unwrap();
    assert_eq!(whose(2).await.0, (partner, false));
    let later = world.verbs.later_steps(Some(PartnerId(2))).await.unwrap();
    assert_eq!(later.number.promise.map(|promise| promise.due_at), Some(row.expires_at));
    let at = (row.id, row.version);
    world.verbs.step_reservation(&of(2), at, NumberEvent::Order, "").await.unwrap();
    assert_eq!(whose(2).await.0, (operator, false));

    let row = world.described("win", &free()).await;
    assert_eq!(whose(1).await.1, (partner, false));
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    assert_eq!(whose(1).await.1, (operator, false));
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    let row = world.take(&staff(), &row, L::StartTest).await.unwrap();
    assert_eq!(whose(1).await.1, (partner, false), "it tries what was approved");
    let at = (row.id, row.version);
    let row = world.verbs.pass_service_test(&staff(), at, "MO i odpowiedź").await.unwrap();
    assert_eq!(whose(1).await.1, (operator, false));
    world.take(&staff(), &row, L::GoLive).await.unwrap();
    assert_eq!(whose(1).await.1, (None, true));
});

on_both!(a_change_takes_effect_when_it_is_approved_and_each_message_names_its_version, world => {
    let row = world.live(&world.described("win", &free()).await).await;
    let change = [("keywords".to_owned(), "GOL".to_owned())];
    let row = world.verbs.edit_service(&of(1), (row.id, row.version), &change).await.unwrap();
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    // Nothing that subscribers meet has changed yet.
    assert_eq!(world.routed("win", ANYBODY).await, Ok(("win".to_owned(), 2)));
    assert_eq!(world.routed("gol", ANYBODY).await, Err(Unrouted::NoSuchKeyword));
    assert!(matches!(
        refused(world.verbs.edit_service(&of(1), (row.id, row.version), &change).await),
        Refusal::WrongState(_)
    ));
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    assert_eq!(row.state, S::Live);
    assert_eq!(world.routed("win", ANYBODY).await, Err(Unrouted::NoSuchKeyword));
    assert_eq!(world.routed("gol", ANYBODY).await, Ok(("win".to_owned(), 3)));
    let file = world.verbs.service_file(&of(1), row.id).await.unwrap();
    let of_version = |version| file.at_version(version).map(|one| one.form().keywords);
    assert_eq!(of_version(1), Some("WIN".to_owned()));
    assert_eq!(of_version(2), Some("WIN".to_owned()));
    assert_eq!(of_version(3), Some("GOL".to_owned()));
    assert_eq!(of_version(9), Some("GOL".to_owned()));
    // A third description is given up again.
    let row = world.verbs.edit_service(&of(1), (row.id, row.version), &change).await.unwrap();
    let row = world.verbs.withdraw_change(&of(1), (row.id, row.version)).await.unwrap();
    assert!(refused(world.verbs.withdraw_change(&of(1), (row.id, row.version)).await)
        .code() == "wrong_state");
});

on_both!(the_description_that_holds_is_found_behind_any_number_that_were_given_up, world => {
    let row = world.live(&world.described("win", &free()).await).await;
    let given_up = format!(
        "insert into service_revision (offering_id, number, state, body, made_by, made_at, \
         ended_at) with recursive n(i) as (select 2 union all select i + 1 from n where i < 300) \
         select {}, i, 'withdrawn', '{{}}', 'somebody', 0, 0 from n",
        row.id
    );
    world.run(&given_up).await;
    let file = world.verbs.service_file(&of(1), row.id).await.unwrap();
    assert_eq!(file.approved().map(|one| one.number), Some(1));
    assert_eq!(file.form.keywords, "WIN");
    let change = [("keywords".to_owned(), "GOL".to_owned())];
    world.verbs.edit_service(&of(1), (row.id, row.version), &change).await.unwrap();
    let file = world.verbs.service_file(&of(1), row.id).await.unwrap();
    assert_eq!(file.open().map(|one| one.number), Some(301));
});

on_both!(each_shut_gate_is_named, world => {
    // Charged, on a number that nobody activated, without a price, entered yesterday.
    let day = |days: i64| {
        let today = crate::domain::terms::day_of(world.verbs.now());
        today.checked_add(jiff::Span::new().days(days)).unwrap().to_string()
    };
    let form = ServiceForm {
        short_code: "7477".to_owned(), tariff: "X9".to_owned(), register_date: day(-1), ..good()
    };
    let row = world.described("pay", &form).await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    let told = refused(world.take(&staff(), &row, L::StartTest).await).to_string();
    assert!(told.contains("number_active") && told.contains("tariff_set"), "{told}");
    let file = world.verbs.service_file(&staff(), row.id).await.unwrap();
    let shut: Vec<_> =
        file.gates.iter().filter(|(_, why)| why.is_some()).map(|(gate, _)| gate.as_str()).collect();
    assert_eq!(shut, ["number_active", "tariff_set", "register_entry", "technical_test"]);
    // On a number of one's own at its own price, fourteen days after the entry, only the test is
    // missing.
    world.holds("7455", "").await;
    let number = world.verbs.store.number_called(world.verbs.now(), "7455").await.unwrap();
    let form = ServiceForm {
        tariff: number.unwrap().tariff.unwrap(), register_date: day(-14), ..good()
    };
    let row = world.described("pay2", &form).await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    let row = world.take(&staff(), &row, L::StartTest).await.unwrap();
    let told = refused(world.take(&staff(), &row, L::GoLive).await).to_string();
    assert!(told.starts_with("technical_test") && !told.contains(';'), "{told}");
});

on_both!(everything_shown_in_the_sandbox_passes_the_technical_test, world => {
    let row = world.described("win", &free()).await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    let row = world.take(&staff(), &row, L::StartTest).await.unwrap();
    let shown = async |partner: i64, exercise: &str| {
        world.run(&format!(
            "insert into exercise (partner_id, exercise, at, evidence) values \
             ({partner}, '{exercise}', 5, 'acme-test#1')"
        ))
        .await;
    };
    for exercise in ["bind", "enquire_link", "mt", "receipt", "mo"] {
        shown(1, exercise).await;
    }
    shown(2, "throttle").await;
    let told = refused(world.take(&staff(), &row, L::GoLive).await).to_string();
    assert!(told.contains("technical_test") && told.ends_with(": throttle"), "{told}");
    shown(1, "throttle").await;
    let row = world.take(&staff(), &row, L::GoLive).await.unwrap();
    assert_eq!((row.state, row.tested_at), (S::Live, None), "nobody had to note anything");
    // A callback does not speak SMPP: what was shown says nothing of it.
    let posted = ServiceForm {
        keywords: "GOL".to_owned(),
        delivery: "callback".to_owned(),
        callback_url: "https://acme.example/mo".to_owned(),
        ..free()
    };
    let row = world.described("posted", &posted).await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let row = world.take(&staff(), &row, L::Approve).await.unwrap();
    let row = world.take(&staff(), &row, L::StartTest).await.unwrap();
    let told = refused(world.take(&staff(), &row, L::GoLive).await).to_string();
    assert!(told.starts_with("technical_test"), "{told}");
});

on_both!(the_service_of_a_stranger_is_answered_as_an_unknown_one, world => {
    let row = world.described("win", &free()).await;
    let at = (row.id, row.version);
    let nobody = (99, 1);
    let note = StepNote { reason: "x", link_group: "" };
    for at in [at, nobody] {
        let unknown = Refusal::UnknownId("service");
        let verbs = &world.verbs;
        assert_eq!(refused(verbs.service(&of(2), at.0).await), unknown);
        assert_eq!(refused(verbs.service_file(&of(2), at.0).await), unknown);
        assert_eq!(refused(verbs.edit_service(&of(2), at, &[]).await), unknown);
        assert_eq!(refused(verbs.comment_service(&of(2), at, ("", "x")).await), unknown);
        assert_eq!(refused(verbs.withdraw_change(&of(2), at).await), unknown);
        for event in [L::Submit, L::Close] {
            assert_eq!(refused(verbs.step_service(&of(2), at, event, note).await), unknown);
        }
    }
    let wish = OfferingFilter { limit: 10, ..OfferingFilter::default() };
    assert_eq!(world.verbs.services(&of(2), &wish).await.unwrap().len(), 0);
    assert_eq!(world.verbs.services(&of(1), &wish).await.unwrap().len(), 1);
    assert_eq!(world.verbs.services(&staff(), &wish).await.unwrap().len(), 1);
});

on_both!(each_side_takes_its_own_steps_and_nobody_approves_what_he_wrote, world => {
    let row = world.described("win", &free()).await;
    assert_eq!(refused(world.take(&staff(), &row, L::Submit).await), Refusal::NotAllowed);
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    for event in [L::Return, L::Approve, L::StartTest, L::GoLive, L::Suspend, L::Resume] {
        assert_eq!(refused(world.take(&of(1), &row, event).await), Refusal::NotAllowed, "{event}");
    }
    // Somebody who changed sides in between is still the one who wrote it.
    let turncoat = Signed::try_out(Role::OperatorProvisioning, None);
    assert_eq!(refused(world.take(&turncoat, &row, L::Approve).await), Refusal::NotAllowed);
    assert_eq!(refused(world.verbs.draft_service(&staff(), "x").await), Refusal::NotAllowed);
});

on_both!(a_comment_stands_at_its_field_and_an_old_page_changes_nothing, world => {
    let row = world.described("win", &free()).await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let at = (row.id, row.version);
    let about = ("answer", "Brakuje ceny z VAT");
    let row = world.verbs.comment_service(&staff(), at, about).await.unwrap();
    let file = world.verbs.service_file(&of(1), row.id).await.unwrap();
    let said = &file.comments[0];
    assert_eq!((said.field.as_str(), said.side.as_str(), said.revision), ("answer", "operator", 1));
    let stale = world.verbs.comment_service(&staff(), at, about).await;
    assert_eq!(refused(stale), Refusal::VersionConflict);
    let odd = world.verbs.comment_service(&staff(), (row.id, row.version), ("price", "x")).await;
    assert!(matches!(refused(odd), Refusal::FieldErrors(_)));
});

on_both!(what_another_service_has_is_taken, world => {
    world.live(&world.described("win", &free()).await).await;
    assert_eq!(refused(world.verbs.draft_service(&of(1), "win").await),
        Refusal::Taken("service name"));
    let second = world.described("win2", &free()).await;
    let second = world.take(&of(1), &second, L::Submit).await.unwrap();
    let second = world.take(&staff(), &second, L::Approve).await.unwrap();
    assert_eq!(refused(world.take(&staff(), &second, L::StartTest).await),
        Refusal::Taken("keyword"));
    let still = world.verbs.service(&of(1), second.id).await.unwrap();
    assert_eq!((still.state, still.service_id), (S::Approved, None), "nothing of it was written");
});

on_both!(an_unfinished_description_is_not_submitted, world => {
    let row = world.verbs.draft_service(&of(1), "win").await.unwrap();
    let Refusal::FieldErrors(faults) = refused(world.take(&of(1), &row, L::Submit).await) else {
        panic!("all that is missing is named");
    };
    let missing: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(missing, ["kind", "short_code", "billing", "answer", "contact_mail",
        "contact_phone", "rules_url"]);
});

on_both!(a_callback_has_a_secret_that_only_its_partner_is_shown, world => {
    let form = ServiceForm {
        delivery: "callback".to_owned(),
        callback_url: "https://acme.pl/mo".to_owned(),
        ..free()
    };
    let row = world.described("win", &form).await;
    assert!(world.verbs.new_service_secret(&of(1), row.id).await.is_err(), "nothing to sign yet");
    let row = world.live(&row).await;
    let secret = world.verbs.new_service_secret(&of(1), row.id).await.unwrap();
    assert!(crate::callback::Secret::parse(&secret).is_ok());
    let staff = world.verbs.new_service_secret(&staff(), row.id).await;
    assert_eq!(refused(staff), Refusal::NotAllowed);
    let kept = world.one("select callback_secrets from service").await;
    assert!(kept.starts_with(&secret) && kept.contains(','), "two sign while it is changed");
});
