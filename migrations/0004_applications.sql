-- Companies that want to become partners, and ideas for new services.

create table application (
    id bigint primary key,
    -- What people call it: A-2026-000123.
    reference text not null,
    -- join, new_area, idea
    purpose text not null,
    -- draft, submitted, in_review, needs_information, decided, withdrawn
    state text not null,
    -- SHA-256 of the secret in the mailed link, hex; and the secret itself sealed, for later
    -- letters lead to the same place.
    link_hash text not null,
    link_sealed bytea not null,
    -- pl or en: in what language letters to it are written.
    language text not null,
    -- Who applies; letters go there.
    mail text not null,
    -- Copies of the form, for lists and for finding the same company twice. Empty while not right.
    nip text not null,
    legal_name text not null,
    -- The name in lower case, for searching: SQLite folds only ASCII by itself.
    search_name text not null,
    -- The form as it was typed, JSON; or the words of an idea.
    form text not null,
    -- The partner that it made, or that asks for a new area or has the idea.
    partner_id bigint references partner (id),
    -- Member of the operator's staff that reads it, as in the audit trail.
    reviewer text not null,
    -- 1 if at least one area was accepted.
    is_accepted bigint not null,
    -- Version of the privacy notice that was accepted, when, and from where (hash of the address).
    notice_version text not null,
    consented_at bigint,
    consented_from text not null,
    -- Grows with each change: If-Match.
    version bigint not null,
    made_at bigint not null,
    changed_at bigint not null,
    submitted_at bigint,
    decided_at bigint,
    constraint application_reference unique (reference),
    constraint application_link unique (link_hash)
);
-- The desk's lists: what is open, oldest first; and what one company sent.
create index application_list on application (state, id);
create index application_nip on application (nip, id);
create index application_partner on application (partner_id);
-- How many letters one mail address was sent lately (a flood of drafts).
create index application_mail on application (mail, made_at);

-- What is asked for and how it was judged, one row an area (Q4.3).
create table application_area (
    application_id bigint not null references application (id),
    area text not null,
    -- Planned net revenue of twelve months, grosze: for sorting.
    revenue_minor bigint not null,
    -- 1 to 5, or null while not scored (R4.08).
    revenue_score bigint,
    marketing_plan_score bigint,
    innovation_score bigint,
    -- accepted, declined, or null
    decision text,
    reason text not null,
    reason_text text not null,
    -- Date from which the company may ask again, or empty.
    reapply_on text not null,
    -- Integrator that takes it instead, or empty (X4.7).
    refer_to text not null,
    primary key (application_id, area)
) /*without rowid*/;

-- People of the applicant, as they were when it was submitted.
create table application_contact (
    application_id bigint not null references application (id),
    ordinal bigint not null,
    name text not null,
    role text not null,
    mail text not null,
    phone text not null,
    primary key (application_id, ordinal)
) /*without rowid*/;

-- What the desk asked and the applicant answered.
create table application_message (
    id bigint primary key,
    application_id bigint not null references application (id),
    at bigint not null,
    who text not null,
    -- operator or partner: whose words.
    side text not null,
    text text not null
);
create index application_message_of on application_message (application_id, id);

-- Repeats of a request get the first answer (Idempotency-Key).
create table application_key (
    -- SHA-256 of the key, hex.
    key_hash text not null primary key,
    body_hash text not null,
    application_id bigint not null references application (id),
    at bigint not null
);
