"""What must hold while a crowd of phones does what it likes, and after it has gone quiet.

Owns the checks of phones, on top of ``dialer.simulate.invariants``. What is heard is asked of the modelled switch, not
of the engine; who may be heard follows from the engine's own records, with time for commands that are on their way.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, TypeGuard

from dialer.domain.agent import AgentState, Line
from dialer.domain.call import CallState
from dialer.simulate import invariants
from dialer.simulate.invariants import InvariantBroken
from dialer.simulate.shift import EPOCH_S, Shift, is_customer
from freeswitch.standin.channel import Doing, Leg
from freeswitch.standin.hearing import heard_by

LOOK_EVERY_S: Final = 0.1
LEADS_EVERY_S: Final = 5.0
SLOW_S: Final = 1.5
"""How long the engine's picture and the switch's may differ while commands and events are on their way."""
SILENCE_S: Final = 6.5
"""How long a customer may hear nothing: the wait of a rescue is 4 s, a join that fails is tried again after 3."""
OWNERLESS_S: Final = 75.0
"""Two comparisons, 30 s apart, and a hangup."""
AT_REST: Final = (AgentState.LOGGED_OUT, AgentState.PAUSED, AgentState.READY, AgentState.UNAVAILABLE,
                  AgentState.CONNECTING)  # fmt: skip
Sounds = dict[str, tuple[str, ...]]


class Watcher:
    """Looks at every step; ``exact``: no event, reply or connection is ever lost, so bounds are short."""

    def __init__(self, *, exact: bool) -> None:
        self.exact = exact
        self._looked = 0.0
        self._leads = 0.0
        self._since: dict[str, float] = {}

    def __call__(self, shift: Shift) -> None:
        if shift.alive:
            engine(shift)
        if shift.now < self._looked + LOOK_EVERY_S:
            return
        self._looked = shift.now
        invariants._switch(shift)
        if shift.now > self._leads + LEADS_EVERY_S:
            self._leads = shift.now
            invariants._leads(shift)
            if shift.alive:
                invariants._engine(shift)
        wrong: dict[str, float] = {}
        legs = {uuid: leg for uuid, leg in shift.switch.legs.items() if leg.moment_answered is not None and leg.alive}
        hears = {uuid: heard_by(leg) for uuid, leg in legs.items()}
        self._voices(shift, legs, hears, wrong)
        self._silence(shift, legs, hears, wrong)
        if shift.alive and shift.connected:
            self._owners(shift, wrong)
        self._since = {what: self._since.get(what, shift.now) for what in wrong}
        for what, bound in wrong.items():
            lasted = shift.now - self._since[what]
            if lasted > bound:
                states = [_shown(leg) for uuid, leg in shift.switch.legs.items() if uuid in what]
                raise InvariantBroken(f"{what}, for {lasted:.1f} s; {states}")

    # ---- voices --------------------------------------------------------------------------------------------

    def _voices(self, shift: Shift, legs: dict[str, Leg], hears: Sounds, wrong: dict[str, float]) -> None:
        bound = SLOW_S if self.exact else OWNERLESS_S
        customers = {uuid for uuid, leg in legs.items() if is_customer(leg)}
        for uuid, sounds in hears.items():
            voices = {sound[4:] for sound in sounds if sound.startswith("leg:")}
            if uuid in customers:
                other = (voices & customers) - {uuid}
                if other:
                    wrong[f"customer {uuid} hears customer {sorted(other)}"] = 0.0 if self.exact else bound
                if shift.alive and shift.connected:
                    strangers = voices - self._may_be_heard(shift, uuid)
                    if strangers:
                        wrong[f"customer {uuid} hears {sorted(strangers)}"] = bound
            elif len(voices & customers) > 1:
                wrong[f"{uuid} hears two customers {sorted(voices & customers)}"] = 0.0 if self.exact else bound
            else:
                self._party_hears(legs[uuid], voices & customers, wrong, bound)

    @staticmethod
    def _party_hears(leg: Leg, customers: set[str], wrong: dict[str, float], bound: float) -> None:
        """A third party was rung for one customer, or for none."""
        kind, _, ident = leg.variables.get("presence_data", "").removeprefix("dialer/").partition("/")
        if kind == "party" and not ident.startswith("supervisor-") and customers - {ident}:
            wrong[f"third party {leg.uuid} hears customers {sorted(customers)}"] = bound

    @staticmethod
    def _may_be_heard(shift: Shift, customer: str) -> set[str]:
        live = shift.engine._live
        call = live.calls.get(customer)
        if call is None:
            return set(shift.switch.legs)  # of a former run, or ending
        heard = {agent.leg for agent in live.agents.values() if agent.call is call and agent.leg is not None}
        heard |= {party.uuid for party in live.parties.values() if party.call is call}
        for watch in live.watches.values():
            barges = watch.mode in ("barge", "customer") and watch.agent is not None and watch.agent.call is call
            if watch.call is call or barges:
                heard.add(watch.uuid)
        return heard

    @staticmethod
    def _silence(shift: Shift, legs: dict[str, Leg], hears: Sounds, wrong: dict[str, float]) -> None:
        for uuid, sounds in hears.items():
            leg = legs[uuid]
            partner = leg.bridge.partner(leg) if leg.bridge is not None else None
            if is_customer(leg) and _should_hear(partner, leg) and f"leg:{uuid}" not in hears.get(partner.uuid, ()):
                wrong[f"{partner.uuid} does not hear customer {uuid}"] = SILENCE_S
            if sounds or not is_customer(leg):
                continue
            if partner is not None and partner.vanished_at is not None:
                continue  # a phone that the switch will miss in a few seconds
            if partner is not None and partner.held and not shift.settings.phones.hold_sound:
                continue  # the phone's own button, where the centre wants no sound
            if not shift.settings.phones.hold_sound and leg.playing is not None and _long_silence(leg.playing):
                continue  # on hold, or waiting for another agent, where the centre wants no sound
            if leg.playing is None and leg.doing in (Doing.PARKED, Doing.LIMBO):
                wrong[f"customer {uuid} is parked in silence"] = SILENCE_S
            else:
                wrong[f"customer {uuid} hears nothing"] = SILENCE_S

    # ---- channels ------------------------------------------------------------------------------------------

    def _owners(self, shift: Shift, wrong: dict[str, float]) -> None:
        live = shift.engine._live
        known = set(live.calls) | set(live.legs) | set(live.parties) | set(live.watches) | set(live.sessions)
        for uuid, leg in shift.switch.legs.items():
            talks = leg.bridge is not None and leg.bridge.partner(leg).uuid in live.calls
            if uuid not in known and not talks:  # a supervisor's of a former run ends with the customer it took over
                kind = leg.variables.get("presence_data", "no presence")
                wrong[f"channel {uuid} ({kind}) has no owner"] = 12.0 if self.exact else OWNERLESS_S
        for uuid in known - set(shift.switch.legs):
            call = live.calls.get(uuid)
            if call is not None and call.state is CallState.RESERVED:
                continue
            wrong[f"{uuid} is believed in, and is no channel"] = 6.0 if self.exact else OWNERLESS_S


def _should_hear(partner: Leg | None, leg: Leg) -> TypeGuard[Leg]:
    if partner is None or leg.bridge is None or not leg.bridge.joined:
        return False
    return partner.up and not partner.held and not leg.held and partner.vanished_at is None


def _long_silence(sound: str) -> bool:
    length = sound.removeprefix("silence_stream://")
    return length != sound and length.isdecimal() and int(length) > 1000 * SILENCE_S


def _shown(leg: Leg) -> str:
    partner = leg.bridge.partner(leg) if leg.bridge is not None else None
    with_whom = ""
    if partner is not None:
        with_whom = f", with {partner.uuid} ({partner.doing}, overlay {partner.overlay}, held {partner.held!r})"
    return f"{leg.uuid}: {leg.doing}, {leg.app} {leg.app_data}, overlay {leg.overlay}, held {leg.held!r}{with_whom}"


def engine(shift: Shift) -> None:
    """After every step: the engine's records agree with each other."""
    live = shift.engine._live
    own = defaultdict(int)
    for group in (live.calls.values(), live.sessions.values(), [p for p in live.parties.values() if p.guest is None],
                  [w for w in live.watches.values() if not w.own_line]):  # fmt: skip
        for each in group:
            own[each.node] += 1
    for agent in live.agents.values():
        if agent.leg is not None:
            own[agent.node] += 1
    for name, node in live.nodes.items():
        if node.legs != own[name]:
            raise InvariantBroken(f"switch {name} counts {node.legs} legs of {own[name]}")
    for agent in live.agents.values():
        name = agent.settings.agent
        if agent.typed is not None and agent.leg is None:
            raise InvariantBroken(f"agent {name} types without a phone")
        if agent.party is not None and live.parties.get(agent.party.uuid) is not agent.party:
            raise InvariantBroken(f"agent {name} has a third party who is gone")
        if agent.lent is not None and live.parties.get(agent.lent.uuid) is not agent.lent:
            raise InvariantBroken(f"agent {name} is lent to nobody")
    for watch in live.watches.values():
        if watch.own_line and watch.uuid not in live.legs:
            raise InvariantBroken(f"supervisor {watch.supervisor}: the own line is gone")
        if watch.call is not None and not (watch.call.id in live.calls and watch.call.supervised):
            raise InvariantBroken(f"supervisor {watch.supervisor} has a customer who is gone")


