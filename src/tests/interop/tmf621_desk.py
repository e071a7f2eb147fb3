"""A ticketing desk as TMF621 v4.0.0 describes it: it asks, and holds each answer against what is
published. The members, their types and the words of the status are those of the published
description (TMF621 Trouble Ticket Management API v4.0.0, release 19.0); the judge is jsonschema.

Arguments: the base address, a token of the desk and one of an administrator, a callback address.
"""

import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator, FormatChecker

BASE, DESK, ADMINISTRATOR, CALLBACK = sys.argv[1:5]

TEXT = {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}


def thing(required, **members):
    return {"type": "object", "required": required, "properties": members}


def many(of):
    return {"type": "array", "items": of}


STATUS = {
    "enum": [
        "acknowledged", "rejected", "pending", "held",
        "inProgress", "cancelled", "closed", "resolved",
    ]
}
QUANTITY = thing([], amount={"type": "number"}, units=TEXT)
ENTITY = {"id": TEXT, "href": TEXT, "name": TEXT, "role": TEXT, "@referredType": TEXT}
TICKET = thing(
    ["id", "href"],
    **{name: TEXT for name in (
        "id", "href", "description", "externalId", "name", "priority", "severity",
        "statusChangeReason", "ticketType", "@type", "@baseType", "@schemaLocation",
    )},
    **{name: MOMENT for name in (
        "creationDate", "expectedResolutionDate", "lastUpdate", "requestedResolutionDate",
        "resolutionDate", "statusChangeDate",
    )},
    status=STATUS,
    channel=thing(["id"], id=TEXT, href=TEXT, name=TEXT),
    note=many(thing([], id=TEXT, author=TEXT, date=MOMENT, text=TEXT)),
    attachment=many(thing([], id=TEXT, name=TEXT, mimeType=TEXT, size=QUANTITY)),
    relatedEntity=many(thing(["@referredType", "id", "role"], **ENTITY)),
    relatedParty=many(thing(["@referredType", "id"], **ENTITY)),
    troubleTicketRelationship=many(
        thing([], id=TEXT, href=TEXT, name=TEXT, relationshipType=TEXT)
    ),
)
SUBSCRIPTION = thing(["id", "callback"], id=TEXT, callback=TEXT, query=TEXT)

for schema in (TICKET, SUBSCRIPTION):
    Draft202012Validator.check_schema(schema)


def fits(value, schema):
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(value)
    return value


def ask(method, path, body=None):
    octets = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=octets, method=method)
    # Who sends tickets elsewhere holds more than who works on them.
    token = ADMINISTRATOR if path.startswith("/hub") else DESK
    request.add_header("Authorization", "Bearer " + token)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return answer.status, dict(answer.headers), json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def expect(status, method, path, body=None):
    got, headers, value = ask(method, path, body)
    assert got == status, (method, path, got, value)
    return {name.lower(): value for name, value in headers.items()}, value


# Listen first, so that whatever follows is told.
headers, hub = expect(201, "POST", "/hub", {
    "callback": CALLBACK,
    "query": "eventType=TroubleTicketCreateEvent,TroubleTicketStatusChangeEvent",
})
fits(hub, SUBSCRIPTION)
assert headers["location"].endswith("/hub/" + hub["id"]), headers

# What is required of a new ticket is what the description requires, and its examples of
# severities are Critical, Major, Minor.
for severity in ("Critical", "Major", "Minor"):
    headers, ticket = expect(201, "POST", "/troubleTicket", {
        "description": "Receipts do not come",
        "severity": severity,
        "ticketType": "fault",
        "name": "Receipts",
        "note": [{"text": "Since this morning."}],
        "@type": "TroubleTicket",
    })
    fits(ticket, TICKET)
    assert ticket["status"] == "acknowledged", ticket
    assert headers["location"].endswith("/troubleTicket/" + ticket["id"]), headers
for missing in ("description", "severity", "ticketType"):
    new = {"description": "A", "severity": "Minor", "ticketType": "fault"}
    del new[missing]
    expect(422, "POST", "/troubleTicket", new)
# What would not be kept is refused by its name and not dropped.
_, problem = expect(422, "POST", "/troubleTicket", {
    "description": "A", "severity": "Minor", "ticketType": "fault", "externalId": "INC-1",
})
assert "externalId" in problem["detail"], problem

headers, tickets = expect(200, "GET", "/troubleTicket?status=acknowledged&offset=1&limit=2")
fits(tickets, many(TICKET))
assert (headers["x-total-count"], headers["x-result-count"]) == ("3", "2"), headers
assert len(tickets) == 2
_, some = expect(200, "GET", "/troubleTicket?fields=status,severity&ticketType=fault")
assert set(some[0]) == {"id", "href", "status", "severity"}, some[0]
_, none = expect(200, "GET", "/troubleTicket?ticketType=complaint")
assert none == [], none

one = "/troubleTicket/" + ticket["id"]
_, changed = expect(200, "PATCH", one, {"status": "inProgress"})
assert fits(changed, TICKET)["status"] == "inProgress"
_, changed = expect(200, "PATCH", one, {"status": "resolved", "statusChangeReason": "Repaired."})
assert fits(changed, TICKET)["statusChangeReason"] == "Repaired."
_, shown = expect(200, "GET", one)
fits(shown, TICKET)
assert shown["status"] == "resolved" and shown["resolutionDate"], shown
expect(409, "PATCH", one, {"status": "acknowledged"})
expect(404, "GET", "/troubleTicket/999999")

expect(204, "DELETE", "/hub/" + hub["id"])
expect(404, "DELETE", "/hub/" + hub["id"])
print("every answer fits")
