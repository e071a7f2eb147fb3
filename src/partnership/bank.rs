//! Where a partner's money goes: one person asks for another account, a second one confirms it.
//!
//! Both give a fresh code (S-10). The second is another person of the partner; the operator's
//! finance confirms only where the partner has nobody else who could (S-25). What surprises: who
//! asked may take the wish back alone, because nothing changes by that.

use serde_json::json;

use super::{Error, Partnership, Signed, agree_steps::wrong};
use crate::{
    domain::{Caller, PartnerId, PersonState, Refusal, Right, UserId, allows, company::Iban},
    store::{BankAnswer, BankChangeRow, Denial, NewBankChange, NewMail, Person, bank_ending},
};

const UNKNOWN: Refusal = Refusal::UnknownId("bank_change");
const DAY_US: i64 = 86_400_000_000;

impl Partnership {
    /// Asks for another account; the old one stays until somebody else has confirmed it.
    pub async fn ask_bank(&self, signed: &Signed, account: &str) -> Result<BankChangeRow, Error> {
        self.require(signed, Right::EditBank)?;
        let partner = signed.partner.ok_or(Refusal::NotAllowed)?;
        let account = Iban::parse(account).map_err(|bad| wrong("account", &bad.detail))?;
        let company = self.store.company(partner).await?.ok_or(Refusal::UnknownId("partner"))?;
        if company.bank_account == account.as_str() {
            return Err(wrong("account", "is the account that is in use already"));
        }
        let now = self.now();
        let lapses_at =
            now.saturating_add(i64::from(self.rules.bank_change_days).saturating_mul(DAY_US));
        let data = json!({
            "company": company.legal_name, "ending": bank_ending(account.as_str()),
            "asked_by": signed.name, "lapses_at": lapses_at, "link": "/bank-changes",
        });
        let letters = self.letters_to_admins(partner, "bank_change_asked", &data).await?;
        let new = NewBankChange {
            partner,
            account: account.as_str(),
            by: signed.person,
            name: &signed.name,
            lapses_at,
            letters: &letters,
        };
        said(self.store.ask_bank(&signed.caller(), now, &new).await?)
    }

    /// Confirms a change or says no to it; the own one can only be taken back.
    pub async fn answer_bank(
        &self,
        signed: &Signed,
        (id, version): (i64, i64),
        confirms: bool,
    ) -> Result<BankChangeRow, Error> {
        let right = if signed.is_operator() { Right::ApproveBank } else { Right::EditBank };
        self.require(signed, right)?;
        let row = self.bank_change_of(signed, id).await?;
        if !row.is_open() {
            return Err(Refusal::WrongState(format!("the change is {}", row.state)).into());
        }
        let is_own = row.asked_by == signed.person.0;
        if is_own && confirms {
            let why = "who asked for the change cannot confirm it; another person must";
            return Err(Refusal::WrongState(why.to_owned()).into());
        }
        if signed.is_operator() && self.has_second_person(&row).await? {
            let why = "the partner has another person who can answer";
            return Err(Refusal::WrongState(why.to_owned()).into());
        }
        let (state, template) = match (confirms, is_own) {
            (true, _) => ("confirmed", "bank_changed"),
            (false, true) => ("withdrawn", "bank_change_ended"),
            (false, false) => ("refused", "bank_change_ended"),
        };
        let by = Some(signed.person);
        let row = (&row, version);
        self.end_bank(&signed.caller(), row, (state, template), (by, &signed.name)).await
    }

    async fn end_bank(
        &self,
        by: &Caller,
        (row, version): (&BankChangeRow, i64),
        (state, template): (&str, &'static str),
        (person, name): (Option<UserId>, &str),
    ) -> Result<BankChangeRow, Error> {
        let data = json!({
            "company": row.legal_name, "ending": row.ending(), "at": self.now(),
            "reason": state, "link": "/company",
        });
        let data = match data {
            serde_json::Value::Object(mut data) if state == "confirmed" => {
                data.remove("reason");
                serde_json::Value::Object(data)
            }
            data => data,
        };
        let letters = self.letters_to_admins(PartnerId(row.partner_id), template, &data).await?;
        let answer = BankAnswer { id: row.id, version, state, by: person, name, letters: &letters };
        said(self.store.answer_bank(by, self.now(), &answer).await?)
    }

    /// One change: of the own partner, or any for the operator's finance.
    pub async fn bank_change_of(&self, signed: &Signed, id: i64) -> Result<BankChangeRow, Error> {
        self.require(signed, Right::SeeBank)?;
        let row = self.store.bank_change(id).await?;
        let reaches = |row: &BankChangeRow| signed.reaches(Some(PartnerId(row.partner_id)));
        Ok(row.filter(reaches).ok_or(UNKNOWN)?)
    }

    /// All changes of the own partner; for the desk those that wait, of all partners.
    pub async fn bank_changes(&self, signed: &Signed) -> Result<Vec<BankChangeRow>, Error> {
        self.require(signed, Right::SeeBank)?;
        Ok(self.store.bank_changes(signed.partner).await?)
    }

    /// Changes that wait for the operator: their partners have nobody else who could confirm.
    pub async fn bank_changes_for_staff(
        &self,
        signed: &Signed,
    ) -> Result<Vec<BankChangeRow>, Error> {
        if !signed.is_operator() || !signed.may(Right::ApproveBank) {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for row in self.store.bank_changes(None).await? {
            if !self.has_second_person(&row).await? {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Ends what nobody answered. Repeated, it does nothing twice.
    pub async fn sweep_bank(&self) -> Result<usize, Error> {
        let over = self.store.bank_changes_over(self.now()).await?;
        for row in &over {
            let how = ("lapsed", "bank_change_ended");
            let ended = self.end_bank(&Caller::Gateway, (row, row.version), how, (None, "")).await;
            match ended {
                // Somebody was quicker.
                Ok(_) | Err(Error::Refused(Refusal::VersionConflict)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(over.len())
    }

    /// Whether the partner itself has somebody else who may confirm.
    async fn has_second_person(&self, row: &BankChangeRow) -> Result<bool, Error> {
        let people = self.store.people(Some(PartnerId(row.partner_id))).await?;
        Ok(people.iter().any(|one| {
            one.id.0 != row.asked_by
                && one.state == PersonState::Active
                && allows(one.role, Right::EditBank)
        }))
    }

    /// Money is every administrator's business, whoever of them acted.
    async fn letters_to_admins(
        &self,
        partner: PartnerId,
        template: &'static str,
        data: &serde_json::Value,
    ) -> Result<Vec<NewMail>, Error> {
        let is_told = |one: &Person| {
            allows(one.role, Right::ManagePeople)
                && matches!(one.state, PersonState::Active | PersonState::Locked)
        };
        let people = self.store.people(Some(partner)).await?;
        let letter = |one: Person| NewMail {
            recipient: one.mail,
            recipient_name: one.name,
            language: one.language,
            template,
            data: data.clone(),
            attachments: Vec::new(),
            subject: format!("company:{}", partner.0),
            partner: Some(partner),
        };
        Ok(people.into_iter().filter(is_told).map(letter).collect())
    }
}

fn said(step: Result<BankChangeRow, Denial>) -> Result<BankChangeRow, Error> {
    Ok(step.map_err(|denial| match denial {
        Denial::Taken => Refusal::WrongState("another change is waiting for an answer".to_owned()),
        Denial::Stale => Refusal::VersionConflict,
        _ => UNKNOWN,
    })?)
}
