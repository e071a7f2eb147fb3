//! `/numbers/{id}`: one number, its prices, who holds what of it, and the way to reserve it.
//!
//! What surprises: whoever comes too late is offered a place in the line on the same page, with
//! what was typed.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{Page, class_title, explain, name, state_tag};
use crate::{
    domain::{NumberEvent, NumberState, Right, row_id},
    http::{
        error::{Fault, Problem},
        portal::{
            cell::{Cell, Summary, Tag},
            form::Form,
            list::{Ask, List},
            person::Person,
        },
    },
    partnership::{HoldWish, NumberView},
    store::{NumberPrice, NumberRow, ReservationRow},
};

#[derive(Template)]
#[template(path = "number.html", config = "src/http/portal/askama.toml")]
struct Number<'p> {
    page: &'p Page,
    form: &'p Form,
    row: &'p NumberRow,
    state: Tag,
    summary: Summary,
    prices: List<'p>,
    holders: Option<List<'p>>,
    reserve_path: String,
    offer_path: String,
    is_shared: bool,
    /// Buttons of the partner, with their texts.
    ways: Vec<(&'static str, String)>,
    /// Buttons of the desk.
    offers: Vec<(&'static str, String)>,
}

pub(super) async fn show(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    whole(page, &person, (&ask, &Form::empty()), row_id(&id, "number")?).await
}

async fn whole(
    page: Page,
    person: &Person,
    (ask, form): (&Ask, &Form),
    id: i64,
) -> Result<Response, Problem> {
    let NumberView { row, prices, holders } =
        page.app().partnership.number(&person.signed, id).await?;
    let page = page.titled_as(&row.digits).under("/numbers", "numbers-title").with(form);
    let is_shared = row.is_shared != 0;
    let path = format!("/numbers/{id}");
    let list = List::new(&page, ask, &path, "numbers-prices", "numbers-no-price")
        .column("numbers-from")
        .column("numbers-net")
        .column("numbers-vat")
        .column("numbers-gross")
        .rows(&prices, |price| price.valid_from.to_string(), |price| price_cells(&page, price));
    let holders = (!holders.is_empty()).then(|| {
        List::new(&page, ask, &path, "numbers-holders", "numbers-no-reservations")
            .column("numbers-reserved")
            .column("numbers-state")
            .column("numbers-holder")
            .rows(&holders, |row| row.id.to_string(), |row| holder_cells(&page, row))
    });
    let is_partner = person.is_partner() && person.may(Right::ReserveNumbers);
    let is_staff = person.may(Right::ApproveNumbers);
    let is_open = row.state == NumberState::Free || (is_shared && row.state == NumberState::Active);
    let is_own = row.partner_id.is_some();
    let may_wait = !is_own && row.state != NumberState::Withdrawn && (is_shared || !is_open);
    let body = Number {
        page: &page,
        form,
        state: state_tag(&page, row.state),
        summary: summary(&page, person, &row),
        prices: list,
        holders,
        reserve_path: format!("{path}/reserve"),
        offer_path: format!("{path}/offer"),
        is_shared,
        ways: buttons(
            &page,
            [
                (is_partner && is_open, "reserve", "numbers-reserve-send"),
                (is_partner && may_wait, "wait", "numbers-wait-send"),
            ],
        ),
        offers: buttons(
            &page,
            [
                (is_staff && is_open && row.keywords == 0, "withdraw", "numbers-withdraw"),
                (is_staff && row.state == NumberState::Withdrawn, "offer", "numbers-offer"),
            ],
        ),
        row: &row,
    };
    Ok(page.show(&body))
}

/// The buttons that there are for this reader now; the verb decides.
fn buttons(page: &Page, all: [(bool, &'static str, &str); 2]) -> Vec<(&'static str, String)> {
    all.into_iter()
        .filter(|(is_here, ..)| *is_here)
        .map(|(_, step, key)| (step, page.t(key)))
        .collect()
}

fn summary(page: &Page, person: &Person, row: &NumberRow) -> Summary {
    let sharing = if row.is_shared != 0 { "numbers-shared" } else { "numbers-whole" };
    let mut summary = Summary::new()
        .row(page.t("numbers-number"), Cell::code(&row.digits))
        .row(page.t("numbers-class"), Cell::text(class_title(page, &row.class)))
        .row(page.t("numbers-gross"), Cell::text(super::price(page, row)))
        .row(page.t("numbers-sharing"), Cell::text(page.t(sharing)));
    if let Some(tariff) = &row.tariff {
        summary = summary.row(page.t("numbers-tariff"), Cell::code(tariff));
    }
    if person.is_operator() {
        summary = summary.row(page.t("numbers-pool"), Cell::text(&row.pool));
        if let (Some(id), Some(name)) = (row.partner_id, &row.partner) {
            let holder = Cell::link(format!("/partners/{id}"), name);
            summary = summary.row(page.t("numbers-holder"), holder);
        }
    }
    summary
}

/// VAT is shown as people say it: tenths of a percent become percent.
fn price_cells(page: &Page, price: &NumberPrice) -> Vec<Cell> {
    let (whole, part) = (price.vat_permille / 10, price.vat_permille % 10);
    let vat = if part == 0 { format!("{whole} %") } else { format!("{whole},{part} %") };
    vec![
        page.day(price.valid_from).into(),
        Cell::figure(page.money(price.net_minor, &price.currency)),
        Cell::figure(vat),
        Cell::figure(page.money(price.gross_minor, &price.currency)),
    ]
}

fn holder_cells(page: &Page, row: &ReservationRow) -> Vec<Cell> {
    vec![
        Cell::link(format!("/reservations/{}", row.id), name(&row.digits, &row.keyword)),
        state_tag(page, row.state).into(),
        Cell::text(&row.partner),
    ]
}

/// Reserves, or waits; both are sent from one form with the same keyword.
pub(super) async fn reserve(
    page: Page,
    ask: Ask,
    Path(id): Path<String>,
    mut form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "number")?;
    let wish = HoldWish {
        number: id,
        keyword: form.text("keyword").to_owned(),
        despite_likeness: form.is_on("despite_likeness"),
    };
    let partnership = page.app().partnership.clone();
    let failed = if form.text("step") == "wait" {
        match partnership.wait_for_number(&person.signed, &wish).await {
            Ok(_) => return Ok(page.done("/reservations", "numbers-notice-waiting")),
            Err(error) => error,
        }
    } else {
        match partnership.reserve_number(&person.signed, &wish).await {
            Ok(row) => {
                let path = format!("/reservations/{}", row.id);
                return Ok(page.done(&path, "numbers-notice-reserved"));
            }
            Err(error) => error,
        }
    };
    explain(&page, &mut form, failed)?;
    whole(page, &person, (&ask, &form), id).await
}

/// Staff takes a number out of the offer, or into it again.
pub(super) async fn offer(
    page: Page,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let id = row_id(&id, "number")?;
    let version = form.number("version").unwrap_or_default();
    let event = match form.text("step") {
        "withdraw" => NumberEvent::Withdraw,
        "offer" => NumberEvent::Offer,
        _ => return Err(Fault::BadRequest.says("no such step")),
    };
    page.app().partnership.offer_number(&person.signed, (id, version), event).await?;
    Ok(page.done(&format!("/numbers/{id}"), "numbers-notice-done"))
}
