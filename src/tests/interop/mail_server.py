"""A mail server made with PyPI's `aiosmtpd`. Says what happens, one JSON object a line.

python mail_server.py [--starttls CERTIFICATE KEY] [--account USER PASSWORD]

The name before the @ of a recipient says what becomes of the letter: `busy` is told 451 once,
`gone` 550 always, and after the first letter to `dies` the connection ends without an answer.
Ends when its standard input does.
"""

import asyncio
import email
import email.policy
import hashlib
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def described(octets):
    letter = email.message_from_bytes(octets, policy=email.policy.default)
    files = [
        {
            "name": part.get_filename(),
            "type": part.get_content_type(),
            "sha256": hashlib.sha256(part.get_payload(decode=True)).hexdigest(),
        }
        for part in letter.iter_attachments()
    ]
    defects = [str(defect) for part in letter.walk() for defect in part.defects]
    text = letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    names = ["Message-ID", "Subject", "From", "To", "Reply-To", "Auto-Submitted", "Date"]
    return {
        "head": {name: str(letter[name]) for name in names if name in letter},
        "text": text.replace("\r\n", "\n"),
        "html": html.replace("\r\n", "\n"),
        "files": files,
        "defects": defects,
        "longest_line": max(len(line) for line in octets.split(b"\r\n")),
    }


class Handler:
    def __init__(self):
        self.seen = set()

    def first(self, who):
        is_first = who not in self.seen
        self.seen.add(who)
        return is_first

    async def handle_RCPT(self, server, session, envelope, address, options):
        who = address.split("@")[0]
        if who == "gone":
            say("refused", to=address)
            return "550 5.1.1 no such mailbox"
        if who == "busy" and self.first(who):
            say("put_off", to=address)
            return "451 4.7.1 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        say("letter", to=to, sender=envelope.mail_from, tls=session.ssl is not None,
            account=session.auth_data.decode() if session.auth_data else None,
            **described(envelope.content))
        if to.startswith("dies@") and self.first("dies"):
            server.transport.abort()
        return f"250 2.0.0 queued as {to.split('@')[0]}"


def arguments():
    words = sys.argv[1:]
    found = {}
    while words:
        found[words[0]] = words[1:3]
        words = words[3:]
    return found


async def main():
    given = arguments()
    settings = {"hostname": "mail.example"}
    if "--starttls" in given:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*given["--starttls"])
        settings.update(tls_context=context, require_starttls=True)
    if "--account" in given:
        user, password = given["--account"]

        def authenticator(server, session, envelope, mechanism, data):
            is_right = (data.login.decode(), data.password.decode()) == (user, password)
            say("account", ok=is_right)
            return AuthResult(success=is_right, auth_data=data.login, handled=False)

        settings.update(authenticator=authenticator, auth_required=True)
    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, **settings), "127.0.0.1", 0)
    say("listening", port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
