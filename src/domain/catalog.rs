//! The routing snapshot: partners, credentials, services, numbers and tariffs as they are now.
//!
//! It is replaced and never changed, so a message sees one state of the world. A million keywords
//! are looked up in under two microseconds: one map per number, longest word first.
//!
//! The surprise: a new catalog shares what did not change with the one before. One service of a
//! hundred thousand that changes costs the copy of its number's keywords and of some pointers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smol_str::SmolStr;

use super::{
    number::{Keyword, Msisdn, ShortCode},
    number_use::{Number, Use},
    partner::{Credential, Partner, PartnerId},
    sandbox::Mode,
    service::{Service, ServiceId, ServiceState},
    tariff::{Tariff, TariffId},
};

/// Where an MO goes.
#[derive(Debug, Clone)]
pub enum Route {
    To { service: Arc<Service>, keyword: Keyword },
    Unrouted(Unrouted),
}

/// Why no service takes an MO. The word is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrouted {
    NoSuchNumber,
    NoSuchKeyword,
    ServiceNotLive,
    NotATestNumber,
    PartnerSuspended,
    /// The base of numbers says that nobody, or somebody else, uses it now.
    NumberNotActive,
    /// Before its first day, or after its last.
    OutOfSchedule,
}

impl Unrouted {
    pub const ALL: [Self; 7] = [
        Self::NoSuchNumber,
        Self::NoSuchKeyword,
        Self::ServiceNotLive,
        Self::NotATestNumber,
        Self::PartnerSuspended,
        Self::NumberNotActive,
        Self::OutOfSchedule,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchNumber => "no_such_number",
            Self::NoSuchKeyword => "no_such_keyword",
            Self::ServiceNotLive => "service_not_live",
            Self::NotATestNumber => "not_a_test_number",
            Self::PartnerSuspended => "partner_suspended",
            Self::NumberNotActive => "number_not_active",
            Self::OutOfSchedule => "out_of_schedule",
        }
    }
}

/// An API key as requests are checked against it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The public first part; it names the key in logs.
    pub prefix: SmolStr,
    pub partner: PartnerId,
    pub secret: [u8; 32],
    /// Microseconds UTC; 0 never expires.
    pub expires_at: i64,
    pub mode: Mode,
}

/// What the base of numbers says about a number, or about a keyword on a shared one. A number that
/// it does not know is used as its services say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub short_code: ShortCode,
    /// None: the whole number.
    pub keyword: Option<Keyword>,
    pub partner: Option<PartnerId>,
    pub is_active: bool,
}

/// What a catalog is made of; the store fills it.
#[derive(Debug, Default)]
pub struct Parts {
    pub partners: Vec<Partner>,
    pub credentials: Vec<Credential>,
    pub api_keys: Vec<ApiKey>,
    pub services: Vec<Service>,
    pub tariffs: Vec<Tariff>,
    /// Names that a partner may send under.
    pub sender_names: Vec<(PartnerId, SmolStr)>,
    /// Numbers that no message may go to (S097).
    pub barred: Vec<Msisdn>,
    pub holdings: Vec<Holding>,
}

#[derive(Debug, Clone, Default)]
pub struct Catalog {
    // What one service or number cannot change stands behind one pointer.
    partners: Arc<HashMap<PartnerId, Arc<Partner>>>,
    credentials: Arc<HashMap<SmolStr, Arc<Credential>>>,
    api_keys: Arc<HashMap<SmolStr, Arc<ApiKey>>>,
    tariffs: Arc<HashMap<TariffId, Arc<Tariff>>>,
    tariff_codes: Arc<HashMap<SmolStr, TariffId>>,
    pub(super) sender_names: Arc<HashMap<PartnerId, Vec<SmolStr>>>,
    barred: Arc<HashSet<Msisdn>>,
    pub(super) services: HashMap<ServiceId, Arc<Service>>,
    pub(super) numbers: HashMap<ShortCode, Arc<Number>>,
    pub(super) senders: HashMap<(PartnerId, SmolStr), Vec<Arc<Service>>>,
    names: HashMap<(PartnerId, SmolStr), Arc<Service>>,
}

