-- Requests of people over the API that made something, so that a repeat makes nothing twice
-- (Idempotency-Key). Rows live for a day; nothing of an answer is kept.

create table api_request (
    person_id bigint not null references person (id),
    -- SHA-256 of the key, hex.
    key_hash text not null,
    -- SHA-256 of the body, hex: the key of another request is refused.
    body_hash text not null,
    -- What was asked for, such as `agreement`.
    what text not null,
    -- Id of what was made; null while it is being made, and for ever if that broke off.
    made_id text,
    at bigint not null,
    constraint api_request_once primary key (person_id, key_hash)
) /*without rowid*/;
