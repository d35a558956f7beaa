"""What phones can tell the engine and what it can ask of their legs: keys, prompts, holding, joining, supervision.

Owns the vocabulary of agents' and supervisors' phones, as frozen facts and orders. Times are engine-clock seconds.
Prompts are names from the catalogue of sounds; the driver knows where their recordings are.
"""

from __future__ import annotations

from dataclasses import dataclass

# ---- from the switch ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """One key, on the leg whose party pressed it."""

    uuid: str
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class PhoneCalled:
    """A phone called us: the leg is answered and waits, for a bounded time, to be taken (``TakeLeg``).

    ``seat`` is the registered user that the switch has authenticated; empty for a call from outside, whose
    ``caller`` is whatever its network said. ``dialed`` holds digits, ``*`` and ``#`` only. ``instance`` is the dialer
    that the dialplan names, empty where it names none.
    """

    node: str
    uuid: str
    seat: str
    dialed: str
    caller: str
    at: float
    instance: str = ""


@dataclass(frozen=True, slots=True)
class LegHeld:
    """A leg was put on hold, by us or by the phone's own button, or taken back."""

    uuid: str
    held: bool
    at: float


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """A recording is finished: ``duration_s`` of sound for ``path`` on the switch, of which the file holds ``kept_s``
    (None: the switch did not tell). A full disk is told in no other way.
    """

    uuid: str
    path: str
    duration_s: float
    at: float
    kept_s: float | None = None


@dataclass(frozen=True, slots=True)
class HoldTold:
    """The answer to AskHold: whether the phone holds the leg by what it said last; None: nobody could say."""

    uuid: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class UploadReplied:
    """The answer to Upload. ``text`` is what the command said, or why it was not run."""

    node: str
    path: str
    ok: bool
    text: str = ""


# ---- from the store ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PinChecked:
    """The answer to CheckPin. ``locked_s``: how much longer this agent's PIN is not tried at all.

    An agent who is unknown or has no PIN is answered like one whose PIN is another. ``problem`` says why nobody could
    look: neither right nor wrong.
    """

    session: str
    agent: str
    ok: bool
    locked_s: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NumberChecked:
    """The answer to CheckNumber. ``rule`` is a short name (metrics), ``reason`` a sentence (people)."""

    session: str
    ok: bool
    rule: str = ""
    reason: str = ""


# ---- from operators ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentAct:
    """Whatever an agent can do by key during or after a call, asked by API: see ``dialer.engine.acts``."""

    request_id: int
    agent: str
    act: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class SupervisorAct:
    """A supervisor's order on an agent: listen, whisper, barge, takeover, hangup, conference, leave."""

    request_id: int
    supervisor: str
    act: str
    agent: str = ""


# ---- to the switch -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeLeg:
    """Take a leg that called us out of its bounded wait: from now on it is parked, as a nailed-up line is."""

    node: str
    uuid: str


@dataclass(frozen=True, slots=True)
class EndLater:
    """After so many seconds the switch says ``prompts`` to a leg and hangs it up, whether we are there or not; unless
    it is told otherwise (``EndNotLater``).
    """

    node: str
    uuid: str
    after_s: float
    prompts: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class EndNotLater:
    """Take an ``EndLater`` back; where there is none, nothing happens."""

    node: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Say:
    """Play recordings to a parked leg, one after the other; keys pressed meanwhile are heard.

    ``last``: then the switch hangs the leg up, whether we are still there or not.
    """

    node: str
    uuid: str
    prompts: tuple[str, ...]
    language: str = ""
    last: bool = False


@dataclass(frozen=True, slots=True)
class Music:
    """Play ``sound``, the switch's path or stream, to a parked leg over and over, until a bridge or Hush."""

    node: str
    uuid: str
    sound: str


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what is being played to a leg."""

    node: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Murmur:
    """Play recordings to this leg alone while it is in a conversation, over the other's voice."""

    node: str
    uuid: str
    prompts: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class HoldLeg:
    """Put a leg on hold, its partner hearing the hold music, or take it back."""

    node: str
    uuid: str
    on: bool


