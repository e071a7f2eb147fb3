-- What every verb of the partnership shares: companies, files, letters, deadlines.

-- The company behind a partner. The partner row is what traffic sees, this is what lawyers see.
create table company (
    partner_id bigint primary key references partner (id),
    -- prospect, contracted, live, suspended, closed
    state text not null,
    -- INP: given in the transaction that brings the framework agreement into force.
    partner_number text,
    legal_name text not null,
    -- Digits only, checked.
    nip text not null,
    regon text not null,
    krs text not null,
    street text not null,
    postal_code text not null,
    city text not null,
    country text not null,
    -- IBAN without spaces, or empty.
    bank_account text not null,
    -- Which language letters to it are written in: pl or en.
    language text not null,
    level bigint not null,
    -- Grows with each change: If-Match.
    version bigint not null,
    made_at bigint not null,
    constraint company_partner_number unique (partner_number),
    constraint company_nip unique (nip)
);

-- What somebody uploaded or the gateway made: a signed copy, a scan, a generated agreement.
create table file (
    -- 128 random bits, hex: the only name under which it can be asked for (S-52).
    id text not null primary key,
    -- What it belongs to: `application:12`, `agreement:7`.
    subject text not null,
    partner_id bigint,
    name text not null,
    media_type text not null,
    octets bigint not null,
    -- Of the clear octets, hex.
    sha256 text not null,
    -- Sealed: nonce, ciphertext and tag, see domain/seal.rs.
    sealed bytea not null,
    -- pending, clean, refused (S-53)
    scan text not null,
    made_by text not null,
    made_at bigint not null
);
create index file_subject on file (subject);

-- The outbox. A letter is written in the transaction of what it tells, and sent by a worker.
create table mail (
    id bigint primary key,
    recipient text not null,
    recipient_name text not null,
    language text not null,
    -- Name of the template; the operator may edit its text.
    template text not null,
    -- JSON for the template. Emptied once sent: it may hold one-time links (S-43).
    data text not null,
    -- Ids of files that go with it, comma separated.
    attachments text not null,
    -- What it is about: `application:12`; shown in that object's timeline.
    subject text not null,
    partner_id bigint,
    -- queued, sent, bounced, failed
    state text not null,
    attempt bigint not null,
    due_at bigint not null,
    queued_at bigint not null,
    -- The limit of days is counted from here; a try by hand begins anew.
    tried_from bigint not null,
    sent_at bigint,
    error text,
    -- What the server said when it took it: the proof that it was sent (R1.17).
    answer text
);
create index mail_due on mail (due_at) where state = 'queued';
create index mail_subject on mail (subject);

-- A promise with a due time (B.4 rule 7). One row a promise; kept after it was met.
create table deadline (
    id bigint primary key,
    subject text not null,
    -- decision, agreement_return, agreement_prepare ...
    rule text not null,
    -- operator or partner: who must act.
    owner text not null,
    started_at bigint not null,
    due_at bigint not null,
    -- What was promised first; a pause moves only due_at (Q4.11).
    promised_at bigint not null,
    paused_at bigint,
    met_at bigint,
    -- When it was noticed that it is over; the mail and the metric follow from it.
    breached_at bigint,
    constraint deadline_once unique (subject, rule)
);
create index deadline_open on deadline (due_at) where met_at is null;

-- What happened to an application, an agreement, a company ...: the timeline of every object.
create table happening (
    id bigint primary key,
    subject text not null,
    at bigint not null,
    who text not null,
    kind text not null,
    -- Words of a person, or empty.
    note text not null,
    -- 1 if the partner or the applicant may see it.
    is_public bigint not null
);
create index happening_subject on happening (subject, id);

-- An auditor asks for one subject, one person or one kind of change among millions.
create index audit_subject on audit (subject, seq);
create index audit_who on audit (who, seq);
create index audit_what on audit (what, seq);
