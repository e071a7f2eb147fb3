-- How much went through each service, in steps of time. These are figures for charts and no ledger:
-- what a message costs stands in charge, and what became of it in message_event.

create table traffic (
    service_id bigint not null references service (id),
    -- minute, quarter (of an hour), day (of the calendar of Warsaw)
    step text not null,
    -- When the step began, in microseconds UTC.
    begin_at bigint not null,
    -- Messages from subscribers.
    taken bigint not null,
    -- Messages to subscribers: accepted from the partner, ended in either way, not accepted.
    accepted bigint not null,
    delivered bigint not null,
    failed bigint not null,
    refused bigint not null,
    primary key (service_id, step, begin_at)
) /*without rowid*/;
-- For the charts of all services, and for the sweep of what is too old.
create index traffic_by_time on traffic (step, begin_at);
