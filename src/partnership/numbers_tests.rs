//! Stories of numbers: imported, reserved, activated, waited for; on both engines.

use std::{fmt::Write as _, time::Duration};

use futures_util::future::join_all;

use super::{
    agree_tests::{World, refused, world},
    *,
};
use crate::domain::{
    Msisdn, NumberEvent as E, NumberState as S, PartnerId, Refusal, Role, ShortCode, UserId,
    catalog::{Route, Unrouted},
};
use crate::store::{NewPartner, NewService, NumberFilter, ReservationFilter, ReservationRow};

const DAY: u64 = 86_400;

const POOL: &str = "digits,to,class,shared\n7455,,,\n7477,,,\n7577,,,\n7655,,,yes\n";

fn staff() -> Signed {
    Signed { person: UserId(3), ..Signed::try_out(Role::OperatorProvisioning, None) }
}

fn of(partner: i64) -> Signed {
    Signed::try_out(Role::PartnerDeveloper, Some(PartnerId(partner)))
}

impl World {
    /// Partners 1 to `count` with a contract, and a base of four numbers.
    async fn market(&self, count: i64) {
        for id in 1..=count {
            self.company(id).await;
        }
        self.run("update company set state = 'live'").await;
        self.run("update partner set is_active = 1").await;
        for id in 1..=count {
            self.run(&format!(
                "insert into person (id, partner_id, mail, name, role, state, totp_step, \
                 language, theme, failures, version, made_at) values ({0}, {id}, 'p{id}@x.pl', \
                 'Ewa', 'admin', 'active', 0, 'pl', 'auto', 0, 1, 0)",
                id + 100
            ))
            .await;
        }
        self.verbs.import_numbers(&staff(), POOL.as_bytes(), false).await.unwrap();
    }

    async fn id_of(&self, digits: &str) -> i64 {
        let row = self.verbs.store.number_called(self.verbs.now(), digits).await.unwrap();
        row.unwrap().id
    }

    async fn reserve(
        &self,
        partner: i64,
        digits: &str,
        keyword: &str,
    ) -> Result<ReservationRow, Error> {
        let wish = HoldWish {
            number: self.id_of(digits).await,
            keyword: keyword.to_owned(),
            despite_likeness: false,
        };
        self.verbs.reserve_number(&of(partner), &wish).await
    }

    async fn step(
        &self,
        by: &Signed,
        row: &ReservationRow,
        event: E,
    ) -> Result<ReservationRow, Error> {
        self.verbs.step_reservation(by, (row.id, row.version), event, "powód").await
    }

    async fn active(&self, partner: i64, digits: &str, keyword: &str) -> ReservationRow {
        let row = self.reserve(partner, digits, keyword).await.unwrap();
        let row = self.step(&of(partner), &row, E::Order).await.unwrap();
        self.step(&staff(), &row, E::Activate).await.unwrap()
    }

    async fn state_of(&self, digits: &str) -> S {
        let row = self.verbs.store.number_called(self.verbs.now(), digits).await.unwrap();
        row.unwrap().state
    }

    /// What a letter is told is what its text needs.
    async fn check_letters(&self) {
        let names = self.all("select template from mail order by id").await;
        let told = self.all("select data from mail order by id").await;
        for (name, data) in names.iter().zip(&told) {
            let kind = crate::mail::Kind::named(name).expect(name);
            assert_eq!(
                kind.accepts(&serde_json::from_str(data).unwrap()),
                Ok(()),
                "{name}: {data}"
            );
        }
    }

    async fn letters_to(&self) -> Vec<String> {
        self.all("select template || ' ' || recipient from mail order by id").await
    }
}

macro_rules! on_both {
    ($name:ident, $world:ident => $body:block) => {
        #[tokio::test]
        async fn $name() {
            for on_postgres in [false, true] {
                let $world = world(on_postgres).await;
                $body
                $world.check_letters().await;
                let chain = $world.verbs.store.verify_audit().await.unwrap();
                assert!(chain.is_ok(), "{chain:?}");
            }
        }
    };
}

