//! A real daemon on free ports with a store in a temporary folder, and the characters around it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bramka::{
    clock::{Clock, SetClock},
    config::Config,
    daemon::{self, Node},
    demo::{
        esme::Esme,
        fake_smsc::{self, FakeSmsc, Script},
    },
    domain::{Caller, MessageId, MessageState, secret::Pepper},
    gateway::Gateway,
    listen::Listeners,
    smpp::{BindKind, ShortMessage, Version},
    store::{
        GroupLimits, NewApiKey, NewCredential, NewPartner, NewService, NewTariff, Place, Store,
        Stored,
    },
    tasks::Tasks,
};

/// What everything that is not under test is given.
pub(crate) const PASSWORD: &str = "s3cret";
pub(crate) const PEPPER: &str = "pepper of the tests";
/// The operator's link and its group.
pub(crate) const LINK: &str = "main";

/// Who makes changes in tests.
pub(crate) fn operator() -> Caller {
    Caller::Operator { name: "test".into() }
}

/// Waits for a condition that somebody else brings about; fails loudly instead of for ever.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
    }
}

/// The text of a message that is ASCII.
pub(crate) fn text(message: &ShortMessage) -> String {
    String::from_utf8_lossy(message.content()).into_owned()
}

/// The number of a message in an answer.
pub(crate) fn number(message_id: &[u8]) -> MessageId {
    MessageId(String::from_utf8_lossy(message_id).parse().expect("ids are decimal"))
}

/// A TOML table for one more link.
pub(crate) fn another_link(name: &str, address: SocketAddr, more: &str) -> String {
    format!(
        "[[smsc_link]]\nname = \"{name}\"\naddress = \"{address}\"\nsystem_id = \"bramka\"\n\
         password_file = \"smsc.password\"\n{more}\n"
    )
}

/// Numbers smaller than a file may name.
pub(crate) fn hurry(config: &mut Config) {
    config.messages.retry = vec![Duration::from_millis(20)];
    config.smpp_server.response = Duration::from_millis(200);
    for link in &mut config.smsc_link {
        link.reconnect_min = Duration::from_millis(10);
        link.reconnect_max = Duration::from_millis(20);
        link.connect = Duration::from_millis(200);
        link.response = Duration::from_millis(200);
    }
}

/// A world whose pauses are too short to wait for.
pub(crate) fn hurried() -> Builder {
    let mut builder = Builder { adjust: hurry, ..Builder::default() };
    builder.script.retry_delay = Duration::from_millis(20);
    builder
}

/// A world whose time passes when the test says so.
pub(crate) fn at_a_set_time() -> (Arc<SetClock>, Builder) {
    let set = Arc::new(SetClock::at(1_900_000_000_000_000));
    let clock = Clock::Set(Arc::clone(&set));
    (set, Builder { clock, ..Builder::default() })
}

