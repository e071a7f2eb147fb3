//! Stories of changed bank accounts and of views as a partner.

use super::{
    agree_tests::{World, refused, world},
    *,
};
use crate::domain::{PartnerId, Refusal, Right, Role, UserId};

const ACCOUNT: &str = "PL61 1090 1014 0000 0712 1981 2874";
const PLAIN: &str = "PL61109010140000071219812874";
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// A company with two administrators, 11 and 12, and a viewer; finance of the operator is 21.
async fn company() -> World {
    let world = world(false).await;
    world.company(1).await;
    world.company(2).await;
    for (id, partner, role) in [
        (11, "1", "admin"),
        (12, "1", "finance"),
        (13, "1", "viewer"),
        (21, "null", "finance"),
        (31, "2", "admin"),
    ] {
        world
            .run(&format!(
                "insert into person (id, partner_id, mail, name, role, state, totp_step, \
                 language, theme, failures, version, made_at) values ({id}, {partner}, \
                 'p{id}@x.pl', 'P{id}', '{role}', 'active', 0, 'pl', 'auto', 0, 1, 0)"
            ))
            .await;
    }
    world
}

fn somebody(id: i64, role: Role, partner: Option<i64>) -> Signed {
    let signed = Signed::try_out(role, partner.map(PartnerId));
    Signed { person: UserId(id), name: format!("P{id}"), session: id, ..signed }
}

async fn account(world: &World) -> String {
    world.one("select bank_account from company where partner_id = 1").await
}

#[tokio::test]
async fn a_second_person_of_the_partner_confirms_and_until_then_the_old_account_stays() {
    let world = company().await;
    let anna = somebody(11, Role::PartnerAdmin, Some(1));
    let row = world.verbs.ask_bank(&anna, ACCOUNT).await.unwrap();
    assert_eq!(account(&world).await, "");
    let own = world.verbs.answer_bank(&anna, (row.id, row.version), true).await;
    assert!(matches!(refused(own), Refusal::WrongState(_)));
    let desk = somebody(21, Role::OperatorFinance, None);
    let early = world.verbs.answer_bank(&desk, (row.id, row.version), true).await;
    assert!(matches!(refused(early), Refusal::WrongState(_)), "the partner has a second person");
    assert_eq!(world.verbs.bank_changes_for_staff(&desk).await.unwrap().len(), 0);
    let foreign = somebody(31, Role::PartnerAdmin, Some(2));
    let foreign = world.verbs.answer_bank(&foreign, (row.id, row.version), true).await;
    assert_eq!(refused(foreign), Refusal::UnknownId("bank_change"));

    let jan = somebody(12, Role::PartnerFinance, Some(1));
    let done = world.verbs.answer_bank(&jan, (row.id, row.version), true).await.unwrap();
    assert_eq!((&*done.state, &*done.answered_name), ("confirmed", "P12"));
    assert_eq!(account(&world).await, PLAIN);
    let letters = world.all("select template || ' ' || recipient from mail order by id").await;
    assert_eq!(letters, ["bank_change_asked p11@x.pl", "bank_changed p11@x.pl"]);
    let trail = world.all("select what || detail from audit where what like 'bank.%'").await;
    assert_eq!(trail.len(), 2, "{trail:?}");
    assert!(!trail.concat().contains("1090"), "the whole account stays out of the trail");
}

#[tokio::test]
async fn the_operator_confirms_where_the_partner_has_nobody_else() {
    let world = company().await;
    world.run("update person set state = 'disabled' where id = 12").await;
    let anna = somebody(11, Role::PartnerAdmin, Some(1));
    let row = world.verbs.ask_bank(&anna, ACCOUNT).await.unwrap();
    let desk = somebody(21, Role::OperatorFinance, None);
    assert_eq!(world.verbs.bank_changes_for_staff(&desk).await.unwrap().len(), 1);
    let support = somebody(22, Role::OperatorSupport, None);
    let no = world.verbs.answer_bank(&support, (row.id, row.version), true).await;
    assert_eq!(refused(no), Refusal::NotAllowed);
    world.verbs.answer_bank(&desk, (row.id, row.version), true).await.unwrap();
    assert_eq!(account(&world).await, PLAIN);
}

