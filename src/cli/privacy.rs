//! What a subscriber may ask for: a copy of what is known of a number, and to be forgotten (S-46).

use serde_json::{Value, json};

use super::{Failure, Outcome, args::PrivacyCommand, desk::Desk};
use crate::{
    control::view,
    domain::Msisdn,
    payload::preview,
    store::{SubscriberCharge, SubscriberMessage},
};

pub(crate) async fn privacy(desk: &mut Desk<'_>, command: PrivacyCommand) -> Outcome {
    match command {
        PrivacyCommand::Export { msisdn } => export(desk, &number(&msisdn)?).await,
        PrivacyCommand::Erase { msisdn, confirm, dry_run } => {
            let number = number(&msisdn)?;
            if !dry_run && confirm.as_deref() != Some(number.as_str()) {
                return Err(Failure::usage(format!(
                    "this cannot be undone; try `--dry-run`, then say `--confirm {}`",
                    number.as_str()
                )));
            }
            erase(desk, &number, dry_run).await
        }
    }
}

/// What is typed is what stands in the store: no guess about a missing country code, which could
/// name somebody else.
fn number(text: &str) -> Result<Msisdn, Failure> {
    Msisdn::parse(text).map_err(|error| Failure::usage(error.to_string()))
}

/// The row in the trail names the pseudonym: the trail is for ever and the number is not.
async fn export(desk: &mut Desk<'_>, number: &Msisdn) -> Outcome {
    desk.remark_on_pepper();
    let store = desk.store().await?;
    let mut messages = Vec::new();
    let mut after = i64::MIN;
    while let Some((last, found)) = store.subscriber_messages(number, after).await? {
        messages.extend(found.iter().map(message));
        after = last;
    }
    let charges: Vec<Value> = store.subscriber_charges(number).await?.iter().map(charge).collect();
    let is_barred = store.is_barred(number).await?;
    let stops = store.stops_of(number).await?;
    // A number is in no complaint 0, so that nothing is left out.
    let complaints = store.earlier_complaints(number.as_str(), 0).await?;
    store.note_export(&desk.by(), desk.now(), &desk.pepper().pseudonym(number)).await?;
    store.close().await;
    desk.out.document(&json!({
        "msisdn": number.as_str(),
        "messages": messages,
        "charges": charges,
        "complaints": complaints,
        "ended_services": stops,
        "is_barred": is_barred,
    }));
    Ok(())
}

/// Counts first where it is asked to. Texts are in the count of messages and never shown.
async fn erase(desk: &mut Desk<'_>, number: &Msisdn, is_dry: bool) -> Outcome {
    desk.remark_on_pepper();
    let store = desk.store().await?;
    if is_dry {
        let (mut count, mut after) = (0, i64::MIN);
        while let Some((last, found)) = store.subscriber_messages(number, after).await? {
            count += found.len();
            after = last;
        }
        let charges = store.subscriber_charges(number).await?.len();
        store.close().await;
        let text = format!("{count} messages and {charges} charges name this number");
        desk.out.show(&json!({ "messages": count, "charges": charges, "dry_run": true }), &text);
        return Ok(());
    }
    let pseudonym = desk.pepper().pseudonym(number);
    let done = store.forget_subscriber(&desk.by(), desk.now(), number, &pseudonym).await?;
    store.close().await;
    let mut text = format!(
        "{} messages, {} charges, {} complaints and {} loose rows no longer name this number",
        done.messages, done.charges, done.complaints, done.loose
    );
    if done.left > 0 {
        let more = format!(
            "\n{} messages are on their way or younger than an hour, or complaints are open; run \
             this again later",
            done.left
        );
        text.push_str(&more);
    }
    if done.is_barred {
        text.push_str(
            "\nthe number stays on the list of barred numbers, for the subscriber's sake",
        );
    }
    desk.out.show(&json!(done), &text);
    Ok(())
}

/// Its text as far as it is one; what no alphabet can read comes as a note of its octets.
fn message(message: &SubscriberMessage) -> Value {
    let mut value = json!(message);
    value["accepted_at"] = view::moment(message.accepted_at);
    let coding = u8::try_from(message.data_coding).unwrap_or_default();
    value["text"] = json!(preview::full(&message.body, coding, message.has_udh != 0));
    value
}

fn charge(charge: &SubscriberCharge) -> Value {
    let mut value = json!(charge);
    value["charged_at"] = view::moment(charge.charged_at);
    value
}
