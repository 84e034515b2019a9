"""Calls to the agents of hosts, for the services: addresses from records, errors as the API knows them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InsufficientCapacity, InternalError, ResourceUnavailable, UnsupportedAction
from cloudapi.hosts import errors
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.client import command_names
from cloudapi.models.infrastructure import Host

log = logging.getLogger(__name__)


class HostUnreachable(ResourceUnavailable):
    """The host did not answer (in time): what was asked may or may not have been done.

    `reason` is the error's code in `agents.protocol.ErrorCode`, or "unreachable".
    """

    reason = "unreachable"


class HostRefused(InternalError):
    """The host did nothing and says why by `reason`, a code of `agents.protocol.ErrorCode`."""

    reason = "failed"


def address(host: Host) -> HostAddress:
    return HostAddress(uuid=host.uuid, hypervisor=host.hypervisor_type or "", url=host.url, id=host.id,
                       zone_id=host.zone_id, pod_id=host.pod_id, cluster_id=host.cluster_id,
                       capabilities=host.capabilities or {})


def allowed(context: Context, verb: str, timeout: float | None = None) -> float | None:
    """Return the seconds that a verb may take: those of the setting `commands.timeout` before the caller's.

    The setting names verbs as CloudStack does, `StartCommand=600`; of several names of one verb the longest counts.
    """
    listed = context.settings.get("commands.timeout")
    if not listed:
        return timeout
    seconds = {name.strip(): int(value) for name, _, value in (pair.partition("=") for pair in listed.split(","))}
    return max((float(seconds[name]) for name in command_names(verb) if name in seconds), default=timeout)


def statistics_timeout(context: Context, host: Host) -> float:
    """Return the seconds that a host has to answer what it measures."""
    return float(context.settings.get("stats.timeout", cluster=host.cluster_id, zone=host.zone_id)) / 1000


def call(context: Context, host: Host, verb: str, arguments: Mapping[str, Any] | None = None,
         request_id: str | None = None, timeout: float | None = None) -> dict[str, Any]:
    """Ask a host's agent for a verb (agents/README.md has them all) and return its result.

    :param request_id: the id under which a repetition is recognised; in jobs that of the step.
    :param timeout: in seconds; `allowed` says what the operator can change.
    :raises HostUnreachable: 534, with `reason`.
    :raises HostRefused: 530, with `reason`; insufficient capacity is 533, a missing capability 432.
    """
    try:
        return context.hosts.call(address(host), verb, arguments, request_id=request_id,
                                  timeout=allowed(context, verb, timeout))
    except errors.HostError as error:
        log.warning("request %s: %s: %s (%s)", context.request_id, host.name, error, error.code)
        raise as_api_error(context, host, error) from error


def as_api_error(context: Context, host: Host, error: errors.HostError) -> ApiError:
    """Return the API's error; the host's name and its own words are for root admins only."""
    if context.caller.is_root_admin:
        words = f"{error.verb} on host {host.name} failed: {error.text}"
    else:
        words = "the host did not do what was asked for; the administrator's log has the reason"
    shown: ApiError
    if isinstance(error, errors.HostUnreachable | errors.DeadlineExceeded | errors.HostBusy):
        shown = HostUnreachable(f"Unable to reach the host: {words}")
        shown.reason = error.code
    elif isinstance(error, errors.CapabilityMissing):
        shown = UnsupportedAction(f"The hypervisor of the host cannot do this: {words}")
    elif error.code == "insufficient_capacity":
        shown = InsufficientCapacity("Unable to do this: the host has not enough capacity",
                                     refusals=((host.name, error.text),))
    else:
        shown = HostRefused(f"The host refused: {words}")
        shown.reason = error.code
    return shown
