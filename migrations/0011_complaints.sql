-- Complaints of subscribers. What happened to them, who is written to and by when they must be
-- answered lies where it does for everything: in happening, mail and deadline. What is given back
-- is no row here: it is a reversing row of charge, which can be there once.

create table complaint (
    id bigint primary key,
    -- Whose service it is about; null until it is known.
    partner_id bigint references partner (id),
    service_id bigint references service (id),
    -- Who of the partner handed it over (R4.36), and is written to; null for what staff took.
    person_id bigint,
    -- price, not_ordered, not_delivered, could_not_stop, content, other
    subject text not null,
    -- phone, mail, post, shop, web, partner
    channel text not null,
    -- refund, stop, explanation, other
    demand text not null,
    -- received, asked_partner, answered, accepted, refused, closed
    state text not null,
    -- The subscriber; a pseudonym once it was forgotten (S-46).
    msisdn text not null,
    -- Where the answer goes; empty where it was not given, or was forgotten.
    name text not null,
    mail text not null,
    address text not null,
    story text not null,
    -- The days in question.
    from_at bigint not null,
    until_at bigint not null,
    received_at bigint not null,
    -- From when the law counts: receipt, or that of the last appeal.
    counts_from bigint not null,
    -- Accepted by law after this moment.
    due_at bigint not null,
    partner_due_at bigint,
    -- Days of the last step that the desk was told of; 0 for none.
    told_step bigint not null,
    -- When time does something next: a step while it is open, the closing once it is decided.
    step_at bigint,
    -- Who works on it.
    owner_id bigint references person (id),
    -- accept, refuse
    partner_says text,
    partner_answer text not null,
    answered_at bigint,
    -- accepted, refused, by_law, withdrawn; null while it is open.
    decision text,
    reason text not null,
    decided_at bigint,
    decided_by text,
    -- Given back by this complaint so far.
    refund_minor bigint not null,
    currency text not null,
    appeals bigint not null,
    -- The letter of answer.
    answer_file text,
    -- The pack of evidence, and the redacted copy of it for the partner (D20).
    pack_file text,
    pack_sha256 text,
    pack_copy text,
    pack_copy_sha256 text,
    pack_at bigint,
    made_by text not null,
    made_at bigint not null,
    ended_at bigint,
    version bigint not null
);
create index complaint_partner on complaint (partner_id, id);
create index complaint_queue on complaint (due_at, id) where decided_at is null;
create index complaint_step on complaint (step_at, id) where ended_at is null;
create index complaint_state on complaint (state, id);
-- Earlier complaints of the same number.
create index complaint_msisdn on complaint (msisdn, id);
create index complaint_service on complaint (received_at) where service_id is not null;

-- The messages in question, as they were when the complaint was taken.
create table complaint_message (
    complaint_id bigint not null references complaint (id),
    message_id bigint not null,
    partner_id bigint,
    service_id bigint,
    service_version bigint,
    -- mo, mt
    direction text not null,
    -- The number of the service, or its name as a sender.
    short_code text not null,
    keyword text,
    accepted_at bigint not null,
    -- State and steps, JSON.
    trace text not null,
    primary key (complaint_id, message_id)
) /*without rowid*/;

-- A service with more complaints than is thought well: suspension is proposed, a person decides.
create table complaint_alarm (
    id bigint primary key,
    service_id bigint not null references service (id),
    partner_id bigint not null references partner (id),
    complaints bigint not null,
    charges bigint not null,
    -- proposed, confirmed, dismissed
    state text not null,
    -- The service until somebody decided, null afterwards: one proposal at a time.
    open_service bigint,
    reason text not null,
    made_at bigint not null,
    decided_at bigint,
    decided_by text,
    version bigint not null,
    constraint complaint_alarm_once unique (open_service)
);
create index complaint_alarm_of on complaint_alarm (service_id, made_at);

-- Complaints and charges of the last days, counted anew each hour: a page must not count a month.
create table complaint_rate (
    service_id bigint not null references service (id),
    partner_id bigint not null references partner (id),
    complaints bigint not null,
    charges bigint not null,
    counted_at bigint not null,
    primary key (service_id, partner_id)
) /*without rowid*/;
