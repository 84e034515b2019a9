"""Sends verbs to hosts. Thread-safe; no database, no state of its own."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from agents.hypervisors.simulator.commands import COMMANDS
from agents.protocol import Answer, ErrorCode, Failure, Progress, Refusal, Request, read_reply
from cloudapi.hosts import errors
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.transports.base import Transport

DEFAULT_TIMEOUT = 60.0

ERRORS: Mapping[str, type[errors.HostError]] = {
    ErrorCode.CAPABILITY_MISSING: errors.CapabilityMissing,
    ErrorCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    ErrorCode.CANCELLED: errors.DeadlineExceeded,
    ErrorCode.BUSY: errors.HostBusy,
}

# Percent done, and a text for people.
OnProgress = Callable[[float, str], None]


def command_names(verb: str) -> tuple[str, ...]:
    """Return the names by which operators of CloudStack know what a verb does: `StartCommand`, …"""
    return COMMANDS.get(verb, ())


class HostClient:
    """`transports` are chosen by the hypervisor in the address."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self._transports = transports

    def call(
        self,
        address: HostAddress,
        verb: str,
        arguments: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
        progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """The verb's result (agents/README.md has them all). `arguments` may hold dataclasses of the agents' contracts.

        A request that is sent again with the same `request_id` is not done again, so a caller that may come back
        after a crash chooses an id that it can find again (job and step). `timeout` is in seconds. Raises HostError,
        see cloudapi.hosts.errors."""
        seconds = DEFAULT_TIMEOUT if timeout is None else timeout
        request = Request(request_id or str(uuid.uuid4()), verb, seconds, dict(arguments or {}))
        transport = self._transports.get(address.hypervisor)
        if transport is None:
            raise errors.HostUnreachable(
                address.uuid, verb, "unreachable", f"no way to hosts of hypervisor {address.hypervisor}"
            )
        try:
            text = transport.send(address, request.encode(), seconds, _listener(progress))
        except TimeoutError as error:
            raise errors.DeadlineExceeded(address.uuid, verb, ErrorCode.DEADLINE_EXCEEDED, str(error)) from error
        except ConnectionError as error:
            raise errors.HostUnreachable(address.uuid, verb, "unreachable", str(error)) from error
        return _result(address, verb, text)

    def close(self) -> None:
        for transport in set(self._transports.values()):
            transport.close()


def _listener(progress: OnProgress | None) -> Callable[[Progress], None] | None:
    return None if progress is None else lambda report: progress(report.percent, report.text)


def _result(address: HostAddress, verb: str, text: str) -> dict[str, Any]:
    try:
        reply = read_reply(text)
    except Refusal as refusal:
        raise errors.HostUnreachable(
            address.uuid, verb, refusal.code, f"the answer cannot be read: {refusal.text}"
        ) from refusal
    if isinstance(reply, Answer) and reply.result is not None:
        return reply.result
    failure = reply.failure if isinstance(reply, Answer) else None
    raise _error(address, verb, failure or Failure(ErrorCode.INTERNAL, "the agent sent no answer", True))


def _error(address: HostAddress, verb: str, failure: Failure) -> errors.HostError:
    kind = ERRORS.get(failure.code, errors.VerbRefused)
    return kind(address.uuid, verb, failure.code, failure.text)
