//! Everything on the HTTP ports: the API, the pages that explain problems, health and metrics.
//!
//! It knows no SQL and no PDU; it asks the gateway's verbs. Requests come through `door`
//! (sockets, limits), then `edge` (request id, log line, time-out, headers), then `rate`, then a
//! handler.
//!
//! The surprise: what changes something runs as a task of its own (`App::finish`). A handler is
//! dropped when its client hangs up, and a message must not be half accepted because of that.

pub mod api;
pub mod auth;
pub mod door;
pub mod edge;
pub mod error;
pub mod health;
mod live;
pub mod portal;
pub mod problems;
pub mod rate;
pub mod signed;
#[cfg(test)]
mod tests;

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router, middleware,
    routing::{delete, get, post},
};

pub use door::{Door, Seats, serve};
use error::{Fault, Problem};

use crate::{
    config, domain::secret::Pepper, gateway::Gateway, partnership::Partnership, tasks::Scope,
};

/// Writes every metric in the text format of Prometheus.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// What handlers share. Clones are the same.
#[derive(Clone)]
pub struct App(Arc<Shared>);

pub struct Shared {
    pub gateway: Gateway,
    pub partnership: Partnership,
    pub limits: config::Http,
    /// Keys the digests of API keys; the same file as for bind passwords.
    pub pepper: Pepper,
    render: Render,
    work: Scope,
    has_started: AtomicBool,
    failures: auth::Failures,
    rates: rate::Rates,
    letters: OnceLock<portal::letters::Letters>,
}

impl App {
    /// `work` holds what must be finished although its client is gone: a scope of
    /// `Phase::Requests`.
    pub fn new(
        gateway: Gateway,
        partnership: Partnership,
        limits: config::Http,
        pepper: Pepper,
        render: Render,
        work: Scope,
    ) -> Self {
        Self(Arc::new(Shared {
            gateway,
            partnership,
            limits,
            pepper,
            render,
            work,
            has_started: AtomicBool::new(false),
            failures: auth::Failures::default(),
            rates: rate::Rates::default(),
            letters: OnceLock::new(),
        }))
    }

    /// Everything was started: `/startupz` says so from now on.
    pub fn started(&self) {
        self.has_started.store(true, Ordering::Release);
    }

    /// Shows letters that are caught and not sent; the first word counts.
    pub fn show_letters(&self, letters: portal::letters::Letters) {
        let _first = self.letters.set(letters);
    }

    /// Runs work to its end even if the request is dropped in the middle.
    ///
    /// The result is dropped unseen then; what must know of that has a `Drop` of its own.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let task = async move { drop(sender.send(work.await)) };
        self.work.spawn(task).map_err(|_| Problem::from(Fault::Busy))?;
        // The task panicked, or the daemon ended before it did.
        receiver.await.map_err(|_| Fault::Internal.into())
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The port for partners.
pub fn public(app: App) -> Router {
    let routes = Router::new()
        .route("/api/v1/openapi.json", get(api::openapi::document))
        .route("/api/v1/applications", post(api::applications::create))
        .route("/api/v1/applications/{reference}", get(api::applications::show))
        .route("/api/v1/applications/{reference}/submission", post(api::applications::submit))
        .route("/api/v1/sandbox/messages", post(api::sandbox::text))
        .route("/api/v1/sandbox/checklist", get(api::sandbox::checklist))
        .route("/api/v1/messages", get(api::message_search::list).post(api::messages::create))
        .route("/api/v1/messages/{id}", get(api::messages::show).delete(api::messages::cancel))
        .route("/api/v1/messages/{id}/redeliver", post(api::messages::redeliver))
        .merge(portal::routes(&app))
        .route("/api/v1/replays", get(api::replays::list).post(api::replays::create))
        .route("/api/v1/replays/preview", post(api::replays::preview))
        .route("/api/v1/replays/{id}", get(api::replays::show))
        .route("/api/v1/replays/{id}/stop", post(api::replays::stop))
        .merge(people())
        .merge(partnership())
        .merge(numbers())
        .merge(services())
        .merge(orders())
        .merge(faults())
        .merge(complaints())
        .merge(live_view())
        .route("/problems", get(problems::list))
        .route("/problems/{code}", get(problems::one))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(app.clone(), rate::admit))
        // What stands below the limit is not counted: a page must not come without its style.
        .merge(portal::files())
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready));
    edge::around(routes, &app, edge::Answers::People).with_state(app)
}

