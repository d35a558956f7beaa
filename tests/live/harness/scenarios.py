"""SIPp scenarios, written from the tables: the carrier that plays by number, and agents' phones.

Owns the XML. Every call's steps go to SIPp's log as ``<epoch seconds> <step> <number> <call id>``.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.plays import Play

_HEADERS = """[last_Via:]
      [last_From:]
      [last_To:];tag=[pid]t[call_number]
      [last_Call-ID:]
      [last_CSeq:]"""

_CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>"

_SDP = """Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=sipp 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 101
      a=rtpmap:8 PCMA/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15"""

_SET_UP = """  <recv request="INVITE">
    <action>
      <ereg regexp="sip:[+]*([0-9a-z]*)@" search_in="msg" check_it="true" assign_to="uri,number"/>
      <ereg regexp="sip:[+]*[0-9a-z]*([0-9][0-9])@" search_in="msg" check_it="true" assign_to="uri2,code"/>
      <ereg regexp="CSeq:[ ]*([0-9]+)" search_in="msg" check_it="true" assign_to="line,cseq"/>
      <todouble assign_to="play" variable="code"/>
    </action>
  </recv>
"""


def _log(step: str) -> str:
    return (
        '  <nop><action><gettimeofday assign_to="seconds,micros"/>'
        f'<log message="[$seconds] [$micros] {step} [$number] [call_id]"/></action></nop>\n'
    )


def _send(status: str, *, sdp: bool = False, retrans: bool = False, cseq: str = "", tagged: bool = False) -> str:
    """A response to the last request; ``tagged`` where that request had our tag already."""
    lines = _HEADERS.replace("[last_CSeq:]", cseq) if cseq else _HEADERS
    if tagged:
        lines = lines.replace(";tag=[pid]t[call_number]", "")
    body = _SDP if sdp else "Content-Length: 0"
    attribute = ' retrans="500"' if retrans else ""
    return f"""  <send{attribute}>
    <![CDATA[
      SIP/2.0 {status}
      {lines}
      {_CONTACT}
      {body}

    ]]>
  </send>
"""


def _goto(label: str) -> str:
    return f'  <nop next="{label}"/>\n'


def _label(label: str) -> str:
    return f'  <label id="{label}"/>\n'


def _ring(seconds: float, tag: str) -> str:
    """Wait, unless a CANCEL comes."""
    if seconds <= 0:
        return ""
    wait_ms = round(seconds * 1000)
    return f'  <recv request="CANCEL" timeout="{wait_ms}" ontimeout="{tag}" next="cancelled"/>\n' + _label(tag)


def _refuse(play: Play) -> str:
    return (
        (_send("180 Ringing") if play.ring_s else "")
        + _ring(play.ring_s, f"refuse{play.code}")
        + _send(play.status, retrans=True)
        + '  <recv request="ACK"/>\n'
        + _log(f"refused-{play.status[:3]}")
        + _goto("end")
    )


def _answer(play: Play) -> str:
    text = ""
    if play.trying_s:
        text += _send("100 Trying") + _ring(play.trying_s, f"trying{play.code}")
    if play.kind == "early":
        text += _send("183 Session Progress", sdp=True)
    elif play.kind == "answer":
        text += _send("180 Ringing")
    text += _log("ringing") if play.kind != "silent" else ""
    text += _ring(play.ring_s, f"ring{play.code}")
    text += _goto("talk" if play.talk_s is None else f"answer{play.code}")
    return text


def _talk(label: str, talk_s: float | None) -> str:
    """200, ACK, then wait for the BYE, or send ours after ``talk_s``."""
    text = _label(label) + _send("200 OK", sdp=True, retrans=True, cseq="CSeq: [$cseq] INVITE")
    text += f'  <recv request="CANCEL" optional="true" next="late_{label}"/>\n  <recv request="ACK"/>\n'
    text += _label(f"up_{label}") + _log("answered")
    if talk_s is None:
        # The switch's session timer asks by INVITE whether we are still there.
        text += _label(f"still_{label}") + f'  <recv request="INVITE" optional="true" next="again_{label}"/>\n'
        text += '  <recv request="BYE" next="ended"/>\n'
        text += _label(f"again_{label}") + _send("200 OK", sdp=True, retrans=True, tagged=True)
        text += '  <recv request="ACK"/>\n' + _goto(f"still_{label}")
        return text + _late(label)
    wait_ms = max(1, round(talk_s * 1000))
    text += f'  <recv request="BYE" timeout="{wait_ms}" ontimeout="bye_{label}" next="ended"/>\n'
    text += _label(f"bye_{label}") + _goto("far_end_bye")
    return text + _late(label)


def _late(label: str) -> str:
    """A CANCEL that crossed our 200."""
    return _label(f"late_{label}") + _send("200 OK") + '  <recv request="ACK"/>\n' + _goto(f"up_{label}")


_ENDINGS = (
    _label("far_end_bye")
    + """  <send retrans="500">
    <![CDATA[
      BYE [$target] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: [$callee];tag=[pid]t[call_number]
      To: [$caller]
      Call-ID: [call_id]
      CSeq: 1 BYE
      Max-Forwards: 70
      Content-Length: 0

    ]]>
  </send>
  <recv request="BYE" optional="true" next="ended"/>
  <recv response="200"/>
