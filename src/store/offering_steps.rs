//! What the steps of services write, each in one transaction: the service, its description, and
//! the row that the gateway routes by.
//!
//! It knows no rule but those of the database: a name and a keyword have one owner. What
//! surprises: a description that takes effect notes the version that the routed service got by it,
//! because that version is what each message names.

use serde_json::json;

use super::{
    Error, Happening, NewMail, NewService, OfferingRow, OrderTurn, RevisionRow, Store,
    admin::{insert_service, listed, put_keywords, put_texts, tariff_id},
    audit, checked,
    db::{Tx, execute, fetch_in},
    letters::{next_id, note_happening, queue_mail},
    offerings::offerings,
    order_steps::take_turns,
};
use crate::domain::{Caller, PartnerId, UserId};

/// A service that a partner begins to describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOffering<'a> {
    pub partner: PartnerId,
    pub name: &'a str,
    pub person: Option<UserId>,
    pub body: &'a str,
}

/// What a step means to traffic.
#[derive(Debug, Clone)]
pub enum Traffic {
    /// Nothing.
    Same,
    /// The routed service is as this says from now on; a new one is made if there is none.
    Be(Box<NewService>),
    /// It is in another state.
    State(&'static str),
    /// It is over, and its keywords are free for others.
    End,
}

/// Everything that one step writes.
pub struct OfferingWrite<'a> {
    pub what: &'a str,
    pub before: &'a OfferingRow,
    pub after: OfferingRow,
    /// The description that the step is about, as it is afterwards.
    pub revision: Option<RevisionRow>,
    /// The one that no longer holds.
    pub supersedes: Option<i64>,
    pub traffic: Traffic,
    /// Field and words of a comment.
    pub comment: Option<(&'a str, &'a str)>,
    pub note: &'a str,
    pub mails: Vec<NewMail>,
}

