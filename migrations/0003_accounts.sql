-- People: who logs in, with what, since when.
create table person (
    id bigint primary key
);
