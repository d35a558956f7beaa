"""Single SIP requests by hand, to see what a stranger is told. Owns one UDP socket at a time."""

from __future__ import annotations

import hashlib
import re
import socket
import time
import uuid

from harness.ports import LOOPBACK


class Stranger:
    """Sends requests to one SIP port from an address of its own."""

    def __init__(self, port: int, domain: str) -> None:
        self._port = port
        self._domain = domain
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((LOOPBACK, 0))
        self._own = self._sock.getsockname()[1]
        self._call_id = uuid.uuid4().hex
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def ask(
        self, method: str, to: str, user: str, secret: str | None = None, wait_s: float = 6.0
    ) -> tuple[int, list[int]]:
        """The final status of a request, and all provisional ones; with ``secret`` a challenge is answered."""
        status, text, earlier = self._once(method, to, user, "", wait_s)
        if status in (401, 407) and secret is not None:
            credentials = self._credentials(method, to, user, secret, text, proxy=status == 407)
            status, text, more = self._once(method, to, user, credentials, wait_s)
            earlier += more
        return status, earlier

    def _once(self, method: str, to: str, user: str, credentials: str, wait_s: float) -> tuple[int, str, list[int]]:
        self._sequence += 1
        branch = f"z9hG4bK{uuid.uuid4().hex[:12]}"
        body = ""
        if method == "INVITE":
            body = (
                f"v=0\r\no=x 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
                "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
            )
        uri = f"sip:{self._domain}" if method == "REGISTER" else f"sip:{to}@{LOOPBACK}:{self._port}"
        message = self._message(method, uri, to, user, branch, credentials, body)
        self._sock.sendto(message.encode(), (LOOPBACK, self._port))
        earlier: list[int] = []
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                text = self._sock.recv(65535).decode(errors="replace")
            except TimeoutError:
                break
            found = re.match(r"SIP/2.0 (\d{3})", text)
            if found is None or f"CSeq: {self._sequence} {method}" not in text:
                continue
            status = int(found[1])
            if status < 200:
                earlier.append(status)
                continue
            if method == "INVITE":
                to_line = re.search(r"^To:.*$", text, re.M)
                ack = self._message("ACK", uri, to, user, branch, "", "", to_line[0].strip() if to_line else "")
                self._sock.sendto(ack.encode(), (LOOPBACK, self._port))
            return status, text, earlier
        return 0, "", earlier

    def _message(
        self, method: str, uri: str, to: str, user: str, branch: str, credentials: str, body: str, to_line: str = ""
    ) -> str:
        cseq = self._sequence
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:{self._own};branch={branch};rport",
            f"From: <sip:{user}@{self._domain}>;tag=stranger",
            to_line or f"To: <sip:{to}@{self._domain}>",
            f"Call-ID: {self._call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{user}@{LOOPBACK}:{self._own}>",
            "Max-Forwards: 70",
        ]
        if credentials:
            lines.append(credentials)
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _credentials(self, method: str, to: str, user: str, secret: str, challenge: str, *, proxy: bool) -> str:
        def value(name: str) -> str:
            found = re.search(rf'\b{name}="([^"]*)"', challenge)
            return found[1] if found else ""

        uri = f"sip:{self._domain}" if method == "REGISTER" else f"sip:{to}@{LOOPBACK}:{self._port}"
        realm, nonce = value("realm"), value("nonce")
        first = _md5(f"{user}:{realm}:{secret}")
        second = _md5(f"{method}:{uri}")
        response = _md5(f"{first}:{nonce}:00000001:abc:auth:{second}")
        header = "Proxy-Authorization" if proxy else "Authorization"
        return (
            f'{header}: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, cnonce="abc", nc=00000001'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
