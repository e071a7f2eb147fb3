//! `replay`: a partner has what it lost handed over again.
//!
//! What surprises: nothing is asked of the daemon. A replay is a row of the store, and a daemon
//! that runs, now or later, carries it out.

use serde_json::{Value, json};

use super::{
    Failure,
    args::{ReplayCommand, ReplayStartArgs},
    desk::{Desk, partner_named},
    failure::Outcome,
};
use crate::{
    clock::Clock,
    control::view::moment,
    domain::{PartnerId, ReplayCounts, ReplayEvent, ReplayState, seal::Seal},
    partnership::{Partnership, ReplayRules, ReplayWish},
    store::{ReplayRow, Store},
};

pub(crate) async fn replay(desk: &mut Desk<'_>, command: ReplayCommand) -> Outcome {
    let store = desk.store().await?;
    let done = match command {
        ReplayCommand::Start(wish) => start(desk, &store, wish).await,
        ReplayCommand::List { partner, state, limit } => {
            list(desk, &store, partner.as_deref(), state.as_deref(), limit).await
        }
        ReplayCommand::Show { id } => show(desk, &store, id).await,
        ReplayCommand::Stop { id } => stop(desk, &store, id).await,
    };
    store.close().await;
    done
}

/// By the same rules as on the pages. It asks for no right: whoever can run it can read the database
/// file as well (S-07).
async fn start(desk: &mut Desk<'_>, store: &Store, asked: ReplayStartArgs) -> Outcome {
    let secret = desk.config.smpp_server.pepper_file.secret.reveal().as_bytes();
    let verbs = Partnership::new(store.clone(), Clock::system(), Seal::new([secret]))
        .with_replay_rules(ReplayRules::from_settings(&desk.config));
    let catalog = store.load_catalog().await?;
    let partner = partner_named(&catalog, &asked.partner)?.id;
    let service = match asked.service.as_deref() {
        None => None,
        Some(name) => {
            let mut own = catalog.services().filter(|service| service.partner == partner);
            let found = own.find(|service| service.name == name).map(|service| service.id);
            let none = || Failure::not_found(format!("{} has no service `{name}`", asked.partner));
            Some(found.ok_or_else(none)?)
        }
    };
    // Nothing named is everything: whoever lost a database lost both.
    let is_wanted = |kind: &str| asked.kind.is_empty() || asked.kind.iter().any(|one| one == kind);
    let wish = ReplayWish {
        partner: Some(partner),
        service,
        mo: is_wanted("mo"),
        receipts: is_wanted("receipt"),
        from: asked.from.as_microsecond(),
        until: asked.until.map(jiff::Timestamp::as_microsecond),
    };
    if asked.dry_run {
        let counts = verbs.preview_replay_of(partner, &wish).await?.counts;
        desk.out.card(&counted(counts.total(), &counts));
        return Ok(());
    }
    let (row, _) = verbs.start_replay_of(&desk.by(), partner, &wish, None).await?;
    let text = format!("replay {} of {} messages was started", row.id, row.found);
    desk.out.show(&described(&row), &text);
    Ok(())
}

async fn list(
    desk: &mut Desk<'_>,
    store: &Store,
    partner: Option<&str>,
    state: Option<&str>,
    limit: u32,
) -> Outcome {
    let partner = match partner {
        None => None::<PartnerId>,
        Some(name) => Some(partner_named(&store.load_catalog().await?, name)?.id),
    };
    let rows = store.replays(partner, state.and_then(ReplayState::parse), (None, limit)).await?;
    let rows: Vec<Value> = rows.iter().map(described).collect();
    desk.out.rows(&rows, &["id", "partner", "state", "from", "until", "found", "sent", "reason"]);
    Ok(())
}

async fn show(desk: &mut Desk<'_>, store: &Store, id: i64) -> Outcome {
    let row = store.replay(id).await?.ok_or_else(|| unknown(id))?;
    desk.out.card(&described(&row));
    Ok(())
}

async fn stop(desk: &mut Desk<'_>, store: &Store, id: i64) -> Outcome {
    if store.replay(id).await?.is_none() {
        return Err(unknown(id));
    }
    // The daemon learns of it with its next page: up to sixteen messages may still go.
    if !store.end_replay(&desk.by(), desk.now(), id, (ReplayEvent::Stop, None)).await? {
        return Err(Failure::failed(format!("replay {id} is over already")));
    }
    let row = store.replay(id).await?.ok_or_else(|| unknown(id))?;
    desk.out.show(&described(&row), &format!("replay {id} was stopped"));
    Ok(())
}

fn unknown(id: i64) -> Failure {
    Failure::not_found(format!("no replay has the number {id}"))
}

fn counted(found: i64, counts: &ReplayCounts) -> Value {
    json!({
        "found": found, "sent": counts.sent, "erased": counts.erased,
        "unfinished": counts.unfinished, "refused": counts.refused, "no_way": counts.no_way,
    })
}

fn described(row: &ReplayRow) -> Value {
    let mut value = json!({
        "id": row.id, "partner": row.partner, "service": row.service,
        "mo": row.mo == 1, "receipts": row.receipts == 1,
        "from": moment(row.from_at), "until": moment(row.until_at),
        "state": row.state, "reason": row.reason, "started_by": row.made_by,
        "started_at": moment(row.made_at), "ended_at": row.ended_at.map(moment),
    });
    if let (Value::Object(all), Value::Object(counts)) =
        (&mut value, counted(row.found, &row.counts()))
    {
        all.extend(counts);
    }
    value
}
