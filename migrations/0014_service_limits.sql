-- What a description says about the traffic of its service, for the gateway to keep.

-- Texts a second that it may submit; 0 is no limit of its own.
alter table service add column rate bigint not null default 0;
-- Parts of one text; 0 is no limit of its own.
alter table service add column parts_max bigint not null default 0;
-- Microseconds UTC: it carries nothing before the one and nothing from the other on; 0 is no limit.
alter table service add column begins_at bigint not null default 0;
alter table service add column ends_at bigint not null default 0;
