"""Phones for live tests: SIP and RTP in Python, many in one process, driven by the test's own thread.

``Phone`` owns a SIP socket, its registration and its calls; ``harness.phone_room`` moves the packets. A phone is a seat
(registers, is called as user/…), an outside mobile, or a carrier that takes many calls at once.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.phone_call import REASONS, Call
from harness.phone_media import Samples
from harness.phone_room import Room
from harness.phone_sip import (
    PAYLOADS,
    Headers,
    Message,
    credentials,
    parameter,
    response,
    token,
    uri_of,
    user_of,
)
from harness.ports import LOOPBACK

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, REFER"
YEALINK = "Yealink SIP-T46S 66.84.0.15"
"""A User-Agent whose display FreeSWITCH updates at a bridge."""
_RETRIES = 10


@dataclass(frozen=True)
class Habit:
    """What a phone does with a call that comes in. ``answer_s`` None: rings until someone presses a button."""

    answer_s: float | None = 0.0
    ring_s: float | None = 0.0
    """When 180 goes out; None sends none."""
    early: bool = False
    """183 with audio instead of 180."""
    status: int = 0
    """Refuse with this at ``answer_s`` instead."""
    tone: float = 0.0
    hang_up_s: float | None = None
    """After the answer."""
    greeting: Samples | None = None
    """Said once from the answer on."""
    announcement: Samples | None = None
    """Said once from the 183 on."""


@dataclass(frozen=True)
class Logged:
    """One message on the wire. ``sent``: by the phone."""

    at: float
    sent: bool
    message: Message


@dataclass
class _Transaction:
    message: Message
    where: tuple[str, int]
    then: Callable[[Message], None]
    answered: bool = False
    final: bool = False
    sends: int = field(default=1)


class Phone:
    """One SIP socket. ``contact_host`` other than the real address plays a phone behind NAT.

    ``habit`` is what it does with calls, ``choose`` the same by the number that is called. ``every`` other than 1: it
    hears nothing and says one frame of so many, so that hundreds fit into one thread.
    """

    def __init__(
        self,
        room: Room,
        user: str,
        server_port: int,
        domain: str,
        secret: str = "",
        *,
        habit: Habit | None = None,
        choose: Callable[[str], Habit] | None = None,
        agent: str = "live-test-phone",
        contact_host: str = LOOPBACK,
        codecs: tuple[str, ...] = ("PCMA", "PCMU"),
        ip: str = LOOPBACK,
        local_port: int = 0,
        every: int = 1,
    ) -> None:
        self.room = room
        self.user = user
        self.domain = domain or LOOPBACK
        self.secret = secret
        self.habit = habit or Habit()
        self.choose = choose
        self.agent = agent
        self.contact_host = contact_host
        self.payloads = tuple(PAYLOADS[name] for name in codecs)
        self.ip = ip
        self.every = every
        self.invite_headers: Headers = []
        """Further headers of our INVITEs."""
        self.log: list[Logged] = []
        self.calls: list[Call] = []
        self.registered = 0
        """The status that our last REGISTER got."""
        self.gone = False
        self.server_port = server_port
        self._sequence = 0
        self._registration = token()
        self._transactions: dict[str, _Transaction] = {}
        self._responses: dict[tuple[str, str], Message] = {}
        self._last_source: dict[str, tuple[str, int]] = {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, local_port))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        room.watch(self.sock, self._readable)

    # ---- what a person does --------------------------------------------------------------------------------

    def register(self, expires_s: int = 300, timeout_s: float = 10.0) -> int:
        """REGISTER, with the digest when asked; the final status. 0 seconds unregisters."""
        self.registered = 0
        self._register(expires_s, [])
        self.room.wait(lambda: self.registered != 0, timeout_s, f"{self.user}'s REGISTER to be answered")
        return self.registered

    def call(self, number: str, tone: float = 0.0) -> Call:
        """Dial. Returns at once; ``call.wait("up")`` waits."""
        host = self.domain if self.secret else f"{LOOPBACK}:{self.server_port}"
        uri = f"sip:{number.replace('#', '%23')}@{host}"
        local = f'"{self.user}" <sip:{self.user}@{self.domain}>;tag={token()}'
        with self.room.changed:
            call = self._new(Call(self, token(), local, f"<{uri}>", uri), tone)
            call.start()
        return call

    def next_call(self, timeout_s: float = 10.0, start: int = 0) -> Call:
        """The first call from ``start`` (``len(phone.calls)``) on; waits for it."""
        self.room.wait(lambda: len(self.calls) > start, timeout_s, f"a call to {self.user}")
        return self.calls[start]

    def vanish(self) -> None:
        """Power off: no packet comes or goes any more."""
        with self.room.changed:
            self.gone = True
            for call in self.calls:
                self.room.drop(call.media)

    def messages(self, start: int = 0, *, sent: bool | None = None) -> list[Message]:
        """What was on the wire, from ``start`` (``len(phone.log)``) on."""
        return [each.message for each in list(self.log[start:]) if sent is None or each.sent is sent]

    @property
    def live(self) -> list[Call]:
        """Calls that have not ended."""
        return [call for call in self.calls if call.state != "ended"]

    # ---- for its calls -------------------------------------------------------------------------------------

    def about(self) -> Headers:
        """Headers that every message has."""
        return [
            ("Contact", f"<sip:{self.user}@{self.contact_host}:{self.port}>"), ("User-Agent", self.agent),
            ("Allow", ALLOW), ("Supported", "timer, replaces"),
        ]  # fmt: skip

    def credentials(self, challenge: Message, method: str, uri: str) -> tuple[str, str]:
        """The header that answers a challenge."""
        return credentials(challenge, method, uri, self.user, self.secret)

    def transact(self, message: Message, then: Callable[[Message], None]) -> None:
        """Send a request until it is answered; ``then`` gets each response."""
        key = f"{message.branch} {message.method}"
        transaction = _Transaction(message, self._where(message), then)
        self._transactions[key] = transaction
        self._put(message, transaction.where)

        def repeat() -> float | None:
            if transaction.answered or self.gone or transaction.sends > _RETRIES:
                return None
            transaction.sends += 1
            self._put(message, transaction.where)
            return (0.5, 1.0, 2.0, 4.0)[min(transaction.sends - 1, 3)]

        self.room.again(0.5, repeat)

    def cancel(self, invite: Message) -> None:
        """CANCEL an INVITE of ours."""
        keep = ("Via", "Max-Forwards", "From", "To", "Call-ID")
        headers = [(name, value) for name, value in invite.headers if name in keep]
        headers.append(("CSeq", f"{invite.sequence} CANCEL"))
        self.transact(Message(invite.start.replace("INVITE", "CANCEL", 1), tuple(headers)), lambda _: None)

    def send(self, message: Message) -> None:
        """Send something that needs no answer."""
        self._put(message, self._where(message))

    def respond(self, to: Message, status: int, reason: str, tag: str, body: str = "") -> Message:
        """Answer a request; repeated requests get the same again."""
        made = response(to, status, reason, tag, self.about(), body)
        self._responses[to.branch, to.method] = made
        self.send(made)
        return made

    # ---- inside --------------------------------------------------------------------------------------------

    def _new(self, call: Call, tone: float) -> Call:
        self.calls.append(call)
        call.media.tone(tone or self.habit.tone)
        self.room.add(call.media)
        self.room.changed.notify_all()
        return call

    def _register(self, expires_s: int, more: Headers) -> None:
        self._sequence += 1
        me = f"<sip:{self.user}@{self.domain}>"
        headers: Headers = [
            ("Via", f"SIP/2.0/UDP {self.contact_host}:{self.port};branch=z9hG4bK{token()};rport"),
            ("Max-Forwards", "70"), ("From", f"{me};tag={token()}"), ("To", me), ("Call-ID", self._registration),
            ("CSeq", f"{self._sequence} REGISTER"), ("Expires", str(expires_s)), *self.about(), *more,
        ]  # fmt: skip
        uri = f"sip:{self.domain}"

        def answered(got: Message) -> None:
            if got.status in (401, 407) and not more:
                self._register(expires_s, [self.credentials(got, "REGISTER", uri)])
            elif got.status >= 200:
                self.registered = got.status
                self.room.changed.notify_all()

        with self.room.changed:
            self.transact(Message(f"REGISTER {uri} SIP/2.0", tuple(headers)), answered)

    def _where(self, message: Message) -> tuple[str, int]:
        return self._last_source.get(message.call_id, (LOOPBACK, self.server_port))

    def _put(self, message: Message, where: tuple[str, int]) -> None:
        if self.gone:
            return
        self.log.append(Logged(time.monotonic(), True, message))
        with contextlib.suppress(OSError):
            self.sock.sendto(message.encode(), where)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                data, source = self.sock.recvfrom(65535)
                message = None if self.gone else Message.parse(data)
                if message is not None:
                    self.log.append(Logged(time.monotonic(), False, message))
                    self._take(message, (str(source[0]), int(source[1])))
                    self.room.changed.notify_all()

    def _take(self, message: Message, source: tuple[str, int]) -> None:
        if message.status:
            self._take_response(message)
            return
        self._last_source[message.call_id] = source
        known = self._responses.get((message.branch, message.method))
        if known is not None and message.method != "ACK":
            self.send(known)
            return
        call = next((each for each in reversed(self.calls) if each.call_id == message.call_id), None)
        if call is not None and (message.method != "INVITE" or parameter(message.get("To"), "tag")):
            call.take(message)
        elif message.method == "INVITE":
            self._ring(message)
        elif message.method == "BYE":
            self.respond(message, 481, "No Such Call", token())
        elif message.method != "ACK":
            self.respond(message, 200, "OK", token())

    def _take_response(self, got: Message) -> None:
        transaction = self._transactions.get(f"{got.branch} {got.method}")
        if transaction is None or transaction.final:
            call = next((each for each in self.calls if each.call_id == got.call_id), None)
            if got.method == "INVITE" and 200 <= got.status < 300 and call is not None and call.ack is not None:
                self.send(call.ack)
            return
        transaction.answered = True
        transaction.final = got.status >= 200
        if got.method == "INVITE" and got.status >= 300:
            self._acknowledge_refusal(transaction, got)
        transaction.then(got)

    def _acknowledge_refusal(self, transaction: _Transaction, got: Message) -> None:
        keep = ("Via", "Max-Forwards", "From", "Call-ID")
        headers = [(name, value) for name, value in transaction.message.headers if name in keep]
        headers += [("To", got.get("To")), ("CSeq", f"{got.sequence} ACK")]
        self._put(Message(transaction.message.start.replace("INVITE", "ACK", 1), tuple(headers)), transaction.where)

    def _ring(self, invite: Message) -> None:
        habit = self.choose(user_of(invite.start)) if self.choose is not None else self.habit
        local = f"{invite.get('To')};tag={token()}"
        target = uri_of(invite.get("Contact")) or f"sip:{user_of(invite.get('From'))}@{LOOPBACK}"
        call = self._new(Call(self, invite.call_id, local, invite.get("From"), target), habit.tone)
        call.invited(invite)

        def ring() -> None:
            call.progress(183 if habit.early else 180)
            if habit.announcement is not None:
                call.media.say_once(habit.announcement)

        def decide() -> None:
            if habit.status:
                call.reject(habit.status)
                return
            call.answer()
            if habit.greeting is not None:
                call.media.say_once(habit.greeting)
            if habit.hang_up_s is not None:
                self.room.again(habit.hang_up_s, call.hang_up)

        assert not habit.status or habit.status in REASONS
        if habit.ring_s is not None:
            ring() if habit.ring_s == 0 else self.room.again(habit.ring_s, ring)
        if habit.answer_s is not None:
            self.room.again(habit.answer_s, decide)
