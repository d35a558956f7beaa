"""The composition root: builds every part of the service, wires, starts, stops (last in, first out).

The only module that knows all rooms. Owns the order of start and stop, signals, and the shift's end. Must hold no
rule of dialing.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import gevent
import gevent.event
import structlog

from config.loader import LoadedConfig
from dialer import __version__, logs, settings
from dialer import summary as summaries
from dialer.agentless_settings import MessageError, speak_messages
from dialer.answering import RunningService
from dialer.business import VipLookup
from dialer.clitools.options import RunOptions
from dialer.domain import events as ev
from dialer.domain.hearing import TapLeg, UntapLeg
from dialer.embedded import EmbeddedError, EmbeddedSwitch
from dialer.hearing.cadence import CadenceSettings
from dialer.hearing.client import ClientSettings, HearingClient
from dialer.hearing.listener import HearingSettings
from dialer.http.app import make_app
from dialer.http.runfiles import RunFileError, ensure_token, remove_runtime, write_runtime
from dialer.http.server import HttpServer, HttpServerError
from dialer.liveview import LiveView
from dialer.notify import Notifier
from dialer.oneshot import TaskFailed, run_task
from dialer.opening import StartError, channels_left, own_directory, prepare_store, tell_campaigns
from dialer.recording import make_engine
from dialer.runtime import LATE_S, Runtime
from dialer.speech import Speech
from dialer.store.client import StoreClient
from dialer.store.errors import StoreError
from dialer.streams import complain, open_standard_streams
from dialer.switch.driver import Driver
from dialer.switch.translate import HEADERS, SUBSCRIPTIONS, Translator
from dialer.voice import Voice, configured_prompts, configured_speech
from esl.backoff import Backoff
from esl.client import Client
from esl.headers import EventLike

STORE_START_S = 30.0
STORE_FLUSH_S = 15.0
REFUSED_SLOWER = 3.0
"""A refused password is tried again so much more seldom than a switch that is away: each try is in its log."""
LAST_RESORT_S = 120.0
"""How long past its drain a shift may take to end before it is ended without asking."""


class _Stopped(Exception):
    """The operator stopped us before we were up."""


START_FAULTS = (
    StartError,
    EmbeddedError,
    HttpServerError,
    RunFileError,
    TaskFailed,
    StoreError,
    logs.LogSetupError,
    OSError,
)


def run(loaded: LoadedConfig, options: RunOptions) -> int:
    """Run the service until told to stop; returns the exit code."""
    open_standard_streams()
    os.umask(0o077)  # the database holds full numbers
    epoch = uuid.uuid4().hex[:12]
    try:
        speak_messages(loaded.config)
        wanted = settings.build(loaded, epoch)
        speech = Speech(configured_speech(loaded.config))
        app = App(wanted, options, epoch, Voice(configured_prompts(loaded.config), speech), speech)
    except (settings.SettingsError, MessageError, StartError) as error:
        complain(str(error))
        return 1
    return app.run()


class App(RunningService):
    """One service."""

    def __init__(
        self, wanted: settings.Settings, options: RunOptions, epoch: str, voice: Voice, speech: Speech
    ) -> None:
        super().__init__(wanted, speech)
        self._voice = voice
        self._options = options
        self._epoch = epoch
        self._run_dir = wanted.data_dir / "run"
        terminal = sys.stdout is not None and sys.stdout.isatty()
        self._show_top = terminal if options.top is None else options.top and terminal
        self._undo: list[Callable[[], Any]] = []
        self._stop_asked = gevent.event.Event()
        self._signals_seen = 0
        self._starting = True
        self._main = gevent.getcurrent()
        self._hard_stop = False
        self._keep_switch = False
        self._logging = False
        self._started_at = self._clock()
        self._fatal: str | None = None
        self._notify = Notifier()
        self._view: LiveView | None = None
        self._mark = ""  # how the UUIDs of our legs begin
        self._rng = random.Random()
        self._log = structlog.get_logger("app")

    # ---- life ----------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Start, work, drain, stop. Exit codes: 0 fine, 1 failure."""
        try:
            self._start()
        except START_FAULTS as error:
            if self._logging:
                self._log.error("start_failed", text=str(error))
            complain(str(error))
            self._stop_all()
            return 1
        except _Stopped as error:
            self._log.warning("stopped", text=str(error))
            self._stop_all()
            return 0
        except BaseException:
            self._stop_all()
            raise
        finally:
            self._starting = False
        self._keep_switch = False
        code = 1
        try:
            code = self._work()
        finally:
            self._stop_all()
        return code

    def _start(self) -> None:
        wanted = self._settings
        self._undo.append(own_directory(self._run_dir, wanted.data_dir).close)
        log_file = wanted.log.file
        if self._show_top and log_file is None:
            log_file = wanted.data_dir / "dialer.log"
        logs.configure(wanted.log.level, wanted.log.format, log_file)
        logs.log_unhandled(gevent.get_hub())
        self._logging = True
        self._log.info("start", version=__version__, instance=wanted.instance, config=wanted.config_hash[:12])
        self._signals()
        prepare_store(wanted, self._options.fresh, self._log)
        nodes = self._nodes()

        now, for_s = self._clock(), self._options.for_s
        rules = wanted.engine if for_s is None else replace(wanted.engine, ends_at=now + for_s)
        engine = make_engine(self._options.record, rules, now, lambda: str(uuid.uuid4()))
        store = StoreClient(
            wanted.database_url,
            wanted.instance,
            wanted.engine.campaigns,
            self._feed,
            epoch=self._epoch,
            rules=wanted.rules,
            on_fault=lambda text: self._log.error("store_fault", text=text),
        )
        self._store = store
        self.runtime = Runtime(engine, self._clock, store.submit)
        self.runtime.prepare_speech = self._voice.prepare
        if wanted.vip_lookup is not None:
            self.runtime.ask_vip = self._vip = VipLookup(wanted.vip_lookup, self._clock, self.runtime.feed)
        self._start_hearing()
        self._speech.start()
        self._watch(self._speech.greenlets)
        self._undo.append(self._speech.stop)
        self._listen()  # an address that cannot be had is found out before anybody is called
        store.start()
        self._watch(store.greenlets)
        self._undo.append(store.stop)
        recovered = store.recover(STORE_START_S)
        self._mark = recovered.mark
        self.runtime.feed(recovered)
        for node in nodes:
            self._connect(node)
        loop = gevent.spawn(self.runtime.run)
        self._watch((loop,))
        self._undo.append(loop.kill)
        self._started_at = self._clock()
        for client in self._clients.values():
            client.start()
            self._watch(client.greenlets)
        self._tell_where()
        tell_campaigns(wanted.engine.campaigns, dict(recovered.campaigns), self._log)
        if self._notify.watchdog_s:
            self._undo.append(gevent.spawn(self._watchdog).kill)
        self._notify.send("READY=1")
        if self._show_top:
            self._view = LiveView(self._http.host, self._http.port, self._token_file)
            self._view.start()
            self._undo.append(self._view.stop)

    def _start_hearing(self) -> None:
        """The listeners, when some campaign wants to know who answers or what is announced."""
        room = self._settings.hearing
        if room is None:
            return
        cadence = CadenceSettings(decide_within_s=room.decide_within_s, human_pause_s=room.human_pause_s)
        self._hearing = client = HearingClient(
            ClientSettings(room.folder, room.most, room.prints, HearingSettings(cadence=cadence)),
            self._feed,
            lambda order, path: self._to_switch(TapLeg(order.node, order.uuid, path)),
            on_closed=lambda order, path: self._to_switch(UntapLeg(order.node, order.uuid, path)),
            clock=self._clock,
            on_fault=lambda text: self._log.error("hearing_fault", text=text),
        )
        self.runtime.hear = client.take
        client.start()
        self._watch(client.greenlets)
        self._undo.append(client.stop)
        if any(campaign.screening.screens for campaign in self._settings.engine.campaigns.values()):
            measures = gevent.spawn(self._measure_machines)
            self._watch((measures,))
            self._undo.append(measures.kill)

    def _to_switch(self, command: TapLeg | UntapLeg) -> None:
        if (driver := self.runtime.drivers.get(command.node)) is not None:
            driver.execute(command)

    def _nodes(self) -> tuple[settings.NodeSettings, ...]:
        wanted = self._settings
        if wanted.embedded is None:
            return wanted.nodes
        switch = EmbeddedSwitch(wanted.embedded, self._run_dir, settings.EMBEDDED_NODE, gevent.sleep)
        node = switch.start()
        self._undo.append(switch.stop)
        self._log.info("embedded_switch", port=node.port, found_running=switch.adopted)
        # Until we are up, talks on a switch that we found are not ours to end.
        self._keep_switch = switch.adopted
        watch = gevent.spawn(
            switch.watch,
            lambda text: self._log.error("embedded_switch_died", text=text),
            lambda pid: self._log.info("embedded_switch_restarted", pid=pid),
        )
        self._watch((watch,))
        self._undo.append(watch.kill)
        return (node,)

    def _connect(self, node: settings.NodeSettings) -> None:
        name, esl = node.name, self._settings.esl
        translator = self._translators[name] = Translator(name)
        client = Client(
            node.host,
            node.port,
            node.password,
            name=name,
            events=SUBSCRIPTIONS,
            headers=HEADERS,
            on_event=lambda event, read_at: self._on_event(translator, event, read_at),
            on_up=lambda _client: self._on_up(translator, name),
            on_down=lambda reason: self._feed(ev.SwitchDown(name, reason)),
            on_gap=lambda count: self._feed(ev.SwitchGap(name, count)),
            rng=self._rng,
            connect_timeout_s=esl.connect_timeout_s,
            command_timeout_s=esl.command_timeout_s,
            backoff=Backoff(esl.reconnect_min_s, esl.reconnect_max_s),
            auth_backoff=Backoff(min(5.0, REFUSED_SLOWER * esl.reconnect_max_s), REFUSED_SLOWER * esl.reconnect_max_s),
            clock=self._clock,
        )
        self._clients[name] = client
        self.runtime.drivers[name] = Driver(
            name, client, self._feed, self._clock, self.runtime.bridge_sent, self._voice.playable
        )
        self._undo.append(client.stop)

    def _on_up(self, translator: Translator, node: str) -> None:
        translator.clock.restart()
        self._feed(ev.SwitchUp(node))

    def _on_event(self, translator: Translator, event: EventLike, read_at: float) -> None:
        translated = translator.read(event, read_at)
        if translated is not None:
            self.runtime.feed(translated)

    def _feed(self, event: ev.Event) -> None:
        self.runtime.feed(event)

    def _watch(self, greenlets: Iterable[gevent.Greenlet]) -> None:
        for greenlet in greenlets:
            greenlet.link_exception(self._loop_failed)

    def _listen(self) -> None:
        wanted = self._settings.http
        self._token_file = self._run_dir / "token"
        token = wanted.token or ensure_token(self._token_file)
        self._http = HttpServer(make_app(self, token), wanted.host, wanted.port)
        self._http.start()
        self._undo.append(self._http.stop)

    def _tell_where(self) -> None:
        write_runtime(self._run_dir, self._http.host, self._http.port)
        self._undo.append(lambda: remove_runtime(self._run_dir))
        self._log.info("listening", url=f"http://{self._http.host}:{self._http.port}", metrics="/metrics")

    def _signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self._signal, number)
        gevent.signal_handler(signal.SIGHUP, self._hangup)

    def _signal(self, number: int) -> None:
        self._signals_seen += 1
        self._log.info("stop", signal=signal.Signals(number).name)
        if self._starting:
            gevent.get_hub().loop.run_callback(self._stop_start)
        elif self._signals_seen > 1:
            # Exit at once. Calls that ring or wait end by the switch's own fail-safe.
            text = "second signal: exiting at once; the switch ends what rings or waits, the next start settles it"
            self._log.warning("stop_now", text=text)
            complain(text)
            self._end_now()
        self._stop_asked.set()

    def _stop_start(self) -> None:
        if self._starting:
            self._main.throw(_Stopped("stopped while starting: nothing was dialed"))

    def _hangup(self) -> None:
        self._log.warning("hangup", text="SIGHUP does nothing: restart the service to read its configuration anew")

    def _end_now(self) -> None:
        self._hard_stop = self._keep_switch = True
        self.runtime.drained.set()

    def _loop_failed(self, greenlet: gevent.Greenlet) -> None:
        error = greenlet.exception
        self._fatal = f"{type(error).__name__}: {error}"
        self._log.error("greenlet_failed", text=self._fatal)
        self._end_now()
        self._stop_asked.set()

    def _watchdog(self) -> None:
        while True:
            gevent.sleep(self._notify.watchdog_s / 3)
            if self.runtime.late_s < LATE_S:
                self._notify.send("WATCHDOG=1")

    # ---- the shift -----------------------------------------------------------------------------------------

    def _work(self) -> int:
        self._stop_asked.wait(timeout=self._options.for_s)
        self._stop_asked.set()
        self._notify.send("STOPPING=1")
        self._at_work = frozenset(a.agent for a in self.runtime.status().agents if a.state != "logged_out")
        drain_s = self._settings.drain_s if self._options.drain_s is None else self._options.drain_s
        if not self._hard_stop:
            self.runtime.feed(ev.Shutdown(drain_s))
            if not self.runtime.drained.wait(timeout=drain_s + LAST_RESORT_S):
                self._fatal = f"calls were still open {LAST_RESORT_S:g} s after the drain"
        if self._hard_stop:
            return 1
        left = channels_left(self._clients.values(), self._mark, self._clock, self._log)
        flushed = self._store.flush(STORE_FLUSH_S)
        if not flushed:
            self._fatal = "the store did not take the last records; the next start settles them"
        self._report(left)
        if self._fatal:
            self._log.error("ended_with_faults", text=self._fatal)
            return 1
        return 0

    def _report(self, channels_left: int | None) -> None:
        since = self._started_at
        try:
            wanted = {"url": self._settings.database_url, "since": since, "owner": self._settings.instance}
            stored = run_task("summary", wanted, None)
        except TaskFailed as error:
            self._fatal = f"no summary: {error}"
            return
        report = summaries.build(
            stored,
            self.runtime.status(),
            self.latencies(),
            switch=self._settings.switch_names,
            config_hash=self._settings.config_hash,
            channels_left=channels_left,
            agents_at_close=self._at_work,
            seconds=self._clock() - since,
        )
        if self._options.summary is not None:
            try:
                summaries.write(report, self._options.summary)
            except OSError as error:
                self._fatal = f"--summary: {self._options.summary}: {error.strerror}; the summary is printed only"
        if self._view is not None:
            self._view.stop()
        try:
            print(summaries.text(report), flush=True)
        except OSError:
            # Whoever read our output is gone; what Python still holds of it must not be tried again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def _stop_all(self) -> None:
        while self._undo:
            undo = self._undo.pop()
            if self._keep_switch and isinstance(getattr(undo, "__self__", None), EmbeddedSwitch):
                continue  # its calls end by their fail-safe; the next start finds it or starts another
            try:
                undo()
            except Exception as error:
                self._log.error("stop_failed", text=f"{type(error).__name__}: {error}")
