-- The base of numbers: what there is, who holds what of it and until when, who waits.

-- One number of the operator. What it is worth to a subscriber is its tariff, which is dated.
create table number (
    id bigint primary key,
    -- Of a short code, a WAP service or a voice number.
    digits text not null,
    -- A class of the plan.
    class text not null,
    -- 1: shared by keywords. 0: one partner has it whole.
    is_shared bigint not null,
    -- Null: free, or a matter of each contract.
    tariff_id bigint references tariff (id),
    -- The operator's own word for where it comes from.
    pool text not null,
    is_withdrawn bigint not null,
    made_at bigint not null,
    version bigint not null,
    constraint number_digits unique (digits)
);
create index number_class on number (class, digits);

-- Who has, or had, a number or a keyword on it. Rows stay when it is over.
create table reservation (
    id bigint primary key,
    number_id bigint not null references number (id),
    -- Folded as the gateway compares it; empty for a whole number.
    keyword text not null,
    -- What keywords that are easily taken for each other have in common.
    look text not null,
    -- The keyword until it is free again, null afterwards: of many who ask at once one wins.
    slot text,
    partner_id bigint not null references partner (id),
    -- Who reserved it, and is written to.
    person_id bigint,
    -- reserved, ordered, active, suspended, quarantined, free
    state text not null,
    reserved_at bigint not null,
    -- When a reservation ends by itself.
    expires_at bigint not null,
    extensions bigint not null,
    warned_at bigint,
    -- Who ordered it cannot approve it (S-25).
    ordered_by text,
    ordered_at bigint,
    active_at bigint,
    -- Until when it rests after use.
    cools_until bigint,
    ended_at bigint,
    -- Why it was refused, suspended or closed.
    reason text not null,
    version bigint not null,
    constraint reservation_taken unique (number_id, slot)
);
create index reservation_partner on reservation (partner_id, state);
create index reservation_expiry on reservation (expires_at) where state = 'reserved';
create index reservation_cooling on reservation (cools_until) where state = 'quarantined';
create index reservation_look on reservation (number_id, look);

-- Who wants to be next, in the order of asking.
create table number_wait (
    id bigint primary key,
    number_id bigint not null references number (id),
    keyword text not null,
    look text not null,
    partner_id bigint not null references partner (id),
    person_id bigint,
    made_at bigint not null,
    constraint number_wait_once unique (number_id, keyword, partner_id)
);

-- What one partner may have reserved of a class at a time, where the class's own figure is not it.
create table number_quota (
    partner_id bigint not null references partner (id),
    class text not null,
    most bigint not null,
    primary key (partner_id, class)
) /*without rowid*/;

-- Words that no partner reserves, besides those of the plan.
create table number_word (
    -- Folded like a keyword.
    word text not null primary key,
    -- reserved: exactly this one. forbidden: wherever it stands in a keyword.
    kind text not null,
    made_at bigint not null
) /*without rowid*/;