#[tokio::test]
async fn a_change_needs_a_fresh_code_a_right_account_and_no_other_change_beside_it() {
    let world = company().await;
    let anna = somebody(11, Role::PartnerAdmin, Some(1));
    let stale = Signed { stepped_up_until: 0, ..anna.clone() };
    assert_eq!(refused(world.verbs.ask_bank(&stale, ACCOUNT).await), Refusal::StepUpNeeded);
    let wrong = world.verbs.ask_bank(&anna, "PL62 1090 1014 0000 0712 1981 2874").await;
    assert!(matches!(refused(wrong), Refusal::FieldErrors(_)));
    let viewer = somebody(13, Role::PartnerViewer, Some(1));
    assert_eq!(refused(world.verbs.ask_bank(&viewer, ACCOUNT).await), Refusal::NotAllowed);
    let row = world.verbs.ask_bank(&anna, ACCOUNT).await.unwrap();
    assert!(matches!(refused(world.verbs.ask_bank(&anna, ACCOUNT).await), Refusal::WrongState(_)));
    let back = world.verbs.answer_bank(&anna, (row.id, row.version), false).await.unwrap();
    assert_eq!(back.state, "withdrawn");

    world.verbs.ask_bank(&anna, ACCOUNT).await.unwrap();
    assert_eq!(world.verbs.sweep_bank().await.unwrap(), 0);
    world.clock.advance(14 * DAY);
    assert_eq!(world.verbs.sweep_bank().await.unwrap(), 1);
    assert_eq!(world.verbs.sweep_bank().await.unwrap(), 0);
    assert_eq!(account(&world).await, "");
}

#[tokio::test]
async fn who_looks_as_a_partner_reads_what_it_reads_and_changes_nothing() {
    let world = company().await;
    let support = somebody(21, Role::OperatorSupport, None);
    assert!(!support.may(Right::SignAgreements));
    world.verbs.begin_view(&support, PartnerId(1), "ticket 7").await.unwrap();
    let now = world.verbs.now();
    let row = world.verbs.store.support_view((21, 0), UserId(21), now).await.unwrap().unwrap();
    let looking = support.clone().viewing(row);
    assert_eq!((looking.partner, looking.is_operator()), (Some(PartnerId(1)), false));
    for right in Right::ALL {
        let writes = !right.is_reading();
        assert!(!(writes && looking.may(*right)), "{right:?}");
        if writes {
            assert_eq!(world.verbs.require(&looking, *right), Err(Refusal::ViewOnly), "{right:?}");
        }
    }
    assert!(looking.may(Right::SeeAgreements) && !looking.may(Right::SeeBank));
    assert_eq!(world.verbs.require_fresh(&looking), Err(Refusal::ViewOnly));

    // Another session, an older view and the end of its time show nothing.
    let store = &world.verbs.store;
    assert!(store.support_view((22, 0), UserId(21), now).await.unwrap().is_none());
    assert!(store.support_view((21, now + 1), UserId(21), now).await.unwrap().is_none());
    let later = now + 15 * 60 * 1_000_000;
    assert!(store.support_view((21, 0), UserId(21), later).await.unwrap().is_none());
    world.verbs.end_view(&looking).await.unwrap();
    assert!(store.support_view((21, 0), UserId(21), now).await.unwrap().is_none());
    let trail = world.all("select what || ' ' || who from audit where what like 'view.%'").await;
    assert_eq!(trail.len(), 2, "{trail:?}");
    let auditor = somebody(21, Role::OperatorAuditor, None);
    let no = world.verbs.begin_view(&auditor, PartnerId(1), "why").await;
    assert_eq!(refused(no), Refusal::NotAllowed);
}
