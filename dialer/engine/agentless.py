"""Campaigns without agents: customers hear a message, press keys, and some of them ask for an agent.

Owns what a customer's key means and does, the wait of those who ask, and how many calls such a campaign may start. The
message itself is played by the switch from the answer to the hang-up, whether we live or not. Who takes a customer is
the router's; outcomes are ``judge``'s. Must not take keys of a customer who speaks with an agent.

Who asked for an agent is, from that key on, a customer like any other: ahead of all who wait, in the abandon ledger as
served, abandoned or gone early. Who did not ask was never to get an agent, and is in no abandon rate.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from dialer.domain.agentless import ASKED, DO_NOT_CALL, END, REPEAT, TRANSFER, AgentlessSettings
from dialer.domain.call import CallState, CallTrigger
from dialer.domain.commands import NoteHeard, Recite, SaveDisposition
from dialer.domain.desk_records import AddDoNotCall, RequestCallback
from dialer.domain.phones import KeyPressed, PutAside
from dialer.engine.agentless_records import Told
from dialer.engine.live import Call, Campaign, Live, Node
from dialer.engine.records import APART_S, SPARE_S
from pacing import agentless as rule
from pacing.limits import TokenBucket
from pacing.snapshot import Decision

if TYPE_CHECKING:
    from dialer.engine.calls import CallDesk
    from dialer.engine.feed import Feed

LONGEST_S: Final = 600.0
"""No message lasts longer, repetitions included: a leg that is still there then is hung up."""
LAST_WORDS_S: Final = 120.0
HEARING: Final = frozenset(
    {CallState.MESSAGE, CallState.WAITING, CallState.CONNECTING, CallState.ABANDONING, CallState.RECOVERING}
)
"""Where a customer's keys are for us."""


