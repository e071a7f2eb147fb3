-- The sandbox: accounts and keys of a partner that reach no operator, and what was tried with them.

-- live, test. What comes in by a test account goes over the sandbox's own link and costs nothing.
alter table credential add column mode text not null default 'live';
alter table api_key add column mode text not null default 'live';

-- What a partner's software has really done in its sandbox, the first time each.
create table exercise (
    partner_id bigint not null references partner (id),
    -- bind, enquire_link, mt, receipt, mo, throttle
    exercise text not null,
    at bigint not null,
    -- The session or the message that did it.
    evidence text not null,
    primary key (partner_id, exercise)
) /*without rowid*/;

-- Test messages, which are few: no live message is ever in it.
create index message_sandbox on message (partner_id, id) where link_group = 'sandbox';
