"""Nobody is told a customer's full number: not by any GET of the API, any command that lists, logs, metrics, reports or
the names of recordings; not the numbers that stand in a lead's own fields either.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from phone_kit import Floor, phone_floor
from run_kit import numbers, running, until

COMMANDS = (
    ("agents", "list"),
    ("agents", "list", "--json"),
    ("campaigns", "list"),
    ("campaigns", "list", "--json"),
    ("callbacks", "list", "--state", "all"),
    ("callbacks", "list", "--json"),
    ("recordings", "list"),
    ("recordings", "list", "--json"),
    ("qc", "sample"),
    ("qc", "list"),
    ("qc", "list", "--json"),
    ("qc", "show", "1"),
    ("explain", "pacing", "bank"),
    ("explain", "pacing", "bank", "--json"),
)
OTHER = "+442071838750"


def answers(floor: Floor) -> dict[str, str]:
    """What every GET answers; the paths are those that the API lists itself."""
    code, listed = floor.service.get("/openapi")
    assert code == 200
    attempts = [str(row[0]) for row in floor.query("SELECT id FROM attempts")]
    found = {}
    for path, methods in json.loads(listed)["paths"].items():
        if "get" not in methods:
            continue
        ident = {"agents": ["1001"], "campaigns": ["bank"], "recordings": attempts}.get(path.split("/")[2:3][0]
                 if path.startswith("/v1/") else "", ["1"])  # fmt: skip
        for each in ident or ["1"]:
            code, text = floor.service.get(re.sub(r"\{[a-z_]+\}", each, path))
            found[f"GET {path} of {each}: {code}"] = text
    assert len(found) > 10
    return found


@pytest.mark.parametrize("mode", ["progressive", "preview"])
def test_no_number_anywhere(tmp_path: Path, mode: str) -> None:
    people = numbers(3)
    file = phone_floor(tmp_path, leads=3)
    (tmp_path / "leads.csv").write_text(
        "phone,name,note,mobile\n" + "".join(f"{n},Ann {n},call {n} or {OTHER},{n}\n" for n in people)
    )
    kept = tmp_path / "kept"
    kept.mkdir()
    data = yaml.safe_load(file.read_text())
    data["campaigns"][0] |= {"mode": mode, "recording": {"mode": "all", "directory": str(kept)}, "whisper": ["name"]}
    data["phones"]["display"] = ["name", "campaign", "number"]
    data["log"]["level"] = "debug"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    secret = [n.lstrip("+") for n in people] + [n.removeprefix("+1") for n in people] + [OTHER.lstrip("+")]
    shown: dict[str, str] = {}
    with running(file) as service:
        floor = Floor(service.up())
        line = floor.log_in("1001")
        line.press("*1")
        if mode == "preview":
            floor.becomes("1001", "previewing")
            shown |= {f"{what}, in a preview": text for what, text in answers(floor).items()}
            line.told("preview-keys").press("1")
        customer = floor.customer("1001")
        told = until(lambda: line.record["displayed"], "the phone displays somebody")
        shown["display"] = str(told)
        shown |= {f"{what}, in a call": text for what, text in answers(floor).items()}
        line.press("*3")
        until(lambda: not line.voices(), "the customer is on hold")
        line.press("*3")
        until(lambda: line.voices() == {customer.uuid}, "and back")
        customer.hang_up()
        floor.becomes("1001", "wrap_up")
        line.press("*41#1230*5")
        until(lambda: floor.query("SELECT 1 FROM do_not_call"), "never again")
        shown |= answers(floor)
        for command in COMMANDS:
            done = service.dialer(*command)
            shown[" ".join(command)] = done.stdout + done.stderr
        shown["summary"] = json.dumps(floor.close(line))
        shown["log"] = service.log()
        shown["files"] = " ".join(str(file) for file in kept.rglob("*"))
    bare = {what: re.sub(r"[ ().-]", "", text) for what, text in shown.items()}
    leaks = {what: number for what, text in bare.items() for number in secret if number in text}
    assert not leaks, leaks
    assert "****" in shown["display"] and "****" in shown["callbacks list --state all"]
    if mode == "preview":
        assert any("****" in text for what, text in shown.items() if "/v1/agents of" in what and "preview" in what)
