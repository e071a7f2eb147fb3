//! Peers that nobody here wrote: four SMPP clients, an SMPP server, a mail server, a dissector and
//! a tester of HTTP interfaces. What they disagree with is an error here until the standard says
//! otherwise.
//!
//! Everything they say to the gateway passes a [`relay::Relay`], and Wireshark reads it afterwards.

pub(crate) mod api;
mod esme;
mod foreign;
mod kannel;
mod mail;
mod operator;
mod relay;
mod text;
mod tmf621;
mod wireshark;

use super::world::{Builder, PartnerPlan, World, charged, service};
use relay::Relay;

/// A world whose two sides are both listened to.
struct Overheard {
    world: World,
    partners: Relay,
    operator: Relay,
}

impl Overheard {
    /// acme as any newcomer has it: nothing about its software is known (no habits).
    fn builder() -> Builder {
        let mut acme = PartnerPlan::named("acme");
        acme.vendor_tlvs = false;
        Builder {
            partners: vec![acme],
            services: vec![
                service("acme", "win", "7455", &["WIN"]),
                charged("acme", "pay", "7466", &["PAY"]),
            ],
            settings: "[smpp_server]\nenquire_link = \"1s\"\n".into(),
            ..Builder::default()
        }
    }

    async fn new() -> Self {
        Box::pin(Self::with(Self::builder(), Relay::new(1).await)).await
    }

    /// The fake SMSC is the operator, unless the relay was told of another.
    async fn with(mut builder: Builder, operator: Relay) -> Self {
        builder.operator = Some(operator.address());
        let world = Box::pin(builder.build()).await;
        if !operator.is_told() {
            operator.forward_to(world.smsc.address());
        }
        world.link_up().await;
        let partners = Relay::new(2).await;
        partners.forward_to(world.node.smpp[0]);
        Self { world, partners, operator }
    }

    fn port(&self) -> String {
        self.partners.address().port().to_string()
    }

    /// Stops in order and has Wireshark read both sides; the capture stays in `target/tmp`.
    async fn end(self, name: &str) {
        let folder = self.world.stop().await;
        let capture = relay::write(&[&self.partners, &self.operator], &format!("{name}.pcap"));
        wireshark::reads(&capture, folder.path());
    }
}
