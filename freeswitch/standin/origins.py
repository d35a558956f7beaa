"""Where in a FreeSWITCH each event comes from: Event-Calling-File, -Function and -Line-Number by name, as captured.

Facts only; the names are also those of every event that the stand-in can send.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CALLING: Final = MappingProxyType(
    {
        "CHANNEL_OUTGOING": ("switch_core_session.c", "switch_core_session_outgoing_channel", "768"),
        "CHANNEL_STATE": ("switch_channel.c", "switch_channel_perform_set_running_state", "2409"),
        "CHANNEL_CREATE": ("switch_core_state_machine.c", "switch_core_session_run", "626"),
        "CHANNEL_ORIGINATE": ("switch_core_state_machine.c", "switch_core_session_run", "632"),
        "CHANNEL_PROGRESS": ("switch_channel.c", "switch_channel_perform_mark_ring_ready_value", "3507"),
        "CHANNEL_PROGRESS_MEDIA": ("switch_channel.c", "switch_channel_perform_mark_pre_answered", "3562"),
        "CHANNEL_CALLSTATE": ("switch_channel.c", "switch_channel_perform_set_callstate", "302"),
        "CODEC": ("switch_core_codec.c", "switch_core_session_set_real_read_codec", "189"),
        "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", "3848"),
        "CALL_UPDATE": ("switch_channel.c", "switch_channel_flip_cid", "3279"),
        "API": ("switch_loadable_module.c", "switch_api_execute", "3140"),
        "BACKGROUND_JOB": ("mod_event_socket.c", "api_exec", "1580"),
        "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", "2949"),
        "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec", "2972"),
        "CHANNEL_APPLICATION": ("mod_dptools.c", "event_function", "2208"),
        "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", "1002"),
        "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park", "1213"),
        "CHANNEL_BRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", "1689"),
        "CHANNEL_UNBRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", "1879"),
        "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", "3447"),
        "CHANNEL_HANGUP_COMPLETE": (
            "switch_core_state_machine.c",
            "switch_core_session_reporting_state",
            "943",
        ),
        "CHANNEL_DESTROY": ("switch_core_session.c", "switch_core_session_perform_destroy", "1588"),
        "CHANNEL_DATA": ("mod_commands.c", "uuid_dump_function", "6495"),
        "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file", "1649"),
        "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file", "2023"),
        "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", "678"),
        "CHANNEL_HOLD": ("switch_ivr.c", "switch_ivr_hold", "1558"),
        "CHANNEL_UNHOLD": ("switch_ivr.c", "switch_ivr_unhold", "1638"),
        "RECORD_START": ("switch_ivr_async.c", "record_callback", "1482"),
        "RECORD_STOP": ("switch_ivr_async.c", "send_record_stop_event", "1241"),
        "MEDIA_BUG_START": ("switch_core_media_bug.c", "switch_core_media_bug_add", "1014"),
        "MEDIA_BUG_STOP": ("switch_core_media_bug.c", "switch_core_media_bug_destroy", "84"),
        "HEARTBEAT": ("switch_core.c", "send_heartbeat", "95"),
        "SHUTDOWN": ("switch_core.c", "switch_core_destroy", "3033"),
    }
)
