//! Services that both sides keep working on while messages flow, and the log of what was in force.
//!
//! They come in pairs: each service has a keyword of its own, and a third one walks between the two.
//! They are made before the daemon starts and changed through it, as by partners and staff. The
//! surprise: a change is in force somewhere between the request and its answer, and in the gateway
//! up to a second later, so that every entry of the log has both moments.

use std::{net::SocketAddr, path::Path};

use bramka::{
    domain::{LifeEvent, NumberEvent, PartnerId},
    partnership::{HoldWish, Partnership, Signed, StepNote},
    store::OfferingRow,
};

use serde_json::{Value, json};

use super::{
    api::{Api, bearer},
    people::{log_in, verbs},
};

/// Their number.
pub(crate) const NUMBER: &str = "8055";

/// A version of a service.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) service: i64,
    pub(crate) number: i64,
    /// Microseconds UTC around the commit.
    pub(crate) began: i64,
    pub(crate) done: i64,
    pub(crate) is_live: bool,
    pub(crate) keywords: Vec<String>,
}

/// A service as the last step left it.
struct Offer {
    /// Number and version of what is described.
    at: (i64, i64),
    /// The routed service and its version.
    service: i64,
    number: i64,
    keywords: Vec<String>,
}

pub(crate) struct Offers {
    /// Tokens of staff and partner.
    tokens: [String; 2],
    services: Vec<Offer>,
    log: Vec<Version>,
    turn: usize,
}

/// The same while the daemon runs.
pub(crate) struct Desk<'o> {
    offers: &'o mut Offers,
    staff: Api,
    partner: Api,
}

/// Those who make them.
struct Makers {
    verbs: Partnership,
    staff: Signed,
    partner: Signed,
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

impl Makers {
    async fn hold(&self, keyword: &str) {
        let verbs = &self.verbs;
        let number = verbs.number_called(&self.staff, NUMBER).await.expect("a store");
        let wish = HoldWish {
            number: number.expect("it was imported").id,
            keyword: keyword.to_owned(),
            despite_likeness: true,
        };
        let row = verbs.reserve_number(&self.partner, &wish).await.expect("a reservation");
        let at = (row.id, row.version);
        let row = verbs.step_reservation(&self.partner, at, NumberEvent::Order, "").await;
        let row = row.expect("an order");
        let at = (row.id, row.version);
        let row = verbs.step_reservation(&self.staff, at, NumberEvent::Activate, "").await;
        row.expect("an active keyword");
    }

