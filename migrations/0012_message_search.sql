-- Looking for messages: by whose they are, by what their partner calls them, by what went wrong.
--
-- None of these is written a second time on a message's way, except for one that ends in trouble:
-- they hold nothing that changes while a message goes well.

-- What a partner sees, the newest first. Ids grow with time, so each partner's entries are written
-- at their end, one after the other, and no page of the past is touched. Service and subscriber
-- stand in it so that a look for them reads entries and not whole messages. An index that begins
-- with the subscriber would find one at once, and cost every message a page of its own.
create index message_partner on message (
    partner_id, id, service_id, (case direction when 'mt' then recipient else sender end)
);

-- The partner's own word, of those who give one.
create index message_reference on message (partner_id, partner_reference)
    where partner_reference is not null;

-- What did not go well, which is little.
create index message_trouble on message (state, id, partner_id)
    where state not in ('accepted', 'claimed', 'submitted', 'delivered');

-- The tries to hand one message over.
create index callback_attempt_message on callback_attempt (message_id);