/// How a world is built; change it before `build`.
pub(crate) struct Builder {
    pub(crate) config: Config,
    pub(crate) script: Script,
    pub(crate) partners: Vec<PartnerPlan>,
    pub(crate) services: Vec<NewService>,
    /// Parts of the link's configuration, in TOML.
    pub(crate) link: String,
    /// More of the configuration, in TOML; tables at its end.
    pub(crate) settings: String,
    pub(crate) smsc: fake_smsc::Options,
    /// Numbers smaller than a file may name, for waits that a test must not wait for.
    pub(crate) adjust: fn(&mut Config),
    /// Files beside the configuration.
    pub(crate) files: Vec<(&'static str, String)>,
    pub(crate) clock: Clock,
}

/// A partner with one credential of its own name.
#[derive(Clone)]
pub(crate) struct PartnerPlan {
    pub(crate) partner: NewPartner,
    pub(crate) credential: NewCredential,
    pub(crate) api_key: Option<NewApiKey>,
}

impl PartnerPlan {
    pub(crate) fn named(name: &str) -> Self {
        let hash = Pepper::new(PEPPER).hash(PASSWORD.as_bytes());
        Self {
            partner: NewPartner {
                name: name.to_owned(),
                rate: 0,
                burst: 1,
                backlog_max: 100_000,
                waiting_max: 100_000,
            },
            credential: NewCredential {
                system_id: name.to_owned(),
                partner: name.to_owned(),
                secret: hex(&hash),
                addresses: Vec::new(),
                tls_only: false,
                binds_max: 10,
                window: 10,
                default_sender: None,
            },
            api_key: None,
        }
    }
}

/// A live service on a short code; change what matters.
pub(crate) fn service(
    partner: &str,
    name: &str,
    short_code: &str,
    keywords: &[&str],
) -> NewService {
    NewService {
        partner: partner.to_owned(),
        name: name.to_owned(),
        state: "live".into(),
        short_code: short_code.to_owned(),
        keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
        billing: "free".into(),
        tariff: None,
        tariffs_allowed: Vec::new(),
        link_group: LINK.into(),
        callback: None,
        on_unknown: "resend".into(),
        charge_at: "delivered".into(),
        charges_per_minute: 0,
        charges_per_day: 0,
        spend_per_day_minor: 0,
        validity_max_us: 0,
        test_numbers: Vec::new(),
    }
}

/// The same, and the subscriber pays for each MT.
pub(crate) fn charged(
    partner: &str,
    name: &str,
    short_code: &str,
    keywords: &[&str],
) -> NewService {
    NewService {
        billing: "mt".into(),
        tariff: Some("T4".into()),
        ..service(partner, name, short_code, keywords)
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Default for Builder {
    /// acme with a free service WIN on 7455 and a charged one, PAY, on 7466; one link, one SMSC.
    fn default() -> Self {
        Self {
            config: Config::default(),
            script: Script::default(),
            partners: vec![PartnerPlan::named("acme")],
            services: vec![
                service("acme", "win", "7455", &["WIN"]),
                charged("acme", "pay", "7466", &["PAY"]),
            ],
            link: String::new(),
            settings: String::new(),
            smsc: fake_smsc::Options::default(),
            adjust: |_| (),
            files: Vec::new(),
            clock: Clock::System,
        }
    }
}

impl Builder {
    pub(crate) async fn build(self) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // In a box: a whole daemon is a large future for a test to carry.
        Box::pin(self.build_in(Arc::new(folder))).await
    }

    pub(crate) async fn build_in(self, folder: Arc<tempfile::TempDir>) -> World {
        let smsc = FakeSmsc::with(self.smsc, self.script).await.expect("a port for the SMSC");
        let path = folder.path();
        std::fs::write(path.join("smsc.password"), "smscpass").expect("a file");
        std::fs::write(path.join("pepper"), PEPPER).expect("a file");
        for (name, content) in &self.files {
            std::fs::write(path.join(name), content).expect("a file");
        }
        let text = format!(
            "[node]\ndata_folder = {path:?}\n[log]\nlevel = \"debug\"\n\
             [[smsc_link]]\nname = \"{LINK}\"\naddress = \"{}\"\nsystem_id = \"bramka\"\n\
             password_file = \"smsc.password\"\nreconnect_min = \"50ms\"\n{}\n{}",
            smsc.address(),
            self.link,
            self.settings,
        );
        let mut config = Config::from_text(&text, path).unwrap_or_else(|wrong| panic!("{wrong}"));
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        config.smpp_server.pepper_file.secret = bramka::config::Secret::new(PEPPER);
        config.smpp_server.listen = vec![any];
        config.http.listen = vec![any];
        config.http.admin_listen = vec![any];
        if self.config.smpp_server != Config::default().smpp_server {
            let pepper = config.smpp_server.pepper_file.clone();
            config.smpp_server = self.config.smpp_server.clone();
            config.smpp_server.pepper_file = pepper;
            config.smpp_server.listen = vec![any];
        }
        (self.adjust)(&mut config);
        seed(&config, &self.partners, &self.services).await;
        let tasks = Tasks::for_tests();
        let mut listeners = Listeners::of(Vec::new());
        let node = daemon::start_with(&config, &mut listeners, None, &tasks, self.clock)
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        World { node, tasks, smsc, config, folder }
    }
}

/// Puts partners, numbers and services into the store before the daemon looks.
async fn seed(config: &Config, partners: &[PartnerPlan], services: &[NewService]) {
    let place = Place { url: config.store_url().reveal().to_owned(), readers: 1 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("a store");
    drop(writer);
    let by = operator();
    let tariff = NewTariff {
        code: "T4".into(),
        valid_from: 0,
        net_minor: 400,
        vat_permille: 230,
        gross_minor: 492,
        currency: "PLN".into(),
    };
    // A second start on the same folder finds everything there.
    if store.load_catalog().await.expect("a catalog").tariff_coded("T4").is_some() {
        store.close().await;
        return;
    }
    store.add_tariff(&by, 0, &tariff).await.expect("a tariff");
    for plan in partners {
        store.add_partner(&by, 0, &plan.partner).await.expect("a partner");
        store.add_credential(&by, 0, &plan.credential).await.expect("a credential");
        if let Some(key) = &plan.api_key {
            store.add_api_key(&by, 0, key).await.expect("a key");
        }
    }
    let mut codes: Vec<&str> = services.iter().map(|one| one.short_code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        store.add_short_code(&by, 0, code).await.expect("a short code");
    }
    for one in services {
        store.add_service(&by, 0, one).await.expect("a service");
    }
    store.close().await;
}

pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) tasks: Tasks,
    pub(crate) smsc: FakeSmsc,
    pub(crate) config: Config,
    pub(crate) folder: Arc<tempfile::TempDir>,
}

impl World {
    /// The world of most stories, with the link bound.
    pub(crate) async fn new() -> Self {
        let world = Builder::default().build().await;
        world.link_up().await;
        world
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.node.gateway
    }

