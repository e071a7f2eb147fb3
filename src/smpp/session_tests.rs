//! Section B of the conformance list, as far as a session decides it alone: every command in
//! every state, the window, and the timers. Time is arithmetic here.

use super::*;
use crate::smpp::{
    codec::Header,
    pdu::{BindResp, MessageResp},
    tlv::Tlvs,
    values::CommandStatus as S,
    vectors::{KINDS, bind_pdu, message, requests, responses},
};

type Actions = Vec<Action<&'static str>>;

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn limits() -> Limits {
    Limits {
        session_init: secs(10),
        enquire_link: secs(60),
        enquire_link_answer: secs(30),
        response: secs(20),
        misses: 2,
        window: 3,
        window_in: 4,
        ..Limits::default()
    }
}

/// A session with the moment it began, so that tests can speak of seconds.
struct Scene {
    session: Session<&'static str>,
    start: Instant,
}

impl Scene {
    fn open(role: Role) -> Self {
        let start = Instant::now();
        Self { session: Session::new(role, limits(), start), start }
    }

    fn in_state(role: Role, state: State, version: Version) -> Self {
        let mut scene = Self::open(role);
        match state {
            State::Open => scene.session.version = version,
            State::Bound(kind) => scene.session.bound(kind, version, scene.start),
            State::Unbinding => {
                scene.session.bound(BindKind::Transceiver, version, scene.start);
                scene.session.unbind(scene.start, &mut Vec::new());
            }
        }
        scene
    }

    fn bound(role: Role) -> Self {
        Self::in_state(role, State::Bound(BindKind::Transceiver), Version::V34)
    }

    fn receive(&mut self, at: u64, sequence: u32, pdu: Pdu) -> Actions {
        self.receive_command(at, Command::new(sequence, pdu))
    }

    fn receive_command(&mut self, at: u64, command: Command) -> Actions {
        let mut actions = Vec::new();
        self.session.receive(Ok(command), self.start + secs(at), &mut actions);
        actions
    }

    fn receive_fault(&mut self, id: CommandId, status: S) -> Actions {
        let header = Header { length: 16, id, status: S::ROK, sequence: 7 };
        let error = codec::Error::Recoverable { header, status, reason: "a test" };
        let mut actions = Vec::new();
        self.session.receive(Err(error), self.start, &mut actions);
        actions
    }

    fn request(&mut self, at: u64, token: &'static str) -> Result<u32, NotSent> {
        let pdu = match self.session.role {
            Role::Esme => Pdu::SubmitSm(Box::new(message("Hi"))),
            Role::Mc => Pdu::DeliverSm(Box::new(message("Hi"))),
        };
        self.session.request(pdu, token, self.start + secs(at), &mut Vec::new())
    }

    fn tick(&mut self, at: u64) -> Actions {
        let mut actions = Vec::new();
        self.session.tick(self.start + secs(at), &mut actions);
        actions
    }
}

/// What a session made of a request, in one letter; the tables below are made of them.
fn verdict(actions: &Actions, id: CommandId, sequence: u32) -> char {
    for action in actions {
        if let Action::Send(command) = action {
            assert_eq!(command.sequence, sequence, "an answer echoes the sequence_number");
        }
    }
    let is_answer = |command: &Command| command.pdu.command_id() == id.response();
    match actions.as_slice() {
        [Action::BindRequested(..)] => 'B',
        [Action::Deliver(_)] => 'D',
        [Action::Ignored(..)] => 's',
        [Action::Send(c)] if is_answer(c) && c.status.is_ok() => 'E',
        [Action::Send(c), Action::Close(Reason::Unbound)] if is_answer(c) && c.status.is_ok() => {
            'U'
        }
        [Action::Send(c)] | [Action::Ignored(..), Action::Send(c)] if is_answer(c) => {
            match c.status {
                S::RINVBNDSTS => 'X',
                S::RALYBND => 'A',
                _ => 'F',
            }
        }
        [Action::Ignored(..), Action::Send(c)]
            if c.pdu == Pdu::GenericNack && c.status == S::RINVCMDID =>
        {
            'N'
        }
        other => panic!("{}: {other:?}", id.name()),
    }
}

