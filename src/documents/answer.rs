//! The letters about a complaint, that it came and what was decided: what their texts are filled
//! with, and the texts as shipped.
//!
//! They are no agreements. They have no English side, because a subscriber is answered in Polish, and
//! what an operator did not set is left out of them: no setting may keep an answer from going out
//! before the law accepts the complaint.

use serde::Serialize;

use super::values::OperatorValues;

/// Names of the letters, and their texts.
pub(super) const SHIPPED: [(&str, &str); 2] = [
    (ANSWER, include_str!("../../config/documents/complaint_answer.pl.md")),
    (CONFIRMATION, include_str!("../../config/documents/complaint_confirmation.pl.md")),
];
/// What was decided.
pub const ANSWER: &str = "complaint_answer";
/// That it came, for those without a mail address; the law wants it on something that lasts.
pub const CONFIRMATION: &str = "complaint_confirmation";

/// Everything that the letter may need, as it shall stand in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AnswerValues {
    pub operator: OperatorValues,
    pub complaint: ComplaintValues,
}

/// Empty where something was not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ComplaintValues {
    /// `R-000012`.
    pub reference: String,
    pub date: String,
    pub received_on: String,
    pub subject: String,
    /// In the words of the subscriber.
    pub story: String,
    /// The last day for an answer.
    pub due_on: String,
    pub period: String,
    pub msisdn: String,
    pub name: String,
    pub address: String,
    pub is_accepted: bool,
    pub is_by_law: bool,
    pub reason: String,
    /// All charges together, with the currency.
    pub refund: String,
    pub charges: Vec<ChargeValues>,
    pub signed_by: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChargeValues {
    pub message: String,
    pub day: String,
    pub number: String,
    pub amount: String,
}

impl AnswerValues {
    /// Invented values, for the check of an operator's own text.
    pub fn sample() -> Self {
        let charge = ChargeValues {
            message: "801234567890".into(),
            day: "3 listopada 2026 r.".into(),
            number: "7455".into(),
            amount: "4,92\u{a0}zł".into(),
        };
        Self {
            operator: super::Values::sample(super::Language::Polish).operator,
            complaint: ComplaintValues {
                reference: "R-000012".into(),
                date: "21 listopada 2026 r.".into(),
                received_on: "10 listopada 2026 r.".into(),
                subject: "usługa nie była zamówiona".into(),
                story: "Niczego nie zamawiałam.".into(),
                due_on: "10 grudnia 2026 r.".into(),
                period: "od 1 do 5 listopada 2026 r.".into(),
                msisdn: "+48600100200".into(),
                name: "Łucja Żółw".into(),
                address: "ul. Chłodna 7, 31-007 Kraków".into(),
                is_accepted: true,
                is_by_law: true,
                reason: "Nie znaleźliśmy zamówienia.".into(),
                refund: "4,92\u{a0}zł".into(),
                charges: vec![charge],
                signed_by: "Anna Lis".into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{Language, Texts, html, pdf};

    #[test]
    fn the_letter_says_what_was_decided_and_leaves_out_what_there_is_not() {
        let texts = Texts::shipped();
        let of = |values: &AnswerValues| {
            let document = texts.complaint_letter(ANSWER, values).unwrap();
            assert_eq!((document.language, document.kind.as_str()), (Language::Polish, ANSWER));
            assert!(pdf(&document).unwrap().starts_with(b"%PDF"));
            html::html(&document)
        };
        let whole = of(&AnswerValues::sample());
        for part in ["Uznajemy Twoją", "uważa się za uwzględnioną", "4,92", "Łucja Żółw", "Chłodna"]
        {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        let mut refused =
            AnswerValues { operator: OperatorValues::default(), ..AnswerValues::sample() };
        refused.complaint.is_accepted = false;
        refused.complaint.is_by_law = false;
        refused.complaint.charges.clear();
        refused.complaint.address.clear();
        let bare = of(&refused);
        assert!(bare.contains("Nie uznajemy Twojej reklamacji"), "{bare}");
        for part in ["Zwrot opłat", "uwzględnioną", "Chłodna", "Dostawca usług", "{{", "{%"] {
            assert!(!bare.contains(part), "{part}: {bare}");
        }
    }

    #[test]
    fn what_a_subscriber_is_called_is_no_markdown() {
        let mut values = AnswerValues::sample();
        values.complaint.name = "*A* | [B](javascript:c)".to_owned();
        let texts = Texts::shipped();
        let shown = html::html(&texts.complaint_letter(CONFIRMATION, &values).unwrap());
        assert!(shown.contains("10 grudnia 2026 r.") && shown.contains("Niczego nie zamawiałam."));
        assert!(shown.contains("*A* | [B](javascript:c)") && !shown.contains("href=\"javascript"));
    }
}
