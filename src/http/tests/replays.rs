//! Replays on their pages: counted, started, watched and stopped, by those who may.

use super::{
    agreements::Browser,
    messages::{browser, person},
    *,
};

/// An hour on the clock of Warsaw, before the noon of the tests.
const HOUR: [(&str, &str); 2] = [("from", "2026-11-21T10:00"), ("until", "2026-11-21T11:00")];

async fn send(acme: &mut Browser<'_>, step: &str, more: &[(&str, &str)]) -> Reply {
    let fields = [&HOUR[..], &[("step", step)], more].concat();
    acme.send("/replays/new", "/replays/new", &fields, b"").await
}

#[tokio::test]
async fn a_window_is_counted_before_it_is_started_watched_and_stopped() {
    let world = world().await;
    let mut acme = browser(&world, &person(&world, 1, "developer").await);
    let form = acme.get("/replays/new?from=2026-11-21T10:00&direction=mo").await;
    assert!(form.text.contains("2026-11-21T10:00"), "{}", form.text);
    let none = send(&mut acme, "count", &[]).await;
    assert!(none.status == 422 && none.text.contains("Choose texts, receipts, or both"));
    let counted = send(&mut acme, "count", &[("mo", "yes")]).await;
    assert_eq!(counted.status, 200, "{}", counted.text);
    assert!(counted.text.contains("There is nothing in this window"), "{}", counted.text);

    let started = send(&mut acme, "start", &[("mo", "yes")]).await;
    assert_eq!(started.status, 303, "{}", started.text);
    let path = started.header("location").to_owned();
    let shown = acme.get(&path).await.text;
    assert!(shown.contains("Waiting") && shown.contains("data-refresh"), "{shown}");
    let second = send(&mut acme, "start", &[("mo", "yes")]).await;
    assert_eq!(second.status, 409, "one at a time");

    let stop = format!("{path}/stop");
    let mut viewer = browser(&world, &person(&world, 1, "viewer").await);
    assert!(!viewer.get(&path).await.text.contains(&stop));
    assert_eq!(viewer.send("/account", &stop, &[], b"").await.status, 403);
    let mut stranger = browser(&world, &person(&world, 2, "developer").await);
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.send("/account", &stop, &[], b"").await.status, 404);
    let stopped = acme.send(&path, &stop, &[], b"").await;
    assert_eq!((stopped.status, stopped.header("location")), (303, &*path));
    let shown = acme.get(&path).await.text;
    assert!(shown.contains("Stopped") && !shown.contains("data-refresh"), "{shown}");
    assert!(shown.contains("Hand over the rest of the window"), "{shown}");
    assert!(acme.get("/replays").await.text.contains(&path));
    let of_list = acme.get("/messages?from=2026-11-21T10:00").await.text;
    assert!(of_list.contains("/replays/new?from=2026-11-21T10"), "{of_list}");
}
