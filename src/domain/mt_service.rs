//! Under which of its services a partner submits an MT, and what that service may charge.
//!
//! The surprise: where a number has several services and the partner names none, the answer is the
//! one that costs nothing, or a refusal.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    catalog::Catalog,
    number::Sender,
    partner::PartnerId,
    refusal::Refusal,
    service::{Billing, Service, ServiceState},
};

impl Catalog {
    /// The service under which a partner submits an MT.
    ///
    /// A named service wins. Otherwise the sender decides; where several services share it, one
    /// that does not charge is taken, for a charge must never be a guess. A named tariff is no
    /// guess: it asks for a charge, so the charged service that allows it is meant.
    pub fn service_for(
        &self,
        partner: PartnerId,
        sender: &Sender,
        named: Option<&str>,
        tariff: Option<&str>,
    ) -> Result<&Arc<Service>, Refusal> {
        let service = self.pick_service(partner, sender, named, tariff)?;
        let number = self.numbers.get(&service.short_code);
        if number.is_some_and(|number| !number.lets_send(service)) {
            let service = service.name.clone();
            return Err(Refusal::ServiceNotLive {
                service,
                state: "on a number that is not active",
            });
        }
        Ok(service)
    }

    fn pick_service(
        &self,
        partner: PartnerId,
        sender: &Sender,
        named: Option<&str>,
        tariff: Option<&str>,
    ) -> Result<&Arc<Service>, Refusal> {
        if let Some(name) = named {
            let service = self.service_named(partner, name);
            let service = service.ok_or_else(|| Refusal::UnknownService(name.into()))?;
            return self.may_send_as(service, sender).map(|()| service);
        }
        let key = (partner, SmolStr::from(sender.as_str()));
        let candidates = match sender {
            Sender::Name(name) if self.may_use_name(partner, name) => self
                .services
                .values()
                .filter(|s| s.partner == partner && s.state != ServiceState::Closed)
                .collect::<Vec<_>>(),
            _ => self.senders.get(&key).into_iter().flatten().collect(),
        };
        match candidates.as_slice() {
            [] => Err(Refusal::NotYourNumber(sender.as_str().into())),
            [only] => Ok(only),
            many => many
                .iter()
                .filter(|s| match tariff {
                    Some(code) => s.billing == Billing::Mt && self.may_charge(s, code),
                    None => s.billing != Billing::Mt,
                })
                .min_by_key(|s| (s.state != ServiceState::Live, s.id))
                .copied()
                .ok_or_else(|| match tariff {
                    Some(code) if self.tariff_coded(code).is_none() => {
                        Refusal::TariffUnknown(code.into())
                    }
                    Some(code) => Refusal::TariffNotAllowed(code.into()),
                    None => Refusal::AmbiguousService(sender.as_str().into()),
                }),
        }
    }

    /// Whether an MT of the service may name the tariff: its own, or one of those allowed.
    pub fn may_charge(&self, service: &Service, code: &str) -> bool {
        self.tariff_coded(code).is_some_and(|tariff| {
            service.tariff == Some(tariff.id) || service.tariffs_allowed.contains(&tariff.code)
        })
    }

    fn may_send_as(&self, service: &Service, sender: &Sender) -> Result<(), Refusal> {
        let good = match sender {
            Sender::Name(name) => self.may_use_name(service.partner, name),
            _ => service.short_code.as_str() == sender.as_str(),
        };
        if good { Ok(()) } else { Err(Refusal::NotYourNumber(sender.as_str().into())) }
    }

    fn may_use_name(&self, partner: PartnerId, name: &str) -> bool {
        self.sender_names.get(&partner).is_some_and(|names| names.iter().any(|n| n == name))
    }
}
