//! S-01 to S-12 as stories, over a store of their own and a clock that stands still.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{factor::code_of, *};
use crate::{
    clock::{Clock, SetClock},
    domain::{
        Caller, PartnerId, PersonEvent, PersonState, Refusal, Right, UserId,
        secret::{Pepper, hex},
    },
    store::{GroupLimits, NewPartner, Person, Place, Store, Writer},
};

const NOON: i64 = 1_795_262_400_000_000;
const PASSWORD: &str = "mosty nad rzeka o swicie";
const HOME: Visitor<'static> = Visitor { address: "192.0.2.10", agent: "Browser 1" };
const MINUTE: Duration = Duration::from_mins(1);

struct World {
    partnership: Partnership,
    clock: Arc<SetClock>,
    acme: PartnerId,
    other: PartnerId,
    _writer: Writer,
    _folder: tempfile::TempDir,
}

/// Somebody with an account that works.
struct Somebody {
    id: UserId,
    mail: String,
    secret: Zeroizing<String>,
    token: Zeroizing<String>,
    recovery: Vec<Zeroizing<String>>,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("people.db").display());
    let (store, writer) =
        Store::open(Place { url, readers: 2 }, GroupLimits::default()).await.unwrap();
    let mut partners = Vec::new();
    for name in ["acme", "other"] {
        let new = NewPartner {
            name: name.into(),
            rate: 10,
            burst: 10,
            backlog_max: 100,
            waiting_max: 100,
        };
        partners.push(store.add_partner(&host(), NOON, &new).await.unwrap());
    }
    let clock = Arc::new(SetClock::at(NOON));
    let seal = Seal::new([&b"seal"[..]]);
    let portal = config::Portal {
        address: "https://partners.example".to_owned(),
        ..config::Portal::default()
    };
    let partnership = Partnership::new(store, Clock::Set(Arc::clone(&clock)), seal)
        .with_portal(portal)
        .with_quick_passwords();
    World {
        partnership,
        clock,
        acme: partners[0],
        other: partners[1],
        _writer: writer,
        _folder: folder,
    }
}

fn host() -> Caller {
    Caller::Operator { name: "root".into() }
}

fn refused<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn new_person(partner: Option<PartnerId>, mail: &str, role: &str) -> NewPerson {
    NewPerson {
        partner,
        mail: mail.to_owned(),
        name: format!("Mr {role}"),
        role: role.to_owned(),
        language: "en".to_owned(),
        company: String::new(),
    }
}