def missed_late(leg: Leg) -> bool:
    """A phone that lost its power while on hold by its own button is missed after ten minutes only; so is one that had
    held for less than about a second before: the switch took the long time over into the conversation.
    """
    return leg.vanished_at is not None and (leg.phone_holds or (leg.media_limit_s or 0.0) > 60.0)


def quiet(shift: Shift) -> None:
    """Everybody has hung up or does nothing, and nothing has failed for a while: nobody is stuck, and the engine's
    picture is the switch's."""

    def require(condition: bool, text: str) -> None:
        if not condition:
            raise InvariantBroken(f"after all is quiet: {text}")

    live, legs = shift.engine._live, shift.switch.legs
    usable = all(node.usable for node in live.nodes.values())
    require(shift.alive and live.store_ok and usable, "dialer, store or switch away")
    dark = {uuid for uuid, leg in legs.items() if missed_late(leg)}
    watches = {uuid: watch for uuid, watch in live.watches.items() if uuid not in dark}
    for what, left in (("calls", live.calls), ("sessions", live.sessions), ("third parties", live.parties),
                       ("supervisors", watches), ("calls for help", live.helps), ("dropped legs", live.dropped),
                       ("recordings", live.recordings)):  # fmt: skip
        require(not left, f"{what} are left: {left}")
    for agent in live.agents.values():
        name = agent.settings.agent
        told = f"agent {name} is {agent.state} ({agent.reason}), line {agent.line}, since {agent.since - EPOCH_S:.1f}"
        require(agent.state in AT_REST, told)
        rests = (agent.call, agent.party, agent.lent, agent.own, agent.typed, agent.after_call, agent.preview)
        require(not any(rests), f"agent {name} has {rests} left")
        supervises = agent.reason == "supervising" and agent.state is AgentState.PAUSED
        require(not supervises or agent.leg in dark, f"{told}: supervises nobody")
        if agent.state is AgentState.LOGGED_OUT:
            require(agent.leg is None, f"agent {name} is logged out with a line")
        if agent.state in (AgentState.PAUSED, AgentState.READY) and agent.nailed_up:
            require(agent.leg is not None and (agent.line is Line.PARKED or agent.leg in dark), told)
        if not agent.nailed_up:
            require(agent.leg is None, f"on-call agent {name} has a line")
        if agent.line is Line.PARKED and agent.leg is not None:
            leg = legs.get(agent.leg)
            require(leg is not None, f"agent {name}: the line is no channel")
            assert leg is not None
            idle = leg.idle or agent.leg in dark  # a supervisor's, who listens
            require(idle and leg.bridge is None, f"agent {name}: the line is not parked: {_shown(leg)}")
    known = set(live.legs)
    require(set(legs) <= known, f"channels without an owner: {sorted(set(legs) - known)}")
