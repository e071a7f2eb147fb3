//! `number import`, `find` and `reservations`: the base of numbers from the host.
//!
//! It imports through the same verb as the page. What surprises: nothing is reserved here. A
//! reservation belongs to a partner's person, and whoever sits at the host is none.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{
    Failure,
    args::NumberFind,
    desk::{Desk, partner_named},
    failure::Outcome,
};
use crate::{
    clock::Clock,
    config::Config,
    control::view::moment,
    domain::{
        Currency, Money, NumberPlan, look_alike::like, number_import::FILE_OCTETS_MAX, seal::Seal,
    },
    partnership::{ImportReport, Partnership},
    store::{NumberFilter, NumberRow, ReservationFilter, Store},
};

/// Reservations that are listed.
const LISTED: u32 = 500;

pub(crate) async fn import(
    desk: &mut Desk<'_>,
    store: &Store,
    file: &Path,
    is_trial: bool,
) -> Outcome {
    let problem = |text: String| Failure::usage(format!("{}: {text}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| problem(error.to_string()))?.len();
    if size > FILE_OCTETS_MAX as u64 {
        return Err(problem(format!("{size} octets are too many")));
    }
    // The size was looked at first: a device or a dump must not fill the memory.
    let octets = std::fs::read(file).map_err(|error| problem(error.to_string()))?;
    let secret = desk.config.smpp_server.pepper_file.secret.reveal().as_bytes();
    let partnership = Partnership::new(store.clone(), Clock::system(), Seal::new([secret]))
        .with_number_plan(plan(&desk.config)?);
    let report = partnership.import_numbers_by(&desk.by(), &octets, is_trial).await?;
    // Traffic follows at once; a daemon that is away reads the base when it starts.
    if !is_trial && report.taken > 0 {
        desk.tell_daemon().await;
    }
    desk.out.show(&json!(report), &told(&report));
    Ok(())
}

/// The operator's own plan, or the shipped one.
fn plan(config: &Config) -> Result<Arc<NumberPlan>, Failure> {
    let Some(path) = &config.partnership.numbers_file else { return Ok(NumberPlan::shipped()) };
    let path = config.file(path);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let plan = NumberPlan::parse(&text);
    Ok(Arc::new(plan.map_err(|error| Failure::usage(error.to_string()))?))
}

fn told(report: &ImportReport) -> String {
    let (taken, refused) = (report.taken, report.refused.len());
    let mut text = if report.is_trial {
        format!("{taken} numbers would be taken, {refused} refused; nothing was written")
    } else {
        format!("{taken} numbers were taken, {refused} refused")
    };
    for row in &report.refused {
        let line = format!("\nline {}: {}: {}", row.line, row.digits, row.detail);
        text.push_str(&line);
    }
    text
}

pub(crate) async fn find(desk: &mut Desk<'_>, store: &Store, wish: &NumberFind) -> Outcome {
    let pattern = wish.pattern.as_deref();
    let like = pattern.map(|pattern| {
        let why = || Failure::usage(format!("`{pattern}` is no pattern of digits, `*` and `?`"));
        like(pattern).ok_or_else(why)
    });
    let filter = NumberFilter {
        like: like.transpose()?.unwrap_or_default(),
        class: wish.class.clone().unwrap_or_default(),
        state: wish.state.clone().unwrap_or_default(),
        limit: wish.limit,
        ..NumberFilter::default()
    };
    let rows = store.numbers(desk.now(), &filter).await?;
    let rows: Vec<Value> = rows.iter().map(described).collect();
    let columns = ["number", "class", "state", "shared", "price", "partner", "pool"];
    desk.out.rows(&rows, &columns);
    Ok(())
}

fn described(row: &NumberRow) -> Value {
    // A number without a tariff has neither: it is free, or priced by contract.
    let currency = row.currency.as_deref().and_then(Currency::parse);
    let price = row.gross_minor.zip(currency);
    let price = price.map(|(amount_minor, currency)| Money { amount_minor, currency }.to_string());
    json!({
        "number": row.digits, "class": row.class, "state": row.state, "shared": row.is_shared != 0,
        "price": price, "tariff": row.tariff, "partner": row.partner, "pool": row.pool,
        "keywords": row.keywords,
    })
}

pub(crate) async fn reservations(
    desk: &mut Desk<'_>,
    store: &Store,
    state: Option<String>,
    partner: Option<&str>,
) -> Outcome {
    // The store names partners by their number.
    let partner = match partner {
        Some(name) => Some(partner_named(&store.load_catalog().await?, name)?.id),
        None => None,
    };
    let filter = ReservationFilter {
        partner,
        state: state.unwrap_or_default(),
        limit: LISTED,
        ..ReservationFilter::default()
    };
    let rows = store.reservations(&filter).await?;
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "partner": row.partner, "number": row.digits,
                "keyword": row.keyword, "class": row.class, "state": row.state,
                "reserved_at": moment(row.reserved_at), "expires_at": moment(row.expires_at),
            })
        })
        .collect();
    let columns = ["id", "partner", "number", "keyword", "state", "reserved_at", "expires_at"];
    desk.out.rows(&rows, &columns);
    Ok(())
}
