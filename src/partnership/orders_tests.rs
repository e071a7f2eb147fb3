//! Stories of orders: opened, ticked, sent back and ended by the work itself; on both engines.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{
    agree_tests::{World, refused, world},
    services_tests::{fields, free},
    *,
};
use crate::domain::{
    LifeEvent as L, NumberEvent as N, OrderEvent as E, OrderKind as K, OrderState as S, PartnerId,
    Refusal, Role, UserId, service_revision::ServiceForm,
};
use crate::store::{
    ORDER_RULE, OfferingRow, OrderFilter, OrderRow, ReservationFilter, ReservationRow,
};

const DAY: i64 = 86_400_000_000;

fn staff() -> Signed {
    Signed { person: UserId(301), ..Signed::try_out(Role::OperatorProvisioning, None) }
}

fn of(partner: i64) -> Signed {
    let person = UserId(partner + 100);
    Signed { person, ..Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner))) }
}

impl World {
    /// Two partners with a contract and people, of which one uses WIN and GOL on 8055; a person
    /// of the operator, and a desk that is written to.
    async fn busy(self) -> Self {
        self.shop().await;
        self.run(
            "insert into person (id, partner_id, mail, name, role, state, totp_step, language, \
             theme, failures, version, made_at) values (301, null, 'anna@operator.pl', 'Anna', \
             'provisioning', 'active', 0, 'pl', 'auto', 0, 1, 0)",
        )
        .await;
        let rules = Rules { desk_mail: "desk@operator.pl".to_owned(), ..Rules::default() };
        Self { verbs: self.verbs.with_rules(rules), ..self }
    }

    async fn held(&self, keyword: &str) -> ReservationRow {
        let number = self.verbs.store.number_called(self.verbs.now(), "8055").await.unwrap();
        let wish = HoldWish {
            number: number.unwrap().id,
            keyword: keyword.to_owned(),
            despite_likeness: true,
        };
        self.verbs.reserve_number(&of(1), &wish).await.unwrap()
    }

    async fn number(
        &self,
        by: &Signed,
        row: &ReservationRow,
        event: N,
    ) -> Result<ReservationRow, Error> {
        self.verbs.step_reservation(by, (row.id, row.version), event, "powód").await
    }

    /// What its partner uses already.
    async fn used(&self, keyword: &str) -> ReservationRow {
        let wish = ReservationFilter { limit: 50, ..ReservationFilter::default() };
        let rows = self.verbs.reservations(&of(1), &wish).await.unwrap();
        rows.into_iter().find(|row| row.keyword == keyword).unwrap()
    }

    async fn write(&self, row: &OfferingRow, answer: &str) -> OfferingRow {
        let form = ServiceForm { answer: answer.to_owned(), ..free() };
        let at = (row.id, row.version);
        self.verbs.edit_service(&of(1), at, &fields(&form)).await.unwrap()
    }

    /// On its way to subscribers, but for the last step.
    async fn tested(&self, row: &OfferingRow) -> OfferingRow {
        let row = self.take(&of(1), row, L::Submit).await.unwrap();
        let row = self.take(&staff(), &row, L::Approve).await.unwrap();
        let row = self.take(&staff(), &row, L::StartTest).await.unwrap();
        let at = (row.id, row.version);
        self.verbs.pass_service_test(&staff(), at, "MO i odpowiedź").await.unwrap()
    }

    /// All of a kind, the newest first.
    async fn all_of(&self, kind: K) -> Vec<OrderRow> {
        let wish = OrderFilter { kind: kind.to_string(), limit: 50, ..OrderFilter::default() };
        self.verbs.orders(&staff(), &wish).await.unwrap()
    }

    async fn newest(&self, kind: K) -> OrderRow {
        self.all_of(kind).await.remove(0)
    }

    /// Names of the steps that are done.
    async fn done(&self, row: &OrderRow) -> Vec<String> {
        let view = self.verbs.order_view(&staff(), row.id).await.unwrap();
        let done = view.steps.into_iter().filter(|step| step.done_at.is_some());
        done.map(|step| step.name).collect()
    }