@dataclass(frozen=True, slots=True)
class PutAside:
    """Take a customer out of a conversation: ``words`` first, then ``sound`` (empty: silence) for at most ``limit_ms``,
    then ``message``, then the switch hangs up. A Join takes them out of it.
    """

    node: str
    uuid: str
    sound: str
    limit_ms: int
    message: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class OriginateParty:
    """Ring a third party under ``uuid`` and park it once answered. With ``bounded_ms`` it hears ``ask`` twice instead,
    and is hung up so long after the second time, or at the end of its conversation: by the switch alone.

    Either an ``address`` of a seat (``profile`` for a SIP one), or ``number`` through ``gateway``. A seat's phone that
    sends nothing for ``media_timeout_s`` is gone (0: it is never missed). While the phone holds by its own button
    whoever talks with it hears ``hold_sound``.
    """

    node: str
    uuid: str
    ident: str
    ring_timeout_s: float
    caller_id: str
    epoch: str
    address: str = ""
    profile: str = "internal"
    gateway: str = ""
    number: str = ""
    auto_answer: bool = False
    media_timeout_s: float = 0.0
    hold_sound: str = ""
    ask: str = ""
    bounded_ms: int = 0


@dataclass(frozen=True, slots=True)
class Join:
    """Let two legs hear each other; whoever was with one of them parks, if it is to survive that."""

    node: str
    a_uuid: str
    b_uuid: str


@dataclass(frozen=True, slots=True)
class JoinThree:
    """Let a leg take part in the conversation that ``into`` has."""

    node: str
    uuid: str
    into: str


@dataclass(frozen=True, slots=True)
class Eavesdrop:
    """Let a leg listen to the leg ``target`` and whomever that is connected with, heard by neither."""

    node: str
    uuid: str
    target: str


@dataclass(frozen=True, slots=True)
class SetListening:
    """Who hears an eavesdropping leg: nobody (``listen``), the target (``whisper``), its partner (``customer``) or both
    (``barge``).
    """

    node: str
    uuid: str
    mode: str


@dataclass(frozen=True, slots=True)
class SendKeys:
    """Press keys towards a leg's party, such as a customer's own menu."""

    node: str
    uuid: str
    keys: str


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Set variables of a leg."""

    node: str
    uuid: str
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Display:
    """Show ``name`` and ``number`` on an agent's phone: words of ours, and nothing else before or after."""

    node: str
    uuid: str
    name: str
    number: str

    def __repr__(self) -> str:
        """Without the name: reprs end up in logs."""
        return f"Display(uuid={self.uuid!r})"


@dataclass(frozen=True, slots=True)
class Record:
    """``what``: start, stop, mask (silence from now on) or unmask the recording of a leg in ``path``."""

    node: str
    uuid: str
    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Run ``command`` on the switch's host with the ``path`` of a finished recording."""

    node: str
    uuid: str
    path: str
    command: str


@dataclass(frozen=True, slots=True)
class AskHold:
    """Does the phone of this leg hold it? Events do not always tell: see ``dialer.engine.holds``."""

    node: str
    uuid: str


@dataclass(frozen=True, slots=True)
class PrepareSpeech:
    """Have free texts spoken, which are soon going to be among what is said: parts such as ``name:…``. No answer."""

    parts: tuple[str, ...]
    language: str = ""


# ---- to the store ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Is this the agent's PIN? The store counts wrong ones; ``lock_after`` of them lock the login for a while."""

    session: str
    agent: str
    pin: str
    at: float
    lock_after: int = 5

    def __repr__(self) -> str:
        """Without the PIN: reprs end up in logs."""
        return f"CheckPin(session={self.session!r}, agent={self.agent!r})"


@dataclass(frozen=True, slots=True)
class CheckNumber:
    """May an agent call ``number`` (E.164) now, as far as do-not-call lists and a campaign's calling hours go?"""

    session: str
    campaign: str
    number: str
    at: float


PhoneEvent = KeyPressed | PhoneCalled | LegHeld | HoldTold | RecordingStopped | UploadReplied
PhoneAnswer = PinChecked | NumberChecked
PhoneOrder = AgentAct | SupervisorAct
PhoneCommand = (
    TakeLeg
    | EndLater
    | EndNotLater
    | Say
    | Music
    | Hush
    | Murmur
    | HoldLeg
    | PutAside
    | OriginateParty
    | Join
    | JoinThree
    | Eavesdrop
    | SetListening
    | SendKeys
    | SetVariables
    | Display
    | Record
    | Upload
    | AskHold
)
