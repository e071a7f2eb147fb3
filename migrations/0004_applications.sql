-- Companies that want to become partners, and ideas for new services.
create table application (
    id bigint primary key
);
