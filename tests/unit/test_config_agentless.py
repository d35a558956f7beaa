"""The section agentless: what it may say, each fault with its line, what the engine gets, texts that are spoken."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import LoadedConfig, load
from dialer.agentless_settings import MessageError, speak_messages
from dialer.domain.agentless import AgentlessSettings
from dialer.settings import SettingsError, build

HEAD = """\
data_dir: {data}
switch: embedded
trunks: [{{name: carrier, channels: 10, cps: 5, caller_id: "+12025550100"}}]
seats: [{{id: 1001-1004, mode: {seats}}}]
agents: [{{id: 1001-1004}}]
lists: [{{name: bank}}]
{top}
campaigns:
  - name: notice
    mode: {mode}
    lists: [bank]
    trunk: carrier
"""
YES = "    agentless: {prerecorded_allowed: true}\n"


def read(
    tmp_path: Path, more: str = YES, *, mode: str = "agentless", seats: str = "nailed_up", top: str = ""
) -> LoadedConfig:
    file = tmp_path / "dialer.yaml"
    file.write_text(HEAD.format(data=tmp_path / "data", mode=mode, seats=seats, top=top) + more, encoding="utf-8")
    return load(file)


def told(tmp_path: Path, more: str = YES, **head: str) -> AgentlessSettings:
    made = build(read(tmp_path, more, **head), "e").engine.campaigns["notice"].agentless
    assert made is not None
    return made


def test_the_shipped_words_are_the_defaults(tmp_path: Path) -> None:
    settings = build(read(tmp_path), "e").engine.campaigns["notice"]
    made = settings.agentless
    assert made is not None
    assert made.message.endswith("/en/press-1-message.wav") and made.removed.endswith("/en/press-1-removed.wav")
    assert made.nobody.startswith("file_string://") and made.nobody.endswith("/goodbye.wav")
    assert dict(made.keys) == {"1": "transfer", "9": "do_not_call", "*": "repeat"}
    assert settings.wait_limit_s == 30.0


def test_every_key_reaches_the_engine(tmp_path: Path) -> None:
    more = """\
    agentless:
      prerecorded_allowed: true
      language: zh
      message: [OFFER, press-1-message]
      goodbye: OFFER
      keys: {"3": interested, "0": do_not_call, "5": end}
      music: local_stream://moh
      lead_in_s: 1
      answer_s: 8
      repeats: 1
      wait_s: 1m
      callback_after_s: never
      max_lines: 7
      cps: 2.5
      expected_share: 0.02
    dispositions: [interested]
