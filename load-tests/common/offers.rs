//! Services that both sides keep working on while messages flow, and the log of what was in force.
//!
//! They come in pairs: each service has a keyword of its own, and a third one walks between the two.
//! The surprise: a change is in force somewhere between the call and the answer of its verb, and in
//! the gateway up to a second later, so that every entry of the log has both moments.

use std::path::Path;

use bramka::{
    domain::{LifeEvent, NumberEvent, PartnerId},
    partnership::{HoldWish, Partnership, Signed, StepNote},
    store::OfferingRow,
};

use super::people::{log_in, verbs};

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

/// A service as the last verb left it.
struct Offer {
    row: OfferingRow,
    version: i64,
    keywords: Vec<String>,
}

pub(crate) struct Offers {
    verbs: Partnership,
    staff: Signed,
    partner: Signed,
    services: Vec<Offer>,
    log: Vec<Version>,
    turn: usize,
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn note() -> StepNote<'static> {
    StepNote { reason: "load test", ..StepNote::default() }
}

impl Offers {
    /// `pairs` of live services of the first partner.
    pub(crate) async fn make(folder: &Path, pairs: usize) -> Self {
        let verbs = verbs(folder).await;
        let (staff, partner) = (log_in(&verbs, None, "staff@operator.example").await, PartnerId(1));
        let partner = log_in(&verbs, Some(partner), "boss@p0.example").await;
        let staff = verbs.caller_of(&staff).await.expect("a store").expect("a session");
        let partner = verbs.caller_of(&partner).await.expect("a store").expect("a session");
        let file = format!("digits,shared\n{NUMBER},yes\n");
        verbs.import_numbers(&staff, file.as_bytes(), false).await.expect("a number");
        let mut made =
            Self { verbs, staff, partner, services: Vec::new(), log: Vec::new(), turn: 0 };
        for pair in 0..pairs {
            let words = ["ALFA", "BETA", "WALK"].map(|word| format!("{word}{pair}"));
            for word in &words {
                made.hold(word).await;
            }
            let [alfa, beta, walk] = words;
            made.launch(&format!("alfa{pair}"), vec![alfa, walk]).await;
            made.launch(&format!("beta{pair}"), vec![beta]).await;
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

    async fn launch(&mut self, name: &str, keywords: Vec<String>) {
        let row = self.verbs.draft_service(&self.partner, name).await.expect("a draft");
        self.services.push(Offer { row, version: 0, keywords: keywords.clone() });
        let place = self.services.len() - 1;
        let keywords = keywords.join(" ");
        let form = [
            ("kind", "vote"),
            ("short_code", NUMBER),
            ("keywords", &keywords),
            ("billing", "free"),
            ("answer", "Dziekujemy za glos."),
            ("contact_mail", "pomoc@acme.pl"),
            ("contact_phone", "225554433"),
            ("rules_url", "https://acme.pl/regulamin"),
            ("test_numbers", "48600100200"),
            ("rate", "1000"),
        ];
        self.edit(place, &form).await;
        for event in [LifeEvent::Submit, LifeEvent::Approve, LifeEvent::StartTest] {
            self.step(place, event).await;
        }
        let at = (self.services[place].row.id, self.services[place].row.version);
        let passed = self.verbs.pass_service_test(&self.staff, at, "load test").await;
        self.services[place].row = passed.expect("a passed test");
        // The test was the first version that the gateway knew.
        self.services[place].version = 1;
        self.logged(place, LifeEvent::GoLive, true).await;
    }

    async fn edit(&mut self, place: usize, form: &[(&str, &str)]) {
        let fields: Vec<_> =
            form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let row = &self.services[place].row;
        let edited = self.verbs.edit_service(&self.partner, (row.id, row.version), &fields).await;
        self.services[place].row = edited.expect("a description");
    }

    async fn step(&mut self, place: usize, event: LifeEvent) {
        let is_own = matches!(event, LifeEvent::Submit);
        let signed = if is_own { &self.partner } else { &self.staff };
        let row = &self.services[place].row;
        let stepped = self.verbs.step_service(signed, (row.id, row.version), event, note()).await;
        self.services[place].row = stepped.expect("a step");
    }

    /// A step that makes a version of the routed service, with its place in the log.
    async fn logged(&mut self, place: usize, event: LifeEvent, is_live: bool) {
        let began = now();
        self.step(place, event).await;
        let done = now();
        let offer = &mut self.services[place];
        offer.version += 1;
        self.log.push(Version {
            service: offer.row.service_id.expect("it is routed"),
            number: offer.version,
            began,
            done,
            is_live,
            keywords: offer.keywords.clone(),
        });
    }

    async fn approve(&mut self, place: usize, form: &[(&str, &str)]) {
        self.edit(place, form).await;
        self.step(place, LifeEvent::Submit).await;
        self.logged(place, LifeEvent::Approve, true).await;
    }

    /// The next change or two: a suspension, its end, a new version, a keyword that moves.
    pub(crate) async fn change(&mut self) -> u64 {
        let (pair, kind) = (self.turn / 4 % (self.services.len() / 2), self.turn % 4);
        let (alfa, beta) = (2 * pair, 2 * pair + 1);
        self.turn += 1;
        match kind {
            0 => self.logged(alfa, LifeEvent::Suspend, false).await,
            1 => self.logged(alfa, LifeEvent::Resume, true).await,
            2 => {
                let rate = if self.turn.is_multiple_of(8) { "999" } else { "1000" };
                self.approve(beta, &[("rate", rate)]).await;
            }
            _ => {
                let is_with_alfa = self.services[alfa].keywords.len() > 1;
                let (from, to) = if is_with_alfa { (alfa, beta) } else { (beta, alfa) };
                let word = self.services[from].keywords.pop().expect("the one that walks");
                let words = self.services[from].keywords.join(" ");
                self.approve(from, &[("keywords", &words)]).await;
                self.services[to].keywords.push(word);
                let words = self.services[to].keywords.join(" ");
                self.approve(to, &[("keywords", &words)]).await;
                return 2;
            }
        }
        1
    }
}
