//! The socket under a session, over a pipe in memory. Time stands still unless a test moves it.

use std::future::Future;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::smpp::{
    pdu::Pdu,
    values::CommandId,
    vectors::{all_pdus, encode, message, octets, pdu},
};

fn pipe(octets_max: usize) -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(octets_max);
    (Connection::new(ours, ConnectionLimits::default()), theirs)
}

async fn frames(connection: &mut Connection<DuplexStream>) -> Vec<Bytes> {
    match connection.step(true).await.unwrap() {
        Step::Frames(frames) => frames,
        other => panic!("{other:?}"),
    }
}

/// Lets a step run as far as it can without waiting, then drops it, as a select would.
async fn cancelled_step(connection: &mut Connection<DuplexStream>, may_read: bool) {
    let mut step = std::pin::pin!(connection.step(may_read));
    poll_fn(|context| {
        assert!(step.as_mut().poll(context).is_pending(), "nothing should have happened");
        Poll::Ready(())
    })
    .await;
}

fn enquire(sequence: u32) -> Bytes {
    encode(&Command::new(sequence, Pdu::EnquireLink), Version::V34).unwrap()
}

#[tokio::test(start_paused = true)]
async fn k019_a_pdu_split_at_every_octet_arrives_whole_and_a_dropped_step_loses_nothing() {
    for sample in all_pdus() {
        let whole = encode(&Command::new(7, sample), Version::V50).unwrap();
        for cut in 1..whole.len() {
            let (mut connection, mut peer) = pipe(64 * 1024);
            peer.write_all(&whole[..cut]).await.unwrap();
            cancelled_step(&mut connection, true).await;
            peer.write_all(&whole[cut..]).await.unwrap();
            assert_eq!(frames(&mut connection).await, std::slice::from_ref(&whole));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn k019_octet_by_octet_is_the_same() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    let whole = encode(&Command::new(7, all_pdus().remove(6)), Version::V50).unwrap();
    let (last, most) = whole.split_last().unwrap();
    for octet in most {
        peer.write_all(&[*octet]).await.unwrap();
        cancelled_step(&mut connection, true).await;
    }
    peer.write_all(&[*last]).await.unwrap();
    assert_eq!(frames(&mut connection).await, [whole]);
}

#[tokio::test(start_paused = true)]
async fn k020_many_pdus_in_one_segment_come_in_order_and_the_rest_waits() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    let mut segment: Vec<u8> = (1..=50).flat_map(enquire).collect();
    segment.extend(&enquire(51)[..9]);
    peer.write_all(&segment).await.unwrap();
    let expected: Vec<Bytes> = (1..=50).map(enquire).collect();
    assert_eq!(frames(&mut connection).await, expected);
    peer.write_all(&enquire(51)[9..]).await.unwrap();
    assert_eq!(frames(&mut connection).await, [enquire(51)]);
}

#[tokio::test(start_paused = true)]
async fn the_largest_pdu_passes_a_small_pipe() {
    let (mut connection, mut peer) = pipe(512);
    let body = format!("0424 FDE8 {}", "5A ".repeat(65_000));
    let big = pdu(CommandId::SUBMIT_SM_RESP, 0, &format!("'1' 00 {body}"));
    let sent = big.clone();
    let writing = async move { peer.write_all(&sent).await.unwrap() };
    let ((), read) = tokio::join!(writing, frames(&mut connection));
    assert_eq!(read, [big]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_length_comes_after_the_good_frames_before_it() {
    for bad in ["0000000F 00000015 00000000 00000007", "00011171 00000004 00000000 00000007"] {
        let (mut connection, mut peer) = pipe(64 * 1024);
        let mut segment = enquire(1).to_vec();
        segment.extend(octets(bad));
        peer.write_all(&segment).await.unwrap();
        let Step::Bad(frames, error) = connection.step(true).await.unwrap() else {
            panic!("not bad")
        };
        assert_eq!(frames, [enquire(1)]);
        assert!(matches!(error, codec::Error::BadLength { sequence: 7, .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn before_a_bind_the_cap_is_smaller() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    connection.limits_mut().pdu_octets_max = 200;
    peer.write_all(&octets("000000C9")).await.unwrap();
    let step = connection.step(true).await.unwrap();
    assert!(matches!(step, Step::Bad(_, codec::Error::BadLength { length: 201, max: 200, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_dribbles_is_found_out_and_one_that_finishes_is_not() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    let within = ConnectionLimits::default().pdu_within;
    let whole = enquire(1);
    peer.write_all(&whole[..1]).await.unwrap();
    cancelled_step(&mut connection, true).await;
    for octet in &whole[1..12] {
        tokio::time::advance(Duration::from_secs(1)).await;
        peer.write_all(&[*octet]).await.unwrap();
        cancelled_step(&mut connection, true).await;
    }
    assert!(connection.is_dribbling(Instant::now()), "one octet a second is not progress");
    peer.write_all(&whole[12..]).await.unwrap();
    frames(&mut connection).await;
    assert!(!connection.is_dribbling(Instant::now() + within * 2), "idle is not dribbling");
}

#[tokio::test(start_paused = true)]
async fn the_start_of_the_next_pdu_does_not_inherit_the_time_of_the_last() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    peer.write_all(&enquire(1)[..8]).await.unwrap();
    cancelled_step(&mut connection, true).await;
    tokio::time::advance(Duration::from_secs(9)).await;
    peer.write_all(&enquire(1)[8..]).await.unwrap();
    peer.write_all(&enquire(2)[..8]).await.unwrap();
    frames(&mut connection).await;
    tokio::time::advance(Duration::from_secs(9)).await;
    assert!(!connection.is_dribbling(Instant::now()));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(connection.is_dribbling(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn a_pdu_that_we_do_not_read_ourselves_is_not_dribbling() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    peer.write_all(&enquire(1)[..8]).await.unwrap();
    cancelled_step(&mut connection, true).await;
    peer.write_all(&enquire(1)[8..]).await.unwrap();
    // The window of the peer is full for longer than a PDU may take.
    for _ in 0..30 {
        tokio::time::advance(Duration::from_secs(1)).await;
        cancelled_step(&mut connection, false).await;
    }
    assert!(!connection.is_dribbling(Instant::now()));
    assert_eq!(frames(&mut connection).await, [enquire(1)]);
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_while_the_peer_does_not_read() {
    let (mut connection, mut peer) = pipe(64);
    let long = Command::new(1, Pdu::SubmitSm(Box::new(message("far more than fits the pipe"))));
    for _ in 0..10 {
        connection.queue(&long, Version::V34).unwrap();
    }
    let queued = connection.queued_total();
    peer.write_all(&enquire(9)).await.unwrap();
    assert_eq!(frames(&mut connection).await, [enquire(9)]);
    let stalled = connection.stalled_since().expect("writing has stopped");
    tokio::time::advance(Duration::from_secs(5)).await;
    cancelled_step(&mut connection, true).await;
    assert_eq!(connection.stalled_since(), Some(stalled));
    assert_eq!(connection.written_total() + connection.queued() as u64, queued);

    let mut all = vec![0; usize::try_from(queued).unwrap()];
    let (step, read) = tokio::join!(connection.step(true), peer.read_exact(&mut all));
    assert!(matches!(step.unwrap(), Step::Flushed) && read.is_ok());
    let one = encode(&long, Version::V34).unwrap();
    assert_eq!(all, one.repeat(10));
    assert_eq!((connection.stalled_since(), connection.written_total()), (None, queued));
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_has_a_limit_and_an_unfit_pdu_leaves_nothing() {
    let (mut connection, _peer) = pipe(64);
    connection.limits_mut().write_octets_max = 100;
    assert!(connection.has_room());
    connection.queue_raw(&[0; 99]);
    assert!(connection.has_room());
    connection.queue_raw(&[0]);
    assert!(!connection.has_room());
    let mut unfit = message("Hi");
    unfit.service_type = "too long".into();
    let unfit = Command::new(1, Pdu::SubmitSm(Box::new(unfit)));
    assert!(connection.queue(&unfit, Version::V34).is_err());
    assert_eq!((connection.queued(), connection.queued_total()), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_step_writes_no_octet_twice() {
    let (mut connection, mut peer) = pipe(10);
    let expected: Vec<u8> = (0..200).collect();
    connection.queue_raw(&expected);
    let mut read: Vec<u8> = Vec::new();
    while read.len() < expected.len() {
        poll_fn(|context| {
            let mut step = std::pin::pin!(connection.step(true));
            drop(step.as_mut().poll(context));
            Poll::Ready(())
        })
        .await;
        let mut some = [0; 7];
        let count = peer.read(&mut some).await.unwrap();
        read.extend_from_slice(&some[..count]);
    }
    assert_eq!(read, expected);
}

#[tokio::test(start_paused = true)]
async fn s030_a_peer_that_leaves_ends_the_connection_even_within_a_pdu() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    peer.write_all(&enquire(1)).await.unwrap();
    peer.write_all(&enquire(2)[..7]).await.unwrap();
    drop(peer);
    assert_eq!(frames(&mut connection).await, [enquire(1)]);
    assert!(matches!(connection.step(true).await.unwrap(), Step::Ended));
    connection.queue_raw(&[0; 16]);
    assert!(connection.flush().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_flush_and_a_shutdown_bring_the_last_answer_to_the_peer() {
    let (mut connection, mut peer) = pipe(64 * 1024);
    connection.queue(&Command::new(3, Pdu::UnbindResp), Version::V34).unwrap();
    connection.flush().await.unwrap();
    connection.shutdown().await.unwrap();
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, octets("00000010 80000006 00000000 00000003"));
}
