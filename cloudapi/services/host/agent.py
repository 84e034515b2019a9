"""Calls to the agents of hosts, for the services: addresses from records, errors as the API knows them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InsufficientCapacity, InternalError, ResourceUnavailable, UnsupportedAction
from cloudapi.hosts import errors
from cloudapi.hosts.address import HostAddress
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


def call(context: Context, host: Host, verb: str, arguments: Mapping[str, Any] | None = None,
         request_id: str | None = None, timeout: float | None = None) -> dict[str, Any]:
    """Ask a host's agent for a verb (agents/README.md has them all) and return its result.

    :param request_id: the id under which a repetition is recognised; in jobs that of the step.
    :param timeout: in seconds.
    :raises HostUnreachable: 534, with `reason`.
    :raises HostRefused: 530, with `reason`; insufficient capacity is 533, a missing capability 432.
    """
    try:
        return context.hosts.call(address(host), verb, arguments, request_id=request_id, timeout=timeout)
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
