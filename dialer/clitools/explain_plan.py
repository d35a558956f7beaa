"""``dialer explain route --did``, where a number leads to one person: which phones of their plan would ring now.

Owns the words. The steps are those of ``routing.followme``, asked as if nobody answered; the hours are judged as for a
real call. Whether a phone is busy this moment only the running service knows. Must not print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dialer.domain.follow_me import FollowSettings


def plan_steps(settings: FollowSettings, now: float) -> list[str]:
    """The phones in turn, those that are left out with why, and what comes when nobody is reached."""
    from routing import followme as fm
    from routing.calendars import is_open

    plan = settings.plan
    verdicts = {name: is_open(calendar, now) for name, calendar in settings.calendars.items()}
    open_now = frozenset(name for name, verdict in verdicts.items() if verdict.open)
    steps = []
    for phone in plan.phones:
        if phone.calendar is not None and phone.calendar not in open_now:
            why = verdicts[phone.calendar].reason if phone.calendar in verdicts else "it is not known"
            steps.append(f"    {phone.name}: left out, outside {phone.calendar}: {why}")
            continue
        pressed = f"; must press 1 within {plan.accept_s:g} s" if phone.outside else ""
        steps.append(f"    {phone.name}: rung for {phone.ring_s:g} s, unless busy{pressed}")
    state, orders = fm.start(plan, open_now, now)
    while state.stage is fm.Stage.CALLING:
        state, orders = fm.happened(state, fm.Happening.NO_ANSWER, state.phone, open_now, now)
    task = f"a callback for {plan.task_for}" if plan.task_for else "a callback for anybody"
    message = any(isinstance(order, fm.TakeMessage) for order in orders)
    steps.append(f"    nobody: {'the mailbox, and ' if message else ''}{task}")
    return steps
