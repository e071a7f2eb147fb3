//! The verbs of the partnership: apply, decide, agree, let people in.
//!
//! Each verb checks the right of its caller, asks the nouns of `domain` whether the step is legal,
//! and is one transaction of the store with its audit row, its happening and its letters. Pages
//! and API call the same verb. What surprises: a foreign id is answered exactly as an unknown one.

mod access;
mod accounts;
#[cfg(test)]
mod accounts_tests;
mod agree;
mod agree_desk;
mod agree_steps;
#[cfg(test)]
mod agree_tests;
mod applicant;
mod apply;
#[cfg(test)]
mod apply_tests;
mod as_pdu;
mod audit;
mod bank;
#[cfg(test)]
mod bank_tests;
mod clamd;
mod complaint_answer;
mod complaint_letters;
mod complaint_notes;
mod complaint_pack;
mod complaint_rates;
mod complaint_rules;
mod complaint_steps;
mod complaint_sweep;
mod complaint_views;
mod complaints;
#[cfg(test)]
mod complaints_kill_tests;
#[cfg(test)]
mod complaints_tests;
mod contract;
mod decide;
#[cfg(test)]
mod decide_tests;
mod desk;
mod error;
mod factor;
mod fault_letters;
mod fault_rules;
mod fault_steps;
mod fault_sweep;
mod fault_watch;
#[cfg(test)]
mod fault_watch_tests;
mod faults;
#[cfg(test)]
mod faults_tests;
mod files;
mod flood;
mod guard;
mod hub;
#[cfg(test)]
mod hub_tests;
mod incidents;
mod journey;
mod lead_in;
mod links;
mod log_in;
mod messages;
mod number_line;
mod number_sweep;
mod numbers;
#[cfg(test)]
mod numbers_tests;
mod order_letters;
mod order_steps;
mod order_turns;
mod orders;
#[cfg(test)]
mod orders_tests;
mod own;
mod passwords;
mod render;
mod replays;
#[cfg(test)]
mod replays_tests;
mod request;
mod reserve;
mod reserve_steps;
mod retention;
#[cfg(test)]
mod retention_tests;
mod rules;
mod sandbox;
mod service_letters;
mod service_steps;
mod services;
#[cfg(test)]
mod services_tests;
mod session;
mod specifications;
#[cfg(test)]
mod specifications_tests;
mod terms;
#[cfg(test)]
mod terms_tests;
mod traffic;
pub mod trouble_ticket;
mod view_as;
mod wording;

use std::sync::Arc;

pub use access::{CredentialWish, NewSecret};
pub use accounts::{Invited, NewPerson, PersonChange};
pub use agree::{Checklist, Draft, NewAgreementOf, Rendered, ReturnedCopy, Stop, Swept};
pub use agree_desk::{AgreementStep, HandedCopy};
pub use applicant::{ApplicationView, LaterSteps};
pub use apply::{Beginning, Begun, NewIdea, WholeApplication};
pub use as_pdu::AsPdu;
pub use clamd::{ScanFault, Scanner};
pub use complaint_rates::ComplaintRates;
pub use complaint_rules::ComplaintRules;
pub use complaint_steps::ComplaintStep;
pub use complaint_sweep::ComplaintsSwept;
pub use complaint_views::ComplaintView;
pub use complaints::{COMPLAINT_MESSAGES_MAX, ComplaintWish};
pub use contract::Contract;
pub use decide::{Decided, StaffView};
pub use desk::Waiting;
pub use error::Error;
pub use factor::Enrolment;
#[cfg(test)]
pub(crate) use factor::code_of;
pub use fault_rules::{FaultContact, FaultRules};
pub use fault_sweep::FaultsSwept;
pub use fault_watch::{FaultWatch, FaultsFiled, SeenLink};
pub use faults::{FaultView, FaultWish, ITEMS_MAX as FAULT_ITEMS_MAX};
pub use files::{FileFault, OpenFile};
pub use hub::{AddressGuard, DueNews, HubAnswer, HubPost, NewHub, origin};
pub use incidents::IncidentWish;
pub use links::InvitationView;
pub use log_in::{Enrolled, LogIn, SignedIn, Visitor};
pub use messages::{MessageView, number_pattern};
pub use number_sweep::NumbersSwept;
pub use numbers::{ImportReport, NumberView};
pub use orders::OrderView;
pub use replays::{ReplayFilter, ReplayPreview, ReplayRules, ReplayWish};
pub use request::RequestKey;
pub use reserve::HoldWish;
pub use rules::Rules;
pub use sandbox::{Exercised, SandboxView};
pub use service_steps::StepNote;
pub use services::ServiceFile;
pub use session::{Enrolling, Signed};
pub use specifications::{Seen, Specification, SpecificationView, SpecificationWish};
pub use terms::{Comparison, TermsDraft, TermsSwept};
pub use traffic::TrafficView;
pub use view_as::Viewing;

