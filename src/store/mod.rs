//! All SQL. The only module that sees a row; a constraint violation leaves it as a named conflict.
//!
//! Writing goes through one task (`writer`) that groups what many verbs want into one commit.
//! Reading uses connections of its own and never waits for the writer. The hot path does not read
//! at all: lanes keep a bounded head in memory, and the rest of a lane is read page by page.
//!
//! What surprises: there is no start-up recovery. What was claimed and never answered is simply a
//! row with a claim, and `lanes::open_claims` lists it.

mod access;
mod admin;
mod agreement_steps;
mod agreements;
mod application_lists;
mod applications;
#[cfg(test)]
mod applications_tests;
mod apply;
mod audit;
mod bank;
mod broom;
mod bulk;
mod callbacks;
mod catalog_news;
pub mod change;
mod checked;
mod companies;
mod complaint_rates;
mod complaint_steps;
mod complaint_traffic;
mod complaints;
mod db;
mod deadlines;
mod error;
mod fault_steps;
mod faults;
mod files;
#[cfg(test)]
mod files_tests;
mod find;
#[cfg(test)]
mod find_tests;
mod groups;
mod guests;
mod habits;
mod holdings;
mod holds;
mod incidents;
mod inspect;
mod lanes;
mod letters;
mod lists;
mod load;
mod messages;
mod new;
mod notices;
mod number_base;
mod offering_steps;
mod offerings;
mod order_steps;
mod orders;
mod outbox;
mod parts;
mod people;
mod person;
mod privacy;
#[cfg(test)]
mod private_postgres;
mod rare;
mod replay_scope;
mod replays;
mod requests;
mod reservations;
mod retention;
mod rows;
mod sandbox;
mod schema;
mod sessions;
mod specifications;
mod strays;
mod terms;
#[cfg(test)]
pub(crate) mod tests;
mod ticket_hub;
mod ticket_lists;
mod traffic;
#[cfg(test)]
mod try_out;
mod views;
mod waits;
mod writer;
mod wrong_charges;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{mpsc, oneshot};

pub use access::KeyRotation;
pub use admin::{CredentialRights, Overview, PartnerLine};
pub use agreement_steps::{
    AgreementWrite, CompanyStep, Denial, NewAgreement, NewDocument, NewSignature, Step,
    prepare_rule,
};
pub use agreements::{AgreementRow, FirstRow, PartyRow, SignatureRow, Whose};
pub use application_lists::{
    ApplicationFilter, ApplicationLine, ApplicationMessage, ApplicationOrder, ApplicationRow,
    HappeningRow,
};
pub use applications::{
    ApplicationSet, ApplicationStep, Extras, NewApplication, Prospect, Repeat, Submitted,
};
pub use audit::{AuditFault, AuditHead, AuditQuery, AuditRecord};
pub use bank::{BankAnswer, BankChangeRow, NewBankChange, ending as bank_ending};
pub use broom::Forgetting;
pub use callbacks::{CallbackAttempt, CallbackChange};
pub use catalog_news::CatalogNews;
pub use change::{Applied, Change};
pub use companies::CompanyRow;
pub use complaint_rates::{AlarmRow, ComplaintRate, PartnerComplaintRate, in_ten_thousand};
pub use complaint_steps::{
    ComplaintLetters, ComplaintNews, ComplaintStepped, ComplaintTaken, ComplaintWrite, LAW_RULE,
    PARTNER_RULE,
};
pub use complaint_traffic::{DisputedMessage, FoundTraffic, ServiceText, StoppedService};
pub use complaints::{
    ComplaintCharge, ComplaintFilter, ComplaintMessage, ComplaintRow, EarlierComplaint,
    reference as complaint_reference,
};
pub use db::Place;
pub use deadlines::{DeadlineRow, DeadlineStep};
pub use error::{Constraint, Error};
pub use fault_steps::{
    ANSWER_RULE, FaultFiled, FaultLetters, FaultStepped, FaultWrite, NewFault, OPEN_MAX,
    SOLUTION_RULE,
};
pub use faults::{FaultFilter, FaultItem, FaultRow, QueuePlace, reference as fault_reference};
pub use files::{FileLine, NewFile, SealedFile};
pub use find::{FoundMessage, FoundMessages, MessageFilter};
pub use habits::PartnerSetting;
pub use holds::{Hold, HoldDenial, HoldTerms, NewReservation, Offer, ReservationWrite};
pub use incidents::{IncidentNews, IncidentRow, NewIncident, NewsLetter};
pub use inspect::Inspection;
pub use lanes::{LaneAge, OpenClaim, PagedItem};
pub use letters::{Deadline, Happening, NewMail};
pub use lists::{ApiKeyLine, CredentialLine, NumberLine, TariffLine};
pub(crate) use messages::network_error;
pub use messages::{EventLine, MessageLine, Stored, UnknownLine};
pub use new::{NewApiKey, NewCredential, NewPartner, NewService, NewTariff};
pub use number_base::{NumberFilter, NumberPrice, NumberQuota, NumberRow, NumberWord};
pub use offering_steps::{NewOffering, OfferingWrite, Traffic};
pub use offerings::{OfferingFilter, OfferingRow, RevisionRow, ServiceCommentRow};
pub use order_steps::{NewOrder, ORDER_RULE, OrderHappening, OrderTurn, OrderWrite};
pub use orders::{OrderFilter, OrderItem, OrderRow, OrderStepRow};
pub use outbox::{Letter, LetterLine, MailCounts};
pub use people::{Invitation, NewLink, OneTimeLink, PersonWrite, Written};
pub use person::{Person, PersonSecrets};
pub use privacy::{Forgotten, SubscriberCharge, SubscriberMessage};
pub use replay_scope::ReplayScope;
pub use replays::{NewReplay, ReplayRow, ReplayStart};
pub use reservations::{ReservationFilter, ReservationRow};
pub use retention::Erasing;
pub use sandbox::{ExerciseRow, TestMessage};
pub use sessions::{NewSession, Proof, SessionLine, SessionView, SignIn};
pub use specifications::{EditionRow, NewEdition, SpecificationRow};
pub use strays::QuarantinedReceipt;
pub use terms::{Addressee, EffectPage, NewTerms, NoticeOfTerms, NoticeRow, TermsRow};
pub use ticket_hub::{
    Audience, LISTENERS_MAX, ListenerRow, Listening, NewListener, News, WaitingNews,
};
pub use ticket_lists::ComplaintTickets;
pub use traffic::{ServiceCounts, ServiceTraffic, TrafficFilter};
pub use views::SupportView;
pub use waits::WaitRow;
pub use writer::{GroupLimits, Writer};
pub use wrong_charges::WrongCharge;

