-- Agreements, the versions of their terms, notices of change.
create table agreement (
    id bigint primary key
);
