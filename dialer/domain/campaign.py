"""States of one campaign and the table that moves them. Owns the table only."""

from __future__ import annotations

from enum import StrEnum

from dialer.domain.transitions import Table


class CampaignState(StrEnum):
    """Whether a campaign may start calls."""

    STOPPED = "stopped"  # starts nothing, holds no leads
    RUNNING = "running"
    PAUSED = "paused"  # starts nothing, keeps its hopper


class CampaignTrigger(StrEnum):
    """What an operator asks of a campaign."""

    START = "start"
    PAUSE = "pause"
    STOP = "stop"


_S, _T = CampaignState, CampaignTrigger

CAMPAIGN_TABLE: Table[CampaignState, CampaignTrigger] = Table(
    {
        _S.STOPPED: {_T.START: _S.RUNNING, _T.STOP: _S.STOPPED},
        _S.RUNNING: {_T.START: _S.RUNNING, _T.PAUSE: _S.PAUSED, _T.STOP: _S.STOPPED},
        _S.PAUSED: {_T.START: _S.RUNNING, _T.PAUSE: _S.PAUSED, _T.STOP: _S.STOPPED},
    }
)