const STATES: [State; 5] = [
    State::Open,
    State::Bound(BindKind::Transmitter),
    State::Bound(BindKind::Receiver),
    State::Bound(BindKind::Transceiver),
    State::Unbinding,
];

/// Rows as in the tables of both specifications; a letter for each of [`STATES`]:
/// B somebody wants to bind, A already bound, D delivered to the owner, E answered by the session,
/// U unbound and closed, X not legal in this state, N unknown here, s silence.
const TO_MC: [(&str, &str); 15] = [
    ("bind_transmitter", "BAAAX"),
    ("bind_receiver", "BAAAX"),
    ("bind_transceiver", "BAAAX"),
    ("outbind", "sssss"),
    ("unbind", "XUUUU"),
    ("enquire_link", "EEEEE"),
    ("submit_sm", "XDXDX"),
    ("deliver_sm", "NNNNN"),
    ("submit_multi", "XDXDX"),
    ("data_sm", "XDXDX"),
    ("query_sm", "XDXDX"),
    ("cancel_sm", "XDXDX"),
    ("replace_sm", "XDXDX"),
    ("alert_notification", "sssss"),
    ("unknown", "NNNNN"),
];

const TO_ESME: [(&str, &str); 15] = [
    ("bind_transmitter", "NNNNN"),
    ("bind_receiver", "NNNNN"),
    ("bind_transceiver", "NNNNN"),
    ("outbind", "DDDDD"),
    ("unbind", "XUUUU"),
    ("enquire_link", "EEEEE"),
    ("submit_sm", "NNNNN"),
    ("deliver_sm", "XXDDX"),
    ("submit_multi", "NNNNN"),
    // [34 table 2-1] A 3.4 message centre may send it on every bind.
    ("data_sm", "XDDDX"),
    ("query_sm", "NNNNN"),
    ("cancel_sm", "NNNNN"),
    ("replace_sm", "NNNNN"),
    ("alert_notification", "DDDDD"),
    ("unknown", "NNNNN"),
];

fn rows(role: Role) -> &'static [(&'static str, &'static str); 15] {
    match role {
        Role::Mc => &TO_MC,
        Role::Esme => &TO_ESME,
    }
}

fn requests_and_an_unknown() -> Vec<Pdu> {
    let mut all = requests();
    all.push(Pdu::Other(CommandId(0xff), bytes::Bytes::new()));
    all
}

#[test]
fn every_request_in_every_state_gets_what_the_tables_say() {
    for role in [Role::Mc, Role::Esme] {
        for pdu in requests_and_an_unknown() {
            let id = pdu.command_id();
            let row = rows(role).iter().find(|(name, _)| *name == id.name()).expect("a row");
            for (state, expected) in STATES.into_iter().zip(row.1.chars()) {
                let mut scene = Scene::in_state(role, state, Version::V34);
                let actions = scene.receive(1, 77, pdu.clone());
                let found = verdict(&actions, id, 77);
                assert_eq!(found, expected, "{} as {role:?} in {state:?}", id.name());
            }
        }
    }
}

#[test]
fn a_faulty_request_is_answered_only_where_a_good_one_would_be() {
    for role in [Role::Mc, Role::Esme] {
        for pdu in requests_and_an_unknown() {
            let id = pdu.command_id();
            if matches!(id, CommandId::UNBIND | CommandId::ENQUIRE_LINK) {
                continue;
            }
            let row = rows(role).iter().find(|(name, _)| *name == id.name()).expect("a row");
            for (state, good) in STATES.into_iter().zip(row.1.chars()) {
                let expected = match good {
                    _ if is_unanswered(id) => 's',
                    'B' | 'D' => 'F',
                    other => other,
                };
                let mut scene = Scene::in_state(role, state, Version::V34);
                let actions = scene.receive_fault(id, S::RINVMSGLEN);
                let found = verdict(&actions, id, 7);
                assert_eq!(found, expected, "{} as {role:?} in {state:?}", id.name());
                assert_eq!(scene.session.unanswered_in, 0);
            }
        }
    }
}

