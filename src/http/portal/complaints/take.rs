//! `/complaints/new`: staff takes a complaint, a partner hands one over.
//!
//! What surprises: no message is asked for. Number and days find them, and whoever takes the
//! complaint sees on the next page what was found.

use askama::Template;
use axum::response::Response;

use super::{Page, channel_choices, demand_choices, explain, subject_choices};
use crate::{
    domain::{
        ComplaintChannel, ComplaintDemand, ComplaintSubject, Refusal, Right,
        deadline::{days_after, start_of},
    },
    http::{
        error::Problem,
        portal::{field::Choice, form::Form, person::Person},
    },
    partnership::ComplaintWish,
};

#[derive(Template)]
#[template(path = "complaint_new.html", config = "src/http/portal/askama.toml")]
struct New<'p> {
    page: &'p Page,
    form: &'p Form,
    subjects: Vec<Choice>,
    channels: Vec<Choice>,
    demands: Vec<Choice>,
    is_staff: bool,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    let today = page.local_now().date();
    let form = Form::of([
        ("received_day", today.to_string()),
        ("until_day", today.to_string()),
        ("from_day", days_before(today, 30)),
    ]);
    whole(page, &person, &form)
}

fn days_before(day: jiff::civil::Date, days: i64) -> String {
    use jiff::ToSpan as _;
    day.saturating_sub(days.days()).to_string()
}

fn whole(page: Page, person: &Person, form: &Form) -> Result<Response, Problem> {
    if !person.may(Right::FileTickets) {
        return Err(Refusal::NotAllowed.into());
    }
    let page = page.titled("complaints-new").under("/complaints", "complaints-title").with(form);
    let body = New {
        form,
        subjects: subject_choices(&page),
        channels: channel_choices(&page),
        demands: demand_choices(&page),
        is_staff: person.is_operator(),
        page: &page,
    };
    Ok(page.show(&body))
}

pub(super) async fn send(page: Page, mut form: Form) -> Result<Response, Problem> {
    let Some(person) = page.person.clone() else {
        return Ok(Page::to_login_for("/complaints/new"));
    };
    let wish = read(&page, &person, &mut form);
    let Some(wish) = wish.filter(|_| form.is_right()) else {
        return whole(page, &person, &form);
    };
    let (verbs, signed) = (page.app().partnership.clone(), person.signed.clone());
    // To its end, even if the browser is closed in the middle.
    let work = async move { verbs.take_complaint(&signed, &wish).await };
    match page.app().finish(work).await? {
        Ok(row) => {
            let path = format!("/complaints/{}", row.id);
            Ok(page.done(&path, "complaints-notice-taken"))
        }
        Err(error) => {
            explain(&page, &mut form, error)?;
            whole(page, &person, &form)
        }
    }
}

/// What was typed; none if something is missing without which there is no complaint.
fn read(page: &Page, person: &Person, form: &mut Form) -> Option<ComplaintWish> {
    form.require(page, "msisdn", "complaints-wrong-missing");
    let subject = ComplaintSubject::parse(form.text("subject"));
    if subject.is_none() {
        form.wrong("subject", page.t("complaints-wrong-choose"));
    }
    let demand = ComplaintDemand::parse(form.text("demand"));
    if demand.is_none() {
        form.wrong("demand", page.t("complaints-wrong-choose"));
    }
    let channel = if person.is_partner() {
        Some(ComplaintChannel::Partner)
    } else {
        let own = ComplaintChannel::parse(form.text("channel"));
        own.filter(|one| *one != ComplaintChannel::Partner)
    };
    if channel.is_none() {
        form.wrong("channel", page.t("complaints-wrong-choose"));
    }
    form.require(page, "story", "complaints-wrong-missing");
    let days = ["from_day", "until_day", "received_day"].map(|name| {
        let day = form.date(name);
        if day.is_none() {
            form.wrong(name, page.t("complaints-wrong-day"));
        }
        day
    });
    let [from, until, received] = days;
    let (from, until, received) = (from?, until?, received?);
    // The whole of the last day, and no moment that has not come.
    let ends = start_of(days_after(until, 1)) - 1;
    Some(ComplaintWish {
        subject: subject?,
        channel: channel?,
        demand: demand?,
        msisdn: form.text("msisdn").to_owned(),
        name: form.text("name").to_owned(),
        mail: form.text("mail").to_owned(),
        address: form.text("address").to_owned(),
        story: form.text("story").to_owned(),
        from_at: start_of(from),
        until_at: ends,
        received_at: received_at(page, received),
        partner: form.text("partner").to_owned(),
        service: form.text("service").to_owned(),
    })
}

/// Today is now; of an earlier day its end counts, because a day of receipt is never counted.
fn received_at(page: &Page, day: jiff::civil::Date) -> i64 {
    if day == page.local_now().date() { page.now } else { start_of(days_after(day, 1)) - 1 }
}