on_both!(a_number_goes_from_free_to_use_and_back_through_a_rest, world => {
    world.market(2).await;
    assert_eq!(world.state_of("7455").await, S::Free);
    let audited = world.verbs.store.last_audit().await.unwrap();
    let row = world.reserve(1, "7455", "").await.unwrap();
    assert_eq!((row.state, world.state_of("7455").await), (S::Reserved, S::Reserved));
    let row = world.step(&of(1), &row, E::Order).await.unwrap();
    let row = world.step(&staff(), &row, E::Reject).await.unwrap();
    assert_eq!((row.state, row.ordered_by.clone()), (S::Reserved, None));
    let row = world.step(&of(1), &row, E::Order).await.unwrap();
    let row = world.step(&staff(), &row, E::Activate).await.unwrap();
    let row = world.step(&staff(), &row, E::Suspend).await.unwrap();
    let row = world.step(&staff(), &row, E::Resume).await.unwrap();
    let row = world.step(&staff(), &row, E::Close).await.unwrap();
    assert_eq!(row.state, S::Quarantined);
    assert_eq!(world.verbs.store.last_audit().await.unwrap() - audited, 8, "one row a step");
    // While it rests nobody has it.
    assert_eq!(refused(world.reserve(2, "7455", "").await), Refusal::Taken("number"));
    world.clock.advance(Duration::from_secs(90 * DAY));
    assert_eq!(world.verbs.sweep_numbers().await.unwrap().cooled, 1);
    assert_eq!(world.state_of("7455").await, S::Free);
    assert!(world.reserve(2, "7455", "").await.is_ok());
    assert_eq!(
        world.letters_to().await,
        ["number_refused p1@x.pl", "number_active p1@x.pl", "number_suspended p1@x.pl",
         "number_resumed p1@x.pl", "number_closed p1@x.pl"]
    );
});

on_both!(of_a_hundred_who_reserve_at_once_exactly_one_wins, world => {
    world.market(10).await;
    let number = world.id_of("7455").await;
    let shared = world.id_of("7655").await;
    for (number, keyword) in [(number, ""), (shared, "QUIZ")] {
        let tries = (0..100).map(|turn| {
            let verbs = &world.verbs;
            async move {
                let wish = HoldWish { number, keyword: keyword.to_owned(), despite_likeness: false };
                verbs.reserve_number(&of(turn % 10 + 1), &wish).await
            }
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 99));
        for one in lost {
            assert!(matches!(refused(one), Refusal::Taken(_)));
        }
        let rows = world
            .all(&format!("select keyword from reservation where number_id = {number}"))
            .await;
        assert_eq!(rows, [keyword]);
    }
});

on_both!(the_constraint_decides_and_not_the_look_before, world => {
    world.market(2).await;
    world.reserve(1, "7455", "").await.unwrap();
    // Past every rule of the verbs: the database itself says no.
    let second = "insert into reservation (id, number_id, keyword, look, slot, partner_id, state, \
                  reserved_at, expires_at, extensions, reason, version) select 99, number_id, '', \
                  '', '', 2, 'reserved', 0, 0, 0, '', 1 from reservation";
    let told = world.verbs.store.run_sql(second).await;
    let taken = crate::store::Constraint::ReservationTaken;
    assert!(matches!(told, Err(crate::store::Error::Conflict(found)) if found == taken));
});

on_both!(of_200_rows_the_20_wrong_ones_are_named_by_line_and_the_others_taken, world => {
    world.market(1).await;
    let (mut file, mut wrong) = ("digits,shared\n".to_owned(), Vec::new());
    for row in 0..200 {
        let line = row + 2;
        if row % 10 == 3 {
            // Not digits, a bad flag, outside the plan, in the base already, by turns.
            let text = ["74a5,", "7355,maybe", "8100,", "7455,"][row / 10 % 4];
            writeln!(file, "{text}").unwrap();
            wrong.push(line as u64);
        } else {
            writeln!(file, "{},", 71_000 + row).unwrap();
        }
    }
    let trial = world.verbs.import_numbers(&staff(), file.as_bytes(), true).await.unwrap();
    let audited = world.verbs.store.last_audit().await.unwrap();
    assert_eq!(world.one("select cast(count(*) as text) from number").await, "4");
    let report = world.verbs.import_numbers(&staff(), file.as_bytes(), false).await.unwrap();
    assert_eq!((report.rows, report.taken), (200, 180));
    let lines: Vec<_> = report.refused.iter().map(|row| row.line).collect();
    assert_eq!(lines, wrong);
    assert_eq!((&trial.refused, trial.taken), (&report.refused, 180), "the trial said the same");
    assert_eq!(report.refused[3].code, "known");
    assert_eq!(world.one("select cast(count(*) as text) from number").await, "184");
    assert_eq!(world.verbs.store.last_audit().await.unwrap() - audited, 1);
    // Again: nothing is new, and nothing is written.
    let again = world.verbs.import_numbers(&staff(), file.as_bytes(), false).await.unwrap();
    assert_eq!((again.taken, again.refused.len()), (0, 200));
    assert_eq!(world.verbs.store.last_audit().await.unwrap() - audited, 1);
});

