//! The business in nouns: what a number, a partner, a service, a message is, and every reason to
//! refuse. No I/O, no async, no SQL, no PDU.
//!
//! What surprises: a message carries its whole fate from the moment of acceptance, so nothing
//! here ever asks "what does the service say now".

pub mod agreement;
pub mod agreement_kind;
pub mod application;
pub mod application_form;
pub mod catalog;
pub mod company;
pub mod complaint;
pub mod deadline;
pub mod fields;
pub mod ids;
pub mod item;
pub mod lane;
pub mod look_alike;
pub mod message;
mod mt_service;
pub mod number;
pub mod number_import;
pub mod number_pattern;
pub mod number_plan;
pub mod number_state;
mod number_use;
pub mod order;
pub mod order_plan;
pub mod partner;
pub mod password;
pub mod refusal;
pub mod replay;
pub mod right;
pub mod sandbox;
pub mod seal;
pub mod secret;
pub mod service;
pub mod service_field;
pub mod service_life;
pub mod service_revision;
pub mod standard_word;
pub mod story;
pub mod tariff;
pub mod terms;
pub mod ticket;
pub mod ticket_news;
pub mod traffic;
pub mod turn;
pub mod user;
pub mod wording;

pub use agreement::{AgreementEvent, AgreementState, ReturnWay, Side};
pub use agreement_kind::{AgreementKind, AgreementKinds, ReplyItem};
pub use catalog::{Catalog, Route};
pub use complaint::{
    ComplaintChannel, ComplaintDecision, ComplaintDemand, ComplaintEvent, ComplaintState,
    ComplaintSubject, ComplaintTerms, PartnerSays,
};
pub use ids::Ids;
pub use item::{Content, Item, ItemKey};
pub use lane::{GroupId, Lane, LaneId};
pub use message::{
    Body, MessageEvent, MessageId, MessageState, MoMessage, MtMessage, NetworkError, Price,
    Receipt, ReceiptState, ReceiptWish,
};
pub use number::{Keyword, Msisdn, Sender, ShortCode};
pub use number_pattern::NumberPattern;
pub use number_plan::{NumberArea, NumberClass, NumberPlan, NumberRange, WordBar};
pub use number_state::{NumberEvent, NumberState};
pub use order::{OrderEvent, OrderKind, OrderMove, OrderState};
pub use order_plan::{OrderPlan, PlannedStep};
pub use partner::{Caller, Credential, Partner, PartnerId};
pub use refusal::{Refusal, row_id};
pub use replay::{ReplayCounts, ReplayEvent, ReplayOutcome, ReplayState};
pub use right::{Right, allows};
pub use sandbox::{Exercise, Fate, Mode, SANDBOX};
pub use service::{Billing, ChargeAt, Delivery, OnUnknown, Service, ServiceId, ServiceState};
pub use service_life::{Gate, LifeEvent, LifeState};
pub use standard_word::{StandardTexts, StandardTurn, StandardWord};
pub use story::{Facts, Story};
pub use tariff::{Currency, Money, Tariff, TariffId};
pub use ticket::{FaultArea, FaultItemKind, Severity, Targets, TicketEvent, TicketState};
pub use ticket_news::{NewsFilter, TicketNews};
pub use traffic::{Counted, TrafficCounts, TrafficStep};
pub use user::{PersonEvent, PersonState, Role, UserId};
