//! Starting, stopping and missing tasks, under a clock that stands still until all of them wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::*;

const GRACE: Duration = Duration::from_secs(45);

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Tasks with scripted signals, and what systemd was told.
fn tasks(watchdog: Option<Duration>) -> (Tasks, mpsc::Sender<Signal>, Arc<Mutex<Vec<String>>>) {
    let (sender, signals) = Signals::scripted();
    let words = Arc::new(Mutex::new(Vec::new()));
    let systemd = Systemd::Kept { words: Arc::clone(&words), watchdog };
    (Tasks::with(&Shutdown::default(), signals, systemd), sender, words)
}

/// A task that ends when its phase begins and notes so.
fn orderly(tasks: &Tasks, phase: Phase, notes: &Arc<Mutex<Vec<&'static str>>>) {
    let (stopping, notes) = (tasks.stopping_in(phase), Arc::clone(notes));
    tasks.spawn_in(phase, phase.name(), async move {
        stopping.cancelled().await;
        tokio::task::yield_now().await;
        lock(&notes).push(phase.name());
        Ok(())
    });
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_through_the_phases_in_order_and_systemd_hears_it() {
    let (tasks, signals, words) = tasks(None);
    let notes = Arc::default();
    for phase in [Phase::Writer, Phase::Doors, Phase::Requests, Phase::Links, Phase::Sessions] {
        orderly(&tasks, phase, &notes);
    }
    signals.send(Signal::Stop).await.unwrap();
    tasks.until_signal_or_death().await.unwrap();
    assert!(!tasks.is_draining());
    let began = Instant::now();
    tasks.drain(GRACE).await.unwrap();
    assert_eq!(*lock(&notes), ["doors", "links", "sessions", "requests", "writer"]);
    assert!(tasks.is_draining() && tasks.names().is_empty());
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waited for nothing");
    let words = lock(&words).join(" | ");
    assert!(
        words.starts_with("READY=1 | STATUS=running | STOPPING=1 | STATUS=stopping"),
        "{words}"
    );
}

#[tokio::test]
async fn a_task_that_ends_by_itself_ends_the_daemon_with_its_name() {
    for (work, told) in [
        (0, "task `part` ended by itself"),
        (1, "task `part` failed: the reason"),
        (2, "task `part` panicked: seven of nine"),
        (3, "task `part` panicked: plain"),
    ] {
        let (tasks, _signals, _words) = tasks(None);
        tasks.spawn("part", async move {
            match work {
                0 => Ok(()),
                1 => Err(anyhow::anyhow!("the reason")),
                2 => panic!("seven of {}", "nine"),
                _ => panic!("plain"),
            }
        });
        let stopping = tasks.stopping();
        tasks.spawn("healthy", async move {
            stopping.cancelled().await;
            Ok(())
        });
        let death = tasks.until_signal_or_death().await.unwrap_err();
        assert_eq!(format!("{death:#}"), told);
        tasks.drain(GRACE).await.unwrap();
    }
}

#[tokio::test]
async fn a_task_apart_has_its_own_thread_and_is_missed_and_waited_for_like_any_other() {
    let (tasks, signals, _words) = tasks(None);
    let (sender, thread) = oneshot::channel();
    let stopping = tasks.stopping_in(Phase::Writer);
    let work = async move {
        sender.send(std::thread::current().name().map(str::to_owned)).unwrap();
        stopping.cancelled().await;
        Ok(())
    };
    tasks.spawn_apart(Phase::Writer, "writer", work).unwrap();
    assert_eq!(thread.await.unwrap().as_deref(), Some("writer"));
    assert_eq!(tasks.names(), ["writer"]);
    signals.send(Signal::Stop).await.unwrap();
    tasks.until_signal_or_death().await.unwrap();
    tasks.drain(GRACE).await.unwrap();
    assert!(tasks.names().is_empty());

    let (tasks, _signals, _words) = self::tasks(None);
    tasks.spawn_apart(Phase::Writer, "writer", async { panic!("seven of nine") }).unwrap();
    let death = tasks.until_signal_or_death().await.unwrap_err();
    assert_eq!(format!("{death:#}"), "task `writer` panicked: seven of nine");
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_is_waited_for_thirty_seconds_and_then_dropped_at_the_end() {
    let (tasks, _signals, _words) = tasks(None);
    let notes = Arc::default();
    orderly(&tasks, Phase::Writer, &notes);
    tasks.spawn_in(Phase::Links, "link a", std::future::pending());
    let began = Instant::now();
    let error = tasks.drain(GRACE).await.unwrap_err().to_string();
    assert!(error.contains("`link a` was dropped"), "{error}");
    assert_eq!(*lock(&notes), ["writer"]);
    assert!(
        began.elapsed() >= secs(30) && began.elapsed() <= GRACE + secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_skips_the_waits_but_not_the_writer() {
    let (tasks, signals, _words) = tasks(None);
    tasks.spawn_in(Phase::Links, "silent link", std::future::pending());
    let (hard_was_heard, heard) = oneshot::channel();
    let stopping = tasks.stopping_in(Phase::Sessions);
    tasks.spawn_in(Phase::Sessions, "sessions", async move {
        stopping.hard().cancelled().await;
        hard_was_heard.send(()).unwrap();
        Ok(())
    });
    let written = Arc::new(AtomicUsize::new(0));
    let (writer, count) = (tasks.stopping_in(Phase::Writer), Arc::clone(&written));
    tasks.spawn_in(Phase::Writer, "writer", async move {
        writer.cancelled().await;
        // Three seconds of committing: longer than anybody else gets after `hard`.
        tokio::time::sleep(secs(3)).await;
        count.store(7, Ordering::Relaxed);
        Ok(())
    });
    signals.send(Signal::Stop).await.unwrap();
    let began = Instant::now();
    let error = tasks.drain(GRACE).await.unwrap_err().to_string();
    heard.await.unwrap();
    assert_eq!(written.load(Ordering::Relaxed), 7);
    assert!(began.elapsed() < secs(10), "{:?}", began.elapsed());
    assert!(error.contains("`silent link` was dropped") && !error.contains("writer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_hangs_cannot_hold_the_daemon_for_ever() {
    let (tasks, _signals, _words) = tasks(None);
    tasks.spawn_in(Phase::Writer, "writer", std::future::pending());
    let began = Instant::now();
    let error = tasks.drain(GRACE).await.unwrap_err().to_string();
    assert!(error.contains("`writer` was dropped"), "{error}");
    assert!(began.elapsed() <= GRACE + secs(1));
}

#[tokio::test]
async fn a_hangup_reloads_and_systemd_hears_both_ends_of_it() {
    let (tasks, signals, words) = tasks(None);
    let mut calls = 0;
    tasks.on_reload(move || {
        calls += 1;
        if calls == 1 { Ok("changed: log.level".into()) } else { Err(anyhow::anyhow!("bad file")) }
    });
    for signal in [Signal::Reload, Signal::Reload, Signal::Stop] {
        signals.send(signal).await.unwrap();
    }
    tasks.until_signal_or_death().await.unwrap();
    let words = lock(&words).clone();
    assert_eq!(words[2], "RELOADING=1");
    assert!(words[3].starts_with("MONOTONIC_USEC="), "{words:?}");
    assert_eq!(words[4..6], ["READY=1", "STATUS=running; reloaded: changed: log.level"]);
    assert_eq!(words[6], "RELOADING=1");
    assert!(words[9].contains("refused"), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn systemd_is_patted_only_while_the_loop_beats() {
    let (tasks, _signals, words) = tasks(Some(secs(30)));
    let heartbeat = tasks.watchdog();
    assert_eq!(heartbeat.interval(), secs(5));
    let pats = || lock(&words).iter().filter(|word| *word == "WATCHDOG=1").count();

    tokio::time::advance(Duration::from_millis(1)).await;
    tokio::task::yield_now().await;
    assert_eq!(pats(), 1, "the start counts as a beat");
    for round in 2..5 {
        heartbeat.beat();
        tokio::time::advance(secs(10)).await;
        tokio::task::yield_now().await;
        assert_eq!(pats(), round);
    }
    for _ in 0..5 {
        tokio::time::advance(secs(10)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(pats(), 4, "a loop that stands still is not covered up");

    // While it stops the loop is gone on purpose: the drain must not be killed half way.
    tasks.spawn_in(Phase::Links, "link", std::future::pending());
    tasks.drain(GRACE).await.unwrap_err();
    assert!(pats() >= 7, "{}", pats());
}

#[tokio::test]
async fn a_scope_has_a_limit_a_count_and_survives_a_panic() {
    let tasks = Tasks::for_tests();
    let scope = tasks.scope(Phase::Sessions, "sessions", 2);
    let (end_first, first) = oneshot::channel::<()>();
    let (end_second, second) = oneshot::channel::<()>();
    scope.spawn(async move { first.await.unwrap_or(()) }).unwrap();
    scope
        .spawn(async move {
            second.await.unwrap_or(());
            panic!("poison");
        })
        .unwrap();
    let refused = scope.spawn(async {}).unwrap_err();
    assert_eq!(refused.to_string(), "all 2 places of sessions are taken");
    assert_eq!((scope.count(), scope.limit()), (2, 2));

    end_second.send(()).unwrap();
    let (ran, done) = oneshot::channel();
    scope.spawn_when_free(async move { ran.send(()).unwrap() }).await;
    done.await.unwrap();
    assert_eq!(scope.panics(), 1);

    end_first.send(()).unwrap();
    tasks.drain(GRACE).await.unwrap();
    assert_eq!(scope.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_tasks_of_scopes_in_their_phase() {
    let tasks = Tasks::for_tests();
    let scope = tasks.scope(Phase::Sessions, "sessions", 10);
    let stopping = tasks.stopping_in(Phase::Sessions);
    let notes: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let session_notes = Arc::clone(&notes);
    scope
        .spawn(async move {
            stopping.cancelled().await;
            tokio::time::sleep(secs(2)).await;
            lock(&session_notes).push("session");
        })
        .unwrap();
    orderly(&tasks, Phase::Writer, &notes);
    tasks.drain(GRACE).await.unwrap();
    assert_eq!(*lock(&notes), ["session", "writer"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_will_not_end_is_dropped_and_its_guards_run() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let tasks = Tasks::for_tests();
    let scope = tasks.scope(Phase::Sessions, "sessions", 1);
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Guard(Arc::clone(&dropped));
    scope
        .spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        })
        .unwrap();
    tasks.drain(secs(10)).await.unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
