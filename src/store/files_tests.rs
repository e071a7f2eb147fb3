//! Files on both engines.

use super::{
    files::SUBJECT_OCTETS_MAX,
    tests::{NOON, any_postgres, on_both, sqlite},
    *,
};
use crate::domain::{Caller, PartnerId};

fn desk() -> Caller {
    Caller::Operator { name: "anna".into() }
}

fn new(id: &str, subject: &str, octets: i64) -> NewFile {
    NewFile {
        id: id.into(),
        subject: subject.into(),
        partner: Some(PartnerId(3)),
        name: "Umowa – Źdźbło.pdf".into(),
        media_type: "application/pdf",
        octets,
        sha256: "00ff".into(),
        sealed: vec![0, 1, 2, 255],
        scan: "clean",
    }
}

on_both!(a_file_comes_back_as_it_was_kept_and_opening_it_leaves_a_trail, engine => {
    let store = &engine.store;
    store.put_file(&desk(), NOON, &new("aa", "agreement:7", 4)).await.unwrap();
    let line = store.file("aa").await.unwrap().unwrap();
    assert_eq!((line.name.as_str(), line.partner_id), ("Umowa – Źdźbło.pdf", Some(3)));
    assert_eq!((line.made_by.as_str(), line.made_at), ("operator:anna", NOON));
    let opened = store.open_file(&desk(), NOON + 1, "aa").await.unwrap().unwrap();
    assert_eq!((opened.line, opened.sealed), (line, vec![0, 1, 2, 255]));
    assert_eq!(store.open_file(&desk(), NOON + 1, "bb").await.unwrap(), None);
    assert_eq!(store.verify_audit().await.unwrap(), Ok(2), "nothing was opened of `bb`");
});

on_both!(one_subject_has_room_for_fifty_mebibytes_and_what_was_refused_takes_none, engine => {
    let store = &engine.store;
    let half = SUBJECT_OCTETS_MAX / 2;
    store.put_file(&desk(), NOON, &new("a", "application:1", half)).await.unwrap();
    let waiting = NewFile { scan: "pending", ..new("b", "application:1", half) };
    store.put_file(&desk(), NOON + 1, &waiting).await.unwrap();
    assert_eq!(store.file_octets_of("application:1").await.unwrap(), SUBJECT_OCTETS_MAX);
    let more = new("c", "application:1", 1);
    let full = store.put_file(&desk(), NOON, &more).await;
    assert!(matches!(full, Err(Error::Conflict(Constraint::FileRoom))), "{full:?}");
    assert_eq!(store.file("c").await.unwrap(), None);
    store.put_file(&desk(), NOON, &new("d", "application:2", half)).await.unwrap();

    let found = store.files_to_scan(9).await.unwrap();
    let [file] = found.as_slice() else { panic!("{found:?}") };
    assert!(store.note_scan(&desk(), NOON, &file.line, false).await.unwrap());
    assert!(!store.note_scan(&desk(), NOON, &file.line, true).await.unwrap(), "only once");
    let opened = store.open_file(&desk(), NOON, "b").await.unwrap().unwrap();
    assert_eq!((opened.line.scan.as_str(), opened.sealed), ("refused", vec![]));
    store.put_file(&desk(), NOON, &more).await.unwrap();
    let listed = store.files_of("application:1").await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids, ["a", "c", "b"], "oldest first");
});