impl Store {
    /// A conflict with `OfferingName`: the partner has a service of this name.
    pub async fn begin_offering(
        &self,
        by: &Caller,
        at: i64,
        new: &NewOffering<'_>,
    ) -> Result<i64, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let id = next_id(&mut tx, "select coalesce(max(id), 0) + 1 from offering").await?;
        execute!(
            &mut tx,
            "insert into offering (id, partner_id, name, state, person_id, link_group, reason, \
             made_at, version) values ($1, $2, $3, 'draft', $4, '', '', $5, 1)",
            id,
            new.partner.0,
            new.name,
            new.person.map(|person| person.0),
            at
        )?;
        execute!(
            &mut tx,
            "insert into service_revision (offering_id, number, state, body, made_by, made_at) \
             values ($1, 1, 'draft', $2, $3, $4)",
            id,
            new.body,
            by.to_string(),
            at
        )?;
        let subject = format!("service:{id}");
        let detail = json!({ "name": new.name, "partner": new.partner.0 });
        audit::append(&mut tx, at, by, "service.draft", &subject, &detail).await?;
        let happening =
            Happening { subject: &subject, kind: "service_draft", note: "", is_public: true };
        note_happening(&mut tx, at, by, &happening).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Writes a step, with what it means to the orders about the service, if all of them are still
    /// as they were read; none: they are not. A conflict with `KeywordTaken` or `ServiceName`:
    /// another service has it.
    pub async fn step_offering(
        &self,
        by: &Caller,
        at: i64,
        (write, orders): (&OfferingWrite<'_>, &[OrderTurn]),
    ) -> Result<Option<OfferingRow>, Error> {
        let mut pen = self.pen().await?;
        let mut tx = pen.begin().await?;
        let (before, after) = (write.before, &write.after);
        let subject = before.subject();
        let revision = write.revision.as_ref();
        let detail = json!({ "from": before.state, "to": after.state,
            "revision": revision.map(|revision| revision.number),
            "revision_state": revision.map(|revision| revision.state),
            "field": write.comment.map(|(field, _)| field),
            "orders": orders.iter().map(OrderTurn::told).collect::<Vec<_>>() });
        audit::append(&mut tx, at, by, write.what, &subject, &detail).await?;
        let (service, version) = follow(&mut tx, at, before, &write.traffic).await?;
        let is_current = update(&mut tx, before, after, service).await? > 0;
        if !is_current || !take_turns(&mut tx, at, by, orders).await? {
            // Dropped without a commit, the transaction leaves nothing.
            return Ok(None);
        }
        if let Some(number) = write.supersedes {
            execute!(
                &mut tx,
                "update service_revision set state = 'superseded', ended_at = $1 \
                 where offering_id = $2 and number = $3",
                at,
                before.id,
                number
            )?;
        }
        if let Some(revision) = revision {
            put_revision(&mut tx, revision, version).await?;
        }
        if let Some((field, text)) = write.comment {
            let number = revision.map_or(0, |revision| revision.number);
            put_comment(&mut tx, by, at, (before.id, number), (field, text)).await?;
        }
        let kind = write.what.replace('.', "_");
        let happening =
            Happening { subject: &subject, kind: &kind, note: write.note, is_public: true };
        note_happening(&mut tx, at, by, &happening).await?;
        for letter in &write.mails {
            queue_mail(&mut tx, at, letter).await?;
        }
        let row = fetch_in!(&mut tx, OfferingRow, offerings!("where o.id = $1"), before.id)?;
        tx.commit().await?;
        Ok(row)
    }
}

/// Makes the routed service what the step wants; answers with its id and, where its description
/// is another one, its new version.
async fn follow(
    tx: &mut Tx<'_>,
    at: i64,
    before: &OfferingRow,
    traffic: &Traffic,
) -> Result<(Option<i64>, Option<i64>), Error> {
    let known = before.service_id;
    match (traffic, known) {
        (Traffic::Be(wanted), None) => {
            let id = next_id(tx, "select coalesce(max(id), 0) + 1 from service").await?;
            let keywords = checked::service(wanted)?;
            insert_service(tx, id, before.partner_id, at, wanted).await?;
            put_keywords(tx, id, wanted, &keywords).await?;
            Ok((Some(id), Some(1)))
        }
        (Traffic::Be(wanted), Some(id)) => {
            let keywords = checked::service(wanted)?;
            let version = change_service(tx, id, wanted).await?;
            put_texts(tx, id, wanted).await?;
            put_keywords(tx, id, wanted, &keywords).await?;
            Ok((known, version))
        }
        (Traffic::State(state), Some(id)) => {
            checked::state(state)?;
            let sql = "update service set state = $1, version = version + 1 where id = $2";
            execute!(tx, sql, *state, id)?;
            Ok((known, None))
        }
        (Traffic::End, Some(id)) => {
            let sql = "update service set state = 'closed', version = version + 1 where id = $1";
            execute!(&mut *tx, sql, id)?;
            execute!(tx, "delete from keyword where service_id = $1", id)?;
            Ok((known, None))
        }
        _ => Ok((known, None)),
    }
}

/// A secret that signs callbacks stays; only a service that had none gets the one that is wanted.
/// Answers with the version that it is now.
async fn change_service(
    tx: &mut Tx<'_>,
    id: i64,
    wanted: &NewService,
) -> Result<Option<i64>, Error> {
    let tariff = tariff_id(tx, wanted.tariff.as_deref()).await?;
    let (delivery, url, secrets) = match &wanted.callback {
        Some((url, secrets)) => ("callback", Some(url.as_str()), Some(secrets.join(","))),
        None => ("smpp", None, None),
    };
    let row = fetch_in!(
        tx,
        (i64,),
        "update service set version = version + 1, state = $1, short_code = $2, billing = $3, \
         tariff_id = $4, link_group = $5, delivery = $6, callback_url = $7, \
         callback_secrets = coalesce(callback_secrets, $8), on_unknown = $9, \
         validity_max_us = $10, test_numbers = $11, rate = $12, parts_max = $13, \
         begins_at = $14, ends_at = $15, coding = $16, retry = $17, tlvs = $18 where id = $19 \
         returning version",
        wanted.state.as_str(),
        wanted.short_code.as_str(),
        wanted.billing.as_str(),
        tariff,
        wanted.link_group.as_str(),
        delivery,
        url,
        secrets.clone(),
        wanted.on_unknown.as_str(),
        wanted.validity_max_us,
        wanted.test_numbers.join(","),
        i64::from(wanted.limits.rate),
        i64::from(wanted.limits.parts_max),
        wanted.limits.begins_at,
        wanted.limits.ends_at,
        wanted.limits.coding.as_str(),
        listed(&wanted.limits.retry),
        listed(&wanted.limits.tlvs),
        id
    )?;
    Ok(row.map(|(version,)| version))
}

async fn update(
    tx: &mut Tx<'_>,
    before: &OfferingRow,
    after: &OfferingRow,
    service: Option<i64>,
) -> Result<u64, Error> {
    execute!(
        tx,
        "update offering set state = $1, service_id = $2, link_group = $3, tested_at = $4, \
         tested_by = $5, tested_revision = $6, reason = $7, live_at = $8, ended_at = $9, \
         version = version + 1 where id = $10 and version = $11",
        after.state.as_str(),
        service,
        after.link_group.as_str(),
        after.tested_at,
        after.tested_by.as_deref(),
        after.tested_revision,
        after.reason.as_str(),
        after.live_at,
        after.ended_at,
        before.id,
        before.version
    )
}

/// Writes a description as it is from now on; the version of the service under whose lock this
/// runs keeps two from writing the same one.
async fn put_revision(
    tx: &mut Tx<'_>,
    row: &RevisionRow,
    service_version: Option<i64>,
) -> Result<(), Error> {
    execute!(
        tx,
        "insert into service_revision (offering_id, number, state, body, made_by, made_at, \
         submitted_by, submitted_at, approved_by, approved_at, service_version, ended_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         on conflict (offering_id, number) do update set state = excluded.state, \
         body = excluded.body, made_by = excluded.made_by, made_at = excluded.made_at, \
         submitted_by = excluded.submitted_by, submitted_at = excluded.submitted_at, \
         approved_by = excluded.approved_by, approved_at = excluded.approved_at, \
         service_version = excluded.service_version, ended_at = excluded.ended_at",
        row.offering_id,
        row.number,
        row.state.as_str(),
        row.body.as_str(),
        row.made_by.as_str(),
        row.made_at,
        row.submitted_by.as_deref(),
        row.submitted_at,
        row.approved_by.as_deref(),
        row.approved_at,
        row.service_version.or(service_version),
        row.ended_at
    )?;
    Ok(())
}

async fn put_comment(
    tx: &mut Tx<'_>,
    by: &Caller,
    at: i64,
    (offering, revision): (i64, i64),
    (field, text): (&str, &str),
) -> Result<(), Error> {
    let id = next_id(tx, "select coalesce(max(id), 0) + 1 from service_comment").await?;
    let side = if by.partner().is_some() { "partner" } else { "operator" };
    execute!(
        tx,
        "insert into service_comment (id, offering_id, revision, field, text, who, side, at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        offering,
        revision,
        field,
        text,
        by.to_string(),
        side,
        at
    )?;
    Ok(())
}
