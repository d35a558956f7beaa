"""What phones, keys and orders do at the wrong moment: nothing may reach a customer, a number or a list by accident."""

from __future__ import annotations

from engine_kit import none
from test_engine_parties import hall

from dialer.domain.desk_records import AddDoNotCall

# ---- never call again --------------------------------------------------------------------------------------


def test_never_again_is_the_customer_at_hand_and_not_the_last_one() -> None:
    f = hall()
    uuid, _ = f.talking()
    f.dies(uuid)
    f.step(15)
    assert f.state() == "ready" and f.agent().last_attempt == uuid
    assert f.act("a1", "dial", "a2").ok
    f.step(2)
    for name in ("a1", "a2"):
        assert not f.act(name, "do_not_call").ok, f"{name} speaks with a colleague, and with no customer"
    none(f.log, AddDoNotCall)