on_both!(numbers_are_found_by_pattern_price_class_and_state, world => {
    world.market(2).await;
    world.reserve(1, "7477", "").await.unwrap();
    let found = async |filter: NumberFilter| {
        let filter = NumberFilter { limit: 50, ..filter };
        let rows = world.verbs.numbers(&staff(), &filter).await.unwrap();
        rows.into_iter().map(|row| row.digits).collect::<Vec<_>>()
    };
    let none = NumberFilter::default();
    let like = |pattern: &str| crate::domain::look_alike::like(pattern).unwrap();
    assert_eq!(found(none.clone()).await, ["7455", "7477", "7577", "7655"]);
    assert_eq!(found(NumberFilter { like: like("*77"), ..none.clone() }).await, ["7477", "7577"]);
    assert_eq!(found(NumberFilter { like: like("75"), ..none.clone() }).await, ["7577"]);
    assert_eq!(found(NumberFilter { state: "reserved".into(), ..none.clone() }).await, ["7477"]);
    assert_eq!(
        found(NumberFilter { gross: Some((500, 700)), ..none.clone() }).await,
        ["7577"],
        "5.00 net is 6.15"
    );
    assert_eq!(found(NumberFilter { is_shared: Some(true), ..none.clone() }).await, ["7655"]);
    assert_eq!(found(NumberFilter { class: "free_sms".into(), ..none.clone() }).await, [""; 0]);
    assert_eq!(found(NumberFilter { after: "7477".into(), ..none.clone() }).await, ["7577", "7655"]);
    assert_eq!(found(NumberFilter { held_by: Some(PartnerId(1)), ..none }).await, ["7477"]);
});

on_both!(a_partner_learns_that_a_number_is_taken_and_nothing_more, world => {
    world.market(2).await;
    let row = world.active(1, "7455", "").await;
    let row = world.step(&staff(), &row, E::Suspend).await.unwrap();
    let seen = world.verbs.number(&of(2), row.number_id).await.unwrap();
    assert_eq!((seen.row.state, seen.row.partner_id, seen.row.reservation_id), (S::Active, None, None));
    assert!(seen.holders.is_empty());
    let own = world.verbs.number(&of(1), row.number_id).await.unwrap();
    assert_eq!((own.row.state, own.row.partner_id), (S::Suspended, Some(1)));
    let filter = NumberFilter { state: "suspended".into(), limit: 9, ..NumberFilter::default() };
    assert!(world.verbs.numbers(&of(2), &filter).await.unwrap().is_empty());
    // Another's reservation is answered exactly as one that does not exist.
    let foreign = refused(world.verbs.reservation(&of(2), row.id).await);
    assert_eq!(foreign, refused(world.verbs.reservation(&of(2), 999).await));
    assert_eq!(refused(world.step(&of(2), &row, E::Release).await), foreign);
    let all = ReservationFilter { limit: 9, ..ReservationFilter::default() };
    assert!(world.verbs.reservations(&of(2), &all).await.unwrap().is_empty());
});

on_both!(a_keyword_is_checked_against_words_and_look_alikes, world => {
    world.market(2).await;
    world.reserve(1, "7655", "gol").await.unwrap();
    world.verbs.set_number_word(&staff(), "konkurs", Some(crate::domain::WordBar::Reserved)).await
        .unwrap();
    for (keyword, code) in [
        ("ST0P", "reserved"),
        ("KONKURS", "reserved"),
        ("KURWAQUIZ", "forbidden"),
        ("", "missing"),
        ("*", "invalid"),
        ("A B", "invalid"),
        ("G0L", "alike"),
    ] {
        match refused(world.reserve(2, "7655", keyword).await) {
            Refusal::FieldErrors(faults) => assert_eq!(faults[0].code, code, "{keyword}"),
            other => panic!("{keyword}: {other}"),
        }
    }
    // The same word in another spelling is the same keyword, and taken.
    assert_eq!(refused(world.reserve(2, "7655", "GÓŁ").await), Refusal::Taken("keyword"));
    let number = world.id_of("7655").await;
    let sure = HoldWish { number, keyword: "G0L".to_owned(), despite_likeness: true };
    assert!(world.verbs.reserve_number(&of(2), &sure).await.is_ok());
    let wish = HoldWish { number: world.id_of("7455").await, ..sure };
    assert!(matches!(
        refused(world.verbs.reserve_number(&of(2), &wish).await),
        Refusal::FieldErrors(_)
    ));
});