fn token_in(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

impl World {
    fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A code that was not used yet: time moves on by one step.
    fn fresh_code(&self, person: &Somebody) -> String {
        self.pass(Duration::from_secs(30));
        code_of(&person.secret, self.clock_now())
    }

    fn clock_now(&self) -> i64 {
        self.partnership.now()
    }

    /// From the invitation to a session.
    async fn somebody(&self, partner: Option<PartnerId>, mail: &str, role: &str) -> Somebody {
        let new = new_person(partner, mail, role);
        let invited = self.partnership.invite_by(&host(), &new, true).await.unwrap();
        self.enrol(invited.person, mail, token_in(&invited.path)).await
    }

    async fn enrol(&self, id: UserId, mail: &str, token: &str) -> Somebody {
        let begun = self.partnership.accept_invitation(token, PASSWORD, HOME).await.unwrap();
        let enrolling = self.partnership.enrolling_of(&begun.token).await.unwrap().unwrap();
        let shown = self.partnership.begin_enrolment(&enrolling).await.unwrap();
        let code = code_of(&shown.secret, self.clock_now());
        let done = self.partnership.confirm_enrolment(&enrolling, &code, HOME).await.unwrap();
        Somebody {
            id,
            mail: mail.to_owned(),
            secret: shown.secret,
            token: done.signed_in.token,
            recovery: done.recovery_codes,
        }
    }

    async fn signed(&self, token: &str) -> Signed {
        self.partnership.caller_of(token).await.unwrap().expect("a session that lives")
    }

    async fn is_alive(&self, token: &str) -> bool {
        self.partnership.caller_of(token).await.unwrap().is_some()
    }

    async fn try_log_in(
        &self,
        mail: &str,
        password: &str,
        code: &str,
        address: &str,
    ) -> Result<SignedIn, Error> {
        let visitor = Visitor { address, agent: "" };
        let code = Some(code);
        self.partnership.log_in(&LogIn { mail, password, code, visitor }).await
    }

    async fn stored(&self, id: UserId) -> Person {
        self.partnership.store().person(id).await.unwrap().unwrap()
    }

    async fn audited(&self, what: &str) -> usize {
        let rows = self.partnership.store().audit(1000).await.unwrap();
        rows.iter().filter(|row| row.what == what).count()
    }

    /// A session with a fresh code behind it.
    async fn fresh(&self, person: &Somebody) -> Signed {
        let code = self.fresh_code(person);
        let signed_in = self.try_log_in(&person.mail, PASSWORD, &code, HOME.address).await.unwrap();
        let signed = self.signed(&signed_in.token).await;
        let code = self.fresh_code(person);
        let token = self.partnership.step_up(&signed, &code).await.unwrap();
        self.signed(&token).await
    }
}

#[tokio::test]
async fn a_fresh_install_has_nobody_and_the_host_makes_the_first_administrator() {
    let world = world().await;
    assert_eq!(world.partnership.store().count_people().await.unwrap(), 0);
    let new = new_person(None, "Root@Operator.example", "admin");
    let invited = world.partnership.invite_by(&host(), &new, false).await.unwrap();
    assert_eq!(world.partnership.store().count_people().await.unwrap(), 1);
    assert_eq!(world.stored(invited.person).await.mail, "root@operator.example");
    let admin = world.enrol(invited.person, "root@operator.example", token_in(&invited.path)).await;
    let signed = world.signed(&admin.token).await;
    assert!(signed.is_operator() && signed.may(Right::EditSettings));
    assert_eq!(world.stored(admin.id).await.state, PersonState::Active);
}

#[tokio::test]
async fn an_invitation_works_once_and_for_a_week_and_the_newest_only() {
    let world = world().await;
    let partnership = &world.partnership;
    let new = new_person(Some(world.acme), "a@acme.example", "admin");
    let first = partnership.invite_by(&host(), &new, true).await.unwrap();
    let person = world.stored(first.person).await;
    let second = partnership.send_link_by(&host(), &person, true).await.unwrap();
    let use_up =
        async |path: &str| partnership.accept_invitation(token_in(path), PASSWORD, HOME).await;
    assert_eq!(refused(use_up(&first.path).await), Refusal::LinkInvalid);
    let view = partnership.look_at_link("invitation", token_in(&second.path)).await.unwrap();
    assert_eq!(view.mail, "a@acme.example");
    assert_eq!(
        refused(partnership.look_at_link("reset", token_in(&second.path)).await),
        Refusal::LinkInvalid
    );
    world.pass(Duration::from_hours(7 * 24));
    assert_eq!(refused(use_up(&second.path).await), Refusal::LinkInvalid);
    let person = world.stored(first.person).await;
    let third = partnership.send_link_by(&host(), &person, true).await.unwrap();
    world.pass(Duration::from_mins(7 * 24 * 60 - 1));
    use_up(&third.path).await.unwrap();
    assert_eq!(refused(use_up(&third.path).await), Refusal::LinkInvalid);
}

#[tokio::test]
async fn nothing_but_enrolment_is_open_before_the_second_factor() {
    let world = world().await;
    let new = new_person(None, "root@operator.example", "admin");
    let invited = world.partnership.invite_by(&host(), &new, true).await.unwrap();
    let token = token_in(&invited.path);
    let begun = world.partnership.accept_invitation(token, PASSWORD, HOME).await.unwrap();
    assert!(begun.is_enrolling && !world.is_alive(&begun.token).await);
    // The browser was closed: the password alone leads to the same place and no further.
    let again = world.try_log_in("root@operator.example", PASSWORD, "", "192.0.2.9").await;
    let again = again.unwrap();
    assert!(again.is_enrolling && !world.is_alive(&again.token).await);
    assert!(world.partnership.enrolling_of(&again.token).await.unwrap().is_some());
    world.pass(Duration::from_mins(30));
    assert!(world.partnership.enrolling_of(&again.token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_common_password_or_one_about_the_partner_is_refused_by_name() {
    let world = world().await;
    let new = new_person(Some(world.acme), "nowak@acme.example", "admin");
    let invited = world.partnership.invite_by(&host(), &new, true).await.unwrap();
    for (password, code) in
        [("short", "too_short"), ("password1", "too_common"), ("acmeacme1", "too_common")]
    {
        let token = token_in(&invited.path);
        let refusal = refused(world.partnership.accept_invitation(token, password, HOME).await);
        let Refusal::FieldErrors(faults) = refusal else { panic!("{refusal}") };
        assert_eq!((faults[0].field.as_str(), faults[0].code), ("password", code), "{password}");
    }
    // A refused password does not use up the link.
    world.enrol(invited.person, "nowak@acme.example", token_in(&invited.path)).await;
}

#[tokio::test]
async fn a_code_works_once_and_a_recovery_code_too() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let code = world.fresh_code(&anna);
    let log_in =
        async |code: &str| world.try_log_in(&anna.mail, PASSWORD, code, HOME.address).await;
    assert!(log_in(&code).await.is_ok());
    assert_eq!(refused(log_in(&code).await), Refusal::WrongLogIn, "replayed");
    assert!(log_in(&anna.recovery[0]).await.is_ok());
    assert_eq!(refused(log_in(&anna.recovery[0]).await), Refusal::WrongLogIn, "replayed");
    assert_eq!(refused(log_in("000000").await), Refusal::WrongLogIn);
    let none = LogIn { mail: &anna.mail, password: PASSWORD, code: None, visitor: HOME };
    assert_eq!(refused(world.partnership.log_in(&none).await), Refusal::WrongLogIn);
    assert_eq!(world.partnership.store().count_recovery_codes(anna.id).await.unwrap(), 9);
    assert_eq!(world.stored(anna.id).await.failures, 3, "counted since the last log-in");
}

#[tokio::test]
async fn the_same_code_at_the_same_moment_lets_one_in() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let code = world.fresh_code(&anna);
    let tries = (0..4).map(|_| world.try_log_in(&anna.mail, PASSWORD, &code, HOME.address));
    let won = futures_util::future::join_all(tries).await;
    assert_eq!(won.iter().filter(|one| one.is_ok()).count(), 1);
}

#[tokio::test]
async fn several_looks_at_a_new_factor_at_the_same_moment_show_one_secret() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let signed = world.fresh(&anna).await;
    let looks = (0..4).map(|_| world.partnership.begin_new_factor(&signed));
    let shown = futures_util::future::join_all(looks).await;
    let secrets: std::collections::BTreeSet<_> =
        shown.into_iter().map(|one| one.unwrap().secret.to_string()).collect();
    assert_eq!(secrets.len(), 1, "what one window showed, another one confirms");
}

#[tokio::test]
async fn everything_wrong_has_one_answer_and_costs_one_hash() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let gone = world.somebody(Some(world.acme), "gone@acme.example", "viewer").await;
    let before = world.stored(gone.id).await;
    world
        .partnership
        .set_person_by(&host(), &before, before.version, PersonEvent::Disabled)
        .await
        .unwrap();
    let code = world.fresh_code(&anna);
    for (mail, password) in [
        ("nobody@acme.example", PASSWORD),
        ("no address", PASSWORD),
        ("a@acme.example", "wrong"),
        ("gone@acme.example", PASSWORD),
    ] {
        let hashes = world.partnership.passwords.runs();
        let answer = refused(world.try_log_in(mail, password, &code, "203.0.113.1").await);
        assert_eq!(answer, Refusal::WrongLogIn, "{mail}");
        assert_eq!(world.partnership.passwords.runs() - hashes, 1, "{mail}");
    }
    assert_eq!(world.audited("session.refuse").await, 4);
    assert!(world.try_log_in("A@ACME.example", PASSWORD, &code, "203.0.113.1").await.is_ok());
}

