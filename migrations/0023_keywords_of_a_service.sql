-- A service gets its keywords anew with each version; of a million nobody looks through all.
create index keyword_service on keyword (service_id);
