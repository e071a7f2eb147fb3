//! Opens every port of a node, partners' last.

use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::{
    Certificates, Node,
    certificates::{http_tls, keep_fresh, smpp_tls},
    post,
};
use super::{promises, watch};
use crate::{
    callback::{self, Hub},
    config::Config,
    control,
    documents::Texts,
    domain::{NumberPlan, deadline::Calendar, seal::Seal, secret::Pepper},
    gateway::Gateway,
    http,
    listen::Listeners,
    log::LogHandle,
    mail::Sink,
    partnership::{ComplaintRules, Contract, FaultRules, Partnership, Rules, Scanner},
    smpp_server::Server,
    tasks::{Phase, Tasks},
};

/// Opens every port, partners' last.
pub(super) async fn open_doors(
    config: &Config,
    listeners: &mut Listeners,
    gateway: &Gateway,
    pepper: &Pepper,
    (render, log): (PrometheusHandle, Option<LogHandle>),
    tasks: &Tasks,
) -> anyhow::Result<Node> {
    // The host's own commands work before any port is open.
    let extras =
        control::Extras { node: config.node.name.as_str().into(), log, began_at: gateway.now() };
    let door = control::listen(&control::socket(&config.data_folder())).await?;
    let scope = tasks.scope(Phase::Requests, "control", 32);
    let serving =
        control::serve(door, gateway.clone(), extras, scope, tasks.stopping_in(Phase::Requests));
    tasks.spawn_in(Phase::Requests, "control socket", serving);

    // Requests that change something go on although their client hung up.
    let work = tasks.scope(Phase::Requests, "http work", config.http.connections_max as usize);
    let process = metrics_process::Collector::default();
    process.describe();
    let render: http::Render = Arc::new(move || {
        process.collect();
        render.render()
    });
    let partnership = partnership(config, gateway)?;
    // Deadlines pass also while nobody opens a page.
    tasks.spawn(
        "promises",
        promises::sweep(
            gateway.clone(),
            partnership.clone(),
            config.retention.clone(),
            tasks.stopping(),
        ),
    );
    watch::watch_faults(gateway, &partnership, tasks);
    let sink = start_senders(config, gateway, &partnership, tasks)?;
    let limits = config.http.clone();
    let app = http::App::new(gateway.clone(), partnership, limits, pepper.clone(), render, work);
    if let Some(sink) = &sink {
        app.show_letters(post::shelf(sink.clone()));
    }
    let mut node = Node {
        gateway: gateway.clone(),
        smpp: Vec::new(),
        smpp_tls: Vec::new(),
        http: Vec::new(),
        admin: Vec::new(),
        certificates: Certificates::default(),
        sink,
    };
    let admin = listeners.take("admin", &config.http.admin_listen)?;
    node.admin = addresses(&admin)?;
    // Seats of its own: a flood outside must not blind the operator.
    let seats = http::Seats::new(tasks, "admin connections", &config.http);
    serve_http(admin, &http::Door::Admin, &http::admin(app.clone()), &seats, tasks)?;

    let plain = listeners.take("http", &config.http.listen)?;
    node.http = addresses(&plain)?;
    let seats = http::Seats::new(tasks, "http connections", &config.http);
    let router = http::public(app.clone());
    serve_http(plain, &http::Door::Plain, &router, &seats, tasks)?;
    let tls_ports = listeners.take("http-tls", &config.http.listen_tls)?;
    if !tls_ports.is_empty() {
        let tls = http_tls(config)?;
        keep_fresh(&tls, "http certificate", tasks);
        node.certificates.http = Some(Arc::clone(&tls));
        serve_http(tls_ports, &http::Door::Tls(tls), &router, &seats, tasks)?;
    }

    // Partners last: whatever answers them is ready by now.
    callback::Callbacks::start(gateway, &config.callback, tasks)?;
    let plain = listeners.take("smpp", &config.smpp_server.listen)?;
    let with_tls = listeners.take("smpp-tls", config.smpp_server.tls_addresses())?;
    node.smpp = addresses(&plain)?;
    node.smpp_tls = addresses(&with_tls)?;
    let tls = if with_tls.is_empty() { None } else { Some(smpp_tls(config)?) };
    if let Some(tls) = &tls {
        keep_fresh(tls, "smpp certificate", tasks);
    }
    node.certificates.smpp.clone_from(&tls);
    let settings = config.smpp_server.clone();
    let server = Arc::new(Server::new(gateway.clone(), settings, pepper.clone(), tls, tasks));
    server.listen(tasks, plain, false)?;
    server.listen(tasks, with_tls, true)?;
    server.call(tasks);
    // Only now: who asked earlier was told to wait.
    app.started();
    Ok(node)
}