on_both!(a_quota_a_rest_and_a_missing_contract_hold_a_partner_back, world => {
    world.market(2).await;
    let by = staff();
    world.verbs.set_number_quota(&by, PartnerId(1), "premium_sms", Some(1)).await.unwrap();
    let row = world.reserve(1, "7455", "").await.unwrap();
    let full = Refusal::QuotaReached { most: 1 };
    assert_eq!(refused(world.reserve(1, "7477", "").await), full);
    let row = world.step(&of(1), &row, E::Release).await.unwrap();
    assert_eq!((row.state, row.slot), (S::Free, None));
    assert!(matches!(refused(world.reserve(1, "7455", "").await), Refusal::WrongState(_)), "rests");
    assert!(world.reserve(1, "7477", "").await.is_ok());
    assert!(world.reserve(2, "7455", "").await.is_ok(), "others need not wait");
    world.run("update company set state = 'prospect' where partner_id = 2").await;
    assert!(matches!(refused(world.reserve(2, "7577", "").await), Refusal::WrongState(_)));
});

on_both!(who_waits_gets_it_the_moment_it_is_free_and_is_told, world => {
    world.market(3).await;
    let row = world.reserve(1, "7455", "").await.unwrap();
    let wish = HoldWish { number: row.number_id, ..HoldWish::default() };
    assert_eq!(world.verbs.wait_for_number(&of(2), &wish).await.unwrap().ahead, 0);
    assert_eq!(world.verbs.wait_for_number(&of(3), &wish).await.unwrap().ahead, 1);
    assert!(world.verbs.wait_for_number(&of(2), &wish).await.is_err(), "once is enough");
    assert!(world.verbs.wait_for_number(&of(1), &wish).await.is_err(), "it is theirs");
    // The first in the line has no room; the next one gets it.
    world.verbs.set_number_quota(&staff(), PartnerId(2), "premium_sms", Some(0)).await.unwrap();
    world.step(&of(1), &row, E::Release).await.unwrap();
    let holder = world.verbs.store.number_called(world.verbs.now(), "7455").await.unwrap();
    assert_eq!(holder.unwrap().partner_id, Some(3));
    assert_eq!(world.letters_to().await, ["number_waited p3@x.pl"]);
    let left = world.verbs.waits(&of(2)).await.unwrap();
    assert_eq!((left.len(), left[0].ahead), (1, 0));
    assert!(world.verbs.waits(&of(3)).await.unwrap().is_empty());
    assert!(world.verbs.stop_waiting(&of(3), left[0].id).await.is_err(), "not theirs");
    world.verbs.stop_waiting(&of(2), left[0].id).await.unwrap();
});

on_both!(a_reservation_ends_by_itself_and_is_told_the_day_before_once, world => {
    world.market(1).await;
    let row = world.reserve(1, "7455", "").await.unwrap();
    world.clock.advance(Duration::from_secs(29 * DAY - 1));
    assert_eq!(world.verbs.sweep_numbers().await.unwrap(), NumbersSwept::default());
    world.clock.advance(Duration::from_secs(1));
    for warned in [1, 0] {
        assert_eq!(world.verbs.sweep_numbers().await.unwrap().warned, warned);
    }
    let row = world.verbs.reservation(&of(1), row.id).await.unwrap();
    let row = world.step(&of(1), &row, E::Extend).await.unwrap();
    assert!(matches!(refused(world.step(&of(1), &row, E::Extend).await), Refusal::WrongState(_)));
    world.clock.advance(Duration::from_secs(30 * DAY));
    assert_eq!(world.verbs.sweep_numbers().await.unwrap().warned, 1);
    world.clock.advance(Duration::from_secs(DAY));
    assert_eq!(world.verbs.sweep_numbers().await.unwrap().expired, 1);
    assert_eq!(world.state_of("7455").await, S::Free);
    assert_eq!(
        world.letters_to().await,
        ["number_expires p1@x.pl", "number_expires p1@x.pl", "number_expired p1@x.pl"]
    );
});

