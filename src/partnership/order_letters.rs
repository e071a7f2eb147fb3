//! Letters about orders: a note to the other side, a step that waits for the partner or is late at
//! the operator, an end that no other letter tells.
//!
//! What the number or the service itself goes through is told by its own letters. What surprises:
//! an order has no title of its own; each reader is told that of its kind in its own language.

use serde_json::json;

use super::{Error, Partnership};
use crate::{
    domain::PartnerId,
    store::{Addressee, NewMail, OrderRow, OrderStepRow},
};

/// What a letter tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum OrderNews<'a> {
    Note(&'a str),
    /// It is the partner's turn.
    Turn(&'a OrderStepRow),
    /// The operator's step was promised for a day that is over.
    Late(&'a OrderStepRow),
    Ended(&'a str),
}

impl Partnership {
    pub(super) async fn tell_partner(
        &self,
        row: &OrderRow,
        news: OrderNews<'_>,
    ) -> Result<Option<NewMail>, Error> {
        let told = self.store.holder(PartnerId(row.partner_id), row.partner_owner_id).await?;
        Ok(told.map(|told| self.order_letter(row, &told, news)))
    }

    /// None if nobody of the operator wants to be told.
    pub(super) fn tell_order_desk(&self, row: &OrderRow, news: OrderNews<'_>) -> Option<NewMail> {
        let (mail, language) = (self.rules.desk_mail.clone(), self.rules.desk_language.clone());
        let partner_id = row.partner_id;
        let desk = Addressee { partner_id, mail, name: String::new(), language };
        (!desk.mail.is_empty()).then(|| self.order_letter(row, &desk, news))
    }

    /// The desk learns that the next step of an order is late.
    pub(super) async fn late_order_letter(&self, subject: &str) -> Result<Vec<NewMail>, Error> {
        let id = subject.strip_prefix("order:").and_then(|id| id.parse().ok());
        let Some(row) = self.store.order(id.unwrap_or_default()).await? else {
            return Ok(Vec::new());
        };
        let steps = self.store.order_steps(row.id).await?;
        let next = steps.iter().find(|step| step.done_at.is_none());
        let letter = next.and_then(|step| self.tell_order_desk(&row, OrderNews::Late(step)));
        Ok(letter.into_iter().collect())
    }

    fn order_letter(&self, row: &OrderRow, told: &Addressee, news: OrderNews<'_>) -> NewMail {
        let title = self.orders.of(row.kind).title.of(&told.language);
        let mut data = json!({
            "reference": row.reference(), "title": format!("{title}: {}", row.name),
            "link": format!("/orders/{}", row.id),
        });
        let template = match news {
            OrderNews::Note(note) => {
                data["note"] = json!(note);
                "order_note"
            }
            OrderNews::Turn(step) | OrderNews::Late(step) => {
                data["step"] = json!(step.title(&told.language));
                data["due_at"] = json!(step.due_at);
                if matches!(news, OrderNews::Late(_)) { "order_late" } else { "order_turn" }
            }
            OrderNews::Ended(reason) => {
                data["state"] = json!(row.state);
                data["reason"] = json!((!reason.is_empty()).then_some(reason));
                "order_ended"
            }
        };
        told.letter(template, data, row.subject(), Some(PartnerId(row.partner_id)))
    }
}
