//! A real daemon on free ports with a store in a temporary folder, and the characters around it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bramka::{
    clock::{Clock, SetClock},
    config::{Config, SmppServer},
    daemon::{self, Node},
    demo::{
        esme::Esme,
        fake_smsc::{self, FakeSmsc, Script},
    },
    domain::{Caller, MessageId, MessageState, Mode, MtMessage, secret::Pepper},
    gateway::Gateway,
    listen::Listeners,
    smpp::{BindKind, Command, Pdu, ShortMessage, Version, codec, pdu::Bind},
    store::{
        CredentialRights, GroupLimits, NewApiKey, NewCredential, NewPartner, NewService, NewTariff,
        PartnerSetting, Place, Store, Stored,
    },
    tasks::Tasks,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
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
    config.smpp_server.response = Duration::from_millis(500);
    for link in &mut config.smsc_link {
        link.reconnect_min = Duration::from_millis(10);
        link.reconnect_max = Duration::from_millis(20);
        link.connect = Duration::from_millis(500);
        link.response = Duration::from_millis(500);
    }
}

/// A world whose pauses are too short to wait for.
pub(crate) fn hurried() -> Builder {
    let mut builder = Builder { tune: Some(Box::new(hurry)), ..Builder::default() };
    builder.script.retry_delay = Duration::from_millis(20);
    builder
}

/// A world whose time passes when the test says so.
pub(crate) fn at_a_set_time() -> (Arc<SetClock>, Builder) {
    let set = Arc::new(SetClock::at(1_900_000_000_000_000));
    let clock = Clock::Set(Arc::clone(&set));
    (set, Builder { clock, ..Builder::default() })
}

/// A last change of the configuration.
pub(crate) type Tune = Box<dyn FnOnce(&mut Config) + Send>;

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
    /// What the link dials instead of the fake SMSC.
    pub(crate) operator: Option<SocketAddr>,
    /// Files beside the configuration.
    pub(crate) files: Vec<(&'static str, String)>,
    pub(crate) clock: Clock,
    /// The last word on the configuration; may set timers shorter than a file could.
    pub(crate) tune: Option<Tune>,
}

/// A partner with one credential of its own name.
#[derive(Clone)]
pub(crate) struct PartnerPlan {
    pub(crate) partner: NewPartner,
    pub(crate) credential: NewCredential,
    pub(crate) api_key: Option<NewApiKey>,
    /// Asks for our own TLVs below 5.0 too, so that a test sees all there is.
    pub(crate) vendor_tlvs: bool,
}

impl PartnerPlan {
    pub(crate) fn named(name: &str) -> Self {
        Self {
            partner: NewPartner::unhurried(name, 100_000),
            credential: NewCredential {
                system_id: name.to_owned(),
                partner: name.to_owned(),
                secret: Pepper::new(PEPPER).hash_hex(PASSWORD.as_bytes()),
                addresses: Vec::new(),
                tls_only: false,
                binds_max: 10,
                window: 10,
                default_sender: None,
                mode: Mode::Live,
            },
            api_key: None,
            vendor_tlvs: true,
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
    NewService::free(partner, name, short_code, keywords, LINK)
}

/// The same, and the subscriber pays for each MT.
pub(crate) fn charged(
    partner: &str,
    name: &str,
    short_code: &str,
    keywords: &[&str],
) -> NewService {
    service(partner, name, short_code, keywords).charging_mt("T4")
}

/// What a credential may do from the start; change what matters and hand it to `World::allow`.
pub(crate) fn rights() -> CredentialRights {
    CredentialRights {
        is_active: true,
        may_transmit: true,
        may_receive: true,
        may_have_receipts: true,
        service_types: Vec::new(),
        binds_max: 10,
        addresses: Vec::new(),
        tls_only: false,
        window: 10,
        outbind: None,
        pdu_octets_max: 70_000,
    }
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
            operator: None,
            files: Vec::new(),
            clock: Clock::System,
            tune: None,
        }
    }
}

impl Builder {
    /// The usual world with another configuration of the partners' side.
    pub(crate) fn server(change: impl FnOnce(&mut SmppServer) + Send + 'static) -> Self {
        Self { tune: Some(Box::new(|config| change(&mut config.smpp_server))), ..Self::default() }
    }

    /// The usual world with another acme.
    pub(crate) fn acme(change: impl FnOnce(&mut PartnerPlan)) -> Self {
        let mut builder = Self::default();
        change(&mut builder.partners[0]);
        builder
    }

    /// Builds it and waits for the link.
    pub(crate) async fn ready(self) -> World {
        // On the heap: the parts of a node are large before they are together.
        let world = Box::pin(self.build()).await;
        world.link_up().await;
        world
    }