#[test]
fn s021_data_sm_on_a_receiver_is_a_matter_of_version_and_configuration() {
    let data_sm = || requests().into_iter().find(|pdu| pdu.name() == "data_sm").unwrap();
    let receiver = State::Bound(BindKind::Receiver);
    let mut scene = Scene::in_state(Role::Mc, receiver, Version::V34);
    scene.session.limits_mut().data_sm_on_receiver = true;
    assert_eq!(verdict(&scene.receive(1, 7, data_sm()), CommandId::DATA_SM, 7), 'D');
    let transmitter = State::Bound(BindKind::Transmitter);
    let mut scene = Scene::in_state(Role::Esme, transmitter, Version::V50);
    assert_eq!(verdict(&scene.receive(1, 7, data_sm()), CommandId::DATA_SM, 7), 'X');
}

#[test]
fn s031_an_answer_that_nobody_waits_for_is_never_answered() {
    for state in STATES {
        for pdu in responses() {
            // In Unbinding, sequence 1 is our unbind.
            let mut scene = Scene::in_state(Role::Mc, state, Version::V34);
            let id = pdu.command_id();
            let actions = scene.receive(1, 99, pdu);
            let is_silent = actions.iter().all(|action| matches!(action, Action::Ignored(..)));
            assert!(is_silent, "{} in {state:?}: {actions:?}", id.name());
            assert!(scene.receive_fault(id, S::RINVMSGLEN).len() == 1);
        }
    }
}

#[test]
fn s038_an_unknown_request_is_nacked_with_its_sequence_and_s039_an_unknown_answer_is_not() {
    let mut scene = Scene::bound(Role::Mc);
    let unknown = |id| Pdu::Other(CommandId(id), bytes::Bytes::new());
    let actions = scene.receive(1, 5, unknown(0xff));
    assert!(actions.contains(&Action::Send(nack(S::RINVCMDID, 5))));
    let actions = scene.receive(1, 5, unknown(0x8000_00ff));
    assert!(matches!(actions.as_slice(), [Action::Ignored(CommandId(0x8000_00ff), _)]));
}

#[test]
fn s040_broadcast_is_unknown_to_3_4_and_left_to_the_owner_in_5_0() {
    let broadcast = || Pdu::Other(CommandId::BROADCAST_SM, bytes::Bytes::new());
    let id = CommandId::BROADCAST_SM;
    let bound = State::Bound(BindKind::Transceiver);
    for (version, expected) in [(Version::V34, 'N'), (Version::V50, 'D')] {
        let mut scene = Scene::in_state(Role::Mc, bound, version);
        assert_eq!(verdict(&scene.receive(1, 7, broadcast()), id, 7), expected);
    }
}

#[test]
fn s042_an_answer_of_unknown_sequence_is_ignored_and_the_right_one_still_counts() {
    let mut scene = Scene::bound(Role::Esme);
    let sequence = scene.request(0, "one").unwrap();
    let resp = || Pdu::SubmitSmResp(MessageResp::default());
    let actions = scene.receive(1, sequence + 1, resp());
    assert!(matches!(actions.as_slice(), [Action::Ignored(..)]));
    let actions = scene.receive(1, sequence, resp());
    assert!(matches!(actions.as_slice(), [Action::Answered { token: "one", .. }]));
    // A second answer to the same request changes nothing (C012).
    assert!(matches!(scene.receive(1, sequence, resp()).as_slice(), [Action::Ignored(..)]));
}

