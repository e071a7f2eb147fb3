-- People: who logs in, with what, since when.

create table person (
    id bigint primary key,
    -- Null for the operator's staff.
    partner_id bigint references partner (id),
    -- Lower case. One address is one person, whichever side it is on.
    mail text not null,
    name text not null,
    -- admin, developer, finance, viewer; or support, provisioning, finance, auditor, admin.
    role text not null,
    -- invited, active, locked, disabled
    state text not null,
    -- Argon2id, as a PHC string; null until the invitation is accepted.
    password text,
    -- Secret of the second factor, sealed for `person.totp:ID`; null: nothing but enrolment is open.
    totp bytea,
    -- One that was shown and not confirmed yet; it takes the other's place when it is.
    totp_new bytea,
    -- Newest time step whose code was used: a code works once (S-04).
    totp_step bigint not null,
    -- pl or en.
    language text not null,
    -- auto, light or dark.
    theme text not null,
    last_login_at bigint,
    -- Wrong tries since the last log-in, to tell the owner.
    failures bigint not null,
    -- Grows with each change that somebody made: If-Match.
    version bigint not null,
    made_at bigint not null,
    constraint person_mail unique (mail)
);
-- The list of a partner's people, and the count of its administrators.
create index person_partner on person (partner_id);

-- Codes for a day without the telephone; each works once and its row goes with it.
create table recovery_code (
    person_id bigint not null references person (id),
    -- SHA-256 of a code with 80 random bits, hex.
    code text not null,
    primary key (person_id, code)
) /*without rowid*/;

-- Where somebody has logged in from: guesses from elsewhere never slow these down (S-05).
create table known_address (
    person_id bigint not null references person (id),
    address text not null,
    last_at bigint not null,
    primary key (person_id, address)
) /*without rowid*/;

create table session (
    -- SHA-256 of the token, hex; the token has 256 random bits and is nowhere.
    token text not null primary key,
    -- Names the session in lists; says nothing about the token.
    id bigint not null,
    person_id bigint not null references person (id),
    -- enrol: only the second factor may be set; full: as the role says.
    stage text not null,
    made_at bigint not null,
    -- Written at most twice a minute.
    seen_at bigint not null,
    address text not null,
    agent text not null,
    -- When a fresh code was last given (S-10); 0 for never.
    stepped_up_at bigint not null
) /*without rowid*/;
create index session_person on session (person_id);
create index session_made on session (made_at);

create table one_time_link (
    -- SHA-256 of the token in the link, hex.
    token text not null primary key,
    person_id bigint not null references person (id),
    -- invitation, reset
    purpose text not null,
    made_at bigint not null,
    expires_at bigint not null,
    used_at bigint
) /*without rowid*/;
create index one_time_link_person on one_time_link (person_id);