    /// What happened to it, as its partner reads it.
    async fn history_of(&self, row: &OrderRow) -> Vec<String> {
        let view = self.verbs.order_view(&of(1), row.id).await.unwrap();
        let kinds = view.history.into_iter().map(|one| one.kind);
        kinds.map(|kind| kind.trim_start_matches("order_").to_owned()).collect()
    }

    /// Whether the operator's clock runs.
    async fn is_on_desk(&self, row: &OrderRow) -> bool {
        let waits = self.verbs.desk_waits(&staff()).await.unwrap();
        waits.iter().any(|one| {
            one.subject == row.subject() && one.rule == ORDER_RULE && one.paused_at.is_none()
        })
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await.busy().await;
                $body
                $world.letters_fit().await;
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(ordering_a_keyword_opens_an_order_and_its_activation_completes_it, world => {
    let held = world.held("QUIZ").await;
    let audited = world.verbs.store.last_audit().await.unwrap();
    let held = world.number(&of(1), &held, N::Order).await.unwrap();
    assert_eq!(world.verbs.store.last_audit().await.unwrap(), audited + 1, "one row for both");
    let order = world.newest(K::NumberActivation).await;
    assert_eq!((order.state, order.name.as_str()), (S::Acknowledged, "8055 QUIZ"));
    assert_eq!(order.about, held.subject());
    assert_eq!(order.partner_owner_id, Some(101), "who ordered answers for it");
    assert_eq!(world.done(&order).await, ["ordered"]);
    // Saturday noon, and three working days.
    assert!(order.due_at > world.verbs.now() + 3 * DAY && order.due_at < world.verbs.now() + 6 * DAY);
    assert!(world.is_on_desk(&order).await);
    let view = world.verbs.order_view(&of(1), order.id).await.unwrap();
    let items: Vec<_> = view.items.iter().map(|one| format!("{} {}", one.kind, one.name)).collect();
    assert_eq!(items, ["number 8055", "keyword QUIZ"]);
    let order = world.verbs.own_order(&staff(), (order.id, order.version)).await.unwrap();
    assert_eq!((order.state, order.operator_owner_id), (S::InProgress, Some(301)));
    world.number(&staff(), &held, N::Activate).await.unwrap();
    let order = world.newest(K::NumberActivation).await;
    assert_eq!((order.state, order.ended_at.is_some()), (S::Completed, true));
    assert_eq!(world.done(&order).await, ["ordered", "activated"]);
    assert_eq!(world.history_of(&order).await, ["open", "own", "tick", "complete"]);
    assert!(!world.is_on_desk(&order).await);
    world.verbs.sweep_orders().await.unwrap();
});

on_both!(a_refused_activation_is_over_and_who_orders_again_has_another_order, world => {
    let held = world.number(&of(1), &world.held("QUIZ").await, N::Order).await.unwrap();
    let held = world.number(&staff(), &held, N::Reject).await.unwrap();
    let order = world.newest(K::NumberActivation).await;
    assert_eq!((order.state, order.reason.as_str()), (S::Rejected, "powód"));
    let held = world.number(&of(1), &held, N::Order).await.unwrap();
    assert_eq!(world.newest(K::NumberActivation).await.state, S::Acknowledged);
    world.number(&of(1), &held, N::Release).await.unwrap();
    let all = world.all_of(K::NumberActivation).await;
    let states: Vec<_> = all.iter().map(|row| row.state).take(2).collect();
    assert_eq!(states, [S::Cancelled, S::Rejected]);
    assert!(!world.is_on_desk(&order).await);
});

on_both!(a_launch_goes_back_to_its_partner_and_on_to_its_first_subscriber, world => {
    let row = world.described("win", &free()).await;
    assert!(world.all_of(K::ServiceLaunch).await.is_empty(), "a draft is no work for two");
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    let order = world.newest(K::ServiceLaunch).await;
    assert_eq!((order.state, order.name.as_str()), (S::Acknowledged, "win"));
    let row = world.take(&staff(), &row, L::Return).await.unwrap();
    let order = world.verbs.store.order(order.id).await.unwrap().unwrap();
    assert_eq!((order.state, world.done(&order).await.len()), (S::Pending, 0));
    assert!(!world.is_on_desk(&order).await, "it waits for the partner");
    let row = world.tested(&row).await;
    let order = world.verbs.store.order(order.id).await.unwrap().unwrap();
    assert_eq!(order.state, S::InProgress);
    assert_eq!(world.done(&order).await, ["submitted", "approved", "test_started", "tested"]);
    assert!(world.is_on_desk(&order).await);
    let row = world.take(&staff(), &row, L::GoLive).await.unwrap();
    let order = world.newest(K::ServiceLaunch).await;
    assert_eq!(order.state, S::Completed);
    assert_eq!(world.history_of(&order).await, ["open", "back", "tick", "tick", "tick", "tick", "tick", "complete"]);
    // What was live is changed by an order of its own, and given up by its partner.
    let row = world.write(&row, "Inny tekst.").await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    assert_eq!(world.newest(K::ServiceChange).await.state, S::Acknowledged);
    let at = (row.id, row.version);
    let row = world.verbs.withdraw_change(&of(1), at).await.unwrap();
    assert_eq!(world.newest(K::ServiceChange).await.state, S::Cancelled);
    let row = world.write(&row, "Inny tekst.").await;
    let row = world.take(&of(1), &row, L::Submit).await.unwrap();
    world.take(&staff(), &row, L::Approve).await.unwrap();
    assert_eq!(world.newest(K::ServiceChange).await.state, S::Completed);
    assert_eq!(world.all_of(K::ServiceLaunch).await.len(), 1);
});

on_both!(who_closes_a_service_ends_everything_that_is_open_about_it, world => {
    let row = world.take(&of(1), &world.described("win", &free()).await, L::Submit).await.unwrap();
    world.take(&staff(), &row, L::Close).await.unwrap();
    assert_eq!(world.newest(K::ServiceLaunch).await.state, S::Rejected);
});

on_both!(a_partner_asks_for_the_end_of_a_service_and_the_operator_closes_it, world => {
    let row = world.tested(&world.described("win", &free()).await).await;
    let row = world.take(&staff(), &row, L::GoLive).await.unwrap();
    assert_eq!(refused(world.take(&staff(), &row, L::AskClose).await), Refusal::NotAllowed);
    let asked = world.take(&of(1), &row, L::AskClose).await.unwrap();
    assert_eq!(asked.state, row.state, "nothing ends before it is carried out");
    assert!(matches!(refused(world.take(&of(1), &asked, L::AskClose).await),
        Refusal::WrongState(why) if why.contains("ordered already")));
    let order = world.newest(K::ServiceClosure).await;
    let order = world.verbs.step_order(&of(1), (order.id, order.version), E::Cancel, "").await;
    assert_eq!(order.unwrap().state, S::Cancelled);
    let asked = world.take(&of(1), &asked, L::AskClose).await.unwrap();
    world.take(&staff(), &asked, L::Close).await.unwrap();
    assert_eq!(world.newest(K::ServiceClosure).await.state, S::Completed);
    let letters = world.letters_fit().await;
    assert!(letters.contains(&"service_close_asked desk@operator.pl".to_owned()), "{letters:?}");
    assert!(letters.contains(&"order_ended desk@operator.pl".to_owned()), "{letters:?}");
});

on_both!(a_number_in_use_is_given_back_once_its_partner_has_done_its_part, world => {
    let held = world.used("WIN").await;
    let held = world.number(&of(1), &held, N::AskRelease).await.unwrap();
    let order = world.newest(K::NumberRelease).await;
    assert_eq!((order.state, order.reason.as_str()), (S::Pending, "powód"));
    assert!(!world.is_on_desk(&order).await);
    // The step by hand stands before the end, and holds it up.
    assert!(matches!(refused(world.number(&staff(), &held, N::Close).await),
        Refusal::WrongState(why) if why.contains("`advertising_ended`")));
    let at = (order.id, order.version);
    let step = ("advertising_ended", "Ostatni plakat zdjęty.");
    let order = world.verbs.tick_order(&of(1), at, step).await.unwrap();
    assert_eq!(order.state, S::InProgress);
    assert!(world.is_on_desk(&order).await);
    let twice = world.verbs.tick_order(&of(1), (order.id, order.version), step).await;
    assert!(matches!(refused(twice), Refusal::WrongState(_)));
    let by_work = world.verbs.tick_order(&staff(), (order.id, order.version), ("closed", "")).await;
    assert!(matches!(refused(by_work), Refusal::WrongState(why) if why.contains("number.close")));
    let held = world.number(&staff(), &held, N::Close).await.unwrap();
    assert_eq!(held.state, crate::domain::NumberState::Quarantined);
    assert_eq!(world.newest(K::NumberRelease).await.state, S::Completed);
    let letters = world.letters_fit().await;
    assert!(letters.contains(&"number_release_asked desk@operator.pl".to_owned()), "{letters:?}");
});

on_both!(of_two_who_tick_at_once_one_wins, world => {
    let held = world.used("WIN").await;
    world.number(&of(1), &held, N::AskRelease).await.unwrap();
    let order = world.newest(K::NumberRelease).await;
    let (at, step) = ((order.id, order.version), ("advertising_ended", ""));
    let (one, two) = (of(1), staff());
    let both = [&one, &two].map(|by| world.verbs.tick_order(by, at, step));
    let done = join_all(both).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    let late = done.into_iter().find(Result::is_err).unwrap();
    assert!(matches!(refused(late), Refusal::VersionConflict | Refusal::WrongState(_)));
    let ticks = world.history_of(&order).await.into_iter().filter(|what| what == "tick").count();
    assert_eq!(ticks, 1);
});

on_both!(an_order_of_another_partner_is_as_unknown_as_none, world => {
    let order = world.newest(K::NumberActivation).await;
    let unknown = Refusal::UnknownId("order");
    for id in [order.id, 4711] {
        let at = (id, order.version);
        let verbs = &world.verbs;
        assert_eq!(refused(verbs.order_view(&of(2), id).await), unknown);
        assert_eq!(refused(verbs.own_order(&of(2), at).await), unknown);
        assert_eq!(refused(verbs.note_order(&of(2), at, ("x", false)).await), unknown);
        assert_eq!(refused(verbs.tick_order(&of(2), at, ("ordered", "")).await), unknown);
        assert_eq!(refused(verbs.step_order(&of(2), at, E::Fail, "x").await), unknown);
        assert_eq!(refused(verbs.add_order_file(&of(2), at, ("a.pdf", b"x")).await), unknown);
    }
    let all = OrderFilter { limit: 10, ..OrderFilter::default() };
    assert!(world.verbs.orders(&of(2), &all).await.unwrap().is_empty());
    assert_eq!(world.verbs.count_orders(&of(1), &all).await.unwrap(), 2);
});

on_both!(a_question_stops_the_operators_clock_and_an_answer_starts_it, world => {
    world.number(&of(1), &world.held("QUIZ").await, N::Order).await.unwrap();
    let order = world.newest(K::NumberActivation).await;
    let step = async |by: &Signed, row: &OrderRow, event, words: &str| {
        world.verbs.step_order(by, (row.id, row.version), event, words).await
    };
    assert_eq!(refused(step(&of(1), &order, E::Wait, "?").await), Refusal::NotAllowed);
    assert_eq!(refused(step(&staff(), &order, E::Reject, "nie").await), Refusal::NotAllowed,
        "the number is refused, and its order with it");
    assert!(matches!(refused(step(&staff(), &order, E::Wait, " ").await), Refusal::FieldErrors(_)));
    let order = step(&staff(), &order, E::Wait, "Od kiedy?").await.unwrap();
    assert_eq!(order.state, S::Pending);
    assert!(!world.is_on_desk(&order).await);
    let before = world.verbs.store.deadline(&order.subject(), ORDER_RULE).await.unwrap().unwrap();
    world.clock.step(14 * DAY);
    let order = step(&of(1), &order, E::Resume, "Od poniedziałku.").await.unwrap();
    assert_eq!(order.state, S::InProgress);
    let after = world.verbs.store.deadline(&order.subject(), ORDER_RULE).await.unwrap().unwrap();
    assert!(after.due_at > before.due_at + 10 * DAY && after.promised_at == before.promised_at);
    let order = world.verbs.note_order(&staff(), (order.id, order.version), ("u nas", true)).await;
    let order = order.unwrap();
    assert_eq!(world.history_of(&order).await, ["open", "wait", "resume"], "that stays inside");
    let order = step(&staff(), &order, E::Fail, "Sieć go nie ma.").await.unwrap();
    assert_eq!((order.state, order.reason.as_str()), (S::Failed, "Sieć go nie ma."));
    let note = world.verbs.note_order(&of(1), (order.id, order.version), ("x", false)).await;
    assert!(matches!(refused(note), Refusal::WrongState(_)));
    let letters = world.letters_fit().await;
    assert!(letters.contains(&"order_note p1@x.pl".to_owned()), "{letters:?}");
    assert!(letters.contains(&"order_note desk@operator.pl".to_owned()), "{letters:?}");
    assert!(letters.contains(&"order_ended p1@x.pl".to_owned()), "{letters:?}");
});

on_both!(a_step_of_the_operator_that_is_late_is_told_to_the_desk_once, world => {
    world.number(&of(1), &world.held("QUIZ").await, N::Order).await.unwrap();
    world.clock.step(7 * DAY);
    for noticed in [1, 0] {
        assert_eq!(world.verbs.sweep_overdue().await.unwrap(), noticed);
    }
    let order = world.newest(K::NumberActivation).await;
    assert!(order.is_late(world.verbs.now()));
    assert_eq!(world.history_of(&order).await, ["open", "overdue"]);
    let counts = world.verbs.store.open_orders_by(world.verbs.now()).await.unwrap();
    assert_eq!(counts, [("number_activation".to_owned(), 1, 1)]);
    let letters = world.letters_fit().await;
    assert_eq!(letters.last().unwrap(), "order_late desk@operator.pl");
});

on_both!(steps_of_an_operator_behind_the_work_keep_an_order_open, world => {
    let text = include_str!("../../config/orders.toml").replacen(
        "[[order]]\nkind = \"number_release\"",
        "[[order.step]]\nname = \"tried\"\ntitle = { pl = \"Próba\", en = \"Trial\" }\n\
         side = \"partner\"\nworking_days = 2\ndone_by = \"hand\"\n\n\
         [[order]]\nkind = \"number_release\"",
        1,
    );
    let plan = Arc::new(OrderPlan::parse(&text).unwrap());
    let verbs = world.verbs.clone().with_order_plan(plan);
    let held = world.held("QUIZ").await;
    let held = verbs.step_reservation(&of(1), (held.id, held.version), N::Order, "").await.unwrap();
    verbs.step_reservation(&staff(), (held.id, held.version), N::Activate, "").await.unwrap();
    let order = world.newest(K::NumberActivation).await;
    assert_eq!((order.state, order.ended_at), (S::Pending, None));
    let letters = world.letters_fit().await;
    assert!(letters.contains(&"order_turn p1@x.pl".to_owned()), "{letters:?}");
    let order = verbs.tick_order(&of(1), (order.id, order.version), ("tried", "")).await;
    assert_eq!(order.unwrap().state, S::Completed);
});
