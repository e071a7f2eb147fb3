//! `/api/v1/desk/applications`: the operator's side of applications.
//!
//! An applicant's own view is `applications`. What surprises: the scores stay on this side, and
//! the planned account number is left out for whoever may not see one (S-23).

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    application_shapes::{ApplicationBody, described},
    asked::{self, Asked, tagged},
    openapi::Problems,
    session::named,
    shapes::moment,
};
use crate::{
    domain::{
        Refusal, Right,
        application::{Area, Criterion, DeclineReason, Declined, Verdict},
        row_id,
    },
    http::{
        App,
        error::{Fault, Problem},
        signed::SignedCaller,
    },
    partnership::{self, Partnership, Signed, StaffView},
    store::{ApplicationFilter, ApplicationLine, ApplicationOrder, Extras},
};

const APPLICATION: &str = "application";

/// Which applications, in which order.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A state, or `open` for what still needs somebody.
    state: Option<String>,
    /// `join`, `new_area`, `idea`.
    purpose: Option<String>,
    area: Option<String>,
    /// Beginning of a reference, name, NIP or mail address.
    q: Option<String>,
    /// `due` (if not given), `oldest`, `newest`, `revenue`.
    order: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows at most; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// A line of the desk's list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationLine)]
pub(crate) struct LineBody {
    id: i64,
    reference: String,
    purpose: String,
    state: String,
    legal_name: String,
    nip: String,
    reviewer: String,
    is_accepted: bool,
    #[schema(required, format = DateTime)]
    submitted_at: Option<String>,
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
    #[schema(required, format = DateTime)]
    due_at: Option<String>,
    /// Planned revenue of all its areas, grosze a year.
    revenue_minor: i64,
    version: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationLines)]
pub(crate) struct LinesBody {
    applications: Vec<LineBody>,
    /// For `after`; null on the last page.
    #[schema(required)]
    next: Option<String>,
}

/// Scores of an area; null is not scored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApplicationScores)]
pub(crate) struct ScoresBody {
    area: &'static str,
    #[schema(required)]
    revenue: Option<u8>,
    #[schema(required)]
    marketing_plan: Option<u8>,
    #[schema(required)]
    innovation: Option<u8>,
}

/// An application as the desk sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeskApplication)]
pub(crate) struct DeskBody {
    id: i64,
    application: ApplicationBody,
    mail: String,
    reviewer: String,
    /// What was filled in.
    #[schema(value_type = Object)]
    form: Value,
    scores: Vec<ScoresBody>,
    /// References of other applications with the same NIP.
    same_nip: Vec<String>,
    /// Number of the partner with the same NIP.
    #[schema(required)]
    same_partner: Option<i64>,
    /// The entity tag without its quotes.
    version: i64,
}

/// What somebody does with an application.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepBody {
    /// `take_up`, `ask`, `comment`, `score`, `decide`, or `reply` to an idea.
    step: String,
    /// The question, remark or reply.
    #[schema(nullable = false)]
    text: Option<String>,
    /// For `score`.
    #[schema(nullable = false)]
    area: Option<String>,
    /// For `score`: `revenue`, `marketing_plan`, `innovation`.
    #[schema(nullable = false)]
    criterion: Option<String>,
    /// For `score`.
    #[schema(nullable = false, minimum = 1, maximum = 5)]
    score: Option<u8>,
    /// For `decide`: one for each area.
    #[schema(nullable = false, max_items = 10)]
    verdicts: Option<Vec<VerdictBody>>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVerdict)]
pub(crate) struct VerdictBody {
    area: String,
    accepts: bool,
    /// Why it is declined.
    #[schema(nullable = false)]
    reason: Option<String>,
    #[schema(nullable = false)]
    text: Option<String>,
    /// From when on the company may ask again.
    #[schema(nullable = false, format = Date)]
    reapply_on: Option<String>,
    /// The integrator that takes small services.
    #[schema(nullable = false)]
    refer_to: Option<String>,
}