impl Catalog {
    pub fn new(parts: Parts) -> Self {
        let mut sender_names: HashMap<_, Vec<_>> = HashMap::new();
        for (partner, name) in parts.sender_names {
            sender_names.entry(partner).or_default().push(name);
        }
        let tariff_codes = parts.tariffs.iter().map(|t| (t.code.clone(), t.id)).collect();
        let mut catalog = Self {
            partners: shared(parts.partners, |partner| partner.id),
            credentials: shared(parts.credentials, |credential| credential.system_id.clone()),
            api_keys: shared(parts.api_keys, |key| key.prefix.clone()),
            tariffs: shared(parts.tariffs, |tariff| tariff.id),
            tariff_codes: Arc::new(tariff_codes),
            sender_names: Arc::new(sender_names),
            barred: Arc::new(parts.barred.into_iter().collect()),
            ..Self::default()
        };
        for service in parts.services {
            catalog.add_service(Arc::new(service));
        }
        catalog.hold(parts.holdings);
        catalog
    }

    /// The catalog with these services as they are now, and with all that holds now of these
    /// numbers.
    #[must_use]
    pub fn renewed(
        &self,
        services: Vec<Service>,
        numbers: &[ShortCode],
        holdings: Vec<Holding>,
    ) -> Self {
        let mut next = self.clone();
        // All are taken out before the first comes back: one may have the keyword of another.
        let left: Vec<_> = services.iter().filter_map(|one| next.remove_service(one.id)).collect();
        for service in services {
            next.add_service(Arc::new(service));
        }
        for number in left {
            if !next.services.values().any(|service| service.short_code == number) {
                next.numbers.remove(&number);
            }
        }
        for number in numbers {
            if let Some(number) = next.numbers.get_mut(number) {
                let number = Arc::make_mut(number);
                number.whole = None;
                number.words.clear();
            }
        }
        next.hold(holdings);
        next
    }

    /// Whether any service uses the number.
    pub fn has_number(&self, number: &ShortCode) -> bool {
        self.numbers.contains_key(number)
    }

    fn hold(&mut self, holdings: Vec<Holding>) {
        for holding in holdings {
            let user = Use(holding.partner.filter(|_| holding.is_active));
            if let Some(number) = self.numbers.get_mut(&holding.short_code) {
                let number = Arc::make_mut(number);
                match holding.keyword {
                    None => number.whole = Some(user),
                    Some(keyword) => drop(number.words.insert(keyword, user)),
                }
            }
        }
    }

    /// Answers with its number, which stays with what holds of it.
    fn remove_service(&mut self, id: ServiceId) -> Option<ShortCode> {
        let service = self.services.remove(&id)?;
        if let Some(number) = self.numbers.get_mut(&service.short_code) {
            Arc::make_mut(number).forget(&service);
        }
        let sender = (service.partner, SmolStr::from(service.short_code.as_str()));
        if let Some(services) = self.senders.get_mut(&sender) {
            services.retain(|one| one.id != id);
        }
        self.names.remove(&(service.partner, service.name.clone()));
        Some(service.short_code.clone())
    }

    fn add_service(&mut self, service: Arc<Service>) {
        let number = Arc::make_mut(self.numbers.entry(service.short_code.clone()).or_default());
        for keyword in &service.keywords {
            if keyword.is_catch_all() {
                number.catch_all = Some(Arc::clone(&service));
            } else {
                number.keywords.insert(keyword.clone(), Arc::clone(&service));
            }
        }
        if service.standard.is_some() && service.state != ServiceState::Closed {
            number.subscriptions.push(Arc::clone(&service));
        }
        if service.state != ServiceState::Closed {
            let sender = (service.partner, SmolStr::from(service.short_code.as_str()));
            self.senders.entry(sender).or_default().push(Arc::clone(&service));
        }
        self.names.insert((service.partner, service.name.clone()), Arc::clone(&service));
        self.services.insert(service.id, service);
    }

    pub fn partner(&self, id: PartnerId) -> Option<&Arc<Partner>> {
        self.partners.get(&id)
    }

    pub fn partner_named(&self, name: &str) -> Option<&Arc<Partner>> {
        self.partners.values().find(|partner| partner.name == name)
    }

    pub fn partners(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.partners.values()
    }

    pub fn credential(&self, system_id: &str) -> Option<&Arc<Credential>> {
        self.credentials.get(system_id)
    }

    pub fn credentials(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.credentials.values()
    }

    pub fn api_key(&self, prefix: &str) -> Option<&Arc<ApiKey>> {
        self.api_keys.get(prefix)
    }

    pub fn service(&self, id: ServiceId) -> Option<&Arc<Service>> {
        self.services.get(&id)
    }

