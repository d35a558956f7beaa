"""Events of the stand-in switch and their headers, in the order and with the names of a real FreeSWITCH.

Owns `SwitchEvent` and the building of headers.  Headers are built when they are first looked at, from a
snapshot of the channel taken when the event happened: a shift of simulated calls pays only for what somebody
reads.  Must not decide anything about calls.

Left out: the SDP bodies, RTP statistics and some twenty cosmetic `variable_sip_*` headers of the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from freeswitch.standin.causes import Q850
from freeswitch.standin.origins import CALLING

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Events of a channel that carry no variable_* headers.
BARE_EVENTS: Final = frozenset(
    {"CHANNEL_OUTGOING", "CHANNEL_STATE", "CHANNEL_CALLSTATE", "CODEC", "DTMF", "CHANNEL_APPLICATION"}
)
_DEPARTED: Final = frozenset({"CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"})

# Every event name that a subscription may ask for; others are accepted and never sent.
EVENT_NAMES: Final = frozenset(CALLING) | {"CUSTOM"}


class Times(NamedTuple):
    """Moments of a channel, in microseconds since 1970; 0: has not happened."""

    created: int
    profile_created: int
    progress: int = 0
    progress_media: int = 0
    answered: int = 0
    bridged: int = 0
    hangup: int = 0


class Identity(NamedTuple):
    """What never changes on a channel."""

    uuid: str
    session_id: int
    name: str
    number: str
    gateway: str
    profile: str
    caller_name: str
    caller_number: str
    presence_id: str
    presence_data: str
    network_addr: str
    direction: str = "outbound"
    context: str = "default"
    username: str = ""

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"


class OtherLeg(NamedTuple):
    """The other leg of a bridge, as it was when the bridge was asked for."""

    role: str
    identity: Identity
    times: Times


class View(NamedTuple):
    """A snapshot of a channel at the moment of an event.  `variables` is never changed after it was
    shared.
    """

    identity: Identity
    state: str
    state_number: int
    call_state: str
    answer_state: str
    cause: str | None
    flipped: bool
    inbound_like: bool
    media: bool
    seen: bool
    profile_index: int
    call_uuid: str
    times: Times
    other: OtherLeg | None
    variables: Mapping[str, str]
    hold_us: tuple[int, int] = (0, 0)


class Node(NamedTuple):
    """What names the switch in every event."""

    core_uuid: str
    hostname: str
    ipv4: str
    ipv6: str


class SwitchEvent:
    """One event.  `headers` is built on first use and must not be changed; values are plain text, not
    encoded.
    """

    __slots__ = ("_extra", "_front", "_headers", "_node", "_sequence", "_stamp", "_view", "body", "name")

    def __init__(
        self,
        name: str,
        node: Node,
        sequence: int,
        stamp: int,
        view: View | None = None,
        extra: Mapping[str, str] | None = None,
        front: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> None:
        self.name = name
        self.body = body
        self._node = node
        self._sequence = sequence
        self._stamp = stamp
        self._view = view
        self._extra = extra
        self._front = front
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = self._headers
        if headers is None:
            headers = self._headers = self._build()
        return headers

    def get(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)

    def __repr__(self) -> str:
        uuid = self._view.identity.uuid if self._view is not None else "-"
        return f"<SwitchEvent {self.name} {uuid} #{self._sequence}>"

    def _build(self) -> dict[str, str]:
        node, stamp = self._node, self._stamp
        local, gmt = _dates(stamp // 1_000_000)
        calling = CALLING.get(self.name, ("", "", "0"))
        headers = {
            "Event-Name": self.name,
            "Core-UUID": node.core_uuid,
            "FreeSWITCH-Hostname": node.hostname,
            "FreeSWITCH-Switchname": node.hostname,
            "FreeSWITCH-IPv4": node.ipv4,
            "FreeSWITCH-IPv6": node.ipv6,
            "Event-Date-Local": local,
            "Event-Date-GMT": gmt,
            "Event-Date-Timestamp": str(stamp),
            "Event-Calling-File": calling[0],
            "Event-Calling-Function": calling[1],
            "Event-Calling-Line-Number": calling[2],
            "Event-Sequence": str(self._sequence),
        }
        if self._front:
            headers.update(self._front)
        if self._view is not None:
            _channel_headers(self._view, headers)
            if self.name not in BARE_EVENTS:
                _variables(self._view, headers, self.name in _DEPARTED)
        if self._extra:
            headers.update(self._extra)
        return headers


def stamp_text(micros: int) -> str:
    """A moment as `*_stamp` variables show it: `2026-11-22 00:52:31`, in UTC."""
    return _dates(micros // 1_000_000)[0]


@lru_cache(maxsize=256)
def _dates(second: int) -> tuple[str, str]:
    moment = _EPOCH + timedelta(seconds=second)
    return moment.strftime("%Y-%m-%d %H:%M:%S"), moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def _channel_headers(view: View, headers: dict[str, str]) -> None:
    who, times = view.identity, view.times
    headers["Channel-State"] = view.state
    headers["Channel-Call-State"] = view.call_state
    headers["Channel-State-Number"] = str(view.state_number)
    headers["Channel-Name"] = who.name
    headers["Unique-ID"] = who.uuid
    headers["Call-Direction"] = who.direction
    headers["Presence-Call-Direction"] = who.direction
    headers["Channel-HIT-Dialplan"] = "true" if view.flipped or who.inbound else "false"
    if view.state != "CS_NONE":
        # The variables of the originate are not on the channel yet while it is made.
        if who.presence_id:
            headers["Channel-Presence-ID"] = who.presence_id
        if view.variables.get("presence_data"):
            headers["Channel-Presence-Data"] = view.variables["presence_data"]
    headers["Channel-Call-UUID"] = view.call_uuid
    headers["Answer-State"] = view.answer_state
    if view.cause is not None:
        headers["Hangup-Cause"] = view.cause
    if view.media:
        for way in ("Read", "Write"):
            headers[f"Channel-{way}-Codec-Name"] = "PCMA"
            headers[f"Channel-{way}-Codec-Rate"] = "8000"
            headers[f"Channel-{way}-Codec-Bit-Rate"] = "64000"
    if not who.name or who.name == "N/A":
        return
    headers["Caller-Direction"] = who.direction
    headers["Caller-Logical-Direction"] = "inbound" if view.inbound_like or who.inbound else "outbound"
    _party("Caller", who, view.flipped, headers, view.seen)
    headers["Caller-Unique-ID"] = who.uuid
    headers["Caller-Source"] = "mod_sofia" if who.inbound else "src/switch_ivr_originate.c"
    headers["Caller-Context"] = who.context
    headers["Caller-Channel-Name"] = who.name
    headers["Caller-Profile-Index"] = str(view.profile_index)
    _moments("Caller", times, headers, view.hold_us)
    if view.other is not None:
        other = view.other
        headers["Other-Type"] = other.role
        headers["Other-Leg-Direction"] = other.identity.direction
        headers["Other-Leg-Logical-Direction"] = "inbound"
        _party("Other-Leg", other.identity, True, headers, True)
        headers["Other-Leg-Unique-ID"] = other.identity.uuid
        inbound = other.identity.inbound
        headers["Other-Leg-Source"] = "mod_sofia" if inbound else "src/switch_ivr_originate.c"
        headers["Other-Leg-Context"] = other.identity.context
        headers["Other-Leg-Channel-Name"] = other.identity.name
        _moments("Other-Leg", other.times, headers)


def _party(prefix: str, who: Identity, flipped: bool, headers: dict[str, str], seen: bool) -> None:
    # After the answer the switch looks at the call from the callee's side: caller and callee change places.
    if who.inbound:
        flipped = False
        if who.username:
            headers[f"{prefix}-Username"] = who.username
        headers[f"{prefix}-Dialplan"] = "XML"
    if flipped:
        headers[f"{prefix}-Caller-ID-Name"] = "Outbound Call"
        headers[f"{prefix}-Caller-ID-Number"] = who.number
    else:
        if who.caller_name:
            headers[f"{prefix}-Caller-ID-Name"] = who.caller_name
        headers[f"{prefix}-Caller-ID-Number"] = who.caller_number
    if who.caller_name:
        headers[f"{prefix}-Orig-Caller-ID-Name"] = who.caller_name
    headers[f"{prefix}-Orig-Caller-ID-Number"] = who.caller_number
    if flipped:
        if who.caller_name:
            headers[f"{prefix}-Callee-ID-Name"] = who.caller_name
        headers[f"{prefix}-Callee-ID-Number"] = who.caller_number
    elif not who.inbound:
        headers[f"{prefix}-Callee-ID-Name"] = "Outbound Call"
        headers[f"{prefix}-Callee-ID-Number"] = who.number
    if seen:
        headers[f"{prefix}-Network-Addr"] = who.network_addr
    headers[f"{prefix}-ANI"] = who.caller_number
    headers[f"{prefix}-Destination-Number"] = who.number


def _moments(
    prefix: str, times: Times, headers: dict[str, str], hold_us: tuple[int, int] = (0, 0)
) -> None:
    headers[f"{prefix}-Profile-Created-Time"] = str(times.profile_created)
    headers[f"{prefix}-Channel-Created-Time"] = str(times.created)
    headers[f"{prefix}-Channel-Answered-Time"] = str(times.answered)
    headers[f"{prefix}-Channel-Progress-Time"] = str(times.progress)
    headers[f"{prefix}-Channel-Progress-Media-Time"] = str(times.progress_media)
    headers[f"{prefix}-Channel-Hangup-Time"] = str(times.hangup)
    headers[f"{prefix}-Channel-Transfer-Time"] = "0"
    headers[f"{prefix}-Channel-Resurrect-Time"] = "0"
    headers[f"{prefix}-Channel-Bridged-Time"] = str(times.bridged)
    headers[f"{prefix}-Channel-Last-Hold"] = str(hold_us[0])
    headers[f"{prefix}-Channel-Hold-Accum"] = str(hold_us[1])
    headers[f"{prefix}-Screen-Bit"] = "true"
    headers[f"{prefix}-Privacy-Hide-Name"] = "false"
    headers[f"{prefix}-Privacy-Hide-Number"] = "false"


def _variables(view: View, headers: dict[str, str], final: bool) -> None:
    who = view.identity
    headers["variable_direction"] = who.direction
    if not who.inbound:
        headers["variable_is_outbound"] = "true"
    headers["variable_uuid"] = who.uuid
    headers["variable_call_uuid"] = view.call_uuid
    headers["variable_session_id"] = str(who.session_id)
    if who.name == "N/A":
        return
    if who.gateway:
        headers["variable_sip_gateway_name"] = who.gateway
    if not who.inbound:
        headers["variable_sip_profile_name"] = "gateway" if who.gateway else who.profile
    headers["variable_channel_name"] = who.name
    for name, value in view.variables.items():
        headers[f"variable_{name}"] = value
    if not who.inbound:
        headers["variable_originate_endpoint"] = "sofia"
    headers["variable_sofia_profile_name"] = who.profile
    headers["variable_recovery_profile_name"] = who.profile
    if view.seen:
        headers["variable_sip_network_ip"] = who.network_addr
        headers["variable_sip_from_user"] = who.caller_number
        headers["variable_sip_to_user"] = who.number
        headers["variable_sip_call_id"] = f"{who.uuid[9:]}-{who.session_id:08x}"
    if view.media:
        headers["variable_read_codec"] = "PCMA"
        headers["variable_write_codec"] = "PCMA"
        headers["variable_dtmf_type"] = "rfc2833"
    if final and view.cause is not None:
        _report(view, headers)


def _report(view: View, headers: dict[str, str]) -> None:
    """The call-record variables of HANGUP_COMPLETE and DESTROY: stamps, epochs and the seconds/ms/us
    families.
    """
    times = view.times
    headers["variable_hangup_cause"] = view.cause or "NORMAL_CLEARING"
    headers["variable_hangup_cause_q850"] = str(Q850.get(view.cause or "", 16))
    headers["variable_digits_dialed"] = "none"
    for name, micros in (
        ("start", times.created),
        ("profile_start", times.profile_created),
        ("answer", times.answered),
        ("bridge", times.bridged),
        ("progress", times.progress),
        ("progress_media", times.progress_media),
        ("end", times.hangup),
    ):
        if micros:
            headers[f"variable_{name}_stamp"] = stamp_text(micros)
        headers[f"variable_{name}_epoch"] = str(micros // 1_000_000)
        headers[f"variable_{name}_uepoch"] = str(micros)
    if "current_application" in view.variables:
        headers["variable_last_app"] = view.variables["current_application"]
    headers["variable_caller_id"] = view.identity.caller_number

    def since(moment: int, start: int) -> tuple[int, int]:
        """(difference of whole seconds as the real one counts it, microseconds)."""
        if not moment or not start:
            return 0, 0
        return moment // 1_000_000 - start // 1_000_000, moment - start

    spans = {
        "duration": since(times.hangup, times.created),
        "bill": since(times.hangup, times.answered),
        "progress": since(times.progress, times.created),
        "answer": since(times.answered, times.created),
        "wait": since(times.bridged, times.created),
        "progress_media": since(times.progress_media, times.created),
        "flow_bill": since(times.hangup, times.answered),
    }
    headers["variable_duration"] = str(spans["duration"][0])
    headers["variable_mduration"] = str(spans["duration"][1] // 1000)
    headers["variable_uduration"] = str(spans["duration"][1])
    for name, (seconds, micros) in spans.items():
        if name != "duration":
            headers[f"variable_{name}sec"] = str(seconds)
            headers[f"variable_{name}msec"] = str(micros // 1000)
            headers[f"variable_{name}usec"] = str(micros)
