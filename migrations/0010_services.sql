-- Services as partner and operator work on them. What the gateway routes by is `service`.

-- A service from its first draft to its end.
create table offering (
    id bigint primary key,
    partner_id bigint not null references partner (id),
    -- A word; the routed service has the same.
    name text not null,
    -- draft, submitted, approved, testing, live, suspended, closed
    state text not null,
    -- Who drafted it, and is written to.
    person_id bigint,
    -- What the gateway routes by; null until the first test.
    service_id bigint references service (id),
    -- The links that carry its MT.
    link_group text not null,
    -- The technical test, and the revision that was tested.
    tested_at bigint,
    tested_by text,
    tested_revision bigint,
    -- Why it was returned, suspended or closed.
    reason text not null,
    made_at bigint not null,
    live_at bigint,
    ended_at bigint,
    version bigint not null,
    constraint offering_name unique (partner_id, name)
);
create index offering_state on offering (state, id);
create index offering_service on offering (service_id) where service_id is not null;

-- One description of a service. Of one service at most one holds and at most one is open.
create table service_revision (
    offering_id bigint not null references offering (id),
    number bigint not null,
    -- draft, submitted, approved, superseded, withdrawn
    state text not null,
    -- The form as it was typed, JSON.
    body text not null,
    -- Two persons: who wrote it does not approve it (S-25).
    made_by text not null,
    made_at bigint not null,
    submitted_by text,
    submitted_at bigint,
    approved_by text,
    approved_at bigint,
    -- The version of the routed service from which messages follow this description.
    service_version bigint,
    ended_at bigint,
    primary key (offering_id, number)
) /*without rowid*/;

-- What somebody says about one field of one description.
create table service_comment (
    id bigint primary key,
    offering_id bigint not null references offering (id),
    revision bigint not null,
    -- A field of the form; empty is the whole.
    field text not null,
    text text not null,
    who text not null,
    -- partner, operator
    side text not null,
    at bigint not null
);
create index service_comment_of on service_comment (offering_id, revision);