/// Lists applications, the least time left first.
#[utoipa::path(
    get, path = "/api/v1/desk/applications", operation_id = "listApplications", tag = "desk",
    params(Wanted),
    responses((status = 200, description = "The applications", body = LinesBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: SignedCaller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let limit = asked::limit(wanted.limit)?;
    let order = match wanted.order.as_deref() {
        None | Some("due") => ApplicationOrder::Due,
        Some("oldest") => ApplicationOrder::Oldest,
        Some("newest") => ApplicationOrder::Newest,
        Some("revenue") => ApplicationOrder::Revenue,
        Some(_) => return Err(Fault::InvalidFields.says("`order` is no order of applications")),
    };
    let place = |after: &str| {
        let (key, id) = after.split_once('.')?;
        Some((key.parse().ok()?, id.parse().ok()?))
    };
    let no = || Fault::InvalidFields.says("`after` is the `next` of the page before");
    let after = wanted.after.as_deref().map(|after| place(after).ok_or_else(no)).transpose()?;
    let filter = ApplicationFilter {
        state: wanted.state.unwrap_or_default(),
        purpose: wanted.purpose.unwrap_or_default(),
        area: wanted.area.unwrap_or_default(),
        text: wanted.q.unwrap_or_default(),
        order,
        after,
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
    };
    let mut lines = app.partnership.applications(&caller.0, &filter).await?;
    let key = |line: &ApplicationLine| format!("{}.{}", line.sort_key, line.id);
    let next = asked::paged(&mut lines, limit, key);
    let applications = lines.into_iter().map(LineBody::from).collect();
    Ok(named(&caller, Json(LinesBody { applications, next }).into_response()))
}

/// Shows an application with its scores.
#[utoipa::path(
    get, path = "/api/v1/desk/applications/{id}", operation_id = "getDeskApplication",
    tag = "desk",
    params(("id" = i64, Path, description = "Id of the application")),
    responses((status = 200, description = "The application", body = DeskBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn show(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    shown(&app, &caller, row_id(&id, APPLICATION)?).await
}

/// Takes an application one step on.
#[utoipa::path(
    post, path = "/api/v1/desk/applications/{id}/steps", operation_id = "stepApplication",
    tag = "desk",
    params(
        ("id" = i64, Path, description = "Id of the application"),
        ("If-Match" = String, Header, description = "The ETag that was read")
    ),
    request_body(content = inline(StepBody), content_type = "application/json"),
    responses((status = 200, description = "Done", body = DeskBody), Problems),
    security(("session" = []))
)]
pub(crate) async fn step(
    State(app): State<App>,
    caller: SignedCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.partnership.require(&caller.0, Right::ReviewApplications)?;
    let wish: StepBody = asked::body(&app, &headers, body).await?;
    let step = wish.step()?;
    let at = (row_id(&id, APPLICATION)?, asked::only_version(&headers)?);
    let (partnership, signed) = (app.partnership.clone(), caller.0.clone());
    app.finish(async move { step.take(&partnership, &signed, at).await }).await??;
    shown(&app, &caller, at.0).await
}

enum Step {
    TakeUp,
    Ask(String),
    Comment(String),
    Reply(String),
    Score(Area, Criterion, u8),
    Decide(Vec<(Area, Verdict)>),
}

impl StepBody {
    fn step(self) -> Result<Step, Problem> {
        let wrong = |words: &str| Fault::InvalidFields.says(words);
        let area = |word: &str| Area::parse(word).ok_or_else(|| wrong("`area` is no area"));
        let text = self.text.unwrap_or_default();
        Ok(match &*self.step {
            "take_up" => Step::TakeUp,
            "ask" => Step::Ask(text),
            "comment" => Step::Comment(text),
            "reply" => Step::Reply(text),
            "score" => {
                let criterion = Criterion::parse(self.criterion.as_deref().unwrap_or_default());
                Step::Score(
                    area(self.area.as_deref().unwrap_or_default())?,
                    criterion.ok_or_else(|| wrong("`criterion` is no criterion"))?,
                    self.score.unwrap_or_default(),
                )
            }
            "decide" => {
                let verdicts = self.verdicts.unwrap_or_default();
                let read = |one: VerdictBody| Ok((area(&one.area)?, one.verdict()?));
                Step::Decide(verdicts.into_iter().map(read).collect::<Result<_, Problem>>()?)
            }
            _ => return Err(wrong("`step` is no step of an application")),
        })
    }
}

impl VerdictBody {
    fn verdict(self) -> Result<Verdict, Problem> {
        let wrong = |words: &str| Fault::InvalidFields.says(words);
        if self.accepts {
            return Ok(Verdict::Accepted);
        }
        let reason = DeclineReason::parse(self.reason.as_deref().unwrap_or_default());
        let day = self.reapply_on.map(|day| day.parse()).transpose();
        Ok(Verdict::Declined(Declined {
            reason: reason.ok_or_else(|| wrong("`reason` is no reason to decline"))?,
            text: self.text.unwrap_or_default(),
            reapply_on: day.map_err(|_| wrong("`reapply_on` is no day such as 2027-03-01"))?,
            refer_to: self.refer_to,
        }))
    }
}

impl Step {
    async fn take(
        self,
        partnership: &Partnership,
        signed: &Signed,
        at: (i64, i64),
    ) -> Result<(), partnership::Error> {
        let _version = match self {
            Self::TakeUp => partnership.take_up(signed, at).await?,
            Self::Ask(text) => partnership.ask_applicant(signed, at, &text).await?,
            Self::Comment(text) => partnership.comment_on_application(signed, at, &text).await?,
            Self::Reply(text) => partnership.answer_idea(signed, at, &text).await?,
            Self::Score(area, criterion, score) => {
                let what = (area, criterion, score);
                partnership.score_application(signed, at, what).await?
            }
            Self::Decide(verdicts) => {
                let nothing = |_| Extras::default();
                let decided =
                    partnership.decide_application(signed, at, verdicts, &[], &nothing).await?;
                decided.version
            }
        };
        Ok(())
    }
}

async fn shown(app: &App, caller: &SignedCaller, id: i64) -> Result<Response, Problem> {
    let staff = app.partnership.application(&caller.0, id).await?;
    let version = staff.view.row.version;
    let body = desk_body(app, &caller.0, staff)?;
    Ok(named(caller, tagged(&body, version)))
}

fn desk_body(app: &App, signed: &Signed, staff: StaffView) -> Result<DeskBody, Refusal> {
    let StaffView { view, same_nip, same_partner } = staff;
    let unread = |_| Refusal::UnknownId(APPLICATION);
    let mut form: Value = serde_json::from_str(&view.row.form).map_err(unread)?;
    if !signed.may(Right::SeeBank)
        && let Some(Value::Object(company)) = form.get_mut("company")
    {
        company.remove("bank_account");
    }
    let scores = view.areas.iter().map(|judged| ScoresBody {
        area: judged.area.as_str(),
        revenue: judged.scores.revenue,
        marketing_plan: judged.scores.marketing_plan,
        innovation: judged.scores.innovation,
    });
    Ok(DeskBody {
        id: view.row.id,
        scores: scores.collect(),
        mail: view.row.mail.clone(),
        reviewer: view.row.reviewer.clone(),
        form,
        same_nip: same_nip.into_iter().map(|(_, reference, _)| reference).collect(),
        same_partner: same_partner.map(|company| company.partner_id),
        version: view.row.version,
        application: described(&view, app.partnership.now()),
    })
}

impl From<ApplicationLine> for LineBody {
    fn from(line: ApplicationLine) -> Self {
        Self {
            id: line.id,
            reference: line.reference,
            purpose: line.purpose,
            state: line.state,
            legal_name: line.legal_name,
            nip: line.nip,
            reviewer: line.reviewer,
            is_accepted: line.is_accepted != 0,
            submitted_at: line.submitted_at.map(moment),
            decided_at: line.decided_at.map(moment),
            due_at: line.due_at.map(moment),
            revenue_minor: line.revenue_minor,
            version: line.version,
        }
    }
}
