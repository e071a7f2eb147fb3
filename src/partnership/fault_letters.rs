//! Letters about faults: to whoever reported one, and to the desk.
//!
//! They decide nothing. What surprises: a fault that the gateway filed itself has nobody who
//! reported it, and only the desk is told.

use serde_json::{Value, json};

use super::Partnership;
use crate::{
    domain::PartnerId,
    store::{Addressee, FaultRow, NewFault, NewMail, fault_reference},
};

impl Partnership {
    /// Where the desk is told about faults; none if nobody wants to be.
    pub(super) fn fault_desk(&self) -> Option<Addressee> {
        let mail = self.faults.desk_mail.clone();
        let language = self.rules.desk_language.clone();
        (!mail.is_empty()).then(|| Addressee { partner_id: 0, mail, name: String::new(), language })
    }
}

/// Both sides learn of a new one.
pub(super) fn reported(
    id: i64,
    new: &NewFault<'_>,
    reporter: Option<&Addressee>,
    desk: Option<&Addressee>,
) -> Vec<NewMail> {
    let subject = format!("fault:{id}");
    let data = json!({
        "reference": fault_reference(id), "title": new.title, "severity": new.severity,
        "due_at": new.solve_by, "link": format!("/faults/{id}"),
    });
    let one = |told: &Addressee, template| {
        told.letter(template, data.clone(), subject.as_str(), new.partner)
    };
    let reporter = reporter.map(|told| one(told, "fault_received"));
    let desk = desk.map(|told| one(told, "fault_filed"));
    reporter.into_iter().chain(desk).collect()
}

/// A letter about a step; `more` is what its kind is told beyond the number, title and link.
pub(super) fn about(
    row: &FaultRow,
    told: &Addressee,
    template: &'static str,
    more: &Value,
) -> NewMail {
    let mut data = json!({
        "reference": row.reference(), "title": row.title, "link": format!("/faults/{}", row.id),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    told.letter(template, data, row.subject(), row.partner_id.map(PartnerId))
}
