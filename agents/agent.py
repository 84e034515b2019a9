"""Answers requests: once per id, however often they are sent."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable, Optional

from agents import AGENT_VERSION
from agents.machine import Call, Machine
from agents.memory import Memory
from agents.protocol import VERSION, Answer, ErrorCode, Progress, Refusal, Request, read_request, request_id_of
from agents.verbs import VERBS, Verb

log = logging.getLogger(__name__)

Send = Callable[[str], None]
# Looks at a request before its verb runs: may wait, refuse, or answer in its place.
Intercept = Callable[[Call, Request], Optional[dict[str, Any]]]


class InFlight:
    """The requests that are being worked on, so that a repeated one waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, tuple[Call, threading.Event]] = {}

    @contextlib.contextmanager
    def enter(self, call: Call) -> Iterator[Optional[threading.Event]]:
        """Yields None to the first, to others the event that its end sets."""
        with self._lock:
            running = self._calls.get(call.request_id)
            if running is None:
                done = threading.Event()
                self._calls[call.request_id] = (call, done)
        if running is not None:
            yield running[1]
            return
        try:
            yield None
        finally:
            with self._lock:
                del self._calls[call.request_id]
            done.set()

    def cancel(self, request_id: str) -> bool:
        with self._lock:
            running = self._calls.get(request_id)
        if running is None:
            return False
        running[0].cancelled.set()
        return True


class Agent:
    """One host's verbs. Safe to call from many threads."""

    def __init__(
        self,
        machine: Machine,
        memory: Memory,
        intercept: Optional[Intercept] = None,
        in_flight: Optional[InFlight] = None,
    ) -> None:
        self._machine = machine
        self._memory = memory
        self._intercept = intercept
        self._in_flight = in_flight or InFlight()

    def handle(self, text: str, send: Optional[Send] = None) -> str:
        """Answers one request, both in their JSON form; progress goes to `send`. Never raises for what the sender did.

        Raises ConnectionError where an intercept says that the host does not answer."""
        try:
            request = read_request(text)
        except Refusal as refusal:
            return Answer.refused(request_id_of(text), refusal).encode()
        try:
            return self._answer(request, send)
        except Refusal as refusal:
            return Answer.refused(request.id, refusal).encode()
        except ConnectionError:
            raise
        except Exception as error:
            log.exception("request %s (%s) broke down", request.id, request.verb)
            return Answer.refused(request.id, Refusal(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")).encode()

    def _answer(self, request: Request, send: Optional[Send]) -> str:
        if request.verb == "agent.describe":
            versions = {"protocol": VERSION, "agent": AGENT_VERSION, "verbs": sorted(VERBS)}
            return Answer(request.id, versions).encode()
        if request.verb == "agent.cancel":
            return Answer(
                request.id, {"running": self._in_flight.cancel(str(request.arguments.get("request")))}
            ).encode()
        verb = VERBS.get(request.verb)
        if verb is None:
            raise Refusal(ErrorCode.UNKNOWN_VERB, f"there is no verb {request.verb!r:.80}")
        expires_at = None if request.deadline is None else time.monotonic() + request.deadline
        report = None if send is None else _reporter(request.id, send)
        call = Call(self._machine, request.id, expires_at, report)
        if verb.effect == "read":
            return self._run(verb, call, request)
        return self._run_once(verb, call, request)

    def _run(self, verb: Verb, call: Call, request: Request) -> str:
        replaced = self._intercept(call, request) if self._intercept else None
        result = replaced if replaced is not None else verb.run(call, request.arguments)
        return Answer(request.id, result).encode()

    def _run_once(self, verb: Verb, call: Call, request: Request) -> str:
        with self._in_flight.enter(call) as first:
            if first is not None:
                if not first.wait(call.remaining()):
                    raise Refusal(ErrorCode.DEADLINE_EXCEEDED, "the first request with this id is not finished")
            known = self._memory.recall(request.id)
            if known is not None:
                return known
            if first is not None:
                raise Refusal(
                    ErrorCode.BUSY, "the first request with this id ended without a lasting answer; send it again"
                )
            return self._work(verb, call, request)

    def _work(self, verb: Verb, call: Call, request: Request) -> str:
        try:
            replaced = self._intercept(call, request) if self._intercept else None
            with self._memory.transaction(request.verb):
                # Another process may have answered the same id since it was looked up.
                known = self._memory.recall(request.id)
                if known is not None:
                    return known
                call.check()
                result = replaced if replaced is not None else verb.run(call, request.arguments)
                answer = Answer(request.id, result).encode()
                self._memory.remember(request.id, answer)
            return answer
        except Refusal as refusal:
            answer = Answer.refused(request.id, refusal).encode()
            if not refusal.retryable:
                self._memory.remember(request.id, answer)
            return answer


def _reporter(request_id: str, send: Send) -> Callable[[float, str], None]:
    return lambda percent, text: send(Progress(request_id, percent, text).encode())