#[tokio::test]
async fn ten_thousand_guesses_are_a_hundred_tries_and_the_owner_still_gets_in() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let mut tried = 0;
    for guess in 0..10_000_u32 {
        let address = format!("198.51.100.{}", guess % 100);
        let answer = refused(world.try_log_in(&anna.mail, "a guess", "123456", &address).await);
        if answer == Refusal::WrongLogIn {
            tried += 1;
        } else {
            assert!(matches!(answer, Refusal::TooManyTries { .. }), "{answer}");
        }
        world.pass(Duration::from_secs(1));
    }
    assert!((5..=100).contains(&tried), "{tried} guesses were tried");
    let code = world.fresh_code(&anna);
    assert!(world.try_log_in(&anna.mail, PASSWORD, &code, HOME.address).await.is_ok());
    // From a place where the owner never was it takes a quarter of an hour at most.
    world.pass(Duration::from_mins(15));
    let code = world.fresh_code(&anna);
    assert!(world.try_log_in(&anna.mail, PASSWORD, &code, "203.0.113.77").await.is_ok());
}

#[tokio::test]
async fn guesses_at_many_accounts_from_one_address_are_slowed_down_too() {
    let world = world().await;
    let mut tried = 0;
    for guess in 0..1000 {
        let mail = format!("user{guess}@acme.example");
        let answer = refused(world.try_log_in(&mail, "a guess", "", "198.51.100.1").await);
        tried += usize::from(answer == Refusal::WrongLogIn);
    }
    assert_eq!(tried, 21);
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age_sooner_for_the_operators_staff() {
    let world = world().await;
    for (partner, idle, absolute) in [(Some(world.acme), 30, 12), (None, 15, 8)] {
        let mail = format!("{absolute}@acme.example");
        let anna = world.somebody(partner, &mail, "admin").await;
        world.pass(Duration::from_secs(60 * u64::from(idle) - 1));
        assert!(world.is_alive(&anna.token).await);
        world.pass(idle * MINUTE);
        assert!(!world.is_alive(&anna.token).await, "idle");
        let code = world.fresh_code(&anna);
        let token = world.try_log_in(&mail, PASSWORD, &code, HOME.address).await.unwrap().token;
        let begun = world.clock_now();
        while world.clock_now() - begun < micros(Duration::from_hours(absolute)) - 600_000_000 {
            world.pass(10 * MINUTE);
            assert!(world.is_alive(&token).await, "in use");
        }
        world.pass(10 * MINUTE);
        assert!(!world.is_alive(&token).await, "too old");
    }
}

#[tokio::test]
async fn a_disabled_account_is_dead_at_its_next_click_and_comes_back_without_its_sessions() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let jan = world.somebody(Some(world.acme), "jan@acme.example", "developer").await;
    assert!(world.is_alive(&jan.token).await);
    let admin = world.fresh(&anna).await;
    let version = world.stored(jan.id).await.version;
    let disabled =
        world.partnership.set_person(&admin, jan.id, version, PersonEvent::Disabled).await.unwrap();
    assert!(!world.is_alive(&jan.token).await);
    let code = world.fresh_code(&jan);
    let answer = world.try_log_in(&jan.mail, PASSWORD, &code, HOME.address).await;
    assert_eq!(refused(answer), Refusal::WrongLogIn);
    world
        .partnership
        .set_person(&admin, jan.id, disabled.version, PersonEvent::Enabled)
        .await
        .unwrap();
    assert!(!world.is_alive(&jan.token).await);
    let code = world.fresh_code(&jan);
    assert!(world.try_log_in(&jan.mail, PASSWORD, &code, HOME.address).await.is_ok());
}

