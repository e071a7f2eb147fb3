//! Bank accounts, drafted terms, the desk and the view of support, through the pages.

use super::{
    agreements::{Browser, accepted, enrolled, staff},
    *,
};
use crate::{domain::PartnerId, partnership::NewPerson};

const ACCOUNT: &str = "PL61 1090 1014 0000 0712 1981 2874";

/// Somebody of a partner, logged in.
async fn of<'w>(world: &'w World, partner: PartnerId, role: &str) -> Browser<'w> {
    let new = NewPerson {
        partner: Some(partner),
        mail: format!("{role}@zolw.example"),
        name: format!("Mr {role}"),
        role: role.to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = world.app.partnership.invite_by(&by, &new, true).await.unwrap();
    let cookie = format!("__Host-session={}", enrolled(world, &invited.path).await);
    Browser { world, cookie }
}

async fn desk<'w>(world: &'w World, role: &str) -> Browser<'w> {
    Browser { world, cookie: format!("__Host-session={}", staff(world, role).await) }
}

fn place(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn s25_a_bank_account_changes_when_a_second_person_confirms_it() {
    let world = world().await;
    let (_, partner) = accepted(&world).await;
    let mut anna = of(&world, partner, "admin").await;
    let mut jan = of(&world, partner, "finance").await;
    let ask = "/company/bank";
    let wrong = anna.send(ask, ask, &[("account", "PL00 1")], b"").await;
    assert_eq!(wrong.status, 422);
    let asked = anna.send(ask, ask, &[("account", ACCOUNT)], b"").await;
    assert_eq!(place(&asked), "/bank-changes/1");
    let page = "/bank-changes/1";
    let own = anna.send(page, page, &[("step", "confirm")], b"").await;
    assert_eq!(own.status, 409, "{}", own.text);
    assert!(!jan.get("/company").await.text.contains("PL61"));
    let mut finance = desk(&world, "finance").await;
    assert!(!finance.get("/desk").await.text.contains(page), "the partner has two people");
    let early = finance.send(page, page, &[("step", "confirm")], b"").await;
    assert_eq!(early.status, 409);
    let done = jan.send(page, page, &[("step", "confirm")], b"").await;
    assert_eq!(place(&done), page);
    assert!(jan.get("/company").await.text.contains("PL61"));

    let token = jan.cookie.split(['=', ';']).nth(1).unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    let list = world.send(request(Method::GET, "/api/v1/bank-changes", &headers)).await;
    assert_eq!(list.json()["changes"][0]["state"], "confirmed", "{}", list.text);
}

#[tokio::test]
async fn s27_support_looks_as_a_partner_and_every_write_is_refused() {
    let world = world().await;
    let (_, partner) = accepted(&world).await;
    let mut support = desk(&world, "support").await;
    let path = format!("/partners/{}", partner.0);
    let way = format!("{path}/view");
    let none = support.send(&path, &way, &[("view_reason", "")], b"").await;
    assert_eq!(none.status, 422, "a reason is needed");
    let begun = support.send(&path, &way, &[("view_reason", "ticket 7")], b"").await;
    assert_eq!(place(&begun), "/home");
    let home = support.get("/home").await;
    assert!(home.text.contains("End the view") && home.text.contains("Żółw Media"));
    assert_eq!(support.get("/desk").await.status, 403);
    assert_eq!(support.get("/agreements").await.status, 200);
    let no = support.send("/company", "/company", &[("street", "x")], b"").await;
    assert_eq!((no.status, no.text.contains("view_only")), (403, true), "{}", no.text);
    let ended = support.send("/home", "/view/end", &[], b"").await;
    assert_eq!(place(&ended), path);
    assert_eq!(support.get("/desk").await.status, 200);

    let again = support.send(&path, &way, &[("view_reason", "ticket 8")], b"").await;
    assert_eq!(place(&again), "/home");
    world.clock.advance(Duration::from_mins(14));
    assert_eq!(support.get("/desk").await.status, 403);
    world.clock.advance(Duration::from_mins(1));
    let after = support.get("/desk").await;
    assert!(after.status != 403 && !after.text.contains("End the view"), "it ends by itself");
}

#[tokio::test]
async fn b4_terms_are_drafted_by_one_person_and_approved_by_another() {
    let world = world().await;
    let mut anna = desk(&world, "admin").await;
    let new = "/terms/new";
    let missing = anna.send(new, new, &[("kind", "framework")], b"").await;
    assert_eq!(missing.status, 422);
    let draft = [
        ("kind", "framework"),
        ("label", "Terms 2026/2"),
        ("applies_to", "all"),
        ("consent", "silent"),
        ("summary_pl", "Nowa stawka."),
        ("summary_en", "A new rate."),
        ("text_pl", "§ 1\nStawka."),
        ("text_en", "§ 1\nThe rate."),
    ];
    let made = anna.send(new, new, &draft, b"").await;
    assert_eq!(place(&made), "/terms/1");
    let taken = anna.send(new, new, &draft, b"").await;
    assert_eq!(taken.status, 422);
    let edit = "/terms/1/edit";
    let texts = [
        ("summary_pl", "Nowa stawka."),
        ("summary_en", "A newer rate."),
        ("text_pl", "§ 1\nStawka."),
        ("text_en", "§ 1\nThe newer rate."),
    ];
    assert_eq!(place(&anna.send(edit, edit, &texts, b"").await), "/terms/1");
    assert!(anna.get("/terms/1").await.text.contains("A newer rate."));
    assert!(anna.get("/desk").await.text.contains("Terms: Terms 2026/2"));
    let own = anna.send("/terms/1", "/terms/1", &[("step", "approve")], b"").await;
    assert_eq!(own.status, 409, "{}", own.text);
    assert_eq!(anna.get("/notices").await.status, 200);
    let support = desk(&world, "support").await;
    assert_eq!(support.get(new).await.status, 403);
    assert_eq!(support.get("/notices").await.status, 200);
}

#[tokio::test]
async fn d13_the_home_of_a_partner_shows_whose_turn_it_is() {
    let world = world().await;
    let (begun, partner) = accepted(&world).await;
    let anna = of(&world, partner, "admin").await;
    let home = anna.get("/home").await;
    assert!(home.text.contains("Confidentiality agreement"), "{}", home.text);
    assert!(home.text.contains("It is your turn; by "), "{}", home.text);
    let cookie = format!("__Host-application={}.{}", begun.reference, begun.key.as_str());
    let applicant = Browser { world: &world, cookie };
    let status = applicant.get(&format!("/apply/{}", begun.reference)).await;
    assert!(status.text.contains("It is your turn; by "), "{}", status.text);
}
