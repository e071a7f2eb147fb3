-- Partners, numbers, services and the traffic between them and the operator.
--
-- One text for both engines. PostgreSQL reads it as it is. For SQLite the loader makes three
-- replacements:
--   `bigint primary key`  becomes the row's own number (no second tree)
--   `/*without rowid*/`   loses its comment marks      (the key is the table, no second tree)
--   `bytea`               becomes `blob`
-- Every instant is microseconds UTC, every amount minor units of its currency.

-- One row: what this database is, and how often it was restored (P43).
create table node (
    id bigint primary key,
    schema_made_at bigint not null,
    incarnation bigint not null,
    -- Highest message number that may have been given out; numbers start above it.
    ids_reserved_to bigint not null
);

-- Who may act for a lane, a link or a job. With one node the epoch stays 1.
create table lease (
    kind text not null,
    key text not null,
    node_id bigint not null,
    epoch bigint not null,
    expires_at bigint not null,
    primary key (kind, key)
) /*without rowid*/;

create table partner (
    id bigint primary key,
    name text not null,
    is_active bigint not null,
    rate bigint not null,
    burst bigint not null,
    backlog_max bigint not null,
    waiting_max bigint not null,
    message_id_form text not null,
    receipt_seconds bigint not null,
    receipt_zone text not null,
    default_alphabet text not null,
    strip_trailing_nul bigint not null,
    prefers_rx_t_appn bigint not null,
    -- TLVs of our own on sessions below 5.0 too; strict software takes none that it does not know.
    vendor_tlvs bigint not null,
    splits_long bigint not null,
    -- Deliveries as data_sm instead of deliver_sm.
    takes_data_sm bigint not null,
    made_at bigint not null,
    constraint partner_name unique (name)
);

create table credential (
    system_id text not null primary key,
    partner_id bigint not null references partner (id),
    -- HMAC-SHA-256 under the pepper, hex; the second one lives while a rotation overlaps.
    secret text not null,
    secret_old text,
    is_active bigint not null,
    -- Networks, comma separated; empty allows every address over TLS.
    addresses text not null,
    tls_only bigint not null,
    may_transmit bigint not null,
    may_receive bigint not null,
    binds_max bigint not null,
    send_window bigint not null,
    service_types text not null,
    default_sender text,
    may_have_receipts bigint not null,
    pdu_octets_max bigint not null,
    -- Host and port to call with outbind while something waits; null: the partner is not called.
    outbind text,
    made_at bigint not null
) /*without rowid*/;

create table api_key (
    prefix text not null primary key,
    partner_id bigint not null references partner (id),
    secret text not null,
    expires_at bigint not null,
    made_at bigint not null
) /*without rowid*/;

create table tariff (
    id bigint primary key,
    code text not null,
    constraint tariff_code unique (code)
);

create table tariff_version (
    tariff_id bigint not null references tariff (id),
    valid_from bigint not null,
    net_minor bigint not null,
    vat_permille bigint not null,
    gross_minor bigint not null,
    currency text not null,
    primary key (tariff_id, valid_from)
) /*without rowid*/;

create table short_code (
    digits text not null primary key,
    made_at bigint not null
) /*without rowid*/;

create table service (
    id bigint primary key,
    version bigint not null,
    partner_id bigint not null references partner (id),
    name text not null,
    state text not null,
    short_code text not null references short_code (digits),
    billing text not null,
    tariff_id bigint references tariff (id),
    tariffs_allowed text not null,
    link_group text not null,
    delivery text not null,
    callback_url text,
    callback_secrets text,
    callback_enabled bigint not null,
    on_unknown text not null,
    charge_at text not null,
    charges_per_minute bigint not null,
    charges_per_day bigint not null,
    spend_per_day_minor bigint not null,
    validity_max_us bigint not null,
    test_numbers text not null,
    made_at bigint not null,
    constraint service_name unique (partner_id, name)
);

-- Who has which word on which number. `*` is every text that no other word takes.
create table keyword (
    short_code text not null references short_code (digits),
    word text not null,
    service_id bigint not null references service (id),
    constraint keyword_taken primary key (short_code, word)
) /*without rowid*/;

create table sender_name (
    partner_id bigint not null references partner (id),
    name text not null,
    primary key (partner_id, name)
) /*without rowid*/;

create table barred_number (
    msisdn text not null primary key,
    reason text not null
) /*without rowid*/;

create table link_group (
    id bigint primary key,
    name text not null,
    constraint link_group_name unique (name)
);

-- One row a message, written once at acceptance; only state, state_at and error change.
create table message (
    id bigint primary key,
    direction text not null,
    partner_id bigint,
    service_id bigint,
    service_version bigint,
    caller text not null,
    link_group text not null,
    sender text not null,
    sender_kind text not null,
    recipient text not null,
    data_coding bigint not null,
    has_udh bigint not null,
    body bytea not null,
    parts bigint not null,
    -- Set only if this message itself is charged.
    tariff_id bigint,
    tariff_code text,
    gross_minor bigint,
    net_minor bigint,
    currency text,
    charge_at text,
    on_unknown text not null,
    accepted_at bigint not null,
    deliver_after bigint not null,
    valid_until bigint not null,
    receipts bigint not null,
    reference bigint,
    partner_reference text,
    short_id text,
    service_type text not null,
    priority bigint not null,
    protocol_id bigint not null,
    keyword text,
    -- Vendor TLVs as tag, length, value, or null.
    tlvs bytea,
    -- SHA-256 over partner, numbers and content: finds the repeat of an uncertain message (P11, P12).
    likeness bytea not null,
    state text not null,
    state_at bigint not null,
    error text
);

