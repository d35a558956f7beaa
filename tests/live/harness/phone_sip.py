"""SIP as text: messages read and written, digest answers, session descriptions. Owns no socket and no state."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

Headers = list[tuple[str, str]]
_COMPACT = {"i": "call-id", "f": "from", "t": "to", "v": "via", "m": "contact", "l": "content-length",
            "c": "content-type", "k": "supported", "x": "session-expires"}  # fmt: skip
PAYLOADS = {"PCMU": 0, "PCMA": 8}
DTMF_PAYLOAD = 101


@dataclass(frozen=True)
class Message:
    """One request or response. ``headers`` in the order of the wire."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message | None:
        """None for what is no SIP message, such as a keep-alive."""
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        if "SIP/2.0" not in lines[0]:
            return None
        found = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            found.append((name.strip(), value.strip()))
        return cls(lines[0], tuple(found), body)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if _COMPACT.get(key.lower(), key.lower()) == wanted]

    def get(self, name: str) -> str:
        """The first value of a header, or an empty text."""
        return next(iter(self.all(name)), "")

    @property
    def status(self) -> int:
        """A response's status; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """The request's method, or of what a response answers."""
        return self.get("CSeq").split()[-1]

    @property
    def sequence(self) -> int:
        """CSeq's number."""
        return int(self.get("CSeq").split()[0])

    @property
    def branch(self) -> str:
        """The transaction: the top Via's branch."""
        return parameter(self.get("Via"), "branch")

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self.get("Call-ID")

    def text(self) -> str:
        """As on the wire, with line feeds only."""
        return "\n".join([self.start, *(f"{name}: {value}" for name, value in self.headers), "", self.body])

    def encode(self) -> bytes:
        """As on the wire."""
        body = self.body.encode()
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parameter(value: str, name: str) -> str:
    """``;name=…`` of a header value, else an empty text."""
    found = re.search(rf";\s*{name}=([^;>\s]+)", value)
    return found[1] if found else ""


def uri_of(value: str) -> str:
    """The URI of a From, To or Contact."""
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0]


def user_of(value: str) -> str:
    """The user part of a header's URI or of a request line."""
    found = re.search(r"sips?:([^@;>\s]+)@", value)
    return found[1].replace("%23", "#") if found else ""


def response(to: Message, status: int, reason: str, tag: str, more: Headers, body: str = "") -> Message:
    """A response to a request; ``tag`` goes into To where it has none."""
    headers: Headers = [("Via", via) for via in to.all("Via")]
    headers += [("Record-Route", route) for route in to.all("Record-Route")]
    target = to.get("To")
    if tag and not parameter(target, "tag"):
        target += f";tag={tag}"
    headers += [("From", to.get("From")), ("To", target), ("Call-ID", to.call_id), ("CSeq", to.get("CSeq"))]
    headers += more
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return Message(f"SIP/2.0 {status} {reason}", tuple(headers), body)


def token() -> str:
    """A fresh tag, branch or Call-ID."""
    return uuid.uuid4().hex[:16]


def credentials(challenge: Message, method: str, uri: str, user: str, secret: str) -> tuple[str, str]:
    """The header that answers a 401 or 407."""
    proxy = challenge.status == 407
    text = challenge.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")

    def value(name: str) -> str:
        found = re.search(rf'\b{name}="([^"]*)"', text)
        return found[1] if found else ""

    realm, nonce, once = value("realm"), value("nonce"), token()
    digest = _md5(f"{_md5(f'{user}:{realm}:{secret}')}:{nonce}:00000001:{once}:auth:{_md5(f'{method}:{uri}')}")
    return ("Proxy-Authorization" if proxy else "Authorization"), (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{digest}", '
        f'algorithm=MD5, qop=auth, cnonce="{once}", nc=00000001'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Sdp:
    """What one side wants to hear and where."""

    ip: str
    port: int
    payloads: tuple[int, ...]
    direction: str = "sendrecv"

    @classmethod
    def parse(cls, body: str) -> Sdp | None:
        """None without an audio line."""
        media = re.search(r"^m=audio (\d+) \S+ ([\d ]+)", body, re.M)
        address = re.search(r"^c=IN IP4 (\S+)", body, re.M)
        if media is None or address is None:
            return None
        way = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", body, re.M)
        return cls(address[1], int(media[1]), tuple(int(p) for p in media[2].split()), way[1] if way else "sendrecv")

    def text(self, version: int) -> str:
        """As a body; ``version`` goes up with each change."""
        names = {number: name for name, number in PAYLOADS.items()}
        lines = [
            "v=0", f"o=phone {version} {version} IN IP4 {self.ip}", "s=-", f"c=IN IP4 {self.ip}", "t=0 0",
            f"m=audio {self.port} RTP/AVP {' '.join(str(p) for p in self.payloads)}",
            *(f"a=rtpmap:{p} {names[p]}/8000" for p in self.payloads if p in names),
        ]  # fmt: skip
        if DTMF_PAYLOAD in self.payloads:
            lines += [f"a=rtpmap:{DTMF_PAYLOAD} telephone-event/8000", f"a=fmtp:{DTMF_PAYLOAD} 0-15"]
        return "\r\n".join([*lines, "a=ptime:20", f"a={self.direction}", ""])


ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
"""What answers an offered direction."""


def known(payloads: Iterable[int], ours: Iterable[int]) -> int | None:
    """The first payload of theirs that we speak."""
    speak = set(ours)
    return next((p for p in payloads if p in speak), None)
