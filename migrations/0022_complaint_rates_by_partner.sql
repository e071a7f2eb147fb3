-- How often partners are complained of, over all their services and complaints that name none.

create table complaint_rate_partner (
    partner_id bigint primary key references partner (id),
    complaints bigint not null,
    charges bigint not null,
    counted_at bigint not null
);
