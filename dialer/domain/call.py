"""States of one call (an attempt on a lead) and the table that moves it.

Owns the table only. What a transition does (commands, timers, records) is the engine's.
"""

from __future__ import annotations

from enum import StrEnum

from dialer.domain.transitions import Table


class CallState(StrEnum):
    """Where a call is between the gate and its hangup."""

    ARRIVED = "arrived"  # came in, is not answered, and it is found out what becomes of it
    RESERVED = "reserved"  # the gate is asked, nothing is sent
    DIALING = "dialing"  # originate is sent
    RINGING = "ringing"  # 180 or 183 seen
    MESSAGE = "message"  # answered, and hears what keys answer: the message of a campaign without agents, or a menu
    SCREENING = "screening"  # answered, and it is listened to who did
    MACHINE = "machine"  # answered by a machine: its beep is waited for, or it is left the message
    WAITING = "waiting"  # answered, no agent yet, inside the limit
    CONNECTING = "connecting"  # uuid_bridge is sent
    CONNECTED = "connected"  # CHANNEL_BRIDGE seen
    FOLLOWING = "following"  # came in for somebody, whose phones are rung one after the other
    CLOSING = "closing"  # came in, hears last words or speaks to a mailbox, and gets no agent
    ABANDONING = "abandoning"  # the limit passed: the switch plays the message
    RECOVERING = "recovering"  # found open in the store at start, the switch is not asked yet
    ENDED = "ended"


class CallTrigger(StrEnum):
    """What can happen to a call."""

    OPENED = "opened"
    REFUSED = "refused"
    RING = "ring"
    ANSWER = "answer"
    SCREEN = "screen"  # answered, and who did decides what becomes of it
    PERSON = "person"  # screened, and not clearly a machine
    MACHINE = "machine"
    PLAY = "play"  # answered, and the switch says the message
    ASK = "ask"  # asks for an agent by key
    LEAVE = "leave"  # wants none any more
    FOLLOW = "follow"  # somebody's phones are rung
    CLOSE = "close"  # came in, and gets none
    OFFER = "offer"
    BRIDGED = "bridged"
    BRIDGE_FAILED = "bridge_failed"
    UNBRIDGED = "unbridged"
    LIMIT = "limit"
    HANGUP = "hangup"
    FAILED = "failed"
    LOST = "lost"
    QUEUE_AGAIN = "queue_again"  # the agent is gone and the customer is not


_S, _T = CallState, CallTrigger
_ENDINGS = {_T.HANGUP: _S.ENDED, _T.FAILED: _S.ENDED, _T.LOST: _S.ENDED}
_ANSWERS = {_T.ANSWER: _S.WAITING, _T.SCREEN: _S.SCREENING, _T.PLAY: _S.MESSAGE}

CALL_TABLE: Table[CallState, CallTrigger] = Table(
    {
        _S.ARRIVED: {
            _T.ANSWER: _S.WAITING,
            _T.PLAY: _S.MESSAGE,
            _T.FOLLOW: _S.FOLLOWING,
            _T.CLOSE: _S.CLOSING,
            **_ENDINGS,
        },
        _S.RESERVED: {_T.OPENED: _S.DIALING, _T.REFUSED: _S.ENDED, _T.LOST: _S.ENDED},
        _S.DIALING: {_T.RING: _S.RINGING, **_ANSWERS, **_ENDINGS},
        _S.RINGING: {_T.RING: _S.RINGING, **_ANSWERS, **_ENDINGS},
        _S.MESSAGE: {_T.ASK: _S.WAITING, _T.FOLLOW: _S.FOLLOWING, _T.CLOSE: _S.CLOSING, **_ENDINGS},
        _S.SCREENING: {_T.PERSON: _S.WAITING, _T.MACHINE: _S.MACHINE, **_ENDINGS},
        _S.MACHINE: {**_ENDINGS},
        _S.WAITING: {
            _T.OFFER: _S.CONNECTING,
            _T.LIMIT: _S.ABANDONING,
            _T.LEAVE: _S.MESSAGE,
            _T.FOLLOW: _S.FOLLOWING,
            _T.CLOSE: _S.CLOSING,
            **_ENDINGS,
        },
        _S.FOLLOWING: {_T.OFFER: _S.CONNECTING, _T.BRIDGED: _S.CONNECTED, _T.CLOSE: _S.CLOSING, **_ENDINGS},
        _S.CLOSING: {**_ENDINGS},
        _S.CONNECTING: {
            _T.BRIDGED: _S.CONNECTED,
            _T.BRIDGE_FAILED: _S.WAITING,
            _T.LIMIT: _S.CONNECTING,
            **_ENDINGS,
        },
        _S.CONNECTED: {_T.UNBRIDGED: _S.CONNECTED, _T.QUEUE_AGAIN: _S.WAITING, **_ENDINGS},
        _S.ABANDONING: {**_ENDINGS},
        _S.RECOVERING: {
            _T.RING: _S.RINGING,
            _T.ANSWER: _S.ABANDONING,
            _T.PLAY: _S.MESSAGE,
            _T.BRIDGED: _S.CONNECTED,
            _T.ASK: _S.WAITING,
            _T.CLOSE: _S.CLOSING,
            **_ENDINGS,
        },
        _S.ENDED: {},
    }
)
"""Endings are allowed from every state with a channel; RESERVED has none yet, so nothing can hang it up."""

RINGING_STATES = frozenset({CallState.DIALING, CallState.RINGING})
PENDING_STATES = frozenset(
    {
        CallState.ARRIVED,
        CallState.RESERVED,
        CallState.DIALING,
        CallState.RINGING,
        CallState.MESSAGE,
        CallState.SCREENING,
        CallState.WAITING,
        CallState.CONNECTING,
    }
)
"""Calls that may still need an agent."""
