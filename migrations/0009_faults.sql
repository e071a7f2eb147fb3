-- Fault reports and incidents. What happened to them, who is written to and by when they must be
-- solved lies where it does for everything: in happening, mail and deadline.

-- Something that is broken for many at once, with news for everybody whom it concerns.
create table incident (
    id bigint primary key,
    -- sms, wap, number, portal, settlement
    area text not null,
    -- open, over
    state text not null,
    title_pl text not null,
    title_en text not null,
    -- 1: anybody may read it without an account.
    is_public bigint not null,
    began_at bigint not null,
    ended_at bigint,
    made_by text not null,
    made_at bigint not null,
    version bigint not null
);
create index incident_open on incident (id) where ended_at is null;

-- News of an incident, for those outside; what staff tells each other is not here.
create table incident_news (
    id bigint primary key,
    incident_id bigint not null references incident (id),
    at bigint not null,
    text_pl text not null,
    text_en text not null
);
create index incident_news_of on incident_news (incident_id, id);

-- Who wants to be told when it is over.
create table incident_follower (
    incident_id bigint not null references incident (id),
    person_id bigint not null references person (id),
    made_at bigint not null,
    primary key (incident_id, person_id)
) /*without rowid*/;

-- One fault, as a partner reported it or as the gateway filed it by itself.
create table fault (
    id bigint primary key,
    -- Null: the operator's own.
    partner_id bigint references partner (id),
    -- Who reported it, and is written to.
    person_id bigint,
    area text not null,
    severity text not null,
    -- 0 is the worst: the order of the queue.
    rank bigint not null,
    -- acknowledged, in_progress, pending, resolved, closed, rejected, cancelled
    state text not null,
    title text not null,
    story text not null,
    since_at bigint not null,
    -- Whom to call, in the words of who reported it.
    contact text not null,
    -- Who works on it.
    owner_id bigint references person (id),
    incident_id bigint references incident (id),
    merged_into bigint references fault (id),
    -- What the gateway saw, such as `link_down:smsc-a`; null for what a person reported.
    cause text,
    -- The cause until it is over, null afterwards: each is filed once at a time.
    open_cause text,
    evidence text not null,
    -- How it was solved, or why it was rejected.
    answer text not null,
    made_by text not null,
    made_at bigint not null,
    taken_at bigint,
    resolved_at bigint,
    ended_at bigint,
    -- When a solution is promised; the promise itself is in deadline.
    due_at bigint not null,
    -- The highest share of that time that was told to the desk, in percent.
    escalated bigint not null,
    version bigint not null,
    constraint fault_once unique (open_cause)
);
create index fault_partner on fault (partner_id, id);
create index fault_queue on fault (rank, due_at, id) where ended_at is null;
create index fault_state on fault (state, id);
create index fault_filed on fault (id) where open_cause is not null;
create index fault_resolved on fault (resolved_at) where state = 'resolved';
create index fault_incident on fault (incident_id) where incident_id is not null;

-- What a fault names: services, numbers, accounts, messages.
create table fault_item (
    fault_id bigint not null references fault (id),
    -- service, number, link, message
    kind text not null,
    name text not null,
    -- Of a message: its trace at the moment of the report, as JSON; else empty.
    trace text not null,
    primary key (fault_id, kind, name)
) /*without rowid*/;
