//! How a command ends, and what its exit code says.

use crate::{
    config::Mistakes,
    control::ClientError,
    store::{Constraint, Error},
};

/// What a shell script sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    /// A mistake in the command line or in the configuration.
    Usage = 2,
    NotFound = 3,
    NoDaemon = 4,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub text: String,
}

pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::new(Exit::Failed, text)
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, text)
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::usage(mistakes.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error {
            ClientError::NoDaemon { .. } => Exit::NoDaemon,
            ClientError::NotFound(_) => Exit::NotFound,
            ClientError::Refused(_) | ClientError::Broken(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict(constraint) => Self::failed(taken(constraint)),
            // How the store says that a name in a command names nothing.
            Error::Corrupt { table, id, ref why, .. } if why == "does not exist" => {
                Self::not_found(format!("no {table} is called `{id}`"))
            }
            Error::Wrong(text) => Self::usage(text),
            other => Self::failed(other.to_string()),
        }
    }
}

const fn taken(constraint: Constraint) -> &'static str {
    match constraint {
        Constraint::PartnerName => "a partner of this name exists already",
        Constraint::SystemId => "this system_id exists already",
        Constraint::ServiceName | Constraint::OfferingName => {
            "this partner has a service of this name already"
        }
        Constraint::KeywordTaken => "one of the keywords is taken on this number",
        Constraint::ShortCode => "this number exists already",
        Constraint::TariffCode => "a tariff of this code exists already",
        Constraint::ChargeOnce => "this charge exists already",
        Constraint::AgreementSlot => "an agreement of this kind is on its way already",
        Constraint::TermsLabel => "this version of the terms exists already",
        Constraint::ReservationTaken => "somebody has this number or keyword already",
        Constraint::NumberWait => "this partner waits for it already",
        Constraint::FaultOnce => "the gateway filed this fault already",
        Constraint::NumberDigits => "this number is in the base already",
        Constraint::PersonMail => "a person with this mail address exists already",
        Constraint::CompanyNip => "a company with this NIP is a partner already",
        Constraint::ApplicationKey => "this request was made already",
        Constraint::Version => "somebody changed it meanwhile; look again",
        Constraint::AlarmOnce => "the suspension of this service is proposed already",
        Constraint::FileRoom => "the files of this subject would be too many",
    }
}
