//! What the database may answer, in three words: no, away, or lies.

/// A constraint that has a business meaning. Each is named here once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    PartnerName,
    SystemId,
    ServiceName,
    KeywordTaken,
    ShortCode,
    TariffCode,
    ChargeOnce,
    PersonMail,
    /// The tax number of a company.
    CompanyNip,
    /// A repeat of a request that made an application.
    ApplicationKey,
    /// Somebody changed it since it was read: no row had the expected version.
    Version,
    AgreementSlot,
    TermsLabel,
    /// A number or a keyword that somebody has or that rests.
    ReservationTaken,
    /// Somebody who waits for the same already.
    NumberWait,
    /// Digits that are in the base.
    NumberDigits,
    /// A service of the same partner.
    OfferingName,
    /// The gateway filed a fault for the same cause already.
    FaultOnce,
    /// Suspension of the service is proposed already.
    AlarmOnce,
    /// The files of one subject would be more than they may be.
    FileRoom,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else was first, or it exists already.
    #[error("conflict with {0:?}")]
    Conflict(Constraint),
    /// What was handed in could not be read back: then no node would start. The text says what
    /// would be right.
    #[error("{0}")]
    Wrong(String),
    /// Not reachable, read-only, full or slow. Whether a commit took place is not known.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The disk is full; the statement was rolled back, nothing is ambiguous.
    #[error("store full: {0}")]
    Full(String),
    /// A row that cannot be read.
    #[error("corrupt {table}.{column} of {id}: {why}")]
    Corrupt { table: &'static str, column: &'static str, id: String, why: String },
    /// The database file is damaged, or is not one (P42).
    #[error("database damaged: {0}; run `bramka doctor`, nothing was changed")]
    Damaged(String),
    /// The database was brought further by a later version of this program.
    #[error(
        "the database was written by a newer Bramka: it has step {step} of the schema, and this \
         program knows {known}; run the newer one, nothing was changed"
    )]
    Newer { step: i64, known: i64 },
    /// The writer has stopped after an I/O error; the daemon is on its way out (P4).
    #[error("the writer has stopped")]
    Stopped,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            if let Some(constraint) = constraint_of(database.as_ref()) {
                return Self::Conflict(constraint);
            }
            let code = database.code().unwrap_or_default();
            // SQLite primary result codes: 10 I/O error, 11 corrupt, 13 full, 26 not a database.
            // Extended codes keep the primary one in their low octet.
            let primary = code.parse::<i64>().map_or(-1, |code| code & 0xff);
            let is_sqlite = database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            return match primary {
                10 | 11 | 26 if is_sqlite => Self::Damaged(error.to_string()),
                13 if is_sqlite => Self::Full(error.to_string()),
                _ if code == "53100" => Self::Full(error.to_string()),
                _ => Self::Unavailable(error.to_string()),
            };
        }
        if let sqlx::Error::ColumnDecode { index, source } = &error {
            return Self::Corrupt {
                table: "row",
                column: "column",
                id: index.clone(),
                why: source.to_string(),
            };
        }
        Self::Unavailable(error.to_string())
    }
}

/// `PostgreSQL` names the constraint, `SQLite` the columns.
fn constraint_of(error: &dyn sqlx::error::DatabaseError) -> Option<Constraint> {
    if !error.is_unique_violation() {
        return None;
    }
    let by_name = match error.constraint() {
        Some("partner_name") => Some(Constraint::PartnerName),
        Some("credential_pkey") => Some(Constraint::SystemId),
        Some("service_name") => Some(Constraint::ServiceName),
        Some("keyword_taken") => Some(Constraint::KeywordTaken),
        Some("short_code_pkey") => Some(Constraint::ShortCode),
        Some("tariff_code") => Some(Constraint::TariffCode),
        Some("charge_once") => Some(Constraint::ChargeOnce),
        Some("person_mail") => Some(Constraint::PersonMail),
        Some("company_nip") => Some(Constraint::CompanyNip),
        Some("application_key_pkey") => Some(Constraint::ApplicationKey),
        Some("agreement_slot") => Some(Constraint::AgreementSlot),
        Some("terms_label") => Some(Constraint::TermsLabel),
        Some("reservation_taken") => Some(Constraint::ReservationTaken),
        Some("number_wait_once") => Some(Constraint::NumberWait),
        Some("fault_once") => Some(Constraint::FaultOnce),
        Some("complaint_alarm_once") => Some(Constraint::AlarmOnce),
        Some("number_digits") => Some(Constraint::NumberDigits),
        Some("offering_name") => Some(Constraint::OfferingName),
        _ => None,
    };
    by_name.or_else(|| {
        let columns = error.message().rsplit(": ").next()?;
        Some(match columns {
            "partner.name" => Constraint::PartnerName,
            "credential.system_id" => Constraint::SystemId,
            "service.partner_id, service.name" => Constraint::ServiceName,
            "keyword.short_code, keyword.word" => Constraint::KeywordTaken,
            "short_code.digits" => Constraint::ShortCode,
            "tariff.code" => Constraint::TariffCode,
            "charge.message_id, charge.line" => Constraint::ChargeOnce,
            "person.mail" => Constraint::PersonMail,
            "company.nip" => Constraint::CompanyNip,
            "application_key.key_hash" => Constraint::ApplicationKey,
            "agreement.partner_id, agreement.slot" => Constraint::AgreementSlot,
            "terms_version.kind, terms_version.label" => Constraint::TermsLabel,
            "reservation.number_id, reservation.slot" => Constraint::ReservationTaken,
            "number_wait.number_id, number_wait.keyword, number_wait.partner_id" => {
                Constraint::NumberWait
            }
            "fault.open_cause" => Constraint::FaultOnce,
            "complaint_alarm.open_service" => Constraint::AlarmOnce,
            "number.digits" => Constraint::NumberDigits,
            "offering.partner_id, offering.name" => Constraint::OfferingName,
            _ => return None,
        })
    })
}
