"""``dialer explain route --did``, where a number leads to one person: which phones of their plan would ring now.

Owns the words. The steps are those of ``routing.followme``, asked as if nobody answered; hours are judged as for a real
call, and people are where the floor says. Whether a phone outside or at an empty seat is busy nobody knows. Must not
print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dialer.domain.follow_me import FollowSettings
    from routing.followme import Phone
    from routing.outbound import Rank
    from routing.snapshot import Floor


def plan_steps(settings: FollowSettings, now: float, floor: Floor, rank: Rank, number: str) -> list[str]:
    """The phones in turn for a caller from ``number`` (empty: hidden), those that are left out with why, and what comes
    when nobody is reached.
    """
    from routing import followme as fm
    from routing.calendars import is_open

    plan = settings.plan
    verdicts = {name: is_open(calendar, now) for name, calendar in settings.calendars.items()}
    open_now = frozenset(name for name, verdict in verdicts.items() if verdict.open)
    steps = []
    for phone in plan.phones:
        if phone.calendar is not None and phone.calendar not in open_now:
            steps.append(f"    {phone.name}: left out, outside {phone.calendar}: {verdicts[phone.calendar].reason}")
        else:
            steps.append(f"    {phone.name}: {_phone(phone, plan.accept_s, floor, rank, number)}")
    state, orders = fm.start(plan, open_now, now)
    while state.stage is fm.Stage.CALLING:
        state, orders = fm.happened(state, fm.Happening.NO_ANSWER, state.phone, open_now, now)
    ends = ["the mailbox"] if any(isinstance(order, fm.TakeMessage) for order in orders) else []
    if number:
        ends.append(f"a callback for {plan.task_for or 'anybody'}")
    else:
        ends.append("no callback, for their number is hidden")
    return [*steps, f"    nobody: {', and '.join(ends)}"]


def _phone(phone: Phone, accept_s: float, floor: Floor, rank: Rank, number: str) -> str:
    """What becomes of one phone; the rules are those of ``engine.follow_places``."""
    from dialer.engine.follow_places import kept_from
    from routing.facts import AgentState
    from routing.followme import AGENT, SEAT

    rung = f"rung for {phone.ring_s:g} s"
    if not phone.number.startswith(AGENT):
        asked = f"; must press 1 within {accept_s:g} s" if phone.outside else ""
        mine = bool(number) and phone.number == number and not phone.number.startswith(SEAT)
        return "left out, it is the phone that calls" if mine else f"{rung}, unless busy{asked}"
    name = phone.number.removeprefix(AGENT)
    agent = next((each for each in floor.agents if each.id == name), None)
    if agent is None or agent.state is AgentState.AWAY:
        return f"{rung} at the seat of agent {name}, who is not logged in"
    if kept_from(agent.dedicated, rank):
        return f"left out, the seat of agent {name} is kept for {', '.join(sorted(agent.dedicated))}"
    if agent.state is AgentState.FREE:
        return f"agent {name} is free, and joined at once"
    return f"left out, agent {name} is {agent.state.value.replace('_', ' ')}"
