"""A partner whose software is PyPI's `smpplib`. Says what happens, one JSON object a line.

python smpplib_esme.py PORT KIND...   KIND is trx, or tx and rx

Optional parameters that it does not know are an exception, which is how it comes out of the box.
"""

import json
import select
import sys

import smpplib.client
import smpplib.consts
import smpplib.gsm
import smpplib.smpp

LONG = "A long text that a client cuts into parts by itself. " * 6


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def text_of(pdu):
    octets = pdu.short_message or getattr(pdu, "message_payload", None) or b""
    return octets.decode("utf-16-be" if pdu.data_coding == 8 else "latin-1")


def delivered(pdu):
    if pdu.esm_class & 0x04:
        say("receipt", id=pdu.receipted_message_id.decode(), text=text_of(pdu),
            state=pdu.message_state)
    else:
        say("mo", text=text_of(pdu), **{"from": pdu.source_addr.decode(),
                                        "to": pdu.destination_addr.decode()})


class Esme:
    def __init__(self, port, kind):
        self.client = smpplib.client.Client("127.0.0.1", port, timeout=30)
        self.answers = []
        self.client.set_message_received_handler(delivered)
        self.client.set_message_sent_handler(lambda pdu: self.answers.append(pdu))
        self.client.set_error_pdu_handler(lambda pdu: self.answers.append(pdu))
        self.client.connect()
        bind = {"trx": "transceiver", "tx": "transmitter", "rx": "receiver"}[kind]
        pdu = getattr(self.client, "bind_" + bind)(system_id="acme", password="s3cret")
        say("bound", kind=kind, status=pdu.status, system_id=pdu.system_id.decode(),
            version=pdu.sc_interface_version)

    def submit(self, what, short_message, source="7455", receipt=1, coding=0, esm_class=0):
        self.answers.clear()
        self.client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_NWSPEC, source_addr=source,
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN, destination_addr="48600100200",
            short_message=short_message, data_coding=coding, esm_class=esm_class,
            registered_delivery=receipt)
        while not self.answers:
            self.client.read_once()
        pdu = self.answers[0]
        # An error answer has no handler of its own name; its status says what it is.
        if pdu.status:
            say("refused", status=pdu.status, length=pdu.length)
        else:
            say("submitted", what=what, status=pdu.status, id=pdu.message_id.decode())


def main():
    port, *kinds = sys.argv[1:]
    esmes = [Esme(int(port), kind) for kind in kinds]
    sender = esmes[0]
    sender.client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=sender.client))
    say("alive", status=sender.client.read_pdu().status)

    parts, coding, esm_class = smpplib.gsm.make_parts("Hello from smpplib")
    sender.submit("short", parts[0], coding=coding, esm_class=esm_class)
    parts, coding, esm_class = smpplib.gsm.make_parts("Zażółć gęślą jaźń")
    sender.submit("polish", parts[0], coding=coding, esm_class=esm_class)
    parts, coding, esm_class = smpplib.gsm.make_parts(LONG)
    for part in parts:
        sender.submit("part", part, coding=coding, esm_class=esm_class, receipt=0)
    sender.submit("refused", b"no", source="9999")
    sender.submit("after", b"still here", receipt=0)

    # The end of standard input is the word to go.
    say("ready")
    sockets = {esme.client._socket: esme for esme in esmes}
    while True:
        readable, _, _ = select.select([sys.stdin, *sockets], [], [])
        for one in readable:
            if one in sockets:
                sockets[one].client.read_once()
        if sys.stdin in readable:
            break
    for esme in esmes:
        say("unbound", status=esme.client.unbind().status)
        esme.client.disconnect()


main()