#[tokio::test]
async fn own_sessions_are_listed_and_ended_one_or_all() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let mut tokens = vec![anna.token.clone()];
    for _ in 0..2 {
        let code = world.fresh_code(&anna);
        let begun = world.try_log_in(&anna.mail, PASSWORD, &code, HOME.address).await.unwrap();
        tokens.push(begun.token);
    }
    let signed = world.signed(&tokens[0]).await;
    let lines = world.partnership.sessions(&signed).await.unwrap();
    assert_eq!(lines.len(), 3);
    let third = world.signed(&tokens[2]).await.session;
    world.partnership.end_session(&signed, third).await.unwrap();
    assert!(!world.is_alive(&tokens[2]).await);
    assert_eq!(
        refused(world.partnership.end_session(&signed, third).await),
        Refusal::UnknownId("session")
    );
    assert_eq!(world.partnership.end_other_sessions(&signed).await.unwrap(), 1);
    assert!(world.is_alive(&tokens[0]).await && !world.is_alive(&tokens[1]).await);
    world.partnership.log_out(&signed).await.unwrap();
    assert!(!world.is_alive(&tokens[0]).await);
}

#[tokio::test]
async fn a_fresh_code_opens_what_is_sensitive_for_five_minutes_under_a_new_token() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let code = world.fresh_code(&anna);
    let token = world.try_log_in(&anna.mail, PASSWORD, &code, HOME.address).await.unwrap().token;
    let signed = world.signed(&token).await;
    let partnership = &world.partnership;
    assert_eq!(partnership.require(&signed, Right::SeePeople), Ok(()));
    assert_eq!(partnership.require(&signed, Right::ManagePeople), Err(Refusal::StepUpNeeded));
    assert_eq!(refused(partnership.step_up(&signed, &code).await), Refusal::WrongLogIn, "used");
    let code = world.fresh_code(&anna);
    let new_token = partnership.step_up(&signed, &code).await.unwrap();
    assert!(!world.is_alive(&token).await, "the old token is dead");
    let signed = world.signed(&new_token).await;
    assert_eq!(partnership.require(&signed, Right::ManagePeople), Ok(()));
    assert_eq!(partnership.require(&signed, Right::EditSettings), Err(Refusal::NotAllowed));
    world.pass(5 * MINUTE);
    let signed = world.signed(&new_token).await;
    assert_eq!(partnership.require(&signed, Right::ManagePeople), Err(Refusal::StepUpNeeded));
}

