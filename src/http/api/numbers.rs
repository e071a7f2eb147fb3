//! `/api/v1/numbers`: the base of numbers, looked through and imported.
//!
//! It asks the same verbs as the pages. What surprises: a number is named by its digits and not by
//! our own id, because that is what both sides have in their systems.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{Deserialize, Serialize};

use super::{
    asked::{self, Asked},
    openapi::Problems,
    session::named,
    shapes::moment,
};
use crate::{
    domain::{NumberState, Refusal, look_alike, number_import::FILE_OCTETS_MAX},
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::ImportReport,
    store::{NumberFilter, NumberRow},
};

/// Which numbers.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Digits that it has, or a pattern: `*77` ends in 77, `7?7?` has any digit in two places.
    #[param(max_length = 16, pattern = "^[0-9*?]+$")]
    #[serde(default, deserialize_with = "asked::word")]
    pattern: Option<String>,
    /// A class of the plan.
    #[param(min_length = 1, max_length = 32)]
    #[serde(default, deserialize_with = "asked::word")]
    class: Option<String>,
    /// `free`, `reserved`, `ordered`, `active`, `suspended`, `quarantined` or `withdrawn`.
    #[param(pattern = "^(free|reserved|ordered|active|suspended|quarantined|withdrawn)$")]
    #[serde(default, deserialize_with = "asked::word")]
    state: Option<String>,
    /// Only those shared by keywords, or only the others.
    shared: Option<bool>,
    /// Published gross in grosze, at least.
    #[param(minimum = 0)]
    gross_from: Option<i64>,
    /// Published gross in grosze, at most.
    #[param(minimum = 0)]
    gross_to: Option<i64>,
    /// Digits after which the page begins.
    #[param(max_length = 9, pattern = "^[0-9]+$")]
    #[serde(default, deserialize_with = "asked::word")]
    after: Option<String>,
    /// How many at most; 50 if not given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What a subscriber pays, in grosze.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NumberPrice)]
pub(crate) struct PriceBody {
    tariff: String,
    net_minor: i64,
    /// Hundredths of a percent: 2300 is 23 %.
    vat_basis_points: i64,
    /// As published: it is not always the net with VAT, rounded.
    gross_minor: i64,
    #[schema(example = "PLN")]
    currency: String,
}

/// A number of the base.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Number)]
pub(crate) struct NumberBody {
    #[schema(example = "7455")]
    digits: String,
    class: String,
    is_shared: bool,
    /// Of another partner's number only that it is taken.
    state: &'static str,
    /// Null if it is free of charge, or priced by contract.
    #[schema(required)]
    price: Option<PriceBody>,
    /// Your reservation of the whole number.
    #[schema(required)]
    reservation: Option<i64>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NumberList)]
pub(crate) struct ListBody {
    numbers: Vec<NumberBody>,
}

/// One price of a number, from a moment on.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DatedPrice)]
pub(crate) struct DatedBody {
    #[schema(format = DateTime)]
    valid_from: String,
    net_minor: i64,
    vat_basis_points: i64,
    gross_minor: i64,
    currency: String,
}

/// A number with every price it had, has and will have.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NumberDetail)]
pub(crate) struct DetailBody {
    number: NumberBody,
    prices: Vec<DatedBody>,
}

/// A row of a file that was not taken.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RefusedRow)]
pub(crate) struct RefusedBody {
    line: u64,
    digits: String,
    code: &'static str,
    detail: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ImportReport)]
pub(crate) struct ReportBody {
    rows: usize,
    /// Numbers that are in the base now; of a trial, that would be.
    taken: usize,
    is_trial: bool,
    refused: Vec<RefusedBody>,
}

/// Whether a file is only checked.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    trial: Option<bool>,
}

impl From<NumberRow> for NumberBody {
    fn from(row: NumberRow) -> Self {
        let price = match (row.tariff, row.net_minor, row.gross_minor) {
            (Some(tariff), Some(net_minor), Some(gross_minor)) => Some(PriceBody {
                tariff,
                net_minor,
                vat_basis_points: row.vat_permille.unwrap_or_default() * 10,
                gross_minor,
                currency: row.currency.unwrap_or_default(),
            }),
            _ => None,
        };
        Self {
            digits: row.digits,
            class: row.class,
            is_shared: row.is_shared != 0,
            state: row.state.as_str(),
            price,
            reservation: row.reservation_id,
        }
    }
}

