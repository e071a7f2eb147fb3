//! `/applications/{id}`: everything about one application on one page (R4.04).
//!
//! Which forms it has depends on the state and on the person. The surprise: scores stay on this
//! side; the applicant's page never shows them.

use askama::Template;
use axum::{extract::Path, response::Response};
use serde_json::Value;

use super::home::left;
use crate::{
    domain::{
        Right,
        application::{ApplicationEvent, ApplicationState, Criterion, JudgedArea, Purpose, Scores},
        application_form::{Form as Answers, Section, amount},
        row_id,
        turn::Owner,
    },
    http::{
        error::Problem,
        portal::{
            apply::{
                self,
                spec::{Drawn, Kind, Spec, draw},
                wording,
            },
            cell::{Cell, Summary, Tag},
            field::Choice,
            form::Form,
            page::Page,
            person::Person,
            timeline::{Parcel, Timeline},
        },
    },
    partnership::StaffView,
    store::FileLine,
};

#[expect(clippy::struct_excessive_bools, reason = "each button is drawn or not by itself")]
#[derive(Template)]
#[template(path = "desk_application.html", config = "src/http/portal/askama.toml")]
struct Application<'p> {
    page: &'p Page,
    form: &'p Form,
    id: i64,
    version: i64,
    name: String,
    reference: &'p str,
    state: Tag,
    left: Option<Cell>,
    is_late: bool,
    duplicates: Vec<(String, String)>,
    parcel: Parcel,
    is_idea: bool,
    idea: Option<Summary>,
    company: Summary,
    contacts: Summary,
    areas: Vec<AreaPart<'p>>,
    files: Vec<(String, String, String)>,
    said: Vec<apply::Said>,
    timeline: Timeline,
    may_take_up: bool,
    may_ask: bool,
    may_score: bool,
    may_decide: bool,
    may_review: bool,
    take_up_path: String,
    ask_path: String,
    answer_path: String,
    comment_path: String,
}

/// One area with its plan and its scores.
struct AreaPart<'p> {
    name: String,
    word: &'static str,
    path: String,
    summary: Summary,
    months: Summary,
    fields: Vec<Drawn<'p>>,
}

pub(super) async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = row_id(&id, "application")?;
    let Some(person) = page.person.clone() else { return Ok(page.to_login()) };
    again(page, &person, id, &Form::empty()).await
}

/// The page with a form that was wrong, or as it is.
pub(super) async fn again(
    page: Page,
    person: &Person,
    id: i64,
    form: &Form,
) -> Result<Response, Problem> {
    let partnership = page.app().partnership.clone();
    let staff = partnership.application(&person.signed, id).await?;
    let files = partnership.application_files(&person.signed, id).await?;
    Ok(draw_page(page, person, (&staff, &files), form))
}

/// Names of the score fields of an area.
pub(super) fn score_name(area: &str, criterion: Criterion) -> String {
    format!("areas-{area}-scores-{}", criterion.as_str())
}

fn score_specs(page: &Page, areas: &[JudgedArea]) -> Vec<Vec<Spec>> {
    let grades = || (Scores::LEAST..=Scores::MOST).map(|grade| grade.to_string());
    let choices = || -> Vec<Choice> {
        grades()
            .map(|grade| Choice::new(&grade, page.t(&format!("{}{grade}", "desk-grade-"))))
            .collect()
    };
    let spec = |area: &JudgedArea, criterion: &Criterion| {
        let name = score_name(area.area.as_str(), *criterion);
        Spec::new(Kind::Select, name, criterion_key(*criterion)).of(choices())
    };
    areas.iter().map(|area| Criterion::ALL.iter().map(|one| spec(area, one)).collect()).collect()
}

pub(super) fn criterion_key(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::Revenue => "desk-criterion-revenue",
        Criterion::MarketingPlan => "desk-criterion-marketing-plan",
        Criterion::Innovation => "desk-criterion-innovation",
    }
}

/// The form with the scores that are kept already, where nothing else was typed.
fn with_scores(form: &Form, areas: &[JudgedArea]) -> Form {
    let mut form = form.clone();
    for area in areas {
        for criterion in Criterion::ALL {
            let name = score_name(area.area.as_str(), *criterion);
            if let (Some(score), "") = (area.scores.of(*criterion), form.text(&name)) {
                form.set(&name, score.to_string());
            }
        }
    }
    form
}

