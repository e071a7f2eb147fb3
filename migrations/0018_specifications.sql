-- The library of specifications that the operator publishes (S4.11). What ships with the program
-- is not here; what a person looked at last is, for those as well.

create table specification (
    id bigint primary key,
    -- Stands in its address: `voice-numbers`.
    name text not null,
    -- special_sms_mms, special_wap, special_number; empty for all.
    area text not null,
    -- The lowest level of a partner that reads it.
    level bigint not null,
    -- published, withdrawn
    state text not null,
    -- Number of the edition in force.
    edition bigint not null,
    version bigint not null,
    constraint specification_name unique (name)
);

-- One wording of one; never changed after it was published.
create table specification_edition (
    specification_id bigint not null references specification (id),
    number bigint not null,
    -- As its author counts: `1.0`, `2026-11`.
    label text not null,
    title_pl text not null,
    title_en text not null,
    -- Markdown.
    text_pl text not null,
    text_en text not null,
    -- What is new in it; empty in the first.
    news_pl text not null,
    news_en text not null,
    -- A file beside the text, or null.
    file_id text,
    made_by text not null,
    made_at bigint not null,
    primary key (specification_id, number)
) /*without rowid*/;

-- What a person has looked at, so that what changed since can be said.
create table specification_look (
    person_id bigint not null,
    name text not null,
    edition text not null,
    looked_at bigint not null,
    primary key (person_id, name)
) /*without rowid*/;