"""
    offer = tmp_path / "offer.wav"
    offer.touch()
    more = more.replace("OFFER", str(offer))
    made = told(tmp_path, more, seats="on_call")  # no key asks for an agent: none needs an open line
    assert made.message.startswith(f"file_string://{offer}!")
    assert made.message.endswith("/zh/press-1-message.wav")
    assert (made.goodbye, made.music, made.callback_after_s) == (str(offer), "local_stream://moh", None)
    assert (made.most_lines, made.calls_per_second, made.share, made.repeats) == (7, 2.5, 0.02, 1)
    assert not made.transfers
    assert made.script(made.lead_in_s)[0] == "silence_stream://1000"


@pytest.mark.parametrize(
    ("more", "mode", "fault"),
    [
        ("", "agentless", "this section: mode agentless needs to know what to say"),
        ("    agentless: {prerecorded_allowed: true}\n", "ratio", "no such section in mode ratio"),
        ("    agentless: {max_lines: 5}\n", "agentless", "recorded calls need the people's consent"),
        (YES + "    answering_machines: hang_up\n", "agentless", "off in mode agentless"),
        (YES + "    wait_limit_s: 2\n", "agentless", "agentless.wait_s is how long"),
        (YES + "    lines_per_agent: 2\n", "agentless", "has agentless.max_lines"),
        ("    agentless: {prerecorded_allowed: true, keys: {'12': transfer}}\n", "agentless", "one key, in quotes"),
        ("    agentless: {prerecorded_allowed: true, keys: {'1': 'Two Words'}}\n", "agentless", "or a disposition"),
        (
            "    agentless: {prerecorded_allowed: true, keys: {'1': sold}}\n    dispositions: [sale]\n",
            "agentless",
            "one of the campaign's dispositions: sale",
        ),
        (
            "    agentless: {prerecorded_allowed: true, keys: {'1': tranfser}}\n",
            "agentless",
            "transfer, do_not_call, repeat, end or one of the campaign's dispositions, of which there are none",
        ),
        ("    agentless: {prerecorded_allowed: true, message: /nope/offer.wav}\n", "agentless", "a file that exists"),
        (
            "    agentless: {prerecorded_allowed: true, removed: [press-1-removed, /nope/bye.wav]}\n",
            "agentless",
            "a file that exists",
        ),
        ("    agentless: {prerecorded_allowed: true, message: 'my file.wav'}\n", "agentless", "a recording's absolute"),
        ("    agentless: {prerecorded_allowed: true, message: []}\n", "agentless", "a recording's absolute path"),
        ("    agentless: {prerecorded_allowed: true, lead_in_s: 2}\n", "agentless", "lead_in_s"),
        ("    agentless: {prerecorded_allowed: true, max_lines: 0}\n", "agentless", "max_lines"),
        ("    agentless: {prerecorded_allowed: true, wait_s: 0}\n", "agentless", "wait_s"),
    ],
)
def test_every_fault_says_what_was_expected(tmp_path: Path, more: str, mode: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more, mode=mode)
    (only,) = caught.value.faults
    assert fault in str(only) and "dialer.yaml:" in str(only)


def test_a_message_that_offers_no_way_out_is_told_of(tmp_path: Path) -> None:
    more = "    agentless: {prerecorded_allowed: true, keys: {'1': transfer}}\n"
    assert any("no key is do_not_call" in str(notice) for notice in read(tmp_path, more).warnings)
    assert not any("do_not_call" in str(notice) for notice in read(tmp_path).warnings)


def test_agents_are_needed_where_a_key_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="agents who serve the campaign"):
        read(tmp_path, "    agents: []\n" + YES)
    with pytest.raises(ConfigError, match="a nailed_up seat"):
        read(tmp_path, seats="on_call")


def test_an_unknown_prompt_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"campaigns\.notice\.agentless.*no-such-prompt"):
        told(tmp_path, "    agentless: {prerecorded_allowed: true, message: no-such-prompt}\n")


def test_modelled_people_cannot_press_more_than_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most 1 for the sum") as caught:
        read(tmp_path, top="embedded: {callees: {press: {'1': 0.7, '9': 0.6}}}")
    assert len(caught.value.faults) == 1


ELSEWHERE = "prompts: {switch_directory: /srv/prompts}"


def test_a_switch_on_another_host_has_files_that_we_cannot_see_but_no_texts_of_ours(tmp_path: Path) -> None:
    theirs = "    agentless: {prerecorded_allowed: true, message: /srv/offer.wav}\n"
    assert told(tmp_path, theirs, top=ELSEWHERE).message == "/srv/offer.wav"
    with pytest.raises(ConfigError, match="a switch on another host"):
        read(tmp_path, SAID, top=ELSEWHERE)


SAID = "    agentless: {prerecorded_allowed: true, message: {say: 'Your parcel has come.'}}\n"


def test_a_text_is_spoken_once_before_anybody_is_dialed(tmp_path: Path) -> None:
    voice = tmp_path / "voice.py"
    voice.write_text(
        "import sys, wave\n"
        "text = sys.stdin.read()\n"
        f"open({str(tmp_path / 'said')!r}, 'a').write(text + '\\n')\n"
        "out = wave.open(sys.argv[1], 'wb')\n"
        "out.setparams((1, 2, 8000, 0, 'NONE', ''))\n"
        "out.writeframes(b'\\x00\\x40\\x00\\xc0' * 8000)\n"
        "out.close()\n"
    )
    top = f"speech: {{command: [python3, {voice}, '{{output}}']}}"
    loaded = read(tmp_path, SAID, top=top)
    assert speak_messages(loaded.config) == 1
    assert speak_messages(loaded.config) == 0
    assert (tmp_path / "said").read_text() == "Your parcel has come.\n"
    message = build(loaded, "e").engine.campaigns["notice"].agentless.message  # type: ignore[union-attr]
    with wave.open(message) as sound:
        assert sound.getnframes() == 16000


@pytest.mark.parametrize(("command", "why"), [("[]", "is not installed"), ("['false']", "1")])
def test_a_text_that_cannot_be_spoken_stops_the_start(tmp_path: Path, command: str, why: str) -> None:
    loaded = read(tmp_path, SAID, top=f"speech: {{command: {command}}}")
    with pytest.raises(MessageError, match=r"campaigns\.notice\.agentless: a text cannot be spoken") as caught:
        speak_messages(loaded.config)
    assert why in str(caught.value)