#[tokio::test]
async fn a_forgotten_password_is_answered_alike_for_everybody() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let partnership = &world.partnership;
    let letters = async || {
        let rows = partnership.store().audit(1000).await.unwrap();
        let asked = rows.iter().filter(|row| row.what == "person.ask_reset");
        asked.map(|row| row.subject.clone()).collect::<Vec<_>>()
    };
    for mail in ["nobody@acme.example", "rubbish", "a@acme.example"] {
        partnership.ask_reset(mail, HOME).await.unwrap();
    }
    let expected = [anna.id.to_string(), "person:unknown".into(), "person:unknown".into()];
    assert_eq!(letters().await, expected);
    for _ in 0..10 {
        partnership.ask_reset("a@acme.example", HOME).await.unwrap();
    }
    assert!(letters().await.len() <= 6, "nobody's letter box is filled");
}

#[tokio::test]
async fn a_new_password_ends_all_sessions_and_does_not_replace_the_second_factor() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let person = world.stored(anna.id).await;
    let sent = world.partnership.send_link_by(&host(), &person, true).await.unwrap();
    let token = token_in(&sent.path).to_owned();
    assert!(token.len() >= 32, "128 bits and more");
    let fresh = "zupa pomidorowa z makaronem";
    world.pass(Duration::from_mins(30));
    assert_eq!(
        refused(world.partnership.reset_password(&token, fresh).await),
        Refusal::LinkInvalid,
        "too old"
    );
    let person = world.stored(anna.id).await;
    let sent = world.partnership.send_link_by(&host(), &person, true).await.unwrap();
    let code = world.fresh_code(&anna);
    let session = world.try_log_in(&anna.mail, PASSWORD, &code, HOME.address).await.unwrap();
    world.partnership.reset_password(token_in(&sent.path), fresh).await.unwrap();
    assert!(!world.is_alive(&session.token).await);
    assert_eq!(
        refused(world.partnership.reset_password(token_in(&sent.path), fresh).await),
        Refusal::LinkInvalid,
        "used"
    );
    let none = LogIn { mail: &anna.mail, password: fresh, code: None, visitor: HOME };
    assert_eq!(refused(world.partnership.log_in(&none).await), Refusal::WrongLogIn);
    let code = world.fresh_code(&anna);
    assert!(world.try_log_in(&anna.mail, fresh, &code, HOME.address).await.is_ok());
}

#[tokio::test]
async fn an_administrator_invites_into_its_own_partner_whatever_it_asks_for() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let admin = world.fresh(&anna).await;
    let wish = new_person(Some(world.other), "jan@acme.example", "developer");
    let invited = world.partnership.invite(&admin, &wish).await.unwrap();
    assert_eq!(world.stored(invited.person).await.partner, Some(world.acme));
    let staff = new_person(None, "x@acme.example", "auditor");
    let refusal = refused(world.partnership.invite(&admin, &staff).await);
    assert!(matches!(refusal, Refusal::FieldErrors(_)), "the operator's roles are not theirs");
    let again = refused(world.partnership.invite(&admin, &wish).await);
    assert_eq!(again, Refusal::Taken("mail address"));
    let jan = world.somebody(Some(world.acme), "dev@acme.example", "developer").await;
    let dev = world.fresh(&jan).await;
    let wish = new_person(None, "y@acme.example", "viewer");
    assert_eq!(refused(world.partnership.invite(&dev, &wish).await), Refusal::NotAllowed);
}

