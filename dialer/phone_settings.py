"""The checked section ``phones`` → what the engine knows of phones, and the prompts that can be said.

Owns the translation only; names, defaults and limits are ``config.phones_schema``'s. Reads the recordings' lengths.
"""

from __future__ import annotations

from config.schema import Config
from dialer.domain.acts import DialRule, PhoneSettings
from dialer.voice import configured_prompts


def phone_settings(config: Config) -> PhoneSettings:
    """How phones are used. Raises freeswitch.sounds.catalog.PromptError for a recording that cannot be used."""
    wanted = config.phones
    catalogue = configured_prompts(config)
    language = config.prompts.language
    return PhoneSettings(
        login_code=wanted.login_code,
        supervise_code=wanted.supervise_code,
        keys=wanted.all_keys(),
        pause_reasons=dict(wanted.pause_reasons),
        digit_gap_s=wanted.digit_gap_s,
        entry_limit_s=wanted.entry_limit_s,
        tries=wanted.tries,
        lock_after=wanted.lock_after,
        ring_tries=wanted.ring_tries,
        language=language,
        wait_sound=wanted.wait_sound or "",
        hold_sound=wanted.hold_sound or "",
        beep=wanted.beep,
        prompt_seconds={ident: catalogue.recording(ident, language).seconds for ident in catalogue},
        display=tuple(wanted.display),
        display_digits=(wanted.display_digits.first, wanted.display_digits.last),
        supervisor_roles=frozenset(wanted.supervisor_roles),
        dial_rules={
            role: DialRule(
                allow=tuple(start.lstrip("+") for start in rule.allow),
                deny=tuple(start.lstrip("+") for start in rule.deny),
                region=rule.region or "",
                shortest=rule.shortest,
                longest=rule.longest,
                short=rule.short,
            )
            for rule in wanted.dial_rules
            for role in rule.roles
        },
    )
