-- Agreements, the versions of their terms, notices of change.

-- Numbers that people see run without a gap: they are taken in the transaction that uses them.
create table number_series (
    -- `NDA/2026`, or `P` for the numbers of partners.
    name text not null primary key,
    last bigint not null
) /*without rowid*/;

-- The wording of one kind of agreement, from a date on.
create table terms_version (
    id bigint primary key,
    -- A kind of agreement.
    kind text not null,
    label text not null,
    -- draft, published, in_force, superseded, withdrawn
    state text not null,
    -- all: agreements that are in force move to it. new: only later agreements have it.
    applies_to text not null,
    -- silent: who does not answer accepts at the effect. explicit: only who says so.
    consent text not null,
    text_pl text not null,
    text_en text not null,
    summary_pl text not null,
    summary_en text not null,
    -- Two persons (B.4 rule 9): `user:5` or `operator:anna`. Who changes the draft made it.
    made_by text not null,
    made_at bigint not null,
    approved_by text,
    approved_at bigint,
    published_at bigint,
    -- The business day of the effect in Europe/Warsaw, and its first moment.
    effective_day text,
    effective_from bigint,
    -- Up to this partner the effect is carried out; null before the effect.
    effect_after bigint,
    in_force_at bigint,
    ended_at bigint,
    version bigint not null,
    constraint terms_label unique (kind, label)
);
create index terms_open on terms_version (effective_from) where state = 'published';

-- One agreement with one partner.
create table agreement (
    id bigint primary key,
    number text not null,
    partner_id bigint not null references partner (id),
    kind text not null,
    language text not null,
    -- draft, sent, signed_by_partner, in_force, suspended, terminated, expired, superseded,
    -- lapsed, declined
    state text not null,
    terms_id bigint references terms_version (id),
    -- Whose mailed link may see and return it, before anybody has an account.
    application_id bigint,
    -- The kind while it is on its way, null afterwards: no second one is begun before.
    slot text,
    -- Where letters about it go.
    contact_name text not null,
    contact_mail text not null,
    -- The document that was made for this partner: null until it is.
    file_id text references file (id),
    html text,
    prepared_at bigint not null,
    sent_at bigint,
    return_by bigint,
    lapse_at bigint,
    -- Reminders that went out, and when the next one is due.
    reminders bigint not null,
    remind_at bigint,
    signed_at bigint,
    in_force_at bigint,
    valid_until bigint,
    -- What the company was before this agreement was suspended.
    company_was text,
    ended_at bigint,
    -- Why it was suspended, terminated or declined.
    reason text not null,
    -- Items of the reply that were done, comma separated (R0.27).
    replied text not null,
    version bigint not null,
    constraint agreement_number unique (number),
    constraint agreement_slot unique (partner_id, slot)
);
create index agreement_partner on agreement (partner_id, kind, state);
create index agreement_terms on agreement (terms_id, state);
create index agreement_waiting on agreement (lapse_at) where state = 'sent';
create index agreement_ending on agreement (valid_until) where state = 'in_force';

-- What came back signed, and what was signed here. Rows stay, also of copies that were rejected.
create table agreement_signature (
    agreement_id bigint not null references agreement (id),
    line bigint not null,
    -- partner, operator
    side text not null,
    -- paper, upload, qualified_signature
    way text not null,
    -- The copy or its scan; paper may have none yet.
    file_id text references file (id),
    -- Who signed, as the copy says.
    signed_by text not null,
    -- A signature was found in the file. A fact about the file, not a proof.
    has_signature bigint not null,
    recorded_by text not null,
    recorded_at bigint not null,
    rejected_at bigint,
    rejected_why text,
    primary key (agreement_id, line)
) /*without rowid*/;

-- One person told of one change of terms, with the proof.
create table notice (
    id bigint primary key,
    terms_id bigint not null references terms_version (id),
    partner_id bigint not null references partner (id),
    recipient text not null,
    recipient_name text not null,
    -- queued, sent, delivered, bounced, accepted, refused, deemed_accepted
    state text not null,
    mail_id bigint not null,
    queued_at bigint not null,
    sent_at bigint,
    delivered_at bigint,
    bounced_at bigint,
    answered_by text,
    answered_at bigint,
    constraint notice_once unique (terms_id, partner_id, recipient)
);
create index notice_partner on notice (partner_id, terms_id);
create index notice_mail on notice (mail_id);
