//! The letter that answers a complaint, as a PDF of the complaint.
//!
//! It decides no wording: the text is a document, the operator's own before the shipped one. What
//! surprises: what is missing in the settings is left out and keeps no letter back, because the law
//! accepts what nobody answered.

use super::{Error, Partnership, files::FileFault, render::written_day};
use crate::{
    documents::{
        self, Language,
        answer::{AnswerValues, ChargeValues, ComplaintValues},
    },
    domain::{ComplaintDecision, ComplaintEvent, ComplaintSubject, deadline::date},
    store::{ComplaintCharge, ComplaintMessage, ComplaintRow, NewFile},
};

impl Partnership {
    /// The letter of a decision, sealed; the charges are those that it gives back.
    pub(super) async fn answer_document(
        &self,
        row: &ComplaintRow,
        (event, words): (ComplaintEvent, &str),
        charges: &[i64],
    ) -> Result<NewFile, Error> {
        let ledger = self.store.complaint_charges(row.id).await?;
        let messages = self.store.complaint_messages(row.id).await?;
        let decision = row.decided();
        let named: Vec<&ComplaintCharge> = charges
            .iter()
            .filter_map(|id| ledger.iter().find(|one| one.message_id == *id && one.line == 0))
            .collect();
        let sum: i64 = named.iter().map(|one| one.gross_minor).sum();
        let complaint = ComplaintValues {
            reference: row.reference(),
            date: day(self.now()),
            received_on: day(row.counts_from),
            subject: subject(row.subject).to_owned(),
            period: format!("{} – {}", day(row.from_at), day(row.until_at)),
            msisdn: row.msisdn.clone(),
            name: row.name.clone(),
            address: row.address.split_whitespace().collect::<Vec<_>>().join(" "),
            is_accepted: event != ComplaintEvent::Refuse,
            is_by_law: decision == Some(ComplaintDecision::ByLaw),
            reason: words.split_whitespace().collect::<Vec<_>>().join(" "),
            refund: amount(sum, &row.currency),
            charges: named.iter().map(|one| line(one, &messages)).collect(),
            signed_by: String::new(),
        };
        let operator = self.contract.operator(Language::Polish);
        let values = AnswerValues { operator, complaint };
        let broken = |what: &dyn std::fmt::Display| Error::Broken(format!("an answer: {what}"));
        let document = self.texts.complaint_answer(&values).map_err(|fault| broken(&fault))?;
        let pdf = documents::pdf(&document).map_err(|fault| broken(&fault))?;
        let name = format!("odpowiedz-{}.pdf", row.reference());
        let sealed = self.sealed_document(&row.trail(), None, &name, &pdf);
        sealed.map_err(|fault| match fault {
            FileFault::NoRandomness(error) => error.into(),
            fault => broken(&fault),
        })
    }
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