    pub(crate) async fn build(self) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.build_in(Arc::new(folder)).await
    }

    /// In a box: a whole daemon is a large future for a test to carry.
    pub(crate) fn build_in(self, folder: Arc<tempfile::TempDir>) -> impl Future<Output = World> {
        Box::pin(self.built_in(folder))
    }

    async fn built_in(self, folder: Arc<tempfile::TempDir>) -> World {
        let smsc = FakeSmsc::with(self.smsc, self.script).await.expect("a port for the SMSC");
        let path = folder.path();
        std::fs::write(path.join("smsc.password"), "smscpass").expect("a file");
        std::fs::write(path.join("pepper"), PEPPER).expect("a file");
        for (name, content) in &self.files {
            std::fs::write(path.join(name), content).expect("a file");
        }
        let text = format!(
            "[node]\ndata_folder = \"{}\"\n[log]\nlevel = \"debug\"\n\
             [[smsc_link]]\nname = \"{LINK}\"\naddress = \"{}\"\nsystem_id = \"bramka\"\n\
             password_file = \"smsc.password\"\nreconnect_min = \"50ms\"\n{}\n{}",
            path.display(),
            self.operator.unwrap_or(smsc.address()),
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
        if let Some(tune) = self.tune {
            tune(&mut config);
        }
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
pub(crate) async fn seed(config: &Config, partners: &[PartnerPlan], services: &[NewService]) {
    let place = Place { url: config.store_url().reveal().to_owned(), readers: 1 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("a store");
    drop(writer);
    let by = operator();
    let tariff = NewTariff::polish("T4", 400, 492);
    // A second start on the same folder finds everything there.
    if store.load_catalog().await.expect("a catalog").tariff_coded("T4").is_some() {
        store.close().await;
        return;
    }
    store.add_tariff(&by, 0, &tariff).await.expect("a tariff");
    for plan in partners {
        store.add_partner(&by, 0, &plan.partner).await.expect("a partner");
        let wish = PartnerSetting::VendorTlvs(plan.vendor_tlvs);
        store.set_partner(&by, 0, &plan.partner.name, wish).await.expect("a habit");
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

    /// Changes one habit or limit of a partner, for sessions that begin from now on.
    pub(crate) async fn set(&self, partner: &str, setting: PartnerSetting) {
        let store = self.gateway().store();
        assert!(store.set_partner(&operator(), 0, partner, setting).await.expect("a change"));
        self.gateway().reload_catalog().await.expect("a catalog");
    }

    /// The store refuses every message from now on, as a broken disk would.
    pub(crate) async fn break_store(&self) {
        let url = self.config.store_url().reveal().to_owned();
        let mut connection: sqlx::SqliteConnection =
            <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.expect("a store");
        let trigger = "create trigger broken before insert on message begin \
                       select raise(abort, 'disk I/O error'); end";
        sqlx::query(trigger).execute(&mut connection).await.expect("a trigger");
    }

    /// A message as it is stored, by the id that its partner knows.
    pub(crate) async fn stored_mt(&self, id: &[u8]) -> Option<(Arc<MtMessage>, MessageState)> {
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        match self.gateway().store().message(MessageId(id)).await.expect("a store") {
            Some(Stored::Mt(message, state)) => Some((message, state)),
            _ => None,
        }
    }

    /// Changes what a credential may do, as of now.
    pub(crate) async fn allow(&self, system_id: &str, rights: &CredentialRights) {
        let store = self.gateway().store();
        assert!(store.set_credential(&operator(), 0, system_id, rights).await.expect("a change"));
        self.gateway().reload_catalog().await.expect("a catalog");
    }

    /// Stops in order; a world that ends otherwise is dropped with its tasks.
    pub(crate) async fn stop(self) -> Arc<tempfile::TempDir> {
        self.node.gateway.drain();
        self.tasks.drain(Duration::from_secs(45)).await.expect("an orderly stop");
        self.node.gateway.store().close().await;
        self.folder
    }
}

/// A bind of 3.4.
pub(crate) fn bind_of(system_id: &str, password: &str) -> Bind {
    Bind {
        system_id: system_id.as_bytes().to_vec().into(),
        password: password.as_bytes().to_vec().into(),
        interface_version: 0x34,
        ..Bind::default()
    }
}

/// A PDU as octets, whatever is in it.
pub(crate) fn raw(id: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("a short body");
    let mut octets: Vec<u8> =
        [length, id, 0, sequence].into_iter().flat_map(u32::to_be_bytes).collect();
    octets.extend(body);
    octets
}

/// A bare TCP peer: octets out, frames in, nothing answered by itself.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.expect("a connection"))
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.expect("a peer that reads");
    }

    pub(crate) async fn send(&mut self, command: &Command, version: Version) {
        let mut octets = bytes::BytesMut::new();
        codec::encode(command, version, &mut octets).expect("a PDU that fits");
        self.write(&octets).await;
    }

    pub(crate) async fn bind(&mut self, kind: BindKind, interface_version: u8) -> Command {
        let bind = Bind { interface_version, ..bind_of("acme", PASSWORD) };
        self.ask(&Command::new(1, Pdu::Bind(kind, Box::new(bind)))).await
    }

    /// Sends a command and reads the next one.
    pub(crate) async fn ask(&mut self, command: &Command) -> Command {
        self.send(command, Version::V50).await;
        self.command().await.expect("an answer")
    }

    /// The next command with every TLV it has; none when the peer hung up.
    pub(crate) async fn command(&mut self) -> Option<Command> {
        let frame = self.frame().await?;
        Some(codec::decode(&frame.into(), Version::V50).expect("a good PDU"))
    }

    /// The next frame, header and all; none when the peer hung up.
    pub(crate) async fn frame(&mut self) -> Option<Vec<u8>> {
        let read = async {
            let mut frame = vec![0; 16];
            self.0.read_exact(&mut frame).await.ok()?;
            let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
            frame.resize(length, 0);
            self.0.read_exact(&mut frame[16..]).await.ok()?;
            Some(frame)
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("a frame, or the end")
    }
}

/// One HTTP answer, head and body.
pub(crate) async fn get(from: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(from).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a peer that reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}