#[test]
fn s043_s044_odd_and_repeated_sequences_of_a_peer_are_served() {
    let mut scene = Scene::bound(Role::Mc);
    for sequence in [0, 0x8000_0000, u32::MAX, 5, 5] {
        let actions = scene.receive(1, sequence, Pdu::SubmitSm(Box::new(message("Hi"))));
        let [Action::Deliver(command)] = actions.as_slice() else { panic!("{actions:?}") };
        assert_eq!(command.sequence, sequence);
        let mut actions = Vec::new();
        let answer = Command::new(sequence, Pdu::SubmitSmResp(MessageResp::default()));
        scene.session.respond(answer.clone(), &mut actions);
        assert_eq!(actions, [Action::Send(answer)]);
    }
}

#[test]
fn c002_sequences_start_at_1_and_wrap_to_1() {
    let mut scene = Scene::bound(Role::Esme);
    assert_eq!((scene.request(0, "a"), scene.request(0, "b")), (Ok(1), Ok(2)));
    scene.session = Scene::bound(Role::Esme).session;
    scene.session.next_sequence = 0x7fff_fffe;
    assert_eq!(scene.request(0, "a"), Ok(0x7fff_fffe));
    assert_eq!((scene.request(0, "b"), scene.request(0, "c")), (Ok(0x7fff_ffff), Ok(1)));
}