/// Looks for numbers, by their digits.
#[utoipa::path(
    get,
    path = "/api/v1/numbers",
    operation_id = "listNumbers",
    tag = "numbers",
    params(Wanted),
    responses((status = 200, description = "The numbers", body = ListBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let bad = |name: &str| Fault::BadRequest.says(format!("`{name}` is not as it should be"));
    let like = match wanted.pattern.as_deref() {
        None => String::new(),
        Some(pattern) => look_alike::like(pattern).ok_or_else(|| bad("pattern"))?,
    };
    if wanted.state.as_deref().is_some_and(|state| NumberState::parse(state).is_none()) {
        return Err(bad("state"));
    }
    let state = wanted.state.unwrap_or_default();
    let limit = asked::long_limit(wanted.limit)?;
    let is_place =
        |after: &str| after.len() <= 9 && after.bytes().all(|octet| octet.is_ascii_digit());
    if !wanted.after.as_deref().is_none_or(is_place) {
        return Err(bad("after"));
    }
    for (field, least) in [("gross_from", wanted.gross_from), ("gross_to", wanted.gross_to)] {
        if least.is_some_and(|least| least < 0) {
            return Err(bad(field));
        }
    }
    let gross = (wanted.gross_from.is_some() || wanted.gross_to.is_some())
        .then(|| (wanted.gross_from.unwrap_or(0), wanted.gross_to.unwrap_or(i64::MAX)));
    let filter = NumberFilter {
        like,
        class: wanted.class.unwrap_or_default(),
        state,
        is_shared: wanted.shared,
        gross,
        held_by: None,
        after: wanted.after.unwrap_or_default(),
        limit,
    };
    let rows = app.partnership.numbers(&caller.0, &filter).await?;
    let numbers = rows.into_iter().map(NumberBody::from).collect();
    Ok(named(&caller, Json(ListBody { numbers }).into_response()))
}

/// Shows a number with its prices.
#[utoipa::path(
    get,
    path = "/api/v1/numbers/{digits}",
    operation_id = "getNumber",
    tag = "numbers",
    params(("digits" = String, Path, description = "Its digits", pattern = "^[0-9]{3,9}$")),
    responses((status = 200, description = "The number", body = DetailBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(digits): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&app, &caller, &digits).await?;
    let view = app.partnership.number(&caller.0, id).await?;
    let prices = view.prices.into_iter().map(|price| DatedBody {
        valid_from: moment(price.valid_from),
        net_minor: price.net_minor,
        vat_basis_points: price.vat_permille * 10,
        gross_minor: price.gross_minor,
        currency: price.currency,
    });
    let body = DetailBody { prices: prices.collect(), number: view.row.into() };
    Ok(named(&caller, Json(body).into_response()))
}

/// Our id of a number that is named by its digits.
pub(super) async fn id_of(app: &App, caller: &SignedCaller, digits: &str) -> Result<i64, Problem> {
    let row = app.partnership.number_called(&caller.0, digits).await?;
    Ok(row.ok_or(Refusal::UnknownId("number"))?.id)
}

/// Takes a pool of numbers into the base, row by row; staff only.
///
/// The first line names the columns: `digits`, and if wanted `to`, `class`, `shared`, `pool`,
/// `net`. Send the same file again at any time: what is there already changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/numbers/import",
    operation_id = "importNumbers",
    tag = "numbers",
    params(Trial),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "What became of each row", body = ReportBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn import(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(trial): Asked<Trial>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/csv") {
        return Err(Fault::UnsupportedMediaType.says("send the file as text/csv"));
    }
    let file = match Limited::new(body, FILE_OCTETS_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Fault::BodyTooLarge.into()),
        Err(_) => return Err(Fault::BadRequest.into()),
    };
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    let is_trial = trial.trial.unwrap_or(false);
    let work = async move { partnership.import_numbers(&signed, &file, is_trial).await };
    let ImportReport { rows, taken, is_trial, refused } = app.finish(work).await??;
    let refused = refused.into_iter().map(|row| RefusedBody {
        line: row.line,
        digits: row.digits,
        code: row.code,
        detail: row.detail,
    });
    let body = ReportBody { rows, taken, is_trial, refused: refused.collect() };
    Ok(named(&caller, Json(body).into_response()))
}
