//! TMF621 v4 as a ticketing desk asks for it, judged by `PyPI`'s `jsonschema` against the members
//! of the published description.

use std::time::Duration;

use tokio::{process::Command, time::timeout};

use super::{
    super::{tools, world::Builder},
    api::session_as,
    foreign::script,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_the_ticket_api_fits_the_published_description() {
    let world = Builder::default().build().await;
    let admin = session_as(&world, None, "admin").await;
    let desk = session_as(&world, None, "support").await;
    let venv = tools::python(&["jsonschema==4.26.0", "rfc3339-validator==0.1.4"]);
    let mut command = Command::new(venv.join("bin/python"));
    command.arg(script("tmf621_desk.py"));
    command.arg(format!("http://{}/tmf-api/troubleTicket/v4", world.node.http[0]));
    command.args([&*desk, &*admin, "https://desk.example.com/listener"]);
    command.kill_on_drop(true);
    let output = timeout(Duration::from_mins(2), command.output()).await.expect("it ends").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    world.stop().await;
}
