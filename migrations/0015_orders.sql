-- What partner and operator do together: orders with their items and steps. What happened to them,
-- who is written to, by when the operator's next step is due and what was attached lies where it
-- does for everything: in happening, mail, deadline and file.

-- One piece of work, opened and ended by the steps of the number or the service that it is about.
create table partner_order (
    id bigint primary key,
    partner_id bigint not null references partner (id),
    -- number_activation, number_release, service_launch, service_change, service_closure
    kind text not null,
    -- acknowledged, in_progress, pending, completed, rejected, cancelled, failed
    state text not null,
    -- What it is about: `reservation:12`, `service:7`.
    subject text not null,
    -- The same until it is over, null afterwards: of each kind one is open at a time.
    open_subject text,
    -- What people call its thing, such as `8055 WIN`.
    name text not null,
    -- Why it was asked for, or how it ended.
    reason text not null,
    -- Who of each side answers for it.
    partner_owner_id bigint,
    operator_owner_id bigint references person (id),
    made_by text not null,
    made_at bigint not null,
    -- When the whole is expected, by the days of all its steps.
    due_at bigint not null,
    ended_at bigint,
    version bigint not null,
    constraint order_once unique (kind, open_subject)
);
create index partner_order_partner on partner_order (partner_id, id);
create index partner_order_subject on partner_order (subject, id);
create index partner_order_open on partner_order (id) where ended_at is null;

-- What an order names.
create table order_item (
    order_id bigint not null references partner_order (id),
    -- number, keyword, service
    kind text not null,
    name text not null,
    primary key (order_id, kind, name)
) /*without rowid*/;

-- The steps that its kind had when it was opened.
create table order_step (
    order_id bigint not null references partner_order (id),
    place bigint not null,
    name text not null,
    title_pl text not null,
    title_en text not null,
    -- partner, operator
    side text not null,
    working_days bigint not null,
    -- `hand`, or the step of the number or the service that finishes it.
    done_by text not null,
    -- From when it is the next one on.
    due_at bigint,
    done_at bigint,
    done_who text,
    primary key (order_id, place)
) /*without rowid*/;
