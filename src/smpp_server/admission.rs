//! What a bind adds to a connection: the answer to it, the account's limits, the card.
//!
//! Whether a bind is good is judged in `bind`; this is what follows from the verdict. What
//! surprises: a refusal waits before it is said, and nothing else happens meanwhile (S-34).

use std::sync::{Arc, atomic::Ordering};

use smol_str::{SmolStr, format_smolstr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};

use super::{
    bind::{Admitted, Origin, Refused},
    doors::BindPlace,
    read::Reading,
    request::Asking,
    session::{SIDE, Talk},
    write::Writing,
};
use crate::{
    domain::{Caller, Credential, Exercise, Partner},
    gateway::{
        Gateway,
        lane::Outlet,
        mt::Submitter,
        registry::{SessionCard, SessionCounters, SessionOrder, TraceLine},
    },
    metrics,
    smpp::{
        Action, BindKind, Command, Pdu, Tlvs, Version,
        pdu::{Bind, BindResp},
        tag,
    },
};

/// What a bind added.
pub(super) struct Bound {
    pub(super) kind: BindKind,
    pub(super) asking: Arc<Asking>,
    pub(super) writing: Writing,
    pub(super) card: Arc<SessionCard>,
    pub(super) orders: mpsc::Receiver<SessionOrder>,
    pub(super) outlet: Option<Arc<Outlet>>,
    pub(super) who: SmolStr,
    pub(super) traces: Vec<mpsc::Sender<TraceLine>>,
    /// A suspect is in flight, and nothing else (P21).
    pub(super) is_alone: bool,
    /// The application is broken for good (S162): its next delivery, and how often it said so.
    pub(super) pause: Option<(Instant, u32)>,
    pub(super) _place: BindPlace,
}

impl Bound {
    pub(super) fn is_paused(&self) -> bool {
        self.pause.is_some_and(|(until, _)| Instant::now() < until)
    }