#[tokio::test]
async fn another_partners_person_is_as_unknown_as_nobody() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let eve = world.somebody(Some(world.other), "eve@other.example", "admin").await;
    let staff = world.somebody(None, "root@operator.example", "admin").await;
    let admin = world.fresh(&eve).await;
    let partnership = &world.partnership;
    for id in [anna.id, staff.id, UserId(999)] {
        let unknown = Refusal::UnknownId("person");
        assert_eq!(refused(partnership.person(&admin, id).await), unknown);
        let change = PersonChange::default();
        assert_eq!(refused(partnership.change_person(&admin, id, 1, &change).await), unknown);
        let event = PersonEvent::Disabled;
        assert_eq!(refused(partnership.set_person(&admin, id, 1, event).await), unknown);
        assert_eq!(refused(partnership.remove_second_factor(&admin, id, 1).await), unknown);
        assert_eq!(refused(partnership.send_link(&admin, id).await), unknown);
        assert_eq!(refused(partnership.end_sessions_of(&admin, id).await), unknown);
    }
    let seen = partnership.people(&admin, Some(world.acme)).await.unwrap();
    assert_eq!(seen.iter().map(|person| person.id).collect::<Vec<_>>(), [eve.id]);
}

#[tokio::test]
async fn a_new_role_ends_the_sessions_and_the_last_administrator_stays_one() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let jan = world.somebody(Some(world.acme), "jan@acme.example", "admin").await;
    let admin = world.fresh(&anna).await;
    let viewer = PersonChange { role: Some("viewer".to_owned()), ..PersonChange::default() };
    let partnership = &world.partnership;
    let version = world.stored(jan.id).await.version;
    let stale = partnership.change_person(&admin, jan.id, version - 1, &viewer).await;
    assert_eq!(refused(stale), Refusal::VersionConflict);
    partnership.change_person(&admin, jan.id, version, &viewer).await.unwrap();
    assert!(!world.is_alive(&jan.token).await);
    let version = world.stored(anna.id).await.version;
    let demoted = partnership.change_person(&admin, anna.id, version, &viewer).await;
    assert!(matches!(refused(demoted), Refusal::WrongState(_)));
    let event = PersonEvent::Disabled;
    let disabled = partnership.set_person(&admin, anna.id, version, event).await;
    assert!(matches!(refused(disabled), Refusal::WrongState(_)));
    assert_eq!(world.stored(anna.id).await.version, version, "nothing was written");
}

#[tokio::test]
async fn a_lost_second_factor_is_removed_by_another_administrator_and_set_anew() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let jan = world.somebody(Some(world.acme), "jan@acme.example", "developer").await;
    let admin = world.fresh(&anna).await;
    let own = world.stored(anna.id).await.version;
    let refusal = world.partnership.remove_second_factor(&admin, anna.id, own).await;
    assert_eq!(refused(refusal), Refusal::NotAllowed);
    let version = world.stored(jan.id).await.version;
    world.partnership.remove_second_factor(&admin, jan.id, version).await.unwrap();
    assert!(!world.is_alive(&jan.token).await);
    let begun = world.try_log_in(&jan.mail, PASSWORD, "", HOME.address).await.unwrap();
    assert!(begun.is_enrolling);
    assert_eq!(world.partnership.store().count_recovery_codes(jan.id).await.unwrap(), 0);
    assert_eq!(world.audited("person.remove_factor").await, 1);
}

#[tokio::test]
async fn a_changed_password_takes_the_old_one_and_ends_other_sessions() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let first = anna.token.clone();
    let signed = world.fresh(&anna).await;
    let fresh = "zupa pomidorowa z makaronem";
    let partnership = &world.partnership;
    let wrong = refused(partnership.change_password(&signed, "wrong", fresh, HOME).await);
    assert!(matches!(wrong, Refusal::FieldErrors(_)));
    let goes_on = partnership.change_password(&signed, PASSWORD, fresh, HOME).await.unwrap();
    assert!(!world.is_alive(&first).await && world.is_alive(&goes_on.token).await);
}