"""
    + _log("far-end-hung-up")
    + _goto("end")
    + _label("ended")
    + _send("200 OK", tagged=True)
    + _log("hung-up")
    + _goto("end")
    + _label("cancelled")
    + _send("200 OK")
    + _send("487 Request Terminated", retrans=True, cseq="CSeq: [$cseq] INVITE")
    + '  <recv request="ACK"/>\n'
    + _log("cancelled")
    + _label("end")
)


def _set_up() -> str:
    """The INVITE, with what later messages repeat of it."""
    parties = (
        '      <ereg regexp="[^ ].*" search_in="hdr" header="From:" check_it="true" assign_to="caller"/>\n'
        '      <ereg regexp="[^ ].*" search_in="hdr" header="To:" check_it="true" assign_to="callee"/>\n'
        '      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>\n'
    )
    return _SET_UP.replace("    </action>", parties + "    </action>", 1) + _log("invite")


def _document(name: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        f'<scenario name="{name}">\n{body}\n'
        '  <Reference variables="uri,uri2,line,play"/>\n</scenario>\n'
    )


def carrier(plays: Iterable[Play]) -> str:
    """A carrier that branches on the last two digits of the number; an unknown code is answered 480."""
    plays = tuple(plays)
    chooser = "".join(
        f'  <nop next="play{play.code}" test="is{play.code}"><action>'
        f'<test assign_to="is{play.code}" variable="play" compare="equal" value="{play.code}"/></action></nop>\n'
        for play in plays
    )
    unknown = _send("480 Temporarily Unavailable", retrans=True) + '  <recv request="ACK"/>\n' + _goto("end")
    branches = talks = ""
    for play in plays:
        branches += _label(f"play{play.code}")
        if play.kind == "refuse":
            branches += _refuse(play)
        elif play.kind == "no_answer":
            branches += _send("180 Ringing") + _log("ringing") + '  <recv request="CANCEL" next="cancelled"/>\n'
        else:
            branches += _answer(play)
            if play.talk_s is not None:
                talks += _talk(f"answer{play.code}", play.talk_s)
    talks += _talk("talk", None)
    return _document("carrier", _set_up() + chooser + unknown + branches + talks + _ENDINGS)


def seats(hang_up_after_s: float | None = None, answers: bool = True) -> str:
    """Agents' phones: answer and stay; or hang up by themselves; or ring for ever."""
    body = _set_up() + _send("180 Ringing")
    if not answers:
        return _document("deaf seats", body + '  <recv request="CANCEL" next="cancelled"/>\n' + _ENDINGS)
    return _document("seats", body + _talk("talk", hang_up_after_s) + _ENDINGS)


def register() -> str:
    """A phone registers: user in field 0, domain in field 1, digest in field 2; its calls go to ``phones_port``."""
    request = """  <send retrans="500">
    <![CDATA[
      REGISTER sip:[field1] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:[field0]@[field1]>;tag=[pid]r[call_number]
      To: <sip:[field0]@[field1]>
      Call-ID: [call_id]
      CSeq: {number} REGISTER
      Contact: <sip:[field0]@[local_ip]:[phones_port]>
{auth}      Max-Forwards: 70
      Expires: 600
      Content-Length: 0

    ]]>
  </send>
"""
    body = request.format(number=1, auth="") + '  <recv response="401" auth="true"/>\n'
    body += request.format(number=2, auth="      [field2]\n") + '  <recv response="200"/>\n'
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="register">\n{body}</scenario>\n'
