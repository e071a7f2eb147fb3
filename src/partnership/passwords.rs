//! Hashing of passwords: Argon2id, at most two at a time, and as much for nobody as for somebody
//! (S-03).
//!
//! It decides nothing. The surprise: a hash costs 19 MiB and tens of milliseconds, so that a flood
//! of log-ins is refused at this door before it takes the memory or the cores of the traffic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::Error;
use crate::domain::Refusal;

/// Hashes at once.
const AT_ONCE: usize = 2;
/// Those who wait for one; later ones are asked to come again.
const WAITING_MAX: usize = 64;

#[derive(Clone)]
pub(crate) struct Passwords(Arc<Shared>);

struct Shared {
    params: Params,
    working: Arc<Semaphore>,
    waiting: Semaphore,
    runs: AtomicU64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) is_right: bool,
    /// The same password under the parameters of today, if the stored hash is weaker.
    pub(crate) rehashed: Option<String>,
}

impl Passwords {
    /// 19 MiB, two passes, one lane: what OWASP and S-03 ask for at least.
    pub(crate) fn new() -> Self {
        Self::with(Params::new(19 * 1024, 2, 1, None).expect("the parameters are in range"))
    }

    /// The least that the algorithm takes, for tests of what is not about hashing.
    #[cfg(test)]
    pub(crate) fn quick() -> Self {
        Self::with(Params::new(8, 1, 1, None).expect("the parameters are in range"))
    }

    pub(crate) fn with(params: Params) -> Self {
        Self(Arc::new(Shared {
            params,
            working: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Semaphore::new(WAITING_MAX),
            runs: AtomicU64::new(0),
        }))
    }

    /// Hashes made so far; the way to show that nobody costs as much as somebody.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> u64 {
        self.0.runs.load(Ordering::Relaxed)
    }

    /// The PHC string of a new password, under a salt of its own.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |shared| shared.hash(&password)).await?
    }

    /// Compares a password with a stored hash. For none it works as long and says no.
    pub(crate) async fn check(
        &self,
        password: &str,
        stored: Option<String>,
    ) -> Result<Checked, Error> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |shared| {
            if let Some(stored) = stored {
                return shared.check(&password, &stored);
            }
            shared.hash(&password)?;
            Ok(Checked { is_right: false, rehashed: None })
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let busy = || Refusal::TooManyTries { retry_after: Duration::from_secs(1) };
        let _waiting = self.0.waiting.try_acquire().map_err(|_| busy())?;
        let working = Arc::clone(&self.0.working).acquire_owned().await.map_err(|_| busy())?;
        let shared = Arc::clone(&self.0);
        // The permit goes with the work: a client that hangs up does not free the core.
        let done = tokio::task::spawn_blocking(move || {
            let _working = working;
            work(&shared)
        });
        done.await.map_err(|_| Error::Broken("hashing a password failed".to_owned()))
    }
}

impl Shared {
    fn hasher(&self) -> Argon2<'_> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    fn hash(&self, password: &str) -> Result<String, Error> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let hash = self.hasher().hash_password(password.as_bytes());
        let hash = hash.map_err(|error| Error::Broken(format!("hashing a password: {error}")))?;
        Ok(hash.to_string())
    }

    fn check(&self, password: &str, stored: &str) -> Result<Checked, Error> {
        let broken = |what: &str| Error::Broken(format!("a stored password hash: {what}"));
        let stored = PasswordHash::new(stored).map_err(|_| broken("is no PHC string"))?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        // The parameters are those of the stored hash.
        let is_right = self.hasher().verify_password(password.as_bytes(), &stored).is_ok();
        let params = Params::try_from(&stored).map_err(|_| broken("has no parameters"))?;
        let wanted = &self.params;
        let is_weaker = params.m_cost() < wanted.m_cost() || params.t_cost() < wanted.t_cost();
        let rehashed = if is_right && is_weaker { Some(self.hash(password)?) } else { None };
        Ok(Checked { is_right, rehashed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_of_the_asked_strength_and_whole() {
        let passwords = Passwords::new();
        let long = format!("{}a", "x".repeat(200));
        let stored = passwords.hash(&long).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let right = passwords.check(&long, Some(stored.clone())).await.unwrap();
        assert_eq!(right, Checked { is_right: true, rehashed: None });
        let cut = passwords.check(&long[..200], Some(stored)).await.unwrap();
        assert!(!cut.is_right, "nothing is cut off");
    }

    #[tokio::test]
    async fn a_weaker_hash_is_made_anew_when_its_password_is_known() {
        let (old, new) =
            (Passwords::quick(), Passwords::with(Params::new(16, 2, 1, None).unwrap()));
        let stored = old.hash("tajne przez poufne").await.unwrap();
        let wrong = new.check("zgadywanie", Some(stored.clone())).await.unwrap();
        assert_eq!(wrong, Checked { is_right: false, rehashed: None });
        let right = new.check("tajne przez poufne", Some(stored)).await.unwrap();
        let rehashed = right.rehashed.unwrap();
        assert!(rehashed.contains("m=16,t=2"), "{rehashed}");
        assert!(new.check("tajne przez poufne", Some(rehashed)).await.unwrap().is_right);
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let passwords = Passwords::quick();
        let stored = passwords.hash("tajne przez poufne").await.unwrap();
        let before = passwords.runs();
        passwords.check("a guess", Some(stored)).await.unwrap();
        let somebody = passwords.runs() - before;
        passwords.check("a guess", None).await.unwrap();
        assert_eq!(passwords.runs() - before - somebody, somebody);
    }
}
