-- What a description says about the texts of its service and their tries, for the gateway to keep.

-- Alphabet of its texts: auto, gsm7 or ucs2. A service that runs has none of its own until the next
-- approval of a description: nothing is refused only because the gateway was renewed.
alter table service add column coding text not null default 'auto';
-- Seconds between tries, between commas; empty leaves them to the gateway.
alter table service add column retry text not null default '';
-- Vendors' TLVs that it may send, decimal, between commas; empty allows what the links let through.
alter table service add column tlvs text not null default '';
