//! Complaints decided by a process that is killed while it does so.
//!
//! What surprises: the process is this one once more, with the name of one test. What it said that
//! it did must have been done, and of the rest each is whole or not begun.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use super::{agree_tests::world, faults_tests::staff, *};
use crate::{
    clock::SetClock,
    domain::{ComplaintEvent as E, ComplaintState as S},
    store::{ComplaintFilter, GroupLimits, Place},
};

const URL: &str = "BRAMKA_TEST_COMPLAINTS";
const NOON: i64 = 1_795_262_400_000_000;
const COMPLAINTS: i64 = 24;

/// Accepts what is open, one after the other, and says so. Without a store it is no test.
#[tokio::test]
async fn a_process_that_gives_back_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let place = Place { url, readers: 1 };
    let (store, _writer) = Store::open(place, GroupLimits::default()).await.unwrap();
    let clock = Clock::Set(Arc::new(SetClock::at(NOON)));
    let verbs = Partnership::new(store, clock, Seal::new([&b"seal"[..]]));
    let open = ComplaintFilter { limit: 100, ..ComplaintFilter::default() };
    for row in verbs.complaint_queue(&staff(), &open, None).await.unwrap() {
        let view = verbs.complaint_view(&staff(), row.id).await.unwrap();
        let charges = [view.messages[0].message_id];
        let step = ComplaintStep { charges: &charges, ..ComplaintStep::plain(E::Accept, "tak") };
        verbs.step_complaint(&staff(), (row.id, row.version), &step).await.unwrap();
        // Not the macro: that line would be held back.
        let mut out = std::io::stdout().lock();
        writeln!(out, "done {}", row.id).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_kill_while_charges_are_given_back_leaves_each_given_back_once_or_not_at_all() {
    let world = Box::pin(world(false).await.complained()).await;
    let mut pairs = Vec::new();
    for day in 1..=COMPLAINTS {
        let message = world.texted(1, day, Some(492)).await;
        let from_at = world.verbs.now() - day * 86_400_000_000 - 1;
        let days = (from_at, from_at + 2);
        let wish = ComplaintWish { from_at: days.0, until_at: days.1, ..world.complaint() };
        let row = world.verbs.take_complaint(&staff(), &wish).await.unwrap();
        pairs.push((row.id, message));
    }
    let name = "partnership::complaints_kill_tests::a_process_that_gives_back_until_it_is_killed";
    let mut said = Vec::new();
    // Killed after one answer, after two, after three, and so on, until nothing is left.
    for patience in (1..=5).cycle().take(40) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(URL, world.verbs.store.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let done = lines.map_while(Result::ok).filter_map(|line| {
            let (_, id) = line.rsplit_once("done ")?;
            id.trim().parse::<i64>().ok()
        });
        said.extend(done.take(patience));
        child.kill().unwrap();
        child.wait().unwrap();
        let open = ComplaintFilter { limit: 1, ..ComplaintFilter::default() };
        if world.verbs.complaint_queue(&staff(), &open, None).await.unwrap().is_empty() {
            break;
        }
        for (id, message) in &pairs {
            let row = world.verbs.complaint(&staff(), *id).await.unwrap();
            let is_accepted = row.state == S::Accepted;
            assert!(is_accepted || !said.contains(id), "{id} was said to be done");
            assert_eq!(world.ledger(*message).await.len(), 1 + usize::from(is_accepted), "{id}");
        }
    }
    for (id, message) in pairs {
        assert_eq!(world.verbs.complaint(&staff(), id).await.unwrap().state, S::Accepted);
        assert_eq!(world.ledger(message).await, ["0 492 400", "1 -492 -400"]);
        let letters = format!(
            "select template from mail where subject = 'complaint:{id}' \
             and template = 'complaint_answer'"
        );
        assert_eq!(world.all(&letters).await.len(), 1, "{id}: no letter twice");
    }
    assert!(world.verbs.store.verify_audit().await.unwrap().is_ok());
}
