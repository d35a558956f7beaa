"""What operators and agents did and what pacing learned, as SQL inside the caller's transaction.

Owns LogAgentState, SaveCampaignState, SavePacing and SaveDisposition. Repeating one has no second effect.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from dialer.domain.agent import AgentState
from dialer.domain.commands import LogAgentState, SaveCampaignState, SaveDisposition, SavePacing
from dialer.store.gate import plain
from dialer.store.statements import Statements

_REST: Final = frozenset({AgentState.READY.value, AgentState.PAUSED.value})


class Records:
    """Executes the commands that only record."""

    def __init__(self, statements: Statements, owner: str) -> None:
        self._st = statements
        self._owner = owner

    def agent_state(self, conn: Connection, command: LogAgentState) -> None:
        """One line of the log, and the agent's state now unless a later one is known."""
        reason = plain(command.reason, 1000)
        conn.execute(
            self._st.insert_agent_log,
            {
                "agent": command.agent,
                "seat": command.seat,
                "state": command.state,
                "reason": reason,
                "at": command.at,
                "attempt_id": command.attempt_id,
            },
        )
        rest, rest_reason = command.state, reason
        if command.state == AgentState.LOGGED_OUT.value:
            rest, rest_reason = "", ""
        elif command.state not in _REST:
            row = conn.execute(self._st.agent_rest, {"p_agent": command.agent}).one_or_none()
            known = row is not None and bool(row.rest_state)
            rest, rest_reason = (row.rest_state, row.rest_reason) if row and known else (AgentState.PAUSED.value, "")
        conn.execute(
            self._st.save_agent,
            {
                "id": command.agent,
                "owner": self._owner,
                "state": command.state,
                "seat": command.seat,
                "reason": reason,
                "since": command.at,
                "rest_state": rest,
                "rest_reason": rest_reason,
                "line": plain(command.line, 64),
            },
        )

    def campaign_state(self, conn: Connection, command: SaveCampaignState) -> None:
        """What operators ordered last."""
        conn.execute(
            self._st.save_campaign,
            {"name": command.campaign, "state": command.state, "changed_at": command.at},
        )

    def pacing(self, conn: Connection, command: SavePacing) -> None:
        """What pacing learned, unless something newer is known."""
        conn.execute(
            self._st.save_pacing,
            {"owner": self._owner, "campaign": command.campaign, "value": command.value, "at": command.at},
        )

    def disposition(self, conn: Connection, command: SaveDisposition) -> None:
        """Another word on the same attempt is another row."""
        conn.execute(
            self._st.insert_disposition,
            {
                "attempt_id": command.attempt_id,
                "agent": command.agent,
                "code": plain(command.code, 100),
                "note": plain(command.note, 10_000),
                "at": command.at,
            },
        )
