-- Replays: what a partner was given in a window of time, handed over to it again (D8). Messages,
-- lanes and the ledger do not change by one; only events say that it was.

create table replay (
    id bigint primary key,
    partner_id bigint not null references partner (id),
    -- Null is every service of the partner.
    service_id bigint references service (id),
    -- 1: subscribers' texts, and receipts.
    mo bigint not null,
    receipts bigint not null,
    -- Accepted at or after, and before.
    from_at bigint not null,
    until_at bigint not null,
    -- waiting, running, done, stopped, failed
    state text not null,
    -- What it waits for, or why it failed; null if nothing is in its way.
    reason text,
    -- As many as were counted at the start, and what became of each since.
    found bigint not null,
    sent bigint not null,
    erased bigint not null,
    unfinished bigint not null,
    refused bigint not null,
    no_way bigint not null,
    -- Everything up to here is done: where it goes on after a restart.
    last_message_id bigint not null,
    -- Hashes by which a repeat of the request is known, or null.
    key_hash text,
    body_hash text,
    made_by text not null,
    made_at bigint not null,
    ended_at bigint,
    -- Raised by who starts, stops or ends it, not by its progress.
    version bigint not null
);

-- A list of one partner.
create index replay_partner on replay (partner_id, id);
-- One at a time; the few that are open.
create unique index replay_open on replay (partner_id) where state in ('waiting', 'running');
-- The repeat of a request.
create unique index replay_request on replay (partner_id, key_hash) where key_hash is not null;
