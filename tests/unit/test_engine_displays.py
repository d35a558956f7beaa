"""What agents' phones display of a customer: by the rule, masked, in every turn of a call, and nothing afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import Floor, agents, campaign, none, one, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev
from dialer.domain.acts import PhoneSettings
from dialer.domain.phones import Display, Join
from dialer.engine.displays import hidden, shown
from dialer.switch.originate import to_esl
from esl.errors import CommandError
from esl.leg_commands import ShowOnly

LEG = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("number", "first", "last", "wanted"),
    [
        ("+8613812341234", 3, 4, "138****1234"),
        ("+12025550113", 3, 4, "20****0113"),  # four stay hidden
        ("+12025550113", 0, 4, "****0113"),
        ("+12025550113", 3, 0, "202****"),
        ("+12025550113", 0, 0, "****"),
        ("+12025550113", 6, 6, "****550113"),  # four stay hidden, whatever the rule says
        ("+4930123456", 3, 4, "****3456"),  # a short one
        ("112", 3, 4, "****"),
        ("", 3, 4, "****"),
    ],
)
def test_a_number_is_hidden(number: str, first: int, last: int, wanted: str) -> None:
    made = hidden(number, first, last)
    assert made == wanted
    digits = "".join(c for c in number if c.isdigit())
    assert not digits or digits not in made


@pytest.mark.parametrize(
    ("display", "wanted"),
    [
        ((), ("-", "-")),
        (("name",), ("Ann Miller", "-")),
        (("campaign", "name"), ("renewals Ann Miller", "-")),
        (("number",), ("-", "20****0113")),
        (("name", "number"), ("Ann Miller", "20****0113")),
        (("tier", "tag"), ("high ask about the gold card", "-")),
    ],
)
def test_what_is_shown(display: tuple[str, ...], wanted: tuple[str, str]) -> None:
    words = {"name": "Ann Miller", "campaign": "renewals", "tier": "high", "tag": "ask about the gold card"}
    assert shown(PhoneSettings(display=display), words, "+12025550113") == wanted


@pytest.mark.parametrize(
    "name",
    ["${system(rm)}", "a|b", "x' uuid_kill y", 'q"', "{a=b}", "+1 202 555 0113", "2025550113", "a;<d>@", "é" * 99],
)
def test_a_name_gives_no_orders_and_holds_no_number(name: str) -> None:
    said, number = shown(PhoneSettings(display=("name",)), {"name": name, "campaign": "c"}, "+12025550113")
    line = ShowOnly(LEG, said, number).line()
    assert line.count("${") == 3 and line.count("|") == 1 and "5550113" not in line and len(said) <= 40


@pytest.mark.parametrize("text", ["", "a}b", "a)b", "$x", "a|b", "a'b"])
def test_the_command_itself_refuses_marks(text: str) -> None:
    with pytest.raises(CommandError):
        ShowOnly(LEG, text, "-").line()
    with pytest.raises(CommandError):
        ShowOnly(LEG, "-", text).line()


def test_one_command_in_three_parts() -> None:
    told = to_esl(Display("fs1", LEG, "Ann", "202****0113"))
    assert told.line() == (
        f"expand echo ${{uuid_setvar({LEG} ignore_display_updates false)}}${{uuid_display({LEG} Ann|202****0113)}}"
        f"${{uuid_setvar({LEG} ignore_display_updates true)}}"
    )


def floor(display: tuple[str, ...] = ("name", "number"), people: int = 1) -> Floor:
    config = settings(campaign(), people=agents(people))
    return Floor(replace(config, phones=PhoneSettings(display=display, beep=False))).up()


def test_it_follows_the_bridge_and_goes_with_the_customer() -> None:
    made = floor()
    made.step(1.0)
    (uuid,) = made.dialed()
    made.ring(uuid)
    none(made.answer(uuid), Display)
    leg = made.of(cmd.Bridge)[-1].agent_uuid
    made.step(0.06)
    display = one(made.bridged(uuid, leg), Display)
    assert display.uuid == leg and display.number.startswith("3****") and "****" in display.number
    assert display.name not in repr(display) or display.name == "-"
    assert one(made.hang_up(uuid), Display).number == "-"


def test_nothing_unless_it_is_configured() -> None:
    made = floor(())
    made.step(1.0)
    made.talk(made.dialed()[0])
    none(made.log, Display)


def test_the_next_agent_is_shown_it_too() -> None:
    made = floor(people=2)
    made.step(1.0)
    uuid = made.dialed()[0]
    leg = made.talk(uuid)
    made.send(ev.LegUnbridged(uuid, made.now), ev.LegHungUp(leg, made.now, "NORMAL_CLEARING"))
    made.step(1.0)
    join = made.of(Join)[-1]
    out = made.send(ev.LegsBridged(join.a_uuid, join.b_uuid, made.now))
    assert one(out, Display).uuid == join.b_uuid
