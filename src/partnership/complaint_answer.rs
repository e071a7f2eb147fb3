//! The letters about a complaint as PDF: that it came, and what was decided.
//!
//! It decides no wording: the text is a document, the operator's own before the shipped one. What
//! surprises: what is missing in the settings is left out and keeps no letter back, because the law
//! accepts what nobody answered.

use super::{Error, Partnership, Signed, files::FileFault, render::written_day};
use crate::{
    documents::{
        self, Language,
        answer::{ANSWER, AnswerValues, CONFIRMATION, ChargeValues, ComplaintValues},
    },
    domain::{ComplaintDecision, ComplaintEvent, ComplaintSubject, Refusal, Right, deadline::date},
    store::{ComplaintCharge, ComplaintMessage, ComplaintRow, NewFile},
};

impl Partnership {
    /// The letter of a decision, sealed; the charges are those that it gives back, `by` who decided.
    pub(super) async fn answer_document(
        &self,
        row: &ComplaintRow,
        (event, words, by): (ComplaintEvent, &str, &str),
        charges: &[i64],
    ) -> Result<NewFile, Error> {
        let ledger = self.store.complaint_charges(row.id).await?;
        let messages = self.store.complaint_messages(row.id).await?;
        let named: Vec<&ComplaintCharge> = charges
            .iter()
            .filter_map(|id| ledger.iter().find(|one| one.message_id == *id && one.line == 0))
            .collect();
        let sum: i64 = named.iter().map(|one| one.gross_minor).sum();
        let complaint = ComplaintValues {
            is_accepted: event != ComplaintEvent::Refuse,
            is_by_law: row.decided() == Some(ComplaintDecision::ByLaw),
            reason: on_one_line(words),
            refund: amount(sum, &row.currency),
            charges: named.iter().map(|one| line(one, &messages)).collect(),
            signed_by: by.to_owned(),
            ..self.complaint_values(row)
        };
        let pdf = self.complaint_pdf(ANSWER, complaint)?;
        let name = format!("odpowiedz-{}.pdf", row.reference());
        let sealed = self.sealed_document(&row.trail(), None, &name, &pdf);
        sealed.map_err(|fault| match fault {
            FileFault::NoRandomness(error) => error.into(),
            fault => Error::Broken(format!("an answer: {fault}")),
        })
    }

    /// That a complaint came, as a PDF for those who get no mail: name and octets. It is made anew
    /// each time, from what was taken.
    pub async fn complaint_confirmation(
        &self,
        signed: &Signed,
        id: i64,
    ) -> Result<(String, Vec<u8>), Error> {
        // It names the subscriber, and goes to nobody else.
        self.require(signed, Right::SeeFullNumbers)?;
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let row = self.reached_complaint(signed, id).await?;
        let pdf = self.complaint_pdf(CONFIRMATION, self.complaint_values(&row))?;
        Ok((format!("potwierdzenie-{}.pdf", row.reference()), pdf))
    }

    fn complaint_pdf(&self, kind: &str, complaint: ComplaintValues) -> Result<Vec<u8>, Error> {
        let values = AnswerValues { operator: self.contract.operator(Language::Polish), complaint };
        let broken = |what: &dyn std::fmt::Display| Error::Broken(format!("{kind}: {what}"));
        let document = self.texts.complaint_letter(kind, &values);
        let document = document.map_err(|fault| broken(&fault))?;
        documents::pdf(&document).map_err(|fault| broken(&fault))
    }

    /// What both letters say of a complaint.
    fn complaint_values(&self, row: &ComplaintRow) -> ComplaintValues {
        ComplaintValues {
            reference: row.reference(),
            date: day(self.now()),
            received_on: day(row.counts_from),
            due_on: day(row.due_at),
            subject: subject(row.subject).to_owned(),
            story: on_one_line(&row.story),
            period: format!("{} – {}", day(row.from_at), day(row.until_at)),
            msisdn: format!("+{}", row.msisdn),
            name: row.name.clone(),
            address: on_one_line(&row.address),
            ..ComplaintValues::default()
        }
    }
}

/// A value of a document is one line.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(charge: &ComplaintCharge, messages: &[ComplaintMessage]) -> ChargeValues {
    let message = messages.iter().find(|one| one.message_id == charge.message_id);
    ChargeValues {
        message: charge.message_id.to_string(),
        day: day(charge.charged_at),
        number: message.map(|one| one.short_code.clone()).unwrap_or_default(),
        amount: amount(charge.gross_minor, &charge.currency),
    }
}

fn day(at: i64) -> String {
    written_day(&date(at).to_string(), Language::Polish)
}

/// `4,92 zł`, as it stands in Polish letters.
pub(super) fn amount(minor: i64, currency: &str) -> String {
    let unit = if currency == "PLN" { "zł" } else { currency };
    format!("{},{:02}\u{a0}{unit}", minor / 100, minor.unsigned_abs() % 100)
}

fn subject(subject: ComplaintSubject) -> &'static str {
    match subject {
        ComplaintSubject::Price => "cena usługi",
        ComplaintSubject::NotOrdered => "usługa nie była zamówiona",
        ComplaintSubject::NotDelivered => "usługa nie została dostarczona",
        ComplaintSubject::CouldNotStop => "usługi nie dało się wyłączyć",
        ComplaintSubject::Content => "treść usługi",
        ComplaintSubject::Other => "inna sprawa",
    }
}
