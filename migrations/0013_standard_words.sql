-- What the gateway itself answers to subscribers, and whom no service may charge any more.

-- Texts of a subscription service for POMOC, INFO and STOP.
create table standard_text (
    service_id bigint primary key references service (id),
    help text not null,
    stop text not null,
    -- Whom a subscriber may ask; part of the answer to INFO.
    contact text not null,
    rules_url text not null
);

-- Subscribers who ended a service with STOP and have not started it again. Erasing a subscriber
-- leaves the row: it protects them.
create table stopped_subscriber (
    service_id bigint not null references service (id),
    msisdn text not null,
    -- The MO that ended it.
    message_id bigint not null,
    at bigint not null,
    primary key (service_id, msisdn)
) /*without rowid*/;
