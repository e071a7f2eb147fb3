//! Following what people change: partners, services, numbers.
//!
//! Traffic never waits for it: a new catalog is made beside the one in force and put in its place.
//! The surprise: whoever made a change in this process asks for everything to be read, and the
//! watch, which sees every process's changes, reads only what the audit trail names.

use std::{collections::BTreeSet, sync::Arc};

use super::Gateway;
use crate::{
    domain::Catalog,
    store::{self, CatalogNews},
};

impl Gateway {
    /// Reads partners, services and numbers again; routing sees them at once, whoever else reloads.
    pub async fn reload_catalog(&self) -> Result<(), store::Error> {
        let _turn = self.inner.reloading.lock().await;
        let catalog = self.inner.store.load_catalog().await?;
        self.take_over(catalog).await
    }

    /// Takes over what changed.
    pub async fn renew_catalog(&self, news: &CatalogNews) -> Result<(), store::Error> {
        let CatalogNews::These { services, numbers } = news else {
            return self.reload_catalog().await;
        };
        let _turn = self.inner.reloading.lock().await;
        let catalog = self.inner.store.renew_catalog(&self.catalog(), services, numbers).await?;
        self.take_over(catalog).await
    }

    async fn take_over(&self, catalog: Catalog) -> Result<(), store::Error> {
        let mut names: BTreeSet<_> =
            self.inner.groups.load().iter().map(|(_, name)| name.clone()).collect();
        let known = names.len();
        names.extend(catalog.services().map(|service| service.link_group.clone()));
        if names.len() > known {
            let names: Vec<_> = names.into_iter().collect();
            let groups = self.inner.store.group_ids(&names).await?;
            self.inner.groups.store(Arc::new(groups));
        }
        for bucket in &self.inner.throttles {
            if let Some(partner) = catalog.partner(bucket.key().0) {
                bucket.tune(partner.limits.rate, partner.limits.burst);
            }
        }
        self.inner.catalog.store(Arc::new(catalog));
        self.send_disabled_away();
        Ok(())
    }

    /// Ends the sessions of partners and credentials that were disabled. A bind may be on its way
    /// while that happens, so it is done again and again.
    pub fn send_disabled_away(&self) {
        let catalog = self.catalog();
        for card in self.inner.registry.sessions() {
            if !catalog.partner(card.partner).is_some_and(|partner| partner.is_active) {
                card.send_away("its partner is disabled");
            } else if !catalog.credential(&card.system_id).is_some_and(|own| own.is_active) {
                card.send_away("its system_id is disabled");
            }
        }
    }
}
