"""One call of a phone: its dialog, its audio, and what a person does with it.

Owns the call's state. Everything here runs under the room's lock; what waits, waits on the room's condition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from harness.phone_media import Media, heard_tones
from harness.phone_sip import ANSWERS, DTMF_PAYLOAD, Headers, Message, Sdp, known, parameter, token, uri_of

if TYPE_CHECKING:
    from harness.phone import Phone

REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 404: "Not Found", 480: "Temporarily Unavailable",
           486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 503: "Service Unavailable",
           603: "Decline"}  # fmt: skip


class Call:
    """Ours or theirs. ``state``: calling, ringing, up, ended."""

    def __init__(self, phone: Phone, call_id: str, local: str, remote: str, target: str) -> None:
        self.phone = phone
        self.call_id = call_id
        self.tag = parameter(local, "tag")
        self.local = local
        self.remote = remote
        self.target = target
        self.state = "ringing"
        self.outgoing = False
        self.status = 0
        """The final status of our INVITE, or that we gave to theirs."""
        self.ended_by_us = False
        self.end_reason = ""
        """The Reason header of their BYE or CANCEL."""
        self.invite: Message | None = None
        """Theirs, the first one."""
        self.media = Media(phone.ip, phone.every)
        self.held = False
        self.their_direction = "sendrecv"
        self.early = False
        self.times: dict[str, float] = {}
        """``time.monotonic`` of invite, ringing, early, up, ended."""
        self._sequence = 0
        self._version = int(time.time())
        self._direction = "sendrecv"
        self.ack: Message | None = None
        self.answered: Message | None = None
        """Our 200 to their INVITE, sent again until their ACK."""
        self.acked = False
        self._pending_invite: Message | None = None
        self._cancelled = False
        self.stamp("invite")

    # ---- what a person does --------------------------------------------------------------------------------

    def answer(self) -> None:
        """Pick up."""
        with self.phone.room.changed:
            if self.state == "ringing" and not self.outgoing and self.invite is not None:
                self.answered = self._respond(self.invite, 200, sdp=True)
                self.status = 200
                self._change("up")
                self.phone.room.again(0.5, self._repeat_answer)

    def progress(self, status: int = 180) -> None:
        """Ring; 183 with audio."""
        with self.phone.room.changed:
            if self.state == "ringing" and self.invite is not None:
                self._respond(self.invite, status, sdp=status == 183)
                self.early = self.early or status == 183
                self.stamp("early" if status == 183 else "ringing")

    def reject(self, status: int = 486) -> None:
        """Refuse while it rings."""
        with self.phone.room.changed:
            if self.state == "ringing" and self.invite is not None:
                self._respond(self.invite, status)
                self.status = status
                self.ended_by_us = True
                self._change("ended")

    def hang_up(self) -> None:
        """BYE, or CANCEL of what rings, or 486 to theirs."""
        with self.phone.room.changed:
            if self.state == "up":
                self.ended_by_us = True
                self._change("ended")
                self.request("BYE")
            elif self.state in ("calling", "ringing") and self.outgoing and self._pending_invite is not None:
                if not self._cancelled:
                    self._cancelled = self.ended_by_us = True
                    self.phone.cancel(self._pending_invite)
            elif self.state == "ringing":
                self.reject()

    def hold(self, direction: str = "sendonly") -> None:
        """Press hold: a re-INVITE; we send no more audio. ``inactive`` is what some phones say."""
        self._offer(direction)
        self.held = True
        self.media.sends = False

    def resume(self) -> None:
        """Press hold again."""
        self._offer("sendrecv")
        self.held = False
        self.media.sends = True

    def press(self, digits: str, on_ms: int = 100, off_ms: int = 80) -> None:
        """Keys as RTP events."""
        with self.phone.room.changed:
            self.media.press(digits, on_ms, off_ms)

    def press_info(self, digits: str, duration_ms: int = 160) -> None:
        """Keys as SIP INFO."""
        for digit in digits:
            self.request(
                "INFO", [("Content-Type", "application/dtmf-relay")], f"Signal={digit}\r\nDuration={duration_ms}\r\n"
            )

    # ---- what it waits for and hears -----------------------------------------------------------------------

    def wait(self, state: str, timeout_s: float = 10.0) -> Call:
        """Wait for a state. Raises AssertionError when it ends in another, or in vain."""

        def there() -> bool:
            assert self.state == state or self.state != "ended", f"{self} ended with {self.status}"
            return self.state == state

        self.until(there, timeout_s, state)
        return self

    def until(self, true: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until something of this call is true. Raises AssertionError."""
        self.phone.room.wait(true, timeout_s, f"{self} to be {what}")

    def hears(self, wanted: Iterable[float], for_s: float = 0.4) -> set[float]:
        """Listen for so long from now: which of these tones are there."""
        start = time.monotonic()
        self.phone.room.sleep(for_s)
        return heard_tones(self.media.heard(start), wanted)

    @property
    def number(self) -> str:
        """For theirs: the user part that was called. For ours: what we called."""
        where = self.target if self.outgoing else (self.invite.start if self.invite else "")
        return where.partition("sip:")[2].partition("@")[0].partition(";")[0]

    def __repr__(self) -> str:
        return f"<call of {self.phone.user} {'to' if self.outgoing else 'from'} {self.target} {self.state}>"

    def stamp(self, step: str) -> None:
        """Note when a step came first."""
        self.times.setdefault(step, time.monotonic())

    # ---- inside: requests ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Send our INVITE."""
        self.outgoing = True
        self.state = "calling"
        self._pending_invite = self.request("INVITE", self.phone.invite_headers, self._sdp(), self._invited)

    def request(
        self,
        method: str,
        more: Headers | None = None,
        body: str = "",
        then: Callable[[Message], None] | None = None,
    ) -> Message:
        """Send a request within the dialog; a challenge is answered once."""
        with self.phone.room.changed:
            self._sequence += 1
            extra = list(more or [])

            def answered(got: Message) -> None:
                if got.status in (401, 407) and not any("uthorization" in name for name, _ in extra):
                    again = [*extra, self.phone.credentials(got, method, self.target)]
                    sent = self.request(method, again, body, then)
                    if method == "INVITE":
                        self._pending_invite = sent
                elif then is not None:
                    then(got)

            made = self.message(method, token(), self._sequence, extra, body)
            self.phone.transact(made, answered)
            return made

    def message(self, method: str, branch: str, sequence: int, more: Headers, body: str = "") -> Message:
        """A request of this dialog."""
        headers: Headers = [
            ("Via", f"SIP/2.0/UDP {self.phone.contact_host}:{self.phone.port};branch=z9hG4bK{branch};rport"),
            ("Max-Forwards", "70"), ("From", self.local), ("To", self.remote), ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"), *self.phone.about(), *more,
        ]  # fmt: skip
        if body and not any(name == "Content-Type" for name, _ in more):
            headers.append(("Content-Type", "application/sdp"))
        return Message(f"{method} {self.target} SIP/2.0", tuple(headers), body)

    def _offer(self, direction: str) -> None:
        with self.phone.room.changed:
            self._direction = direction
            self._version += 1
            self.request("INVITE", [], self._sdp(), self._reinvited)

    def _reinvited(self, got: Message) -> None:
        if got.status >= 200:
            self._acknowledge(got)
        if got.status == 200:
            self._take(got.body)

    def _invited(self, got: Message) -> None:
        to_tag = parameter(got.get("To"), "tag")
        if got.status < 200:
            if got.status > 100 and self.state == "calling":
                self._change("ringing")
            if got.status > 100 and got.body:
                self.early = True
                self.stamp("early")
                self._take(got.body)
            return
        if to_tag:
            self.remote = got.get("To")
        if got.status < 300 and got.get("Contact"):
            self.target = uri_of(got.get("Contact"))
        self._acknowledge(got)
        self.status = got.status
        if got.status < 300:
            self._take(got.body)
            self._change("up")
            if self._cancelled:
                self.hang_up()
        else:
            self._change("ended")

    def _acknowledge(self, got: Message) -> None:
        if got.status >= 300:
            return  # the transaction has done so
        self.ack = self.message("ACK", token(), got.sequence, [])
        self.phone.send(self.ack)

    # ---- inside: what comes in -----------------------------------------------------------------------------

    def take(self, got: Message) -> None:
        """A request of theirs within the dialog."""
        if got.method == "ACK":
            self.acked = True
            if got.body:
                self._take(got.body)
        elif got.method == "BYE":
            self._respond(got, 200)
            self.end_reason = got.get("Reason")
            self._change("ended")
        elif got.method == "INVITE":
            self._take(got.body)
            self.acked = False
            self.answered = self._respond(got, 200, sdp=True)
            self.phone.room.again(0.5, self._repeat_answer)
        elif got.method == "CANCEL":
            self._respond(got, 200)
            if self.state == "ringing" and self.invite is not None:
                self.end_reason = got.get("Reason")
                self._respond(self.invite, 487)
                self.status = 487
                self._change("ended")
        elif got.method == "UPDATE" and got.body:
            self._take(got.body)
            self._respond(got, 200, sdp=True)
        else:
            self._respond(got, 200)

    def invited(self, invite: Message) -> None:
        """Theirs has come."""
        self.invite = invite
        self._take(invite.body)

    def _take(self, body: str) -> None:
        theirs = Sdp.parse(body)
        if theirs is None:
            return
        payload = known(theirs.payloads, self.phone.payloads)
        if payload is not None:
            self.media.payload = payload
        self.media.remote = (theirs.ip, theirs.port)
        self.their_direction = theirs.direction

    def _sdp(self, *, answering: bool = False) -> str:
        direction = self._direction
        if answering and self.their_direction != "sendrecv":
            direction = ANSWERS[self.their_direction]
        host = self.phone.contact_host
        return Sdp(host, self.media.port, (*self.phone.payloads, DTMF_PAYLOAD), direction).text(self._version)

    def _respond(self, to: Message, status: int, *, sdp: bool = False) -> Message:
        self._version += sdp
        body = self._sdp(answering=True) if sdp else ""
        return self.phone.respond(to, status, REASONS[status], self.tag, body)

    def _repeat_answer(self) -> float | None:
        if self.acked or self.state == "ended" or self.answered is None:
            return None
        self.phone.send(self.answered)
        return 0.5

    def _change(self, state: str) -> None:
        self.state = state
        self.stamp(state)
        if state == "ended":
            self.media.sends = False
            self.phone.room.drop(self.media)
        self.phone.room.changed.notify_all()
