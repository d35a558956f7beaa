"""The pure parts around the codec: commands as text, the table of jobs, the backlog, backoff, compact
events.
"""

from __future__ import annotations

import random

import greenswitch
import greenswitch.esl
import pytest

from esl import commands as c
from esl import frames
from esl.backlog import Backlog
from esl.backoff import Backoff
from esl.errors import CommandError, ESLError, HeaderNotKept
from esl.headers import CompactEvent, HeaderSet
from esl.jobs import JobReply, JobTable, replied
from esl.transport_errors import AuthenticationError, CommandTimeout, NotConnectedError, OutboundSessionHasGoneAway

U1 = "0d7d1c3c-3f3b-4c3f-9d51-6a6f2f1f8a10"
U2 = "7a0f9d0e-8a55-4d55-8f3a-0f1a2b3c4d5e"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            c.Originate(
                c.gateway_endpoint("carrier", "+13800001234"),
                {"origination_uuid": U1, "ignore_early_media": True, "dialer_epoch": 3},
                [c.App("playback", "silence_stream://2000"), c.App("hangup", "NORMAL_CLEARING")],
                timeout_s=25,
            ),
            f"originate {{origination_uuid={U1},ignore_early_media=true,dialer_epoch=3,originate_timeout=25}}"
            "sofia/gateway/carrier/+13800001234"
            " 'm:^:playback:silence_stream://2000^hangup:NORMAL_CLEARING' inline",
        ),
        (
            c.Originate("user/1001", {"origination_caller_id_name": "Ann O'Neil, PhD"}, c.App("park")),
            "originate '{origination_caller_id_name=Ann O\\\\\\\\\\\\\\'Neil\\\\, PhD}user/1001' &park()",
        ),
        (c.Originate(c.sip_endpoint("internal", "1001@10.0.0.5:5062"), {}, c.App("park")),
         "originate sofia/internal/sip:1001@10.0.0.5:5062 &park()"),
        (c.UuidBridge(U1, U2), f"uuid_bridge {U1} {U2}"),
        (c.UuidKill(U1), f"uuid_kill {U1} NORMAL_CLEARING"),
        (c.UuidKill(U1, "USER_BUSY"), f"uuid_kill {U1} USER_BUSY"),
        (c.UuidPark(U1), f"uuid_park {U1}"),
        (c.UuidTransfer(U1, [c.App("park")]), f"uuid_transfer {U1} 'm:^:park' inline"),
        (c.UuidBroadcast(U1, c.App("playback", "/tmp/a b.wav"), "both"),
         f"uuid_broadcast {U1} 'playback::/tmp/a b.wav' both"),
        (c.UuidSetvar(U1, "note", "a b"), f"uuid_setvar {U1} note 'a b'"),
        (c.UuidSetvar(U1, "note", ""), f"uuid_setvar {U1} note"),
        (c.UuidSetvarMulti(U1, {"a": "1;2", "b": ""}), f"uuid_setvar_multi {U1} a=1\\;2;b="),
        (c.UuidExists(U1), f"uuid_exists {U1}"),
        (c.UuidDump(U1), f"uuid_dump {U1} json"),
        (c.UuidDisplace(U1, "/a.wav", limit_s=3, mux=True), f"uuid_displace {U1} start /a.wav 3 mux"),
        (c.UuidDisplace(U1, "/a.wav", start=False), f"uuid_displace {U1} stop /a.wav"),
        (c.UuidDisplay(U1, "Ann Lee", "123"), f"uuid_display {U1} 'Ann Lee|123'"),
        (c.ShowChannelsJson(), "show channels as json"),
        (c.Status(), "status"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_lines(command: c.ApiCommand, line: str) -> None:
    assert command.line() == line


@pytest.mark.parametrize(
    "command",
    [
        c.UuidKill("all"),
        c.UuidKill(U1 + " x"),
        c.UuidKill(U1 + "\n"),
        c.UuidKill(U1, "NOT_A_CAUSE"),
        c.UuidBridge(U1, "x"),
        c.UuidTransfer(U1, []),
        c.UuidTransfer(U1, [c.App("park")], leg="aleg"),
        c.UuidTransfer(U1, [c.App("playback", "a^b")]),
        c.UuidTransfer(U1, [c.App("play:back", "a")]),
        c.UuidBroadcast(U1, c.App("playback", "a"), leg="holdb x"),
        c.UuidSetvar(U1, "a b", "x"),
        c.UuidSetvar(U1, "_body", "x"),
        c.UuidSetvar(U1, "a[0]", "x"),
        c.UuidSetvarMulti(U1, {}),
        c.UuidSetvarMulti(U1, {f"v{i}": "x" for i in range(65)}),
        c.UuidDisplay(U1, "a|b", "1"),
        c.UuidDisplace(U1, ""),
        c.UuidDisplace(U1, "/a", limit_s=-1),
        c.Originate("user/1001", {"note": ""}, c.App("park")),
        c.Originate("user/1001", {"a=b": "x"}, c.App("park")),
        c.Originate("user/1001", {"origination_uuid": "x"}, c.App("park")),
        c.Originate("user/1001", {"originate_timeout": 5}, c.App("park"), timeout_s=5),
        c.Originate("user/1001", {}, c.App("park"), timeout_s=0),
        c.Originate("user/1001", {}, c.App("playback", "a)b")),
        c.Originate("user/1001", {}, c.App("playback", "a\\nb")),
        c.Originate("user/1001,user/1002", {}, c.App("park")),
        c.Originate("user/1001|user/1002", {}, c.App("park")),
        c.Originate("[a=b]user/1001", {}, c.App("park")),
        c.Originate("{a=b}user/1001", {}, c.App("park")),
        c.Originate("sofia/gateway/g/1;x", {}, c.App("park")),
        c.Originate("sofia/internal/sip:a@b;c=d:_:e", {}, c.App("park")),
        c.Originate("", {}, c.App("park")),
    ],
)
def test_commands_that_are_refused(command: c.ApiCommand) -> None:
    with pytest.raises(CommandError):
        command.line()


@pytest.mark.parametrize(
    ("profile", "address"),
    [("internal", "a b@c"), ("internal", "a@b^c"), ("gateway", "a@b"), ("x/y", "a@b"), ("internal", "a@b,c@d")],
)
def test_sip_addresses_that_are_refused(profile: str, address: str) -> None:
    with pytest.raises(CommandError):
        c.sip_endpoint(profile, address)


def test_frames() -> None:
    assert frames.auth("p w") == b"auth p w\n\n"
    assert frames.events(["A", "B"], form="json", subclasses=["x::y"]) == b"event json A B CUSTOM x::y\n\n"
    assert frames.nixevents(["A"]) == b"nixevent A\n\n"
    assert frames.filter_add("Event-Name", "A") == b"filter Event-Name A\n\n"
    assert frames.filter_delete("all") == b"filter delete all\n\n"
    assert frames.api(c.Status()) == b"api status\n\n"
    assert frames.bgapi("status", U1) == f"bgapi status\nJob-UUID: {U1}\n\n".encode()
    assert frames.execute(U1, c.App("playback", "/a.wav"), lock=True) == (
        f"sendmsg {U1}\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: /a.wav\n"
        "event-lock: true\n\n"
    ).encode()
    assert frames.divert_events(True) == b"divert_events on\n\n"
    assert frames.linger(5) == b"linger 5\n\n"
    assert frames.leave() == b"exit\n\n" and frames.noevents() == b"noevents\n\n"


@pytest.mark.parametrize(
    "make",
    [
        lambda: frames.auth("a\nb"),
        lambda: frames.api("status\n\napi shutdown"),
        lambda: frames.api(""),
        lambda: frames.api("status reload mod_event_socket"),
        lambda: frames.bgapi("originate {note=UNLOAD mod_event_socket}user/1 &park()", U1),
        lambda: frames.bgapi("status", "not a uuid"),
        lambda: frames.events([]),
        lambda: frames.events(["A B"]),
        lambda: frames.events(["CUSTOM"]),
        lambda: frames.events(["A"], form="xml"),
        lambda: frames.filter_add("a b", "c"),
        lambda: frames.filter_add("a", "b\nexit"),
        lambda: frames.sendmsg(U1, {"a": "b\nc: d"}),
        lambda: frames.sendmsg(U1, {"content-length": "5"}),
        lambda: frames.sendmsg("x", {}),
        lambda: frames.linger(0),
        lambda: frames.raw("sendmsg\nno colon"),
    ],
)
def test_frames_that_are_refused(make: object) -> None:
    with pytest.raises(CommandError):
        make()  # type: ignore[operator]


def test_errors_never_show_the_password() -> None:
    with pytest.raises(CommandError) as fault:
        frames.auth("hunter2\nexit")
    assert "hunter2" not in str(fault.value)


def test_exceptions_are_caught_as_greenswitch_s() -> None:
    assert issubclass(NotConnectedError, greenswitch.esl.NotConnectedError)
    assert issubclass(CommandTimeout, greenswitch.esl.NotConnectedError)
    assert issubclass(OutboundSessionHasGoneAway, greenswitch.esl.OutboundSessionHasGoneAway)
    assert issubclass(AuthenticationError, ValueError)
    assert issubclass(CommandTimeout, ESLError)



def test_job_table_gives_each_job_up_once() -> None:
    table = JobTable()
    got: list[JobReply] = []
    for job, deadline in (("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 9.0)):
        table.add(job, got.append, deadline)
    with pytest.raises(ValueError, match="under way"):
        table.add("a", got.append, 1.0)
    assert table.take("c") is not None and table.take("c") is None
    assert table.next_deadline() == 1.0
    assert [job for job, _ in table.expire(0.9)] == []
    assert [job for job, _ in table.expire(3.0)] == ["b", "a"]
    assert table.expire(100.0)[0][0] == "d"
    table.add("e", got.append, 5.0)
    table.add("f", got.append, 4.0)
    assert [job for job, _ in table.take_all()] == ["e", "f"]
    assert len(table) == 0 and table.next_deadline() is None and table.take_all() == []


def test_job_table_forgets_deadlines_of_answered_jobs() -> None:
    table = JobTable()
    for number in range(10_000):
        table.add(str(number), print, 1000.0 + number)
        assert table.take(str(number)) is not None
    assert len(table._deadlines) < 100


def test_job_reply_ok() -> None:
    assert replied("j", "+OK abc").ok and replied("j", "true").ok and replied("j", "").ok
    assert not replied("j", "-ERR no").ok and not replied("j", "-USAGE: x").ok


def compact(text: str = " x") -> CompactEvent:
    return CompactEvent("X", HeaderSet([]), text)


def test_backlog_has_one_gap_with_two_ends() -> None:
    backlog = Backlog(max_events=2, max_bytes=1000)
    calls: list[str] = []

    def put(at: float) -> None:
        if backlog.is_full:
            backlog.drop()
        else:
            backlog.put_event(compact(), at)

    put(1.0)
    put(2.0)
    put(3.0)
    backlog.put_call(lambda: calls.append("job"))
    first = backlog.pop()
    assert isinstance(first, tuple) and first[1] == 1.0
    # There is room again, but the hole must not end before the consumer knows of it.
    put(4.0)
    assert backlog.take_gap() == 0
    second, call = backlog.pop(), backlog.pop()
    assert isinstance(second, tuple) and second[1] == 2.0 and not isinstance(call, tuple)
    assert backlog.take_gap() == 2 and backlog.take_gap() == 0 and backlog.dropped == 2
    put(5.0)
    third = backlog.pop()
    assert isinstance(third, tuple) and third[1] == 5.0 and backlog.events == 0


def test_backlog_is_bounded_in_bytes_too() -> None:
    backlog = Backlog(max_events=1000, max_bytes=100)
    backlog.put_event(compact(" " * 100), 0.0)
    assert backlog.is_full
    backlog.pop()
    assert not backlog.is_full


def test_backoff_grows_to_its_cap_and_jitters_downwards() -> None:
    rng = random.Random(1)
    backoff = Backoff(0.5, 8.0, 0.5)
    for failures, full in ((1, 0.5), (2, 1.0), (5, 8.0), (5000, 8.0)):
        delays = [backoff.delay_s(failures, rng) for _ in range(200)]
        assert full / 2 <= min(delays) < max(delays) <= full
    assert Backoff(1.0, 1.0, 0.0).delay_s(1, rng) == 1.0
    with pytest.raises(ValueError, match="backoff"):
        Backoff(2.0, 1.0)


def test_reading_a_header_that_was_not_kept_is_a_fault() -> None:
    event = CompactEvent("X", HeaderSet(["A"]), " 1\n u")
    assert event.get("A") == "u" and event.uuid == "1" and event.get("Event-Name") == "X"
    with pytest.raises(HeaderNotKept, match="'B' was not kept"):
        event.get("B")
