"""A partner whose software is PyPI's `smpp34`. Says what happens, one JSON object a line.

python smpp34_esme.py PORT KIND...   KIND is trx, or tx and rx
"""

import asyncio
import json
import os
import sys

import smpp34

LONG = "A long text that a client cuts into parts by itself. " * 6


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def text_of(event):
    octets = bytes(event.short_message)
    for tlv in event.tlvs:
        if tlv.tag == smpp34.TLV_MESSAGE_PAYLOAD:
            octets = bytes(tlv.value)
    return octets.decode("utf-16-be" if event.data_coding == 8 else "latin-1")


async def listen(smsc):
    """Its core acknowledges by itself."""
    while True:
        event = await smsc.next()
        if isinstance(event, smpp34.Disconnected):
            say("disconnected")
            return
        tlvs = {tlv.tag: tlv for tlv in event.tlvs}
        unknown = [tag for tag in tlvs if tag >= 0x1400]
        if event.esm_class & 0x04:
            say("receipt", id=tlvs[smpp34.TLV_RECEIPTED_MESSAGE_ID].as_string(),
                text=text_of(event), state=tlvs[smpp34.TLV_MESSAGE_STATE].as_int(),
                unknown=unknown)
        else:
            say("mo", text=text_of(event), unknown=unknown,
                **{"from": event.source_addr, "to": event.destination_addr})


async def submit(smsc, what, short_message, source="7455", receipt=1, **fields):
    resp = await smsc.submit_sm(
        destination_addr="48600100200", short_message=short_message, source_addr=source,
        dest_addr_ton=1, dest_addr_npi=1, registered_delivery=receipt, **fields)
    if resp.command_status:
        say("refused", status=resp.command_status)
    else:
        say("submitted", what=what, status=resp.command_status, id=resp.message_id)


async def main():
    port, *kinds = sys.argv[1:]
    sessions = []
    for kind in kinds:
        client = smpp34.Client(host="127.0.0.1", port=int(port), system_id="acme",
                               password="s3cret", bind_type=kind.upper())
        smsc = await client.connect()
        say("bound", kind=kind, status=0)
        sessions.append((client, smsc))
    sender = sessions[0][1]
    listening = [asyncio.create_task(listen(smsc)) for _, smsc in sessions]

    await submit(sender, "short", b"Hello from smpp34")
    await submit(sender, "polish", "Zażółć gęślą jaźń".encode("utf-16-be"), data_coding=8)
    # The same octets for the parts of 3.4's own way, in TLVs.
    cut = 153
    pieces = [LONG[at:at + cut] for at in range(0, len(LONG), cut)]
    for number, piece in enumerate(pieces, start=1):
        tlvs = [smpp34.Tlv(smpp34.TLV_SAR_MSG_REF_NUM, (0x77).to_bytes(2, "big")),
                smpp34.Tlv(smpp34.TLV_SAR_TOTAL_SEGMENTS, bytes([len(pieces)])),
                smpp34.Tlv(smpp34.TLV_SAR_SEGMENT_SEQNUM, bytes([number]))]
        await submit(sender, "part", piece.encode(), receipt=0, tlvs=tlvs)
    await submit(sender, "long", b"",
                 tlvs=[smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, LONG.upper().encode())])
    await submit(sender, "refused", b"no", source="9999")
    await submit(sender, "after", b"still here", receipt=0)
    say("ready")

    # The end of standard input is the word to go.
    await asyncio.to_thread(sys.stdin.read)
    for client, smsc in sessions:
        await smsc.unbind()
        say("unbound", status=0)
    for task in listening:
        task.cancel()
    for client, _ in sessions:
        await client.stop()


asyncio.run(main())
# A thread that still waits in a read would make the interpreter abort while it takes itself apart.
sys.stdout.flush()
os._exit(0)