use crate::{
    clock::Clock,
    config,
    documents::Texts,
    domain::{AgreementKinds, NumberPlan, OrderPlan, seal::Seal},
    store::Store,
};

/// The verbs, cheap to clone.
#[derive(Clone)]
pub struct Partnership {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) seal: Seal,
    pub(crate) portal: Arc<config::Portal>,
    passwords: passwords::Passwords,
    guard: Arc<guard::Guard>,
    pub(crate) rules: Arc<Rules>,
    faults: Arc<FaultRules>,
    complaints: Arc<ComplaintRules>,
    replays: Arc<ReplayRules>,
    floods: Arc<flood::Floods>,
    pub(crate) kinds: Arc<AgreementKinds>,
    pub(crate) plan: Arc<NumberPlan>,
    orders: Arc<OrderPlan>,
    scanner: Scanner,
    texts: Arc<Texts>,
    contract: Arc<Contract>,
    addresses: AddressGuard,
}

impl Partnership {
    pub fn new(store: Store, clock: Clock, seal: Seal) -> Self {
        Self {
            store,
            clock,
            seal,
            portal: Arc::default(),
            passwords: passwords::Passwords::new(),
            guard: Arc::default(),
            rules: Arc::default(),
            faults: Arc::default(),
            complaints: Arc::default(),
            replays: Arc::default(),
            floods: Arc::default(),
            kinds: AgreementKinds::shipped(),
            plan: NumberPlan::shipped(),
            orders: OrderPlan::shipped(),
            scanner: Scanner::none(),
            texts: Arc::new(Texts::shipped()),
            contract: Arc::default(),
            addresses: Arc::new(|_| Err("no address may be posted to here".to_owned())),
        }
    }

    /// The same with the portal's own settings.
    #[must_use]
    pub fn with_portal(self, portal: config::Portal) -> Self {
        Self { portal: Arc::new(portal), ..self }
    }

    /// The same with hashes that cost nothing, for tests of other things.
    #[cfg(test)]
    pub(crate) fn with_quick_passwords(self) -> Self {
        Self { passwords: passwords::Passwords::quick(), ..self }
    }

    /// The same with the operator's own deadlines, addresses and notices.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Self { rules: Arc::new(rules), ..self }
    }

    /// The same with what stands in agreements; without it none can be prepared.
    #[must_use]
    pub fn with_contract(self, contract: Contract) -> Self {
        Self { contract: Arc::new(contract), ..self }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The same with the operator's own promises about faults.
    #[must_use]
    pub fn with_fault_rules(self, faults: FaultRules) -> Self {
        Self { faults: Arc::new(faults), ..self }
    }

    pub fn fault_rules(&self) -> &FaultRules {
        &self.faults
    }

    /// The same with the operator's own rules about complaints.
    #[must_use]
    pub fn with_complaint_rules(self, complaints: ComplaintRules) -> Self {
        Self { complaints: Arc::new(complaints), ..self }
    }

    /// The same with the operator's own limits of replays.
    #[must_use]
    pub fn with_replay_rules(self, replays: ReplayRules) -> Self {
        Self { replays: Arc::new(replays), ..self }
    }

    /// With kinds of agreement that the operator wrote itself.
    #[must_use]
    pub fn with_agreement_kinds(self, kinds: Arc<AgreementKinds>) -> Self {
        Self { kinds, ..self }
    }

    /// The same with the operator's own plan of numbers.
    #[must_use]
    pub fn with_number_plan(self, plan: Arc<NumberPlan>) -> Self {
        Self { plan, ..self }
    }

    /// The same with the operator's own steps of orders.
    #[must_use]
    pub fn with_order_plan(self, orders: Arc<OrderPlan>) -> Self {
        Self { orders, ..self }
    }

    /// The same with a scanner of uploads.
    #[must_use]
    pub fn with_scanner(self, scanner: Scanner) -> Self {
        Self { scanner, ..self }
    }

    /// Microseconds UTC.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    pub fn agreement_kinds(&self) -> &AgreementKinds {
        &self.kinds
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    pub fn portal(&self) -> &config::Portal {
        &self.portal
    }
}

pub(crate) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
