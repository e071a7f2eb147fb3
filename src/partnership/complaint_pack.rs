//! The evidence of a complaint in one file (D20): what was consented to, what was charged, what
//! came and went, and what was complained of before; a redacted copy for the partner.
//!
//! It judges nothing. What surprises: the pack is kept as it was, sealed and under its hash, and a
//! later one does not replace it among the files, so that nobody can be shown another past. It has
//! no text of any message: a number, a keyword and a price are what a dispute is about (S-23).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    ComplaintView, Error, Partnership, Signed, complaint_steps::plain, complaint_views::shown,
    files::FileFault,
};
use crate::{
    domain::{Msisdn, PartnerId, Refusal, Right, StandardWord, number::mask, secret::hex},
    store::{ComplaintRow, ComplaintWrite, NewFile, ServiceText, StoppedService},
};

/// Descriptions of services in one pack.
const TEXTS_MAX: usize = 50;

/// A pack as the subscriber's side has it, and its copy for the partner.
struct Packs {
    whole: Vec<u8>,
    copy: Option<(PartnerId, Vec<u8>)>,
}

impl Partnership {
    /// Gathers the evidence as it is now, and keeps it.
    pub async fn pack_complaint(
        &self,
        signed: &Signed,
        at: (i64, i64),
    ) -> Result<ComplaintRow, Error> {
        self.require(signed, Right::WorkTickets)?;
        if signed.partner.is_some() {
            return Err(Refusal::NotAllowed.into());
        }
        let before = self.faced_complaint(signed, at).await?;
        let view = self.whole_complaint(signed, before.clone()).await?;
        let packs = self.packs(&view).await?;
        let (trail, reference) = (before.trail(), before.reference());
        let mut after = ComplaintRow { pack_at: Some(self.now()), ..before.clone() };
        let name = format!("dowody-{reference}.json");
        let file = self.sealed_json(&trail, None, &name, &packs.whole)?;
        after.pack_file = Some(file.id.clone());
        after.pack_sha256 = Some(file.sha256.clone());
        let mut files = vec![file];
        (after.pack_copy, after.pack_copy_sha256) = (None, None);
        if let Some((partner, copy)) = packs.copy {
            let name = format!("dowody-{reference}-partner.json");
            let file = self.sealed_json(&trail, Some(partner), &name, &copy)?;
            after.pack_copy = Some(file.id.clone());
            after.pack_copy_sha256 = Some(file.sha256.clone());
            files.push(file);
        }
        let note = hex(&Sha256::digest(&packs.whole));
        let write = ComplaintWrite { files, is_public: false, ..plain(&before, after, &note) };
        let row = self.write_complaint(&signed.caller(), write, "pack").await?;
        Ok(shown(signed, row))
    }

    fn sealed_json(
        &self,
        trail: &str,
        partner: Option<PartnerId>,
        name: &str,
        octets: &[u8],
    ) -> Result<NewFile, Error> {
        let sealed = self.sealed_data(trail, partner, name, ("application/json", octets));
        sealed.map_err(|fault| match fault {
            FileFault::NoRandomness(error) => error.into(),
            fault => Error::Broken(format!("a pack: {fault}")),
        })
    }

    async fn packs(&self, view: &ComplaintView) -> Result<Packs, Error> {
        let texts = self.consents(view).await?;
        let ended = self.ended(view).await?;
        let number = Msisdn::parse(&view.row.msisdn);
        let is_barred = match &number {
            Ok(number) => self.store.is_barred(number).await?,
            // Forgotten: a pseudonym is on no list.
            Err(_) => false,
        };
        let whole = pack(view, (&texts, &ended), (is_barred, None));
        let copy = view.row.partner().map(|partner| {
            (partner, octets(&pack(view, (&texts, &ended), (is_barred, Some(partner.0)))))
        });
        Ok(Packs { whole: octets(&whole), copy })
    }

    /// Which of the services in question the subscriber had ended, and by which message.
    async fn ended(&self, view: &ComplaintView) -> Result<Vec<StoppedService>, Error> {
        let mut services: Vec<i64> =
            view.messages.iter().filter_map(|one| one.service_id).collect();
        services.sort_unstable();
        services.dedup();
        let mut ended = Vec::new();
        for service in services {
            ended.extend(self.store.stopped(service, &view.row.msisdn).await?);
        }
        Ok(ended)
    }

