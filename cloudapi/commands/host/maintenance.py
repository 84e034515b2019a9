"""Maintenance of hosts, their connection and their reservations."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand
from cloudapi.api.parameters import Entity
from cloudapi.context import Context
from cloudapi.models.infrastructure import Host
from cloudapi.services.host import host as hosts
from cloudapi.services.host import maintenance
from cloudapi.views.host.host import HostView


class PrepareHostForMaintenance(AsyncCommand):
    """Moves the Instances away from a host and puts it into maintenance."""

    action = "preparing a host for maintenance"
    roles, event, response = ROOT, "MAINT.PREPARE", HostView

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host")

    def run(self, context: Context) -> Any:
        return maintenance.prepare(context, self.id)


class CancelHostMaintenance(AsyncCommand):
    """Ends the maintenance of a host."""

    roles, event, response = ROOT, "MAINT.CANCEL", HostView

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host")

    def run(self, context: Context) -> Any:
        return maintenance.cancel(context, self.id)


class DeclareHostAsDegraded(AsyncCommand):
    """Gives up a host that does not answer, and what ran on it."""

    action = "declaring a host degraded"
    roles, event, response, since = ROOT, "HOST.DECLARE.DEGRADED", HostView, "4.16.0.0"

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host, in state Alert or Disconnected")

    def run(self, context: Context) -> Any:
        return maintenance.declare_degraded(context, self.id)


class CancelHostAsDegraded(AsyncCommand):
    """Takes a degraded host back."""

    action = "cancelling the degraded state of a host"
    roles, event, response, since = ROOT, "HOST.CANCEL.DEGRADED", HostView, "4.16.0.0"

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host")

    def run(self, context: Context) -> Any:
        context.steps.run("cancel "
                          "degraded", lambda: maintenance.cancel_degraded(context, Host.get_by_id(self.id.id)).id)
        return Host.get_by_id(self.id.id)


class ReconnectHost(AsyncCommand):
    """Connects to a host anew."""

    roles, event, response = ROOT, "HOST.RECONNECT", HostView

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host")

    def run(self, context: Context) -> Any:
        return hosts.reconnect(context, self.id)


class ReleaseHostReservation(AsyncCommand):
    """Lets go the capacity that is kept on a host for Instances that were stopped."""

    action = "releasing the reservations on a host"
    roles, event = ROOT, "HOST.RESERVATION.RELEASE"

    id = Entity(Host, access=ANY, required=True, lock=True, help="the host")

    def run(self, context: Context) -> bool:
        return context.steps.run("release", lambda: hosts.release_reservations(context, self.id))
