//! Letters about services: a submission to the desk, every answer to the partner.
//!
//! Comments are not mailed one by one; the letter of the answer leads to them. What surprises: who
//! closes its own service is told as well, because a letter is what somebody keeps.

use serde_json::json;

use super::{Error, Partnership};
use crate::{
    domain::{LifeEvent, PartnerId},
    store::{Addressee, NewMail, OfferingRow},
};

impl Partnership {
    pub(super) async fn service_letters(
        &self,
        row: &OfferingRow,
        event: LifeEvent,
        reason: &str,
    ) -> Result<Vec<NewMail>, Error> {
        let template = match event {
            LifeEvent::Submit => return Ok(self.service_to_desk(row, "service_submitted", "")),
            LifeEvent::AskClose => {
                return Ok(self.service_to_desk(row, "service_close_asked", reason));
            }
            LifeEvent::Return => "service_returned",
            LifeEvent::Approve => "service_approved",
            LifeEvent::GoLive | LifeEvent::Resume => "service_live",
            LifeEvent::Suspend => "service_suspended",
            LifeEvent::Close => "service_closed",
            LifeEvent::StartTest => return Ok(Vec::new()),
        };
        let told = self.store.holder(PartnerId(row.partner_id), row.person_id).await?;
        Ok(told.map(|told| letter(row, &told, template, reason)).into_iter().collect())
    }

    fn service_to_desk(
        &self,
        row: &OfferingRow,
        template: &'static str,
        reason: &str,
    ) -> Vec<NewMail> {
        if self.rules.desk_mail.is_empty() {
            return Vec::new();
        }
        let desk = Addressee {
            partner_id: row.partner_id,
            mail: self.rules.desk_mail.clone(),
            name: String::new(),
            language: self.rules.desk_language.clone(),
        };
        vec![letter(row, &desk, template, reason)]
    }
}

fn letter(row: &OfferingRow, told: &Addressee, template: &'static str, reason: &str) -> NewMail {
    let mut data = json!({ "service": row.name, "link": format!("/services/{}", row.id) });
    match template {
        "service_submitted" => data["partner"] = json!(row.partner),
        "service_close_asked" => {
            (data["partner"], data["reason"]) = (json!(row.partner), json!(reason));
        }
        "service_returned" | "service_suspended" | "service_closed" => {
            data["reason"] = json!(reason);
        }
        _ => {}
    }
    told.letter(template, data, row.subject(), Some(PartnerId(row.partner_id)))
}
