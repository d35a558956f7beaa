"""States of one agent and of the agent's line, and the tables that move them.

Owns the tables only. An agent's *state* is what the agent does; the *line* is what the switch knows of the
agent's channel. A nailed-up agent may take a call only when READY and the line is PARKED.
"""

from __future__ import annotations

from enum import StrEnum

from dialer.domain.transitions import Table


class AgentState(StrEnum):
    """What an agent does."""

    LOGGED_OUT = "logged_out"
    CONNECTING = "connecting"  # the line is being opened
    READY = "ready"
    PAUSED = "paused"
    PREVIEWING = "previewing"  # looks at a lead
    RESERVED = "reserved"  # a customer is promised: ringing for a preview, or the bridge is sent
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    UNAVAILABLE = "unavailable"  # the line is gone; retried with a growing pause


class AgentTrigger(StrEnum):
    """What can happen to an agent."""

    LOGIN = "login"
    LOGOUT = "logout"
    LINE_UP = "line_up"
    LINE_LOST = "line_lost"
    RETRY = "retry"
    PAUSE = "pause"
    READY = "ready"
    PREVIEW = "preview"
    RESERVE = "reserve"
    RELEASE = "release"
    TALK = "talk"
    WRAP = "wrap"


class Line(StrEnum):
    """What is known of an agent's channel."""

    NONE = "none"
    DIALING = "dialing"
    PARKED = "parked"
    BRIDGING = "bridging"  # a uuid_bridge is under way or done
    UNSURE = "unsure"  # its customer went away: parked or in limbo, CHANNEL_PARK will tell


_S, _T = AgentState, AgentTrigger
_LEAVE = {_T.LOGOUT: _S.LOGGED_OUT, _T.LINE_LOST: _S.UNAVAILABLE}

AGENT_TABLE: Table[AgentState, AgentTrigger] = Table(
    {
        _S.LOGGED_OUT: {_T.LOGIN: _S.CONNECTING},
        _S.CONNECTING: {_T.LINE_UP: _S.PAUSED, **_LEAVE},
        _S.PAUSED: {_T.READY: _S.READY, _T.PAUSE: _S.PAUSED, _T.WRAP: _S.WRAP_UP, **_LEAVE},
        _S.READY: {
            _T.READY: _S.READY,
            _T.PAUSE: _S.PAUSED,
            _T.PREVIEW: _S.PREVIEWING,
            _T.RESERVE: _S.RESERVED,
            _T.TALK: _S.TALKING,
            **_LEAVE,
        },
        _S.PREVIEWING: {_T.RESERVE: _S.RESERVED, _T.RELEASE: _S.READY, _T.PAUSE: _S.PAUSED, **_LEAVE},
        _S.RESERVED: {_T.TALK: _S.TALKING, _T.RELEASE: _S.READY, _T.WRAP: _S.WRAP_UP, **_LEAVE},
        _S.TALKING: {_T.WRAP: _S.WRAP_UP, **_LEAVE},
        _S.WRAP_UP: {_T.READY: _S.READY, _T.PAUSE: _S.PAUSED, **_LEAVE},
        _S.UNAVAILABLE: {_T.RETRY: _S.CONNECTING, _T.LOGOUT: _S.LOGGED_OUT, _T.PAUSE: _S.UNAVAILABLE},
    }
)