    /// S162: an application that is broken for good would refuse all that waits for it, message by
    /// message. What is queued is held back as long as a retry would be.
    pub(super) fn hold_back(&mut self, gateway: &Gateway) {
        let times = self.pause.map_or(0, |(_, times)| times);
        let settings = gateway.settings();
        let step = (times as usize).min(settings.retry.len().saturating_sub(1));
        let pause = settings.retry.get(step).copied().unwrap_or_default();
        tracing::error!(session.id = self.card.id, partner = %self.card.partner_name, ?pause,
            "the partner's application has a permanent fault; deliveries wait");
        self.pause = Some((Instant::now() + pause, times.saturating_add(1)));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Talk<S> {
    pub(super) async fn bind(&mut self, kind: BindKind, bind: &Bind, sequence: u32) {
        let origin = Origin { address: self.peer.ip(), transport: &self.transport };
        match self.host.judge(kind, bind, origin).await {
            Ok(admitted) => self.admit(kind, bind, sequence, admitted).await,
            Err(refused) => self.turn_away(kind, bind, sequence, refused).await,
        }
    }

    async fn turn_away(&mut self, kind: BindKind, bind: &Bind, sequence: u32, refused: Refused) {
        metrics::bind(SIDE, refused.reason);
        let gateway = &self.host.gateway;
        let name = String::from_utf8_lossy(&bind.system_id);
        if gateway.catalog().credential(&name).is_some() {
            gateway.registry().bind_refused(&name.into(), refused.reason, gateway.now());
        }
        tracing::warn!(session.peer = %self.peer, system_id = %String::from_utf8_lossy(&bind.system_id),
            kind = kind.as_str(), status = %refused.status, reason = refused.reason, "a bind was refused");
        tokio::select! {
            () = tokio::time::sleep(refused.delay) => {}
            () = self.host.stopping.cancelled() => {}
        }
        let answer = Command::bare(kind.command().response(), refused.status, sequence);
        self.session.respond(answer, &mut self.actions);
        self.ends = Some("bind_refused");
        for action in std::mem::take(&mut self.actions) {
            if let Action::Send(command) = action {
                self.send(&command);
            }
        }
    }

    async fn admit(&mut self, kind: BindKind, bind: &Bind, sequence: u32, admitted: Admitted) {
        let Admitted { credential, partner, version, place } = admitted;
        let (orders_in, orders) = mpsc::channel(8);
        self.limit(&credential);
        let card = self.card(kind, version, &credential, &partner, orders_in);
        let tlv = self.host.settings.vendor_tlv.clone();
        let writing = Writing::new(version, partner.habits.clone(), tlv);
        let asking = self.asking(&card, &credential, &partner, &writing);
        let mut tlvs = Tlvs::new();
        // S004, S005: told to peers of 3.4 and later, and never to older ones.
        if bind.interface_version >= 0x34 {
            tlvs = tlvs.with_u8(tag::SC_INTERFACE_VERSION, version.octet());
        }
        let resp = BindResp { system_id: self.host.settings.system_id.clone().into(), tlvs };
        let answer = Command::new(sequence, Pdu::BindResp(kind, resp));
        self.session.accept_bind(kind, version, answer, Instant::now(), &mut self.actions);
        self.unbound = None;
        self.tell_bound(&card, &credential, &partner);
        self.host.gateway.registry().session_began(Arc::clone(&card));
        self.host.gateway.exercised_on(&card, Exercise::Bind).await;
        self.bound = Some(Bound {
            kind,
            asking: Arc::new(asking),
            writing,
            who: format_smolstr!("smpp:{}#{}", credential.system_id, card.id),
            outlet: kind
                .receives()
                .then(|| self.host.gateway.to_sessions(partner.id, credential.mode)),
            card,
            orders,
            traces: Vec::new(),
            is_alone: false,
            pause: None,
            _place: place,
        });
        // `perform` is on the stack already and sends the answer; deliveries come behind it.
        if let Some(Action::Send(command)) = self.actions.pop() {
            self.send(&command);
        }
        self.deliver().await;
    }

    /// Limits of the account, or those of the gateway where it has none.
    fn limit(&mut self, credential: &Credential) {
        let settings = &self.host.settings;
        let own = |own: u32, default: u32| if own > 0 { own } else { default } as usize;
        let limits = self.session.limits_mut();
        limits.window = own(credential.window, settings.window);
        limits.window_in = settings.window_in as usize;
        self.connection.limits_mut().pdu_octets_max =
            own(credential.pdu_octets_max, settings.pdu_octets_max);
    }

    fn card(
        &mut self,
        kind: BindKind,
        version: Version,
        credential: &Credential,
        partner: &Partner,
        orders: mpsc::Sender<SessionOrder>,
    ) -> Arc<SessionCard> {
        let gateway = &self.host.gateway;
        let window = u32::try_from(self.session.limits_mut().window).unwrap_or(u32::MAX);
        let card = SessionCard {
            id: gateway.registry().next_session(),
            partner: partner.id,
            partner_name: partner.name.clone(),
            system_id: credential.system_id.clone(),
            mode: credential.mode,
            kind: kind.as_str(),
            version: version.as_str(),
            peer: self.peer,
            tls_version: self.transport.version(),
            bound_at: gateway.now(),
            window,
            rate: partner.limits.rate,
            counters: SessionCounters::default(),
            orders,
            is_sent_away: std::sync::atomic::AtomicBool::new(false),
        };
        card.counters.last_heard_at.store(card.bound_at, Ordering::Relaxed);
        Arc::new(card)
    }

    fn asking(
        &self,
        card: &SessionCard,
        credential: &Credential,
        partner: &Partner,
        writing: &Writing,
    ) -> Asking {
        let settings = &self.host.settings;
        let tells_why = settings.refusal_reason_tlv && writing.has_own_tlvs();
        Asking {
            from: Submitter {
                caller: Caller::Session {
                    partner: partner.id,
                    system_id: credential.system_id.clone(),
                    session: card.id,
                },
                partner: partner.id,
                mode: credential.mode,
                default_sender: credential.default_sender.clone(),
                may_have_receipts: credential.may_have_receipts,
                service_types: credential.service_types.clone(),
            },
            reading: self.reading(partner, writing.version),
            reason: tells_why.then_some(settings.vendor_tlv.reason),
            prefers_rx_t_appn: partner.habits.prefers_rx_t_appn,
        }
    }

    /// No hidden limit: those in force stand in the line (D7).
    fn tell_bound(&mut self, card: &SessionCard, credential: &Credential, partner: &Partner) {
        metrics::bind(SIDE, "ok");
        metrics::session(SIDE, card.kind, "bound", 1.0);
        let limits = &partner.limits;
        tracing::info!(
            session.id = card.id, session.peer = %card.peer, partner = %partner.name,
            system_id = %card.system_id, kind = card.kind, version = card.version,
            tls = !card.tls_version.is_empty(), tls_version = card.tls_version,
            binds_max = credential.binds_max, window = card.window,
            window_in = self.host.settings.window_in, rate = limits.rate, burst = limits.burst,
            backlog_max = limits.backlog_max, waiting_max = limits.waiting_max,
            pdu_octets_max = self.connection.limits_mut().pdu_octets_max, "bound"
        );
    }

    fn reading(&self, partner: &Partner, version: Version) -> Reading {
        let settings = self.host.gateway.settings();
        Reading {
            version,
            alphabet: partner.habits.default_alphabet,
            strips_trailing_nul: partner.habits.strip_trailing_nul,
            splits_long: partner.habits.splits_long,
            parts_max: settings.parts_max,
            country_prefix: settings.country_prefix.clone(),
            tlv: self.host.settings.vendor_tlv.clone(),
        }
    }
}