-- The few messages that their partner knows by another name: peers with 8-octet ids, and the
-- second and later destinations of a submit_multi, which share one.
create index message_short_id on message (partner_id, short_id) where short_id is not null;
-- What nobody can say the fate of, what waits for a person.
create index message_unknown on message (state_at) where state in ('unknown', 'held', 'quarantined');

-- Every step of every message, in order.
create table message_event (
    message_id bigint not null,
    -- Ever growing, time-ordered; unique with the message.
    seq bigint not null,
    at bigint not null,
    kind text not null,
    who text not null,
    link text,
    attempt bigint not null,
    detail text,
    primary key (message_id, seq)
) /*without rowid*/;

-- What waits, in order. A row disappears when its step is done; the claim is the durable
-- intent to send, fenced by the epoch of the lease under which it was taken (P6).
create table lane_item (
    lane_id bigint not null,
    -- 0 for "as soon as possible", else not before this moment.
    due_at bigint not null,
    seq bigint not null,
    message_id bigint not null,
    what text not null,
    valid_until bigint not null,
    attempt bigint not null,
    -- Sessions that ended while it was in flight (P21).
    deaths bigint not null,
    -- For a receipt: the state it carries.
    receipt_state bigint,
    receipt_error text,
    receipt_at bigint,
    claim_link text,
    claim_epoch bigint,
    primary key (lane_id, due_at, seq)
) /*without rowid*/;

create table lane (
    id bigint primary key,
    class text not null,
    partner_id bigint,
    is_paused bigint not null
);

-- The SMSC's name of a message, normalised per link profile (P14).
create table receipt_key (
    link_group text not null,
    smsc_message_id text not null,
    message_id bigint not null,
    -- Counted from 1; 0 where one request carried the whole message.
    part bigint not null,
    -- State of this part once a final receipt came; messages of one part leave it null.
    part_state bigint,
    primary key (link_group, smsc_message_id)
) /*without rowid*/;

-- The parts of a long message; rows of short ones are never in it.
create index receipt_key_part on receipt_key (message_id) where part > 0;

-- Receipts that matched nothing yet. Kept, tried again, then shown to staff (P15).
create table orphan_receipt (
    id bigint primary key,
    link text not null,
    link_group text not null,
    smsc_message_id text not null,
    sender text not null,
    recipient text not null,
    state bigint not null,
    error text,
    done_at bigint not null,
    received_at bigint not null
);
create index orphan_receipt_key on orphan_receipt (link_group, smsc_message_id);

-- Parts of long MO texts that still miss a sister.
create table mo_part (
    id bigint primary key,
    link text not null,
    link_group text not null,
    sender text not null,
    recipient text not null,
    reference bigint not null,
    total bigint not null,
    number bigint not null,
    data_coding bigint not null,
    body bytea not null,
    tlvs bytea,
    received_at bigint not null
);

-- The ledger. One row a charge, unique by message; a correction is a new, opposite row.
create table charge (
    id bigint primary key,
    message_id bigint not null,
    -- 0 for the charge itself, then 1, 2 ... for reversals.
    line bigint not null,
    partner_id bigint not null,
    service_id bigint not null,
    service_version bigint not null,
    direction text not null,
    tariff_id bigint not null,
    tariff_code text not null,
    gross_minor bigint not null,
    net_minor bigint not null,
    currency text not null,
    msisdn text not null,
    charged_at bigint not null,
    reason text not null,
    constraint charge_once unique (message_id, line)
);

-- Answers given under a partner's idempotency id (P11).
create table idempotency (
    partner_id bigint not null,
    key text not null,
    body_hash bytea not null,
    message_id bigint not null,
    made_at bigint not null,
    constraint idempotency_once primary key (partner_id, key)
) /*without rowid*/;

-- Charged messages and money per subscriber, counted inside the acceptance (P13).
create table spend (
    service_id bigint not null,
    msisdn text not null,
    -- Minute or Warsaw day, as `m<number>` or `d<date>`.
    period text not null,
    messages bigint not null,
    amount_minor bigint not null,
    primary key (service_id, msisdn, period)
) /*without rowid*/;

-- What went wrong with a quarantined message, with its octets.
create table quarantine (
    message_id bigint primary key,
    at bigint not null,
    reason text not null,
    pdu bytea not null
);

-- Hash-chained, append-only (S-40). `previous` is the hash of the row before.
create table audit (
    seq bigint primary key,
    at bigint not null,
    who text not null,
    what text not null,
    subject text not null,
    detail text not null,
    previous bytea not null,
    hash bytea not null
);

create table callback_attempt (
    id bigint primary key,
    message_id bigint not null,
    service_id bigint not null,
    at bigint not null,
    attempt bigint not null,
    outcome text not null,
    took_ms bigint not null
);