use crate::domain::{Catalog, GroupId};

/// The store as everybody else holds it: cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: db::Db,
    place: Place,
    inbox: mpsc::Sender<writer::Command>,
    asking: mpsc::Sender<guests::Asking>,
    signs: Arc<writer::Signs>,
}

/// A change on its way; awaiting it gives what the commit made of it.
pub struct Pending(oneshot::Receiver<Result<Applied, Arc<Error>>>);

impl Pending {
    /// The commit has returned, or it never will and nothing may be acknowledged.
    pub async fn committed(self) -> Result<Applied, Arc<Error>> {
        self.0.await.unwrap_or_else(|_| Err(Arc::new(Error::Stopped)))
    }
}

impl Store {
    /// How full the writer's inbox is, from 0 to 100.
    pub fn congestion(&self) -> u8 {
        let most = self.inbox.max_capacity().max(1);
        let used = most - self.inbox.capacity();
        u8::try_from(used * 100 / most).unwrap_or(100)
    }

    /// Brings the schema up to date.
    pub async fn migrate(place: &Place) -> Result<(), Error> {
        schema::migrate(place).await
    }

    /// Looks at the database without changing it; none if there is none yet.
    pub async fn inspect(place: &Place) -> Result<Option<Inspection>, Error> {
        inspect::inspect(place).await
    }

    /// Opens the store. The writer must be run by the caller, or no change is ever committed.
    pub async fn open(place: Place, limits: GroupLimits) -> Result<(Self, Writer), Error> {
        schema::migrate(&place).await?;
        let db = db::Db::open(&place).await?;
        let (inbox, commands) = mpsc::channel(limits.inbox);
        let (asking, waiting) = mpsc::channel(guests::WAITING_MAX);
        let signs = Arc::new(writer::Signs {
            is_up: AtomicBool::new(true),
            has_begun: AtomicBool::new(false),
        });
        let ends = (commands, waiting);
        let writer = Writer::new(place.clone(), db.clone(), ends, limits, Arc::clone(&signs));
        Ok((Self { db, place, inbox, asking, signs }, writer))
    }

    /// Hands a change to the writer; waits only while the inbox is full.
    pub async fn submit(&self, change: Change) -> Result<Pending, Error> {
        let (done, outcome) = oneshot::channel();
        self.inbox
            .send(writer::Command { change, done: Some(done) })
            .await
            .map_err(|_| Error::Stopped)?;
        Ok(Pending(outcome))
    }

    /// Hands a change to the writer and waits for its commit.
    pub async fn save(&self, change: Change) -> Result<Applied, Arc<Error>> {
        self.submit(change).await.map_err(Arc::new)?.committed().await
    }

    /// Hands over a change that nobody waits for; it joins the next group.
    pub async fn note(&self, change: Change) -> Result<(), Error> {
        self.inbox.send(writer::Command { change, done: None }).await.map_err(|_| Error::Stopped)
    }

    /// The last commit worked. False while `PostgreSQL` is away or `SQLite` has failed (P36).
    pub fn is_up(&self) -> bool {
        self.signs.is_up.load(Ordering::Acquire)
    }

    pub fn is_postgres(&self) -> bool {
        self.db.is_postgres()
    }

    /// Loads everything that routing needs.
    pub async fn load_catalog(&self) -> Result<Catalog, Error> {
        load::catalog(&self.db).await
    }

    /// Numbers of link groups by name; new names get the next number.
    pub async fn group_ids(&self, names: &[smol_str::SmolStr]) -> Result<change::Groups, Error> {
        groups::group_ids(self, names).await
    }

    pub async fn close(&self) {
        self.db.close().await;
    }

    /// For what people do: seldom, and with an audit row. On `SQLite` it writes in the writer's
    /// groups if this process has a writer.
    async fn pen(&self) -> Result<db::Pen, Error> {
        if self.is_postgres() || !self.signs.has_begun.load(Ordering::Acquire) {
            return self.own_pen().await;
        }
        let (writer, place) = (self.asking.clone(), self.place.clone());
        Ok(db::Pen::Guest { writer, place, own: None })
    }

    /// A connection that nobody else writes with.
    async fn own_pen(&self) -> Result<db::Pen, Error> {
        db::open_pen(&self.place, Some(&self.db)).await
    }
}

/// The group with that number in a list made by [`Store::group_ids`].
pub fn group_named(groups: &change::Groups, name: &str) -> Option<GroupId> {
    groups.iter().find(|(_, known)| known == name).map(|(id, _)| *id)
}