/// What people do over the API: sessions, accounts, access of their systems.
fn people() -> Router<App> {
    use api::{access, bank, people, session};
    Router::new()
        .route("/api/v1/session", post(session::create).delete(session::delete))
        .route("/api/v1/session/step-up", post(session::step_up))
        .route("/api/v1/me", get(session::me))
        .route("/api/v1/people", get(people::list).post(people::invite))
        .route("/api/v1/people/{id}", get(people::show).patch(people::change))
        .route("/api/v1/people/{id}/{step}", post(people::set))
        .route("/api/v1/credentials", get(access::credentials).post(access::add_credential))
        .route("/api/v1/credentials/{system_id}", delete(access::revoke_credential))
        .route("/api/v1/credentials/{system_id}/rotate", post(access::rotate_credential))
        .route("/api/v1/bank-changes", get(bank::list).post(bank::ask))
        .route("/api/v1/bank-changes/{id}", get(bank::show))
        .route("/api/v1/bank-changes/{id}/{step}", post(bank::answer))
        .route("/api/v1/keys", get(access::keys).post(access::add_key))
        .route("/api/v1/keys/{name}", delete(access::revoke_key))
        .route("/api/v1/keys/{name}/rotate", post(access::rotate_key))
}

/// Orders over the API, in our words and in those of TMF641.
fn orders() -> Router<App> {
    use api::{orders, tmf_orders as tmf};
    Router::new()
        .route("/api/v1/orders", get(orders::list))
        .route("/api/v1/orders/{id}", get(orders::show))
        .route("/api/v1/orders/{id}/notes", post(orders::note))
        .route("/api/v1/orders/{id}/steps", post(orders::step))
        .route("/tmf-api/serviceOrdering/v4/serviceOrder", get(tmf::list))
        .route("/tmf-api/serviceOrdering/v4/serviceOrder/{id}", get(tmf::show))
}

/// Faults over the API, in our words and in those of TMF621.
fn faults() -> Router<App> {
    use api::{faults, incidents, ticket_work as work, tmf_hub as hub, tmf_tickets as tickets};
    Router::new()
        .route("/api/v1/incidents", get(incidents::list).post(incidents::open))
        .route("/api/v1/incidents/{id}", get(incidents::show))
        .route("/api/v1/incidents/{id}/news", post(incidents::tell))
        .route("/api/v1/incidents/{id}/follow", post(incidents::follow))
        .route("/api/v1/faults/{id}/owner", post(work::own_fault))
        .route("/api/v1/faults/{id}/severity", post(work::rate_fault))
        .route("/api/v1/faults/{id}/incident", post(work::link_fault))
        .route("/api/v1/faults/{id}/merge", post(work::merge_fault))
        .route("/api/v1/faults/{id}/files", post(work::add_fault_file))
        .route("/tmf-api/troubleTicket/v4/hub", get(hub::list).post(hub::listen))
        .route("/tmf-api/troubleTicket/v4/hub/{id}", delete(hub::unlisten))
        .route("/api/v1/faults", get(faults::list).post(faults::create))
        .route("/api/v1/faults/{id}", get(faults::show))
        .route("/api/v1/faults/{id}/notes", post(faults::note))
        .route("/api/v1/faults/{id}/{step}", post(faults::step))
        .route("/tmf-api/troubleTicket/v4/troubleTicket", get(tickets::list).post(tickets::create))
        .route(
            "/tmf-api/troubleTicket/v4/troubleTicket/{id}",
            get(tickets::show).patch(tickets::patch),
        )
}

/// Complaints of subscribers over the API.
fn complaints() -> Router<App> {
    use api::{complaints, ticket_work as work};
    Router::new()
        .route("/api/v1/complaints/{id}/owner", post(work::own_complaint))
        .route("/api/v1/complaints/{id}/partner", post(work::assign_complaint))
        .route("/api/v1/complaints/{id}/files", post(work::add_complaint_file))
        .route("/api/v1/complaints", get(complaints::list).post(complaints::create))
        .route("/api/v1/complaints/{id}", get(complaints::show))
        .route("/api/v1/complaints/{id}/notes", post(complaints::note))
        .route("/api/v1/complaints/{id}/{step}", post(complaints::step))
}

