//! The company behind a partner: made when an application is accepted, changed by its people.

use serde_json::json;

use super::{
    Constraint, Error, Store, audit,
    db::{Tx, execute, fetch_all, fetch_in, fetch_optional},
    letters::next_id,
    new::NewPartner,
};
use crate::domain::{
    Caller, PartnerId,
    company::{Company, slug},
};

/// A company as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct CompanyRow {
    pub partner_id: i64,
    pub state: String,
    pub partner_number: Option<String>,
    pub legal_name: String,
    pub nip: String,
    pub regon: String,
    pub krs: String,
    pub street: String,
    pub postal_code: String,
    pub city: String,
    pub country: String,
    pub bank_account: String,
    pub language: String,
    pub level: i64,
    pub version: i64,
    pub made_at: i64,
}

/// Names that are tried before the number of the partner makes one.
const NAMES_MAX: u32 = 20;
/// What a new partner may have waiting each way until its agreement says otherwise.
const ROOM: u64 = 100_000;

macro_rules! columns {
    () => {
        "select partner_id, state, partner_number, legal_name, nip, regon, krs, street, \
         postal_code, city, country, bank_account, language, level, version, made_at from company "
    };
}

impl Store {
    pub async fn company(&self, partner: PartnerId) -> Result<Option<CompanyRow>, Error> {
        fetch_optional!(
            &self.db,
            CompanyRow,
            concat!(columns!(), "where partner_id = $1"),
            partner.0
        )
    }

    pub async fn company_by_nip(&self, nip: &str) -> Result<Option<CompanyRow>, Error> {
        fetch_optional!(&self.db, CompanyRow, concat!(columns!(), "where nip = $1"), nip)
    }

    /// Companies by their number, page by page.
    pub async fn companies(&self, after: i64, limit: u32) -> Result<Vec<CompanyRow>, Error> {
        fetch_all!(
            &self.db,
            CompanyRow,
            concat!(columns!(), "where partner_id > $1 order by partner_id limit $2"),
            after,
            i64::from(limit)
        )
    }

    /// Changes what a company says of itself (R4.17); the answer is its new version.
    pub async fn set_company(
        &self,
        by: &Caller,
        at: i64,
        (partner, version): (PartnerId, i64),
        company: &Company,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let detail = json!(company);
        let subject = format!("company:{}", partner.0);
        audit::append(&mut tx, at, by, "company.set", &subject, &detail).await?;
        let touched = execute!(
            &mut tx,
            "update company set legal_name = $1, nip = $2, regon = $3, krs = $4, street = $5, \
             postal_code = $6, city = $7, country = $8, bank_account = $9, version = version + 1 \
             where partner_id = $10 and version = $11",
            company.legal_name.as_str(),
            company.nip.as_str(),
            company.regon.as_str(),
            company.krs.as_ref().map_or("", |krs| krs.as_str()),
            company.street.as_str(),
            company.postal_code.as_str(),
            company.city.as_str(),
            company.country.as_str(),
            company.bank_account.as_ref().map_or("", |account| account.as_str()),
            partner.0,
            version
        )?;
        if touched == 0 {
            return Err(Error::Conflict(Constraint::Version));
        }
        tx.commit().await?;
        Ok(version + 1)
    }
}

/// Makes the partner and company of an accepted application. The partner carries no traffic until
/// its agreement is in force.
pub(super) async fn insert_prospect(
    tx: &mut Tx<'_>,
    at: i64,
    company: &Company,
    language: &str,
) -> Result<PartnerId, Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from partner").await?;
    let name = free_name(tx, id, &slug(&company.legal_name)).await?;
    super::admin::insert_partner(tx, at, id, &NewPartner::unhurried(&name, ROOM), false).await?;
    execute!(
        tx,
        "insert into company (partner_id, state, partner_number, legal_name, nip, regon, krs, \
         street, postal_code, city, country, bank_account, language, level, version, made_at) \
         values ($1, 'prospect', null, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 1, $12)",
        id,
        company.legal_name.as_str(),
        company.nip.as_str(),
        company.regon.as_str(),
        company.krs.as_ref().map_or("", |krs| krs.as_str()),
        company.street.as_str(),
        company.postal_code.as_str(),
        company.city.as_str(),
        company.country.as_str(),
        company.bank_account.as_ref().map_or("", |account| account.as_str()),
        language,
        at
    )?;
    Ok(PartnerId(id))
}

/// The wished name, or the wished name with a number.
async fn free_name(tx: &mut Tx<'_>, id: i64, wished: &str) -> Result<String, Error> {
    for number in 1..=NAMES_MAX {
        let name = if number == 1 { wished.to_owned() } else { format!("{wished}-{number}") };
        let taken =
            fetch_in!(&mut *tx, (i64,), "select id from partner where name = $1", name.as_str())?;
        if taken.is_none() {
            return Ok(name);
        }
    }
    Ok(format!("{wished}-p{id}"))
}
