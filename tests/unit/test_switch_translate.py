"""FreeSWITCH's own event streams, read by the translation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dialer.domain import events as ev
from dialer.switch.translate import HEADERS, SUBSCRIPTIONS, translate
from esl.headers import Event
from esl.protocol import Decoder

CAPTURES = Path(os.environ.get("DIALER_CAPTURES", Path(__file__).parents[3] / "shared" / "captures"))


def events(name: str) -> list[ev.SwitchEvent]:
    path = CAPTURES / f"{name}.raw.txt"
    if not path.exists():
        pytest.skip(f"no captured stream {path.name}: set DIALER_CAPTURES to the folder that holds them")
    found = []
    for message in Decoder().feed(path.read_bytes()):
        if isinstance(message, Event) and message.name in SUBSCRIPTIONS:
            whole, picked = translate(message, "fs1", 1.0, 1.0), translate(message.pick(HEADERS), "fs1", 1.0, 1.0)
            assert whole == picked, "a header that is read is not in HEADERS"
            if whole is not None:
                found.append(whole)
    return found


FAILED = [
    ("busy", "USER_BUSY", "486"),
    ("notfound404", "UNALLOCATED_NUMBER", "404"),
    ("unavail503", "NORMAL_TEMPORARY_FAILURE", "503"),
    ("decline603", "CALL_REJECTED", "603"),
    ("noanswer", "NO_ANSWER", None),
    ("carrier_down", "NORMAL_TEMPORARY_FAILURE", "503"),
]


@pytest.mark.parametrize(("name", "cause", "sip"), FAILED)
def test_a_failed_call_ends_once_with_its_cause(name: str, cause: str, sip: str | None) -> None:
    got = events(name)
    ended = [e for e in got if isinstance(e, ev.LegHungUp)]
    assert len(ended) == 1 and (ended[0].cause, ended[0].sip_status) == (cause, sip)
    assert not [e for e in got if isinstance(e, ev.LegAnswered | ev.LegsBridged | ev.LegParked)]


def test_a_call_with_two_answered_legs_in_order() -> None:
    got = events("answered_bridge")
    (bridge,) = [e for e in got if isinstance(e, ev.LegsBridged)]
    for leg in (bridge.a_uuid, bridge.b_uuid):
        kinds = [type(e).__name__ for e in got if getattr(e, "uuid", None) == leg]
        assert kinds[:3] == ["LegRinging", "LegAnswered", "LegParked"]
        assert kinds[-1] == "LegHungUp" and kinds.count("LegHungUp") == 1
    at = got.index(bridge)
    assert all(not isinstance(e, ev.LegHungUp) for e in got[:at])
    hung = [e for e in got if isinstance(e, ev.LegHungUp)]
    assert all(e.billsec is not None and e.cause == "NORMAL_CLEARING" for e in hung)


def test_early_media_is_ringing_with_early_media() -> None:
    first = next(e for e in events("early_media_183") if isinstance(e, ev.LegRinging))
    assert first.early_media


def test_json_streams_say_the_same() -> None:
    kinds = [type(e).__name__ for e in events("json_answered")]
    assert "LegAnswered" in kinds and kinds[-1] == "LegHungUp"


class Fake:
    """An event of any headers."""

    def __init__(self, name: str, **headers: str) -> None:
        self.name = name
        self.uuid = None
        self._headers = {key.replace("_", "-"): value for key, value in headers.items()}

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._headers.get(name, default)


@pytest.mark.parametrize("name", [*SUBSCRIPTIONS, "CUSTOM", ""])
def test_an_event_without_a_channel_says_nothing(name: str) -> None:
    assert translate(Fake(name), "fs1", 1.0, 1.0) is None


def test_a_hangup_without_its_words_is_still_a_hangup() -> None:
    got = translate(Fake("CHANNEL_HANGUP_COMPLETE", Unique_ID="u"), "fs1", 2.0, 2.0)
    assert got == ev.LegHungUp("u", 2.0, "UNKNOWN")
