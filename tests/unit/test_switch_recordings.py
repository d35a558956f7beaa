"""Recordings, uploads and holds on the wire: what is sent, what an answer means, and what no path may smuggle in."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.domain import events as ev
from dialer.domain import phones as ph
from dialer.domain.recordings import RecordingMode, RecordingPolicy
from dialer.switch.driver import Driver
from dialer.switch.originate import to_esl
from dialer.switch.phones import hold_told, translate
from esl.errors import CommandError
from esl.jobs import JobReply
from esl.leg_commands import RunOnFile, UuidGetvar

U = "00000000-0000-4000-8000-000000000001"
UPLOAD = ph.Upload("fs1", U, "/spool/2026-09-21/a.wav", "/usr/local/bin/bring")


class Event:
    """An event as the client hands it out."""

    def __init__(self, name: str, **headers: str) -> None:
        self.name = name
        self.headers = {key.replace("__", "-"): value for key, value in headers.items()}

    def get(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


def told(command: ph.PhoneCommand, text: str, *, ok: bool = True, kind: str = "reply") -> list[ev.SwitchEvent]:
    """What the engine hears of an answer."""
    heard: list[ev.SwitchEvent] = []
    handlers: list[Callable[[JobReply], object]] = []

    class Sender:
        def bgapi(self, line: object, on_reply: Callable[[JobReply], object], deadline_s: float = 30.0) -> str:
            handlers.append(on_reply)
            return "job"

    driver = Driver("fs1", Sender(), heard.append, lambda: 1.0, lambda s: None)  # type: ignore[arg-type]
    driver.execute(command)
    for handler in handlers:
        handler(JobReply("job", ok, text, kind))  # type: ignore[arg-type]
    return heard


def test_an_upload_is_run_by_a_shell_that_says_how_it_ended() -> None:
    line = to_esl(UPLOAD).line()
    assert line == f"system {UPLOAD.command} {UPLOAD.path} 2>&1 && echo +done || echo -failed $?"
    assert to_esl(ph.AskHold("fs1", U)).line() == f"uuid_getvar {U} switch_r_sdp"


@pytest.mark.parametrize(
    "path",
    ["", "a.wav", "/a b", "/a;reboot", "/$(reboot)", "/a`x`", "/a|x", "/a&x", "/a\nb", "/a'b", '/a"b', "/../etc/passwd",
     "/a/../../b", "/ä", "/a>b", "/" + "x" * 901],
)  # fmt: skip
def test_nothing_in_a_path_means_anything_to_a_shell(path: str) -> None:
    for command in (RunOnFile("/bin/true", path), RunOnFile(path, "/a.wav")):
        with pytest.raises(CommandError):
            command.line()
    with pytest.raises(CommandError):
        UuidGetvar(U, "a b").line()
    (refused,) = told(ph.Upload("fs1", U, path, "/bin/true"), "")
    assert isinstance(refused, ph.UploadReplied) and not refused.ok


@pytest.mark.parametrize(
    ("text", "ok", "kind", "done", "said"),
    [
        ("copied\n+done\n", True, "reply", True, "copied"),
        ("+done", True, "reply", True, ""),
        ("no route\n-failed 7\n", True, "reply", False, "no route\n-failed 7"),
        ("-failed 127", False, "reply", False, "-failed 127"),
        ("", True, "reply", False, "said nothing"),
        ("-ERR lost +done", False, "disconnected", False, "-ERR lost"),
        ("-ERR no connection", False, "not_sent", False, "-ERR no connection"),
    ],
)
def test_what_an_upload_answers(text: str, ok: bool, kind: str, done: bool, said: str) -> None:
    assert told(UPLOAD, text, ok=ok, kind=kind) == [ph.UploadReplied("fs1", UPLOAD.path, done, said)]


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ("v=0\r\nm=audio 4000 RTP/AVP 8\r\na=sendonly\r\n", True),
        ("v=0\na=inactive\n", True),
        ("v=0\r\na=sendrecv\r\n", False),
        ("v=0\r\na=x-note:a=sendonly\r\n", False),
        ("_undef_", False),
        ("-ERR No such channel!", None),
    ],
)
def test_whether_a_phone_holds(answer: str, held: bool | None) -> None:
    assert hold_told(U, answer) == ph.HoldTold(U, held)
    kind = "reply" if not answer.startswith("-") else "refused"
    assert told(ph.AskHold("fs1", U), answer, ok=kind == "reply", kind=kind) == [ph.HoldTold(U, held)]


@pytest.mark.parametrize("what", ["start", "mask", "unmask", "stop"])
def test_which_order_was_refused_is_told(what: str) -> None:
    (refused,) = told(ph.Record("fs1", U, what, "/r/a.wav"), "-ERR no", ok=False, kind="reply")
    assert refused == ev.CommandRefused(U, f"Record {what}", "-ERR no")


@pytest.mark.parametrize(("size", "kept"), [("65536", 2.046625), ("44", 0.0), ("", None), ("many", None), ("-1", None)])
def test_what_reached_the_disk(size: str, kept: float | None) -> None:
    headers = {"Record__File__Path": "/r/a.wav", "variable_record_ms": "6380", "variable_record_file_size": size}
    found = translate(Event("RECORD_STOP", **headers), U, 9.0)  # type: ignore[arg-type]
    assert found == ph.RecordingStopped(U, "/r/a.wav", 6.38, 9.0, kept)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_name_leads_out_of_the_directory(campaign: str, agent: str, node: str) -> None:
    policy = RecordingPolicy(RecordingMode.ALL, 1.0, "/here", "/spool", "{date}/{campaign}/{agent}/{node}-{attempt}")
    path = policy.path(1.79e9, campaign=campaign, attempt=U, agent=agent, node=node)
    assert re.fullmatch(r"/spool/2026-09-2\d/[^/]+/[^/]+/[^/]+\.wav", path)
    assert not {"", ".", ".."} & set(path.split("/")[1:])
    assert policy.ours(path) == "/here" + path.removeprefix("/spool")
    RunOnFile("/bin/true", path).line()  # raises for anything that a shell reads