#[tokio::test]
async fn no_secret_is_in_the_audit_trail_or_readable_in_the_store() {
    let world = world().await;
    let anna = world.somebody(Some(world.acme), "a@acme.example", "admin").await;
    let rows = world.partnership.store().audit(1000).await.unwrap();
    let trail = rows.iter().map(|row| row.detail.as_str()).collect::<Vec<_>>().join("\n");
    let person = world.stored(anna.id).await;
    for secret in [PASSWORD, &anna.secret, &anna.token, &anna.recovery[0], "$argon2id"] {
        assert!(!trail.contains(secret), "{secret}");
    }
    let sealed = hex(person.secrets.totp.as_deref().unwrap());
    assert!(!sealed.contains(&hex(anna.secret.as_bytes())));
    assert!(trail.contains("\"state\":[\"invited\",\"active\"]"), "{trail}");
    assert!(!format!("{person:?}").contains("$argon2id"));
    assert!(world.partnership.store().verify_audit().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_developer_makes_rotates_and_revokes_access_of_its_own_partner_only() {
    let world = world().await;
    let jan = world.somebody(Some(world.acme), "jan@acme.example", "developer").await;
    let eve = world.somebody(Some(world.other), "eve@other.example", "developer").await;
    let (pepper, partnership) = (Pepper::new(*b"pepper"), &world.partnership);
    let wish = CredentialWish {
        system_id: "acme1".to_owned(),
        addresses: vec!["192.0.2.0/24".to_owned()],
        ..CredentialWish::default()
    };
    let stale = world.signed(&jan.token).await;
    world.pass(5 * MINUTE);
    let refusal = refused(partnership.add_credential(&stale, &pepper, None, &wish).await);
    assert_eq!(refusal, Refusal::StepUpNeeded);
    let signed = world.fresh(&jan).await;
    let made = partnership.add_credential(&signed, &pepper, None, &wish).await.unwrap();
    assert!(made.secret.len() == 8 && made.secret.bytes().all(|b| b.is_ascii_alphanumeric()));
    let again = refused(partnership.add_credential(&signed, &pepper, None, &wish).await);
    assert_eq!(again, Refusal::Taken("system_id"));
    let next = partnership.rotate_credential(&signed, &pepper, None, "acme1").await.unwrap();
    let catalog = partnership.store().load_catalog().await.unwrap();
    let credential = catalog.credential("acme1").unwrap();
    for secret in [&made.secret, &next.secret] {
        assert!(pepper.matches(secret.as_bytes(), &credential.secrets), "both work");
    }
    let key = partnership
        .add_api_key(&signed, &pepper, None, (None, crate::domain::Mode::Live))
        .await
        .unwrap();
    let newer = partnership.rotate_api_key(&signed, &pepper, None, &key.name).await.unwrap();
    let keys = partnership.api_keys(&signed, None).await.unwrap();
    let week = world.clock_now() + 7 * 86_400_000_000;
    assert_eq!(keys.iter().find(|line| line.prefix == key.name).unwrap().expires_at, week);
    let stranger = world.fresh(&eve).await;
    let unknown = Refusal::UnknownId("system_id");
    let theirs = Some(world.acme);
    let rotated = partnership.rotate_credential(&stranger, &pepper, theirs, "acme1").await;
    assert_eq!(refused(rotated), unknown);
    let revoked = partnership.revoke_credential(&stranger, theirs, "acme1").await;
    assert_eq!(refused(revoked), unknown);
    let revoked = partnership.revoke_api_key(&stranger, theirs, &newer.name).await;
    assert_eq!(refused(revoked), Refusal::UnknownId("key"));
    let signed = world.fresh(&jan).await;
    partnership.revoke_credential(&signed, None, "acme1").await.unwrap();
    let lines = partnership.credentials(&signed, None).await.unwrap();
    assert_eq!((lines.len(), lines[0].is_active), (1, 0));
    partnership.revoke_api_key(&signed, None, &newer.name).await.unwrap();
    assert_eq!(partnership.api_keys(&signed, None).await.unwrap().len(), 1);
}
