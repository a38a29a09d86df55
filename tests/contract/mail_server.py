"""A real SMTP server for one test: aiosmtpd with sign-in and TLS. It writes each mail as JSON into the folder `mails` and prints its ports.

The key and the certificate beside it are for this test alone; nobody else trusts them.
"""

import json
import socket
import ssl
import sys
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = b"pawbase", b"a mail password"
MAILS = Path("mails")


class Handler:
    """Keeps mails, but refuses one address for ever and another one the first time."""

    def __init__(self):
        self.has_waited = False
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 There is no such mailbox"
        if address.startswith("later@") and not self.has_waited:
            self.has_waited = True
            return "451 4.7.1 Greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        half = lambda kind: mail.get_body((kind,)).get_content()
        seen = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name: str(value) for name, value in mail.items()},
            "text": half("plain"),
            "html": half("html"),
            "has_tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        }
        self.count += 1
        unfinished = MAILS / "unfinished"
        unfinished.write_text(json.dumps(seen))
        unfinished.rename(MAILS / f"{self.count}.json")
        return "250 Kept"


def authenticate(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=is_right, handled=False, auth_data=data)


def main():
    MAILS.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("mail_server_certificate.pem", "mail_server_key.pem")
    handler = Handler()
    common = {"hostname": "127.0.0.1", "port": 0, "authenticator": authenticate, "auth_required": True}
    starttls = Controller(handler, tls_context=context, require_starttls=True, **common)
    wrapped = Controller(handler, ssl_context=context, auth_require_tls=False, **common)
    ports = []
    for controller in (starttls, wrapped):
        ports.append(start(controller))
    print(json.dumps(ports), flush=True)
    # Until whoever started it closes the other end.
    sys.stdin.read()


def start(controller):
    """Starts a controller on a free port, which it answers: it has to know one before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    return controller.port


if __name__ == "__main__":
    main()