class AgentlessDesk:
    """Says messages and takes customers' keys."""

    def __init__(self, live: Live, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.calls: CallDesk
        self.asked: Counter[str] = Counter()  # by campaign
        self.ended: Counter[str] = Counter()
        self.buckets = {
            name: TokenBucket(told.calls_per_second, max(1.0, told.calls_per_second / 10), live.now)
            for name, campaign in live.settings.campaigns.items()
            if (told := campaign.agentless) is not None and told.calls_per_second is not None
        }

    # ---- the message ---------------------------------------------------------------------------------------

    def begin(self, call: Call) -> None:
        """Answered: the switch says the message."""
        live = self.live
        call.told = call.told or Told(live.now)
        live.counters["agentless_answered"] += 1
        live.timers.set(("call", "guard", call.id), live.now + LONGEST_S)
        if call.heard == ASKED:  # a former run's, who waits for an agent
            self._ask(call, call.clock_from or live.now, "asked for an agent before the dialer restarted")

    def pressed(self, event: KeyPressed) -> None:
        """A customer's key."""
        call = self.live.calls.get(event.uuid)
        told = None if call is None else call.campaign.settings.agentless
        if call is None or told is None or call.state not in HEARING:
            return
        if call.told is None:  # found on the switch and not settled yet, or our hang-up is on its way
            call.told = Told(self.live.now)
        meaning = told.keys.get(event.key, "")
        self.live.counters[f"agentless_key_{_label(meaning)}"] += 1
        if meaning == DO_NOT_CALL:
            self._remove(call, told, event)
        elif not meaning or call.told.asked or call.told.over or call.kill_as is not None:
            return
        elif meaning == TRANSFER:
            self._ask(call, max(event.at, call.answered_at or event.at), f"pressed {event.key}")
        elif meaning == REPEAT:
            self._repeat(call, told)
        elif meaning == END:
            call.told.pressed = END
            self._last_words(call, told.goodbye)
        else:
            self._dispose(call, told, meaning, event)

    def _remove(self, call: Call, told: AgentlessSettings, event: KeyPressed) -> None:
        """Never again, whatever else happens to this call; who asked for an agent before wants none now."""
        live, one = self.live, call.told
        assert one is not None
        if one.pressed != DO_NOT_CALL:
            one.pressed = DO_NOT_CALL
            live.emit(AddDoNotCall(call.id, "", live.now))
            live.emit(SaveDisposition(call.id, "", DO_NOT_CALL, f"the customer pressed {event.key}", live.now))
            live.note("info", "do_not_call", f"attempt {call.id} of {call.campaign.name}: the customer wants no calls")
        if call.kill_as is not None:
            return
        if call.state is CallState.WAITING and self.calls.move(call, CallTrigger.LEAVE):
            one.asked = False
            live.waiting.pop(call.id, None)
            live.timers.cancel(("call", "limit", call.id))
            if not call.queued_again:  # who had an agent was not missed
                self.feed.missed(call, abandoned=False)
        if call.state in (CallState.MESSAGE, CallState.ABANDONING):
            self._last_words(call, told.removed)

    def _dispose(self, call: Call, told: AgentlessSettings, code: str, event: KeyPressed) -> None:
        assert call.told is not None
        call.told.pressed = code
        self.live.emit(SaveDisposition(call.id, "", code, f"the customer pressed {event.key}", self.live.now))
        self._last_words(call, told.noted)

    def _repeat(self, call: Call, told: AgentlessSettings) -> None:
        assert call.told is not None
        if call.told.repeats < told.repeats:
            call.told.repeats += 1
            self._recite(call, told.script(0.0))

    def _last_words(self, call: Call, words: str) -> None:
        assert call.told is not None
        call.told.over = True
        self._recite(call, (words,))
        self.live.timers.set(("call", "guard", call.id), self.live.now + LAST_WORDS_S)

    def _recite(self, call: Call, sounds: tuple[str, ...]) -> None:
        """Say something else from now on, then the switch hangs up. Not on the heels of another order."""
        live = self.live
        assert call.told is not None
        call.told.words = sounds
        if live.nodes[call.node].up and not self._waits_its_turn(call):
            call.moved_at = live.now
            live.emit(Recite(call.node, call.id, sounds))

    def _waits_its_turn(self, call: Call) -> bool:
        """Whether an order before may not have been carried out yet; ``turn`` is told when it has."""
        key, since = ("call", "turn", call.id), call.moved_at
        if not call.placed and call.answered_at is not None:
            since = max(since, call.answered_at)
        if since + APART_S > self.live.now:
            self.live.timers.set(key, since + APART_S)
            return True
        self.live.timers.cancel(key)
        return False

    def turn(self, call: Call) -> None:
        """The order before has been carried out."""
        if call.told is None or call.kill_as is not None:
            return
        if call.state is CallState.WAITING and call.told.asked:
            self._hold(call)
        elif call.state in (CallState.MESSAGE, CallState.ABANDONING):
            self._recite(call, call.told.words)

    # ---- who asks for an agent -----------------------------------------------------------------------------

    def _ask(self, call: Call, at: float, why: str) -> None:
        live, one = self.live, call.told
        if one is None or not self.calls.move(call, CallTrigger.ASK):
            return
        one.asked, one.pressed = True, TRANSFER
        call.clock_at, call.answer_read_at = at, live.now
        live.timers.cancel(("call", "guard", call.id))
        live.timers.cancel(("call", "turn", call.id))
        self.asked[call.campaign.name] += 1
        live.counters["agentless_asked"] += 1
        live.emit(NoteHeard(call.id, ASKED, why, at))
        self.feed.asked(call)
        if call.placed and (wait_s := call.moved_at + APART_S - live.now) > 0:
            self.calls.displaced(call, wait_s)
        self.calls.queue(call)
        if call.state is CallState.WAITING:
            self._hold(call)

    def _hold(self, call: Call) -> None:
        """Nobody is free: words and music, until a bridge, for a bounded time."""
        live, told = self.live, call.campaign.settings.agentless
        if told is None or call.told is None or call.clock_from is None or not live.nodes[call.node].up:
            return
        left_s = max(0.0, call.clock_from + call.campaign.settings.wait_limit_s - live.now)
        if self._waits_its_turn(call):
            return
        words = "" if call.told.held else told.connecting
        call.told.held = True
        call.moved_at = live.now
        limit_ms = round((left_s + SPARE_S) * 1000)
        live.emit(PutAside(call.node, call.id, told.music, limit_ms, told.nobody, words))
        self.calls.displaced(call, APART_S)

    def wait_again(self, call: Call) -> bool:
        """A bridge to an agent failed: whether this customer's wait goes on as it is done here."""
        if not _asked(call):
            return False
        if call.state is CallState.WAITING:
            self._hold(call)
        return True

    def nobody(self, call: Call) -> None:
        """The wait is over and nobody was free: a sentence, a callback, the end."""
        live, told = self.live, call.campaign.settings.agentless
        if told is None or not _asked(call):
            return
        live.counters["agentless_nobody"] += 1
        self._last_words(call, told.nobody)
        if told.callback_after_s is not None:
            note = f"asked for an agent, and nobody was free within {call.campaign.settings.wait_limit_s:g} s"
            live.emit(RequestCallback(call.id, "", live.now + told.callback_after_s, live.now, note=note))

    def call_ended(self, call: Call) -> None:
        """What is learnt of how many ask."""
        asks = call.campaign.settings.agentless is not None and not call.lead.callback
        if asks and call.dialed_at is not None and not call.line_failed:
            self.ended[call.campaign.name] += 1

    # ---- how many calls ------------------------------------------------------------------------------------

    def share(self, campaign: Campaign) -> float:
        """How likely one of its calls is to need an agent."""
        told = campaign.settings.agentless
        if told is None or not told.transfers:
            return 0.0
        return rule.share(self.asked[campaign.name], self.ended[campaign.name], told.share)

    def decide(self, campaign: Campaign, node: Node, free: int) -> Decision:
        """What to start on ``node``, which has ``free`` agents for this campaign."""
        told = campaign.settings.agentless
        assert told is not None
        calls = campaign.calls.values()
        alone = [call for call in calls if call.state is not CallState.CONNECTED and call.agent is None]
        here = [call for call in alone if call.node == node.name and call.state is not CallState.ABANDONING]
        bucket = self.buckets.get(campaign.name)
        asking = sum(_asked(call) for call in here)
        return rule.decide(
            rule.Lines(
                in_flight=len(alone),
                here=len(here) - asking,
                most=told.most_lines,
                per_second=None if bucket is None else bucket.available(self.live.now),
                free=free if told.transfers else None,
                asking=asking,
                share=self.share(campaign) or 1.0,
            )
        )

    def started(self, campaign: Campaign, count: int) -> None:
        """So many calls were started: the campaign's own limit, and when it takes the next one."""
        bucket, now = self.buckets.get(campaign.name), self.live.now
        if bucket is None:
            return
        bucket.take(min(count, bucket.available(now)), now)
        if (wait_s := bucket.wait_s(now)) > 0:
            again = now + max(wait_s, self.live.settings.decide_every_s)
            self.live.timers.set_by(("campaign", "pace", campaign.name), again)
            campaign.dirty = True

    def explain(self, campaign: Campaign) -> dict[str, object] | None:
        """What people are told of such a campaign; None for the others."""
        told = campaign.settings.agentless
        if told is None:
            return None
        return {
            "most_lines": told.most_lines,
            "calls_per_second": told.calls_per_second,
            "keys": dict(told.keys),
            "asked": self.asked[campaign.name],
            "ended": self.ended[campaign.name],
            "share": self.share(campaign),
            "wait_s": campaign.settings.wait_limit_s,
            "waiting": sum(1 for call in campaign.calls.values() if _asked(call) and call.id in self.live.waiting),
        }


def _asked(call: Call) -> bool:
    return call.told is not None and call.told.asked


def _label(meaning: str) -> str:
    """A counter's name may hold no word of an operator's."""
    if not meaning:
        return "unknown"
    return meaning if meaning in (TRANSFER, DO_NOT_CALL, REPEAT, END) else "disposition"