#[test]
fn c010_c011_the_window_is_kept_and_answers_come_in_any_order() {
    let mut scene = Scene::bound(Role::Esme);
    for (token, free) in [("a", 2), ("b", 1), ("c", 0)] {
        scene.request(0, token).unwrap();
        assert_eq!(scene.session.free(), free);
    }
    assert_eq!(scene.request(0, "d"), Err(NotSent::WindowFull));
    for (sequence, expected) in [(3, "c"), (1, "a"), (2, "b")] {
        let actions = scene.receive(1, sequence, Pdu::SubmitSmResp(MessageResp::default()));
        let [Action::Answered { token, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        assert_eq!(*token, expected);
    }
    assert_eq!((scene.session.free(), scene.session.in_flight()), (3, 0));
}

#[test]
fn s032_requests_go_only_where_the_bind_allows_them() {
    for (role, kind, free) in [
        (Role::Mc, BindKind::Transmitter, 0),
        (Role::Mc, BindKind::Receiver, 3),
        (Role::Mc, BindKind::Transceiver, 3),
        (Role::Esme, BindKind::Transmitter, 3),
        (Role::Esme, BindKind::Receiver, 0),
    ] {
        let mut scene = Scene::in_state(role, State::Bound(kind), Version::V34);
        assert_eq!(scene.session.free(), free, "{role:?} {kind:?}");
        assert_eq!(scene.request(0, "a").is_ok(), free > 0, "{role:?} {kind:?}");
    }
    for role in [Role::Mc, Role::Esme] {
        let mut scene = Scene::open(role);
        assert_eq!((scene.session.free(), scene.request(0, "a")), (0, Err(NotSent::NotBound)));
    }
}

#[test]
fn c001_an_esme_binds_first_and_once() {
    for kind in KINDS {
        let mut scene = Scene::open(Role::Esme);
        let now = scene.start;
        let mut actions = Vec::new();
        assert_eq!(scene.session.request(bind_pdu(kind), "bind", now, &mut actions), Ok(1));
        let resp = BindResp { system_id: "mc".into(), tlvs: Tlvs::new() };
        let actions = scene.receive(1, 1, Pdu::BindResp(kind, resp));
        assert!(matches!(actions.as_slice(), [Action::Answered { token: "bind", .. }]));
        scene.session.bound(kind, Version::V34, now);
        let again = scene.session.request(bind_pdu(kind), "bind", now, &mut Vec::new());
        assert_eq!(again, Err(NotSent::NotBound));
    }
}

#[test]
fn s095_reading_stops_when_the_peer_has_too_much_in_flight() {
    let mut scene = Scene::bound(Role::Mc);
    for sequence in 1..=4 {
        assert!(scene.session.may_read());
        scene.receive(1, sequence, Pdu::SubmitSm(Box::new(message("Hi"))));
    }
    assert!(!scene.session.may_read());
    // What the session answers by itself takes no place.
    scene.receive(1, 5, Pdu::EnquireLink);
    let answer = Command::new(1, Pdu::SubmitSmResp(MessageResp::default()));
    scene.session.respond(answer, &mut Vec::new());
    assert!(scene.session.may_read());
}

#[test]
fn s017_no_bind_in_time_closes_and_s022_enquire_link_does_not_put_it_off() {
    let mut scene = Scene::open(Role::Mc);
    assert_eq!(scene.tick(9), []);
    assert_eq!(verdict(&scene.receive(9, 3, Pdu::EnquireLink), CommandId::ENQUIRE_LINK, 3), 'E');
    assert_eq!(scene.tick(10), [Action::Close(Reason::NoBind)]);
}

#[test]
fn s001_an_accepted_bind_is_answered_with_its_sequence_and_s015_a_second_is_refused() {
    let mut scene = Scene::open(Role::Mc);
    let now = scene.start;
    let kind = BindKind::Transceiver;
    let actions = scene.receive(1, 41, bind_pdu(kind));
    assert!(matches!(actions.as_slice(), [Action::BindRequested(BindKind::Transceiver, _, 41)]));
    let answer = Command::new(41, Pdu::BindResp(kind, BindResp::default()));
    let mut actions = Vec::new();
    scene.session.accept_bind(kind, Version::V50, answer.clone(), now, &mut actions);
    assert_eq!(actions, [Action::Send(answer)]);
    assert_eq!(
        (scene.session.state(), scene.session.version()),
        (State::Bound(kind), Version::V50)
    );
    assert_eq!(scene.tick(11), [], "the timer of the bind has stopped");
    let second = scene.receive(12, 42, bind_pdu(kind));
    assert_eq!(verdict(&second, CommandId::BIND_TRANSCEIVER, 42), 'A');
    assert!(scene.session.is_bound());
}

fn is_enquiry(actions: &Actions) -> bool {
    matches!(actions.as_slice(), [Action::Send(Command { pdu: Pdu::EnquireLink, .. })])
}

#[test]
fn s027_silence_asks_for_a_sign_of_life_and_s028_two_misses_close() {
    let mut scene = Scene::bound(Role::Mc);
    assert_eq!(scene.tick(59), []);
    assert!(is_enquiry(&scene.tick(60)));
    assert_eq!(scene.tick(89), []);
    assert!(is_enquiry(&scene.tick(90)), "one miss asks again");
    assert_eq!(scene.tick(119), []);
    assert_eq!(scene.tick(120), [Action::Close(Reason::NoAnswer)]);
}

#[test]
fn an_answered_enquiry_starts_the_silence_anew() {
    for answer in [Pdu::EnquireLinkResp, Pdu::GenericNack] {
        let mut scene = Scene::bound(Role::Esme);
        assert!(is_enquiry(&scene.tick(60)));
        assert_eq!(scene.receive(61, 1, answer), []);
        assert_eq!(scene.tick(120), []);
        assert!(is_enquiry(&scene.tick(121)));
    }
}

#[test]
fn any_pdu_re_arms_the_timer_and_is_a_sign_of_life() {
    let mut scene = Scene::bound(Role::Mc);
    scene.session.limits_mut().misses = 1;
    scene.receive(59, 1, Pdu::EnquireLink);
    assert_eq!(scene.tick(118), []);
    assert!(is_enquiry(&scene.tick(119)));
    // It never answers our enquiry, but it talks: [34 s4.11] that is answer enough.
    scene.receive(140, 2, Pdu::SubmitSm(Box::new(message("Hi"))));
    assert!(is_enquiry(&scene.tick(149)));
    assert_eq!(scene.tick(179), [Action::Close(Reason::NoAnswer)]);
}

#[test]
fn s029_a_session_without_transactions_is_unbound_whatever_enquire_link_says() {
    let mut scene = Scene::bound(Role::Mc);
    scene.session.limits_mut().inactivity = Some(secs(50));
    scene.receive(40, 1, Pdu::EnquireLink);
    assert_eq!(scene.tick(49), []);
    let actions = scene.tick(50);
    assert!(matches!(actions.as_slice(), [Action::Send(Command { pdu: Pdu::Unbind, .. })]));
    assert_eq!(scene.receive(51, 1, Pdu::UnbindResp), [Action::Close(Reason::Inactive)]);
}

#[test]
fn s029_an_enquire_link_keeps_a_session_where_the_switch_says_so() {
    let mut scene = Scene::bound(Role::Mc);
    scene.session.limits_mut().inactivity = Some(secs(50));
    scene.session.limits_mut().enquire_link_keeps = true;
    scene.receive(40, 1, Pdu::EnquireLink);
    assert!(
        !scene
            .tick(50)
            .iter()
            .any(|action| { matches!(action, Action::Send(Command { pdu: Pdu::Unbind, .. })) })
    );
    scene.receive(60, 2, Pdu::EnquireLink);
    let actions = scene.tick(110);
    assert!(matches!(actions.last(), Some(Action::Send(Command { pdu: Pdu::Unbind, .. }))));
}

#[test]
fn c012_a_late_answer_is_handed_over_once_and_keeps_its_place_until_then() {
    let mut scene = Scene::bound(Role::Esme);
    let sequence = scene.request(0, "late").unwrap();
    assert_eq!(scene.tick(19), []);
    assert_eq!(scene.tick(20), [Action::TimedOut { token: "late" }]);
    assert_eq!(scene.tick(21), [], "it is told once");
    assert_eq!(scene.session.free(), 2);
    let actions = scene.receive(40, sequence, Pdu::SubmitSmResp(MessageResp::default()));
    assert!(matches!(actions.as_slice(), [Action::Answered { token: "late", .. }]));
    assert_eq!(scene.session.free(), 3);
}

#[test]
fn closing_hands_back_every_request_without_an_answer() {
    let mut scene = Scene::bound(Role::Esme);
    for token in ["a", "b", "c"] {
        scene.request(0, token).unwrap();
    }
    scene.receive(1, 2, Pdu::SubmitSmResp(MessageResp::default()));
    scene.tick(30);
    let left: Vec<_> = scene.session.close().into_iter().map(|waiting| waiting.token).collect();
    assert_eq!(left, ["a", "c"]);
}

#[test]
fn c019_a_nack_fails_its_request_and_without_a_sequence_ends_the_session_of_an_esme() {
    let mut scene = Scene::bound(Role::Esme);
    let sequence = scene.request(0, "a").unwrap();
    let actions = scene.receive_command(1, nack(S::RINVCMDLEN, sequence));
    let [Action::Answered { token: "a", command }] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!(command.status, S::RINVCMDLEN, "C020");
    let actions = scene.receive_command(1, nack(S::RINVCMDLEN, 0));
    assert_eq!(actions, [Action::Close(Reason::Nacked)]);
    let actions = Scene::bound(Role::Mc).receive_command(1, nack(S::RINVCMDLEN, 0));
    assert!(matches!(actions.as_slice(), [Action::Ignored(..)]), "S041");
}

#[test]
fn k021_a_length_that_cannot_be_is_nacked_and_closes() {
    for sequence in [0, 7] {
        let mut scene = Scene::bound(Role::Mc);
        let mut actions = Vec::new();
        let error = codec::Error::BadLength { length: 3, max: 70_000, sequence };
        scene.session.receive(Err(error), scene.start, &mut actions);
        let expected =
            [Action::Send(nack(S::RINVCMDLEN, sequence)), Action::Close(Reason::BadLength)];
        assert_eq!(actions, expected);
    }
}

#[test]
fn s024_an_unbind_is_answered_and_closes_after_the_pending_answers() {
    let mut scene = Scene::bound(Role::Mc);
    for sequence in [1, 2] {
        scene.receive(1, sequence, Pdu::SubmitSm(Box::new(message("Hi"))));
    }
    let actions = scene.receive(2, 3, Pdu::Unbind);
    assert_eq!(actions, [Action::Send(Command::new(3, Pdu::UnbindResp))]);
    let late = scene.receive(2, 4, Pdu::SubmitSm(Box::new(message("Hi"))));
    assert_eq!(verdict(&late, CommandId::SUBMIT_SM, 4), 'X', "S025");
    assert_eq!((scene.session.free(), scene.request(2, "a")), (0, Err(NotSent::NotBound)));
    let mut actions = Vec::new();
    let answer = |sequence| Command::new(sequence, Pdu::SubmitSmResp(MessageResp::default()));
    scene.session.respond(answer(1), &mut actions);
    assert_eq!(actions, [Action::Send(answer(1))]);
    scene.session.respond(answer(2), &mut actions);
    assert_eq!(actions[1..], [Action::Send(answer(2)), Action::Close(Reason::Unbound)]);
}

#[test]
fn an_owner_that_never_answers_cannot_keep_an_unbound_session() {
    let mut scene = Scene::bound(Role::Mc);
    scene.receive(1, 1, Pdu::SubmitSm(Box::new(message("Hi"))));
    scene.receive(2, 2, Pdu::Unbind);
    assert_eq!(scene.tick(21), []);
    assert_eq!(scene.tick(22), [Action::Close(Reason::Unbound)]);
}

#[test]
fn s026_our_unbind_waits_for_its_answer_or_the_timer() {
    for is_answered in [true, false] {
        let mut scene = Scene::bound(Role::Mc);
        scene.request(0, "in flight").unwrap();
        let mut actions = Vec::new();
        scene.session.unbind(scene.start, &mut actions);
        assert_eq!(actions, [Action::Send(Command::new(2, Pdu::Unbind))]);
        // Answers to what was sent before still count.
        let actions = scene.receive(1, 1, Pdu::DeliverSmResp(MessageResp::default()));
        assert!(matches!(actions.as_slice(), [Action::Answered { token: "in flight", .. }]));
        assert_eq!(scene.tick(19), []);
        let end = if is_answered { scene.receive(19, 2, Pdu::UnbindResp) } else { scene.tick(20) };
        assert_eq!(end, [Action::Close(Reason::Unbound)]);
    }
}

#[test]
fn unbinds_that_cross_are_both_answered() {
    let mut scene = Scene::in_state(Role::Esme, State::Unbinding, Version::V34);
    assert_eq!(verdict(&scene.receive(1, 9, Pdu::Unbind), CommandId::UNBIND, 9), 'U');
}

#[test]
fn a_probe_asks_once_until_it_is_answered() {
    let mut scene = Scene::bound(Role::Mc);
    let (now, mut actions) = (scene.start, Vec::new());
    scene.session.probe(now, &mut actions);
    scene.session.probe(now, &mut actions);
    assert!(is_enquiry(&actions));
}

#[test]
fn a_notification_has_a_sequence_of_its_own_and_waits_for_nothing() {
    let mut scene = Scene::bound(Role::Mc);
    let alert = requests().pop().unwrap();
    let mut actions = Vec::new();
    scene.session.notify(alert.clone(), &mut actions);
    assert_eq!(actions, [Action::Send(Command::new(1, alert))]);
    assert_eq!((scene.session.in_flight(), scene.request(0, "a")), (0, Ok(2)));
}
