"""The wall clock is stepped after the start: the store judges by it, the engine keeps its own, and dialing goes on."""

from __future__ import annotations

import pytest
from engine_kit import Floor, agents, campaign, lead, settings

from dialer.domain import commands as cmd
from dialer.domain import events as ev


@pytest.mark.parametrize("step_s", [-86_400.0, -3600.0, 0.0, 3600.0])
def test_leads_are_dialed_and_leases_end_whatever_the_stores_clock_says(step_s: float) -> None:
    f = Floor(settings(campaign(lease_s=300.0), people=agents(1)), leads=0)
    f.store = False
    f.up()
    (asked,) = f.of(cmd.ClaimLeads)
    leads = tuple(lead(n, lease_until=f.now + step_s + 300.0) for n in range(1, asked.count + 1))
    f.send(ev.LeadsClaimed("c1", leads, asked.count, f.now + step_s))
    f.step(1)
    assert len(f.dialed()) == 1
    f.hang_up(f.dialed()[0], "USER_BUSY")
    f.step(1)
    assert len(f.dialed()) == 2
    f.step(295)
    f.hang_up(f.dialed()[1], "USER_BUSY")
    f.step(1)
    assert len(f.dialed()) == 2 and f.of(cmd.ReleaseLeads)
