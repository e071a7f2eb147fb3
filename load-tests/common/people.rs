//! People who are logged in, and the verbs that they use.
//!
//! What surprises: they log in by the verbs and not in the daemon, for the load test has no
//! telephone; the secret of a second factor is read back from what the verb shows.

use std::path::Path;

use bramka::{
    clock::Clock,
    domain::{Caller, PartnerId, seal::Seal},
    partnership::{NewPerson, Partnership, Visitor},
    store::{GroupLimits, Place, Store},
};

const PASSWORD: &str = "mosty nad rzeka o swicie";

/// The verbs over the store of a load test, without a daemon.
pub(crate) async fn verbs(folder: &Path) -> Partnership {
    let place = Place { url: format!("sqlite:{}/bramka.db", folder.display()), readers: 1 };
    let (store, writer) = Store::open(place, GroupLimits::default()).await.expect("a store");
    drop(writer);
    // The daemon of a load test has no secret of its own either.
    Partnership::new(store, Clock::system(), Seal::new([b"".as_slice()]))
}

/// The token of somebody who was invited, set password and second factor, and is in.
pub(crate) async fn log_in(verbs: &Partnership, partner: Option<PartnerId>, mail: &str) -> String {
    let new = NewPerson {
        partner,
        mail: mail.to_owned(),
        name: "Anna Nowak".to_owned(),
        role: "admin".to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "load".into() };
    let invited = verbs.invite_by(&by, &new, true).await.expect("an invitation");
    let token = invited.path.rsplit('/').next().expect("a token").to_owned();
    let here = Visitor::default();
    let begun = verbs.accept_invitation(&token, PASSWORD, here).await.expect("a password");
    let enrolling = verbs.enrolling_of(&begun.token).await.expect("a store").expect("somebody");
    let shown = verbs.begin_enrolment(&enrolling).await.expect("a secret");
    let secret = totp_rs::Secret::try_from_base32(&shown.secret).expect("base 32");
    let seconds = u64::try_from(jiff::Timestamp::now().as_second()).expect("after 1970");
    let code = totp_rs::Builder::new()
        .with_secret(secret)
        .build()
        .expect("a second factor")
        .generate(seconds)
        .to_string();
    let done = verbs.confirm_enrolment(&enrolling, &code, here).await.expect("a code");
    done.signed_in.token.to_string()
}