on_both!(only_staff_activates_and_an_old_page_changes_nothing, world => {
    world.market(1).await;
    let row = world.reserve(1, "7455", "").await.unwrap();
    let ordered = world.step(&of(1), &row, E::Order).await.unwrap();
    assert_eq!(refused(world.step(&of(1), &ordered, E::Activate).await), Refusal::NotAllowed);
    assert_eq!(refused(world.step(&staff(), &row, E::Activate).await), Refusal::VersionConflict);
    let auditor = Signed::try_out(Role::OperatorAuditor, None);
    assert_eq!(refused(world.step(&auditor, &ordered, E::Activate).await), Refusal::NotAllowed);
    assert!(matches!(refused(world.step(&staff(), &ordered, E::Close).await), Refusal::WrongState(_)));
    let viewer = Signed::try_out(Role::PartnerViewer, Some(PartnerId(1)));
    assert_eq!(refused(world.step(&viewer, &ordered, E::Release).await), Refusal::NotAllowed);
    let wish = HoldWish { number: row.number_id, ..HoldWish::default() };
    assert_eq!(refused(world.verbs.reserve_number(&staff(), &wish).await), Refusal::NotAllowed);
});

on_both!(a_withdrawn_number_is_reserved_by_nobody, world => {
    world.market(1).await;
    let number = world.id_of("7455").await;
    let by = staff();
    let row = world.verbs.offer_number(&by, (number, 1), E::Withdraw).await.unwrap();
    assert_eq!(row.state, S::Withdrawn);
    assert!(matches!(refused(world.reserve(1, "7455", "").await), Refusal::WrongState(_)));
    let row = world.verbs.offer_number(&by, (number, row.version), E::Offer).await.unwrap();
    assert_eq!(row.state, S::Free);
    world.reserve(1, "7455", "").await.unwrap();
    let again = world.verbs.offer_number(&by, (number, row.version), E::Withdraw).await;
    assert!(matches!(refused(again), Refusal::WrongState(_)));
});

/// What the gateway does with a text to a number.
async fn routed(world: &World, digits: &str, text: &str) -> Result<String, Unrouted> {
    let catalog = world.verbs.store.load_catalog().await.unwrap();
    let (number, from) = (ShortCode::parse(digits).unwrap(), Msisdn::parse("48600100200").unwrap());
    match catalog.route(&number, text, &from) {
        Route::To { service, .. } => Ok(service.name.to_string()),
        Route::Unrouted(why) => Err(why),
    }
}

on_both!(traffic_follows_the_base_of_numbers, world => {
    world.market(2).await;
    for (name, number, words) in [("whole", "7455", &["*"][..]), ("quiz", "7655", &["QUIZ"][..])] {
        let service = NewService::free("partner1", name, number, words, "main");
        world.verbs.store.add_service(&staff().caller(), 0, &service).await.unwrap();
    }
    let closed = Err(Unrouted::NumberNotActive);
    assert_eq!(routed(&world, "7455", "hello").await, closed, "nobody has the number");
    assert_eq!(routed(&world, "7655", "quiz a").await, Ok("quiz".into()), "staff set it up");
    for (digits, keyword, text, name) in [("7455", "", "hello", "whole"), ("7655", "QUIZ", "quiz a", "quiz")] {
        let row = world.reserve(1, digits, keyword).await.unwrap();
        assert_eq!(routed(&world, digits, text).await, closed, "reserved is not in use");
        let row = world.step(&of(1), &row, E::Order).await.unwrap();
        let row = world.step(&staff(), &row, E::Activate).await.unwrap();
        assert_eq!(routed(&world, digits, text).await, Ok(name.into()));
        let row = world.step(&staff(), &row, E::Suspend).await.unwrap();
        assert_eq!(routed(&world, digits, text).await, closed);
        let row = world.step(&staff(), &row, E::Resume).await.unwrap();
        assert_eq!(routed(&world, digits, text).await, Ok(name.into()));
        world.step(&staff(), &row, E::Close).await.unwrap();
        assert_eq!(routed(&world, digits, text).await, closed);
    }
    let other = NewPartner { name: "other".into(), rate: 1, burst: 1, backlog_max: 1, waiting_max: 1 };
    world.verbs.store.add_partner(&staff().caller(), 0, &other).await.unwrap();
    world.active(2, "7655", "GRA").await;
    let foreign = NewService::free("other", "gra", "7655", &["GRA"], "main");
    world.verbs.store.add_service(&staff().caller(), 0, &foreign).await.unwrap();
    assert_eq!(routed(&world, "7655", "gra").await, closed, "another partner has the keyword");
});