/// What is connected over the API, and what went through it.
fn live_view() -> Router<App> {
    use api::{live, traffic};
    Router::new()
        .route("/api/v1/binds", get(live::binds))
        .route("/api/v1/binds/{id}/end", post(live::end))
        .route("/api/v1/links", get(live::links))
        .route("/api/v1/links/{name}/{step}", post(live::order))
        .route("/api/v1/traffic", get(traffic::show))
}

/// What the partnership is over the API: applications on the desk, agreements, terms, companies.
fn partnership() -> Router<App> {
    use api::{agreement_steps as steps, agreements, companies, desk, terms, tmf};
    Router::new()
        .route("/api/v1/desk/applications", get(desk::list))
        .route("/api/v1/desk/applications/{id}", get(desk::show))
        .route("/api/v1/desk/applications/{id}/steps", post(desk::step))
        .route("/api/v1/agreements", get(agreements::list).post(agreements::create))
        .route("/api/v1/agreements/{id}", get(agreements::show))
        .route("/api/v1/agreements/{id}/history", get(agreements::history))
        .route("/api/v1/agreements/{id}/document", get(steps::document))
        .route("/api/v1/agreements/{id}/files/{file}", get(steps::copy))
        .route("/api/v1/agreements/{id}/steps", post(steps::step))
        .route("/api/v1/agreements/{id}/copies", post(steps::hand_in))
        .route("/api/v1/agreements/{id}/countersignature", post(steps::countersign))
        .route("/api/v1/terms", get(terms::list).post(terms::create))
        .route("/api/v1/terms/{id}", get(terms::show).patch(terms::change))
        .route("/api/v1/terms/{id}/steps", post(terms::step))
        .route("/api/v1/terms/{id}/answer", post(terms::answer))
        .route("/api/v1/terms/{id}/comparison", get(terms::compare))
        .route("/api/v1/terms/{id}/notices", get(terms::notices))
        .route("/api/v1/company", get(companies::own).patch(companies::change_own))
        .route("/api/v1/partners", get(companies::list))
        .route("/api/v1/partners/{id}", get(companies::show).patch(companies::change))
        .route("/tmf-api/agreementManagement/v4/agreement", get(tmf::list))
        .route("/tmf-api/agreementManagement/v4/agreement/{id}", get(tmf::show))
        .route("/tmf-api/agreementManagement/v4/agreementSpecification", get(tmf::specifications))
        .route(
            "/tmf-api/agreementManagement/v4/agreementSpecification/{id}",
            get(tmf::specification),
        )
}

/// What partners offer to subscribers.
fn services() -> Router<App> {
    use api::{services, specifications};
    Router::new()
        .route("/api/v1/services", get(services::list).post(services::create))
        .route("/api/v1/services/{id}", get(services::show).patch(services::change))
        .route("/api/v1/services/{id}/comments", post(services::comment))
        .route("/api/v1/services/{id}/{step}", post(services::step))
        .route("/api/v1/specifications", get(specifications::list).post(specifications::publish))
        .route(
            "/api/v1/specifications/{name}",
            get(specifications::show)
                .put(specifications::publish_next)
                .delete(specifications::withdraw),
        )
}

/// Numbers, and who holds what of them.
fn numbers() -> Router<App> {
    use api::{numbers, reservations};
    Router::new()
        .route("/api/v1/numbers", get(numbers::list))
        .route("/api/v1/numbers/import", post(numbers::import))
        .route("/api/v1/numbers/{digits}", get(numbers::show))
        .route("/api/v1/reservations", get(reservations::list).post(reservations::create))
        .route("/api/v1/reservations/{id}", get(reservations::show))
        .route("/api/v1/reservations/{id}/{step}", post(reservations::step))
        .route("/api/v1/number-waits", get(reservations::waits).post(reservations::wait))
        .route("/api/v1/number-waits/{id}", delete(reservations::stop_waiting))
}

/// The port for the operator's own monitoring.
pub fn admin(app: App) -> Router {
    let routes = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready_in_detail))
        .route("/startupz", get(health::started))
        .fallback(nothing);
    edge::around(routes, &app, edge::Answers::Machines).with_state(app)
}

async fn nothing() -> Problem {
    Fault::NotFound.into()
}