fn draw_page(
    page: Page,
    person: &Person,
    (staff, files): (&StaffView, &[FileLine]),
    form: &Form,
) -> Response {
    let (view, row) = (&staff.view, &staff.view.row);
    let name = if row.legal_name.is_empty() { row.mail.clone() } else { row.legal_name.clone() };
    let title = format!("{name} {}", row.reference);
    let page = page.titled_as(title).under("/applications", "desk-applications").with(form);
    let stops = view.stops(page.now);
    let form = with_scores(form, &view.areas);
    let specs = score_specs(&page, &view.areas);
    let is_idea = row.purpose == Purpose::Idea;
    let can = |event, right| row.state.after(event).is_some() && person.may(right);
    let act = |act: &str| format!("/applications/{}/{act}", row.id);
    let may_score =
        row.state == ApplicationState::InReview && person.may(Right::ReviewApplications);
    let areas = view.areas.iter().zip(&specs).map(|(judged, specs)| AreaPart {
        name: wording::area(&page, judged.area.as_str()),
        word: judged.area.as_str(),
        path: act("score"),
        summary: area_summary(&page, judged, &view.form, may_score),
        months: months(&page, judged, &view.form),
        fields: draw(&page, &form, specs),
    });
    let decision = view.decision.as_ref().filter(|decision| decision.met_at.is_none());
    let body = Application {
        form: &form,
        id: row.id,
        version: row.version,
        name,
        reference: &row.reference,
        state: apply::state(&page, row.state),
        left: decision.map(|decision| left(&page, Some(decision.due_at), decision.paused_at)),
        is_late: stops.iter().any(|stop| stop.days_late > 0 && stop.owner == Some(Owner::Operator)),
        duplicates: duplicates(&page, staff),
        parcel: apply::parcel(&page, &stops),
        is_idea,
        idea: is_idea.then(|| idea(&page, &row.form)),
        company: apply::spec::summary(&page, Section::Company, &view.form, None),
        contacts: apply::spec::summary(&page, Section::Contacts, &view.form, None),
        areas: areas.collect(),
        files: apply::named(&page, &view.form, files),
        said: apply::said(&page, view, ("desk-us", "desk-applicant")),
        timeline: Timeline { steps: apply::happened(&page, &view.timeline) },
        may_take_up: can(ApplicationEvent::TakeUp, Right::ReviewApplications),
        may_ask: can(ApplicationEvent::Ask, Right::ReviewApplications),
        may_score,
        may_decide: can(ApplicationEvent::Decide, Right::DecideApplications),
        may_review: person.may(Right::ReviewApplications),
        take_up_path: act("review"),
        ask_path: act("question"),
        answer_path: act("reply"),
        comment_path: act("comment"),
        page: &page,
    };
    page.show(&body)
}

fn duplicates(page: &Page, staff: &StaffView) -> Vec<(String, String)> {
    let partner = staff
        .same_partner
        .iter()
        .map(|company| (page.t1("desk-same-partner", "name", &company.legal_name), String::new()));
    let others = staff.same_nip.iter().map(|(id, reference, state)| {
        let state = page.word("apply-state-", state);
        let text = page.t2("desk-same-nip", ("reference", reference), ("state", state));
        (text, format!("/applications/{id}"))
    });
    partner.chain(others).collect()
}

fn idea(page: &Page, form: &str) -> Summary {
    let idea: Value = serde_json::from_str(form).unwrap_or_default();
    let text = |name: &str| Cell::text(idea[name].as_str().unwrap_or_default());
    Summary::new()
        .row(page.t("desk-idea-title"), text("title"))
        .row(page.t("desk-idea-name"), text("name"))
        .row(page.t("desk-idea-text"), text("text"))
}

fn area_summary(page: &Page, judged: &JudgedArea, answers: &Answers, may_score: bool) -> Summary {
    let mut summary = Summary::new();
    if let Some(plan) = answers.plans.get(judged.area.as_str()) {
        let sums = plan.revenue.iter().filter_map(|figure| amount(figure).ok());
        let year = sums.fold(0_i64, i64::saturating_add);
        summary = summary
            .row(page.t("desk-revenue"), Cell::figure(page.money(year, "PLN")))
            .row(page.t("apply-idea"), Cell::text(&plan.idea))
            .row(page.t("apply-novelty"), Cell::text(&plan.novelty))
            .row(page.t("apply-marketing-plan"), Cell::text(&plan.marketing_plan));
    }
    // Whoever may score sees the scores in the fields themselves.
    let shown = if may_score { &[][..] } else { Criterion::ALL };
    for criterion in shown {
        let score = judged.scores.of(*criterion).map(|score| score.to_string());
        let score = score.unwrap_or_else(|| page.t("desk-unscored"));
        summary = summary.row(page.t(criterion_key(*criterion)), Cell::text(score));
    }
    summary
}

fn months(page: &Page, judged: &JudgedArea, answers: &Answers) -> Summary {
    let plan = answers.plans.get(judged.area.as_str());
    let figures = plan.map_or(&[][..], |plan| &plan.revenue);
    figures.iter().enumerate().fold(Summary::new(), |summary, (month, figure)| {
        let sum = amount(figure).map_or_else(|_| figure.clone(), |sum| page.money(sum, "PLN"));
        summary.row(page.t1("desk-month", "number", month + 1), Cell::figure(sum))
    })
}
