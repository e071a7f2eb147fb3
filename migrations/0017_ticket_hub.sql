-- Listeners of the TMF621 hub, and the outbox of what they are told.

create table ticket_listener (
    -- Random: it stands in addresses.
    id text primary key,
    -- Whose tickets it is told of; null is the operator, which is told of all.
    partner_id bigint references partner (id),
    callback text not null,
    -- The filter as it was given, and the types of events it means, `,A,B,`; empty for all.
    query text not null,
    kinds text not null,
    -- The key of the signature, sealed.
    secret bytea not null,
    -- active, disabled
    state text not null,
    -- Tries with what waits first; what follows waits behind it.
    attempt bigint not null,
    due_at bigint not null,
    -- Events taken by the listener, and events that found its queue full.
    sent bigint not null,
    missed bigint not null,
    last_at bigint,
    last_outcome text not null,
    made_by text not null,
    made_at bigint not null
);
create index ticket_listener_due on ticket_listener (due_at) where state = 'active';

-- What a listener was not told yet, written with the step of the ticket it tells of. A row goes
-- once it was taken, or with its listener.
create table ticket_news (
    id bigint primary key,
    listener_id text not null references ticket_listener (id),
    -- The name of the event, the same on every try.
    event_id text not null,
    kind text not null,
    -- JSON, as it is posted.
    body text not null,
    at bigint not null
);
create index ticket_news_of on ticket_news (listener_id, id);
