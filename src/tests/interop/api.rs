//! The HTTP interface against its own document, as `PyPI`'s `schemathesis` understands it: as a
//! partner's system, as a partner's administrator and as the operator's.

use std::{path::Path, time::Duration};

use bramka::{
    domain::{Caller, PartnerId, seal::Seal, secret::Pepper},
    partnership::{NewPerson, Partnership, Visitor},
    store::NewApiKey,
};
use tokio::{process::Command, time::timeout};

use super::{
    super::{
        tools,
        world::{Builder, PEPPER, World},
    },
    foreign::script,
};

/// A session with a fresh code, of an administrator of the operator or of a partner.
pub(crate) async fn session(world: &World, partner: Option<PartnerId>) -> String {
    session_as(world, partner, "admin").await
}

/// The same of another role.
pub(crate) async fn session_as(world: &World, partner: Option<PartnerId>, role: &str) -> String {
    let gateway = world.gateway();
    let store = gateway.store().clone();
    // Only the second factor is sealed, and nobody asks for that one again.
    let partnership = Partnership::new(store, gateway.clock().clone(), Seal::new([&b"any"[..]]));
    let new = NewPerson {
        partner,
        mail: format!("{role}@{}.example", partner.map_or(0, |partner| partner.0)),
        name: "Anna".to_owned(),
        role: role.to_owned(),
        language: "en".to_owned(),
        ..NewPerson::default()
    };
    let by = Caller::Operator { name: "root".into() };
    let invited = partnership.invite_by(&by, &new, false).await.unwrap();
    let (token, here) = (invited.path.rsplit('/').next().unwrap(), Visitor::default());
    let password = "mosty nad rzeka o swicie";
    let begun = partnership.accept_invitation(token, password, here).await.unwrap();
    let enrolling = partnership.enrolling_of(&begun.token).await.unwrap().unwrap();
    let shown = partnership.begin_enrolment(&enrolling).await.unwrap();
    let secret = totp_rs::Secret::try_from_base32(&shown.secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let seconds = u64::try_from(partnership.now() / 1_000_000).unwrap();
    let code = totp.generate(seconds).to_string();
    let done = partnership.confirm_enrolment(&enrolling, &code, here).await.unwrap();
    done.signed_in.token.to_string()
}

/// Runs the tester with a key or the token of a session.
async fn holds_for(world: &World, who: &str, bearer: &str, phases: &str) {
    let venv = tools::python(&["schemathesis==4.32.5"]);
    let mut command = Command::new(venv.join("bin/schemathesis"));
    command.arg("--config-file").arg(script("schemathesis.toml")).arg("run");
    command.arg(format!("http://{}/api/v1/openapi.json", world.node.http[0]));
    command.arg("-H").arg(format!("Authorization: Bearer {bearer}"));
    // The same seed: a failure must come again.
    command.args(["--checks", "all", "--max-examples", "40", "--seed", "1", "--no-color"]);
    // Deleting takes a message back; what became of it can still be asked for.
    command.args(["--exclude-checks", "use_after_free"]);
    // It would log itself out.
    command.args(["--exclude-operation-id", "logOut", "--exclude-operation-id", "stepUp"]);
    command.args(["--phases", phases]);
    command.current_dir(world.folder.path()).kill_on_drop(true);
    let output = timeout(Duration::from_mins(6), command.output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let name = format!("schemathesis-{who}.txt");
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &output.stdout).unwrap();
    assert!(output.status.success(), "{who}: {said}\n{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_the_promises_of_its_document_whatever_schemathesis_sends() {
    let key = Pepper::new(PEPPER).mint().unwrap();
    // A tester asks without a key more often than an honest stranger does.
    let settings = "[limits]\nanonymous_requests_minute = 100000\nkey_requests_minute = 100000\n\
        session_requests_minute = 100000\n";
    let mut builder = Builder { settings: settings.into(), ..Builder::default() };
    builder.partners[0].api_key = Some(NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: i64::MAX,
        mode: bramka::domain::Mode::Live,
    });
    let world = builder.build().await;
    world.link_up().await;
    let acme = world.gateway().catalog().partner_named("acme").unwrap().id;
    let (staff, partner) = (session(&world, None).await, session(&world, Some(acme)).await);
    holds_for(&world, "key", &key.shown, "examples,coverage,fuzzing,stateful").await;
    holds_for(&world, "staff", &staff, "examples,coverage,fuzzing").await;
    holds_for(&world, "partner", &partner, "examples,coverage,fuzzing").await;
    world.stop().await;
}