/// Starts what tells people and systems outside of what verbs wrote: letters, and events of tickets.
fn start_senders(
    config: &Config,
    gateway: &Gateway,
    partnership: &Partnership,
    tasks: &Tasks,
) -> anyhow::Result<Option<Sink>> {
    Hub::start(partnership, &config.callback, tasks)?;
    post::start(config, gateway, partnership, tasks)
}

/// Serves one door on all of its addresses. Fails if the runtime cannot watch a socket.
fn serve_http(
    listeners: Vec<std::net::TcpListener>,
    door: &http::Door,
    router: &axum::Router,
    seats: &http::Seats,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    for listener in listeners {
        let listener = TcpListener::from_std(listener)?;
        let serving =
            http::serve(listener, door.clone(), router.clone(), seats.clone(), tasks.stopping());
        tasks.spawn("http listener", serving);
    }
    Ok(())
}

fn addresses(listeners: &[std::net::TcpListener]) -> anyhow::Result<Vec<std::net::SocketAddr>> {
    listeners.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}

/// The verbs of the partnership over the same store. Files and second factors are sealed under a
/// key drawn from the same secret as the pepper, and never under the secret itself.
pub(super) fn partnership(config: &Config, gateway: &Gateway) -> anyhow::Result<Partnership> {
    let secret = config.smpp_server.pepper_file.secret.reveal().as_bytes();
    let calendar = match &config.partnership.holidays_file {
        None => Calendar::polish(),
        Some(path) => {
            let path = config.file(path);
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading the days off in {}", path.display()))?;
            Calendar::parse(&text)
                .map_err(|why| anyhow::anyhow!("days off in {}: {why}", path.display()))?
        }
    };
    let texts = match &config.documents.texts_folder {
        None => Texts::shipped(),
        Some(folder) => Texts::with_folder(&config.file(folder)).context("texts of agreements")?,
    };
    let contract = Contract::from_settings(config)
        .map_err(|wrong| anyhow::anyhow!("settings of agreements: {}", wrong.join("; ")))?;
    let plan = match &config.partnership.numbers_file {
        None => NumberPlan::shipped(),
        Some(path) => {
            let path = config.file(path);
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading the numbers in {}", path.display()))?;
            let plan = NumberPlan::parse(&text);
            Arc::new(plan.with_context(|| format!("reading {}", path.display()))?)
        }
    };
    let orders = super::order_plan(config)
        .map_err(|wrong| anyhow::anyhow!("partnership.orders_file: {}", wrong.join("; ")))?;
    let rules = Rules::from_settings(&config.partnership, calendar)
        .with_traffic(&config.limits, &config.smsc_link);
    let (store, clock) = (gateway.store().clone(), gateway.clock().clone());
    Ok(Partnership::new(store, clock, Seal::new([secret]))
        .with_portal(config.portal.clone())
        .with_scanner(Scanner::new(&config.uploads))
        .with_texts(texts)
        .with_contract(contract)
        .with_number_plan(plan)
        .with_order_plan(orders)
        .with_fault_rules(FaultRules::from_settings(config))
        .with_complaint_rules(ComplaintRules::from_settings(config))
        .with_address_guard(callback::address_guard(&config.callback))
        .with_rules(rules))
}
