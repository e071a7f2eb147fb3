//! The HTTP interface against its own document, as `PyPI`'s `schemathesis` understands it.

use std::{path::Path, time::Duration};

use bramka::{domain::secret::Pepper, store::NewApiKey};
use tokio::{process::Command, time::timeout};

use super::{
    super::{
        tools,
        world::{Builder, PEPPER},
    },
    foreign::script,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_the_promises_of_its_document_whatever_schemathesis_sends() {
    let venv = tools::python(&["schemathesis==4.32.5"]);
    let key = Pepper::new(PEPPER).mint().unwrap();
    // A tester asks without a key more often than an honest stranger does.
    let settings = "[limits]\nanonymous_requests_minute = 100000\nkey_requests_minute = 100000\n";
    let mut builder = Builder { settings: settings.into(), ..Builder::default() };
    builder.partners[0].api_key = Some(NewApiKey {
        partner: "acme".into(),
        prefix: key.prefix,
        secret: key.hash,
        expires_at: i64::MAX,
    });
    let world = builder.build().await;
    world.link_up().await;

    let mut command = Command::new(venv.join("bin/schemathesis"));
    command.arg("--config-file").arg(script("schemathesis.toml")).arg("run");
    command.arg(format!("http://{}/api/v1/openapi.json", world.node.http[0]));
    command.arg("-H").arg(format!("Authorization: Bearer {}", *key.shown));
    // The same seed: a failure must come again.
    command.args(["--checks", "all", "--max-examples", "40", "--seed", "1", "--no-color"]);
    // Deleting takes a message back; what became of it can still be asked for.
    command.args(["--exclude-checks", "use_after_free"]);
    command.args(["--phases", "examples,coverage,fuzzing,stateful"]);
    command.current_dir(world.folder.path()).kill_on_drop(true);
    let output = timeout(Duration::from_mins(3), command.output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis.txt");
    std::fs::write(report, &output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{errors}");
    world.stop().await;
}