    pub(crate) async fn link_up(&self) {
        let registry = self.gateway().registry();
        eventually("the link is bound", async || {
            let card = registry.link(LINK)?;
            (card.bound.load(std::sync::atomic::Ordering::Acquire) > 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn state_of(&self, id: MessageId) -> MessageState {
        match self.gateway().store().message(id).await.expect("the store can be read") {
            Some(Stored::Mo(_, state) | Stored::Mt(_, state)) => state,
            None => panic!("{id} is not stored"),
        }
    }

    pub(crate) async fn becomes(&self, id: MessageId, wanted: MessageState) {
        eventually(&format!("{id} becomes {}", wanted.as_str()), async || {
            (self.state_of(id).await == wanted).then_some(())
        })
        .await;
    }

    pub(crate) async fn ledger(&self) -> (i64, i64) {
        self.gateway().store().ledger().await.expect("the store can be read")
    }

    /// Keeps what is submitted from leaving: the link is taken down.
    pub(crate) async fn link_down(&self) {
        let card = self.gateway().registry().link(LINK).expect("the link is configured");
        card.want(false);
        eventually("the link is down", async || {
            (card.bound.load(std::sync::atomic::Ordering::Acquire) == 0).then_some(())
        })
        .await;
    }

    /// A transceiver of a partner that speaks 3.4.
    pub(crate) async fn bind(&self, name: &str) -> Esme {
        self.bind_as(name, BindKind::Transceiver, Version::V34).await
    }

    pub(crate) async fn bind_as(&self, name: &str, kind: BindKind, version: Version) -> Esme {
        Esme::bind(self.node.smpp[0], kind, version, name, PASSWORD)
            .await
            .unwrap_or_else(|failed| panic!("{name} could not bind: {failed:?}"))
    }

    /// Stops in order; a world that ends otherwise is dropped with its tasks.
    pub(crate) async fn stop(self) -> Arc<tempfile::TempDir> {
        self.node.gateway.drain();
        self.tasks.drain(Duration::from_secs(45)).await.expect("an orderly stop");
        self.node.gateway.store().close().await;
        self.folder
    }
}