    async fn launch(&self, name: &str, keywords: Vec<String>) -> Offer {
        let (verbs, partner) = (&self.verbs, &self.partner);
        let row = verbs.draft_service(partner, name).await.expect("a draft");
        let joined = keywords.join(" ");
        let form = [
            ("kind", "vote"),
            ("short_code", NUMBER),
            ("keywords", &joined),
            ("billing", "free"),
            ("answer", "Dziekujemy za glos."),
            ("contact_mail", "pomoc@acme.pl"),
            ("contact_phone", "225554433"),
            ("rules_url", "https://acme.pl/regulamin"),
            ("test_numbers", "48600100200"),
            ("rate", "1000"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let edited = verbs.edit_service(partner, (row.id, row.version), &form).await;
        let row = self.step(edited.expect("a description"), LifeEvent::Submit).await;
        let row = self.step(row, LifeEvent::Approve).await;
        let row = self.step(row, LifeEvent::StartTest).await;
        let at = (row.id, row.version);
        let passed = verbs.pass_service_test(&self.staff, at, "load test").await;
        let row = self.step(passed.expect("a passed test"), LifeEvent::GoLive).await;
        let service = row.service_id.expect("it is routed");
        // The test was the first version that the gateway knew.
        Offer { at: (row.id, row.version), service, number: 2, keywords }
    }

    async fn step(&self, row: OfferingRow, event: LifeEvent) -> OfferingRow {
        let signed = if event == LifeEvent::Submit { &self.partner } else { &self.staff };
        let note = StepNote { reason: "load test", ..StepNote::default() };
        let stepped = self.verbs.step_service(signed, (row.id, row.version), event, note).await;
        stepped.expect("a step")
    }
}

impl Offers {
    /// `pairs` of live services of the first partner.
    pub(crate) async fn make(folder: &Path, pairs: usize) -> Self {
        let verbs = verbs(folder).await;
        let tokens = [
            log_in(&verbs, None, "staff@operator.example").await,
            log_in(&verbs, Some(PartnerId(1)), "boss@p0.example").await,
        ];
        let staff = verbs.caller_of(&tokens[0]).await.expect("a store").expect("a session");
        let partner = verbs.caller_of(&tokens[1]).await.expect("a store").expect("a session");
        let file = format!("digits,shared\n{NUMBER},yes\n");
        verbs.import_numbers(&staff, file.as_bytes(), false).await.expect("a number");
        let makers = Makers { verbs, staff, partner };
        let mut made = Self { tokens, services: Vec::new(), log: Vec::new(), turn: 0 };
        for pair in 0..pairs {
            let words = ["ALFA", "BETA", "WALK"].map(|word| format!("{word}{pair}"));
            for word in &words {
                makers.hold(word).await;
            }
            let [alfa, beta, walk] = words;
            for (name, keywords) in [("alfa", vec![alfa, walk]), ("beta", vec![beta])] {
                let began = now();
                let offer = makers.launch(&format!("{name}{pair}"), keywords).await;
                made.services.push(offer);
                made.note(made.services.len() - 1, began, true);
            }
        }
        made
    }

    /// Every keyword of all of them.
    pub(crate) fn words(&self) -> Vec<String> {
        self.services.iter().flat_map(|offer| offer.keywords.iter().cloned()).collect()
    }

    /// What was in force, in the order of time.
    pub(crate) fn log(&self) -> &[Version] {
        &self.log
    }

    /// Goes on through the daemon.
    pub(crate) async fn through(&mut self, http: SocketAddr) -> Desk<'_> {
        let [staff, partner] = self.tokens.each_ref().map(|token| bearer(token));
        let (staff, partner) =
            (Api::connect(http, &staff).await, Api::connect(http, &partner).await);
        Desk { offers: self, staff, partner }
    }

    fn note(&mut self, place: usize, began: i64, is_live: bool) {
        let offer = &self.services[place];
        self.log.push(Version {
            service: offer.service,
            number: offer.number,
            began,
            done: now(),
            is_live,
            keywords: offer.keywords.clone(),
        });
    }
}

impl Desk<'_> {
    async fn edit(&mut self, place: usize, name: &str, value: &str) {
        let (id, version) = self.offers.services[place].at;
        let path = format!("/api/v1/services/{id}");
        let answer = self.partner.change("PATCH", &path, version, &json!({ name: value })).await;
        self.offers.services[place].at.1 = version_of(&answer);
    }

    async fn step(&mut self, place: usize, step: &str) {
        let (id, version) = self.offers.services[place].at;
        let path = format!("/api/v1/services/{id}/{step}");
        let api = if step == "submit" { &mut self.partner } else { &mut self.staff };
        let body = json!({ "reason": "load test" });
        let answer = api.change("POST", &path, version, &body).await;
        self.offers.services[place].at.1 = version_of(&answer);
    }

    /// A step that makes a version of the routed service, with its place in the log.
    async fn logged(&mut self, place: usize, step: &str, is_live: bool) {
        let began = now();
        self.step(place, step).await;
        self.offers.services[place].number += 1;
        self.offers.note(place, began, is_live);
    }

    async fn approve(&mut self, place: usize, name: &str, value: &str) {
        self.edit(place, name, value).await;
        self.step(place, "submit").await;
        self.logged(place, "approve", true).await;
    }

    /// The next change or two: a suspension, its end, a new version, a keyword that moves.
    pub(crate) async fn change(&mut self) -> u64 {
        let Offers { services, turn, .. } = &mut *self.offers;
        let (pair, kind) = (*turn / 4 % (services.len() / 2), *turn % 4);
        let (alfa, beta) = (2 * pair, 2 * pair + 1);
        *turn += 1;
        match kind {
            0 => self.logged(alfa, "suspend", false).await,
            1 => self.logged(alfa, "resume", true).await,
            2 => {
                let rate = if turn.is_multiple_of(8) { "999" } else { "1000" };
                self.approve(beta, "rate", rate).await;
            }
            _ => {
                let is_with_alfa = services[alfa].keywords.len() > 1;
                let (from, to) = if is_with_alfa { (alfa, beta) } else { (beta, alfa) };
                let word = services[from].keywords.pop().expect("the one that walks");
                let words = services[from].keywords.join(" ");
                self.approve(from, "keywords", &words).await;
                let services = &mut self.offers.services;
                services[to].keywords.push(word);
                let words = services[to].keywords.join(" ");
                self.approve(to, "keywords", &words).await;
                return 2;
            }
        }
        1
    }
}

fn version_of(answer: &Value) -> i64 {
    answer["version"].as_i64().expect("a version")
}