    /// What the services said of themselves when the messages were charged, each once.
    async fn consents(&self, view: &ComplaintView) -> Result<Vec<ServiceText>, Error> {
        let mut seen: Vec<(i64, i64)> = Vec::new();
        let mut texts: Vec<ServiceText> = Vec::new();
        for message in &view.messages {
            let (Some(service), Some(version)) = (message.service_id, message.service_version)
            else {
                continue;
            };
            if seen.contains(&(service, version)) || seen.len() >= TEXTS_MAX {
                continue;
            }
            seen.push((service, version));
            let text = self.store.service_text(service, version).await?;
            // Versions of the same description are one consent.
            texts.extend(text.filter(|new| !texts.contains(new)));
        }
        Ok(texts)
    }
}

fn octets(pack: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(pack).unwrap_or_default()
}

/// The pack; for a partner without the person, other partners and what the staff told itself.
fn pack(
    view: &ComplaintView,
    (texts, ended): (&[ServiceText], &[StoppedService]),
    (is_barred, partner): (bool, Option<i64>),
) -> Value {
    let is_mine = |of: Option<i64>| partner.is_none() || of == partner;
    let messages: Vec<_> = view.messages.iter().filter(|one| is_mine(one.partner_id)).collect();
    let charges: Vec<_> = view.charges.iter().filter(|one| is_mine(Some(one.partner_id))).collect();
    let earlier: Vec<_> = view.earlier.iter().filter(|one| is_mine(one.partner_id)).collect();
    let history = view.history.iter().filter(|one| partner.is_none() || one.is_public != 0);
    let history: Vec<Value> =
        history.map(|one| json!({ "at": one.at, "what": one.kind, "note": one.note })).collect();
    let is_stop = |keyword: &str| StandardWord::of_keyword(keyword) == Some(StandardWord::Stop);
    let stops: Vec<_> = messages
        .iter()
        .filter(|one| one.direction == "mo" && one.keyword.as_deref().is_some_and(is_stop))
        .map(|one| json!({ "message": one.message_id, "at": one.accepted_at }))
        .collect();
    let texts: Vec<Value> = texts
        .iter()
        .filter(|text| messages.iter().any(|one| one.service_id == Some(text.service_id)))
        .map(consent)
        .collect();
    let ended: Vec<_> = ended
        .iter()
        .filter(|one| messages.iter().any(|message| message.service_id == Some(one.service_id)))
        .collect();
    let shown: Vec<Value> = messages
        .iter()
        .map(|one| {
            let trace: Value = serde_json::from_str(&one.trace).unwrap_or_default();
            json!({
                "id": one.message_id, "direction": one.direction, "number": one.short_code,
                "keyword": one.keyword, "accepted_at": one.accepted_at, "trace": trace,
                "service": one.service_id, "service_version": one.service_version,
            })
        })
        .collect();
    json!({
        "format": "complaint evidence 1",
        "is_redacted": partner.is_some(),
        "complaint": about(&view.row, partner.is_some()),
        "consents": texts,
        "messages": shown,
        "stops": stops,
        "ended_services": ended,
        "is_barred": is_barred,
        "charges": charges,
        "earlier_complaints": earlier,
        "history": history,
    })
}

fn about(row: &ComplaintRow, is_redacted: bool) -> Value {
    let mut about = json!({
        "reference": row.reference(), "subject": row.subject, "channel": row.channel,
        "demand": row.demand, "state": row.state, "from_at": row.from_at,
        "until_at": row.until_at, "received_at": row.received_at, "due_at": row.due_at,
        "subscriber": mask(&row.msisdn), "partner": row.partner, "service": row.service,
        "partner_says": row.partner_says, "partner_answer": row.partner_answer,
        "decision": row.decision, "reason": row.reason, "refund_minor": row.refund_minor,
        "currency": row.currency, "appeals": row.appeals,
    });
    if !is_redacted {
        about["subscriber"] = json!(row.msisdn);
        about["name"] = json!(row.name);
        about["mail"] = json!(row.mail);
        about["address"] = json!(row.address);
        about["story"] = json!(row.story);
    }
    about
}

/// What a subscriber could read of a service: number, keywords, price, and how to stop it.
fn consent(text: &ServiceText) -> Value {
    let form: Value = serde_json::from_str(&text.body).unwrap_or_default();
    let fields = ["short_code", "keywords", "billing", "tariff", "answer", "help", "stop"];
    let said: serde_json::Map<String, Value> =
        fields.iter().map(|name| ((*name).to_owned(), form[*name].clone())).collect();
    json!({
        "service": text.name, "text_version": text.number,
        "from_service_version": text.service_version, "approved_at": text.approved_at,
        "approved_by": text.approved_by, "said": said,
    })
}
