-- A changed bank account waits for a second person; staff look at the portal as a partner does.

-- One wish for another account. The company's row keeps the old one until it is confirmed.
create table bank_change (
    id bigint primary key,
    partner_id bigint not null references partner (id),
    -- IBAN without spaces.
    account text not null,
    -- asked, confirmed, refused, withdrawn, lapsed
    state text not null,
    asked_by bigint not null references person (id),
    asked_name text not null,
    asked_at bigint not null,
    lapses_at bigint not null,
    -- Another person than who asked, unless it was withdrawn (S-25).
    answered_by bigint references person (id),
    answered_name text not null,
    answered_at bigint,
    version bigint not null
);
create unique index bank_change_open on bank_change (partner_id) where state = 'asked';
create index bank_change_partner on bank_change (partner_id, id);

-- A member of staff looks at the portal as a partner sees it, read only and for minutes (S-27).
create table support_view (
    -- The session in which it was begun; no other has it.
    session_id bigint not null primary key,
    person_id bigint not null references person (id),
    partner_id bigint not null references partner (id),
    begun_at bigint not null,
    ends_at bigint not null
) /*without rowid*/;
create index support_view_ends on support_view (ends_at);