    /// A partner's service by its name; submits may name it each time.
    pub fn service_named(&self, partner: PartnerId, name: &str) -> Option<&Arc<Service>> {
        self.names.get(&(partner, name.into()))
    }

    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    pub fn tariff(&self, id: TariffId) -> Option<&Arc<Tariff>> {
        self.tariffs.get(&id)
    }

    pub fn tariff_coded(&self, code: &str) -> Option<&Arc<Tariff>> {
        self.tariffs.get(self.tariff_codes.get(code)?)
    }

    pub fn is_barred(&self, recipient: &Msisdn) -> bool {
        !self.barred.is_empty() && self.barred.contains(recipient)
    }

    /// Finds the service for a text to a short code: the longest keyword that ends at a
    /// separator or at the end of the text, else the number's catch-all.
    pub fn route(&self, recipient: &ShortCode, text: &str, sender: &Msisdn) -> Route {
        let Some(number) = self.numbers.get(recipient) else {
            return Route::Unrouted(Unrouted::NoSuchNumber);
        };
        let found = number.longest_keyword(text);
        let (service, keyword) = match (found, &number.catch_all) {
            (Some(found), _) => found,
            (None, Some(service)) => {
                (service, Keyword::parse("*").expect("the catch-all is a keyword"))
            }
            (None, None) => return Route::Unrouted(Unrouted::NoSuchKeyword),
        };
        if !number.is_open_for(service.partner, &keyword) {
            return Route::Unrouted(Unrouted::NumberNotActive);
        }
        match self.serves(service, sender) {
            Ok(()) => Route::To { service: Arc::clone(service), keyword },
            Err(why) => Route::Unrouted(why),
        }
    }

    /// The service of a partner that takes a test text: what is not live yet takes it too.
    pub fn rehearsed(
        &self,
        partner: PartnerId,
        number: &ShortCode,
        text: &str,
    ) -> Option<(Arc<Service>, Keyword)> {
        let number = self.numbers.get(number)?;
        let all = || Some((number.catch_all.as_ref()?, Keyword::parse("*").ok()?));
        let (service, keyword) = number.longest_keyword(text).or_else(all)?;
        let takes = service.partner == partner && service.state != ServiceState::Closed;
        takes.then(|| (Arc::clone(service), keyword))
    }

    /// Whether standard words mean anything on a number.
    pub(super) fn has_subscriptions(&self, number: &ShortCode) -> bool {
        self.numbers.get(number).is_some_and(|number| !number.subscriptions.is_empty())
    }

    /// The service whose keyword opens a text to a number.
    pub(super) fn keyword_on(
        &self,
        number: &ShortCode,
        text: &str,
    ) -> Option<(Arc<Service>, Keyword)> {
        let (service, keyword) = self.numbers.get(number)?.longest_keyword(text)?;
        Some((Arc::clone(service), keyword))
    }

    /// The service that answers a standard word alone: the one that takes every text, or else the
    /// only subscription of the number.
    pub(super) fn only_subscription(&self, number: &ShortCode) -> Option<(Arc<Service>, Keyword)> {
        let number = self.numbers.get(number)?;
        let ((Some(service), _) | (None, [service])) =
            (&number.catch_all, number.subscriptions.as_slice())
        else {
            return None;
        };
        Some((Arc::clone(service), service.keywords.first()?.clone()))
    }

    fn serves(&self, service: &Service, sender: &Msisdn) -> Result<(), Unrouted> {
        if !self.partners.get(&service.partner).is_some_and(|partner| partner.is_active) {
            return Err(Unrouted::PartnerSuspended);
        }
        match service.state {
            ServiceState::Live => {}
            // Limited production: listed numbers only.
            ServiceState::Testing if service.test_numbers.contains(sender) => {}
            ServiceState::Testing => return Err(Unrouted::NotATestNumber),
            ServiceState::Suspended | ServiceState::Closed => {
                return Err(Unrouted::ServiceNotLive);
            }
        }
        if !service.test_numbers.is_empty() && !service.test_numbers.contains(sender) {
            return Err(Unrouted::NotATestNumber);
        }
        Ok(())
    }
}

fn shared<K: std::hash::Hash + Eq, V>(
    values: Vec<V>,
    key: impl Fn(&V) -> K,
) -> Arc<HashMap<K, Arc<V>>> {
    Arc::new(values.into_iter().map(|value| (key(&value), Arc::new(value))).collect())
}
