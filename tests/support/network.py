"""Steps that tests of networks share: Instances, networks, and what a router's agent says of itself."""

from __future__ import annotations

from typing import Any


def zone_of(cloud: Any) -> dict[str, Any]:
    return cloud.admin.list("listZones")[0]  # type: ignore[no-any-return]


def offering(client: Any, name: str) -> dict[str, Any]:
    return client.list("listNetworkOfferings", name=name)[0]  # type: ignore[no-any-return]


def make_network(client: Any, kind: str = "DefaultIsolatedNetworkOfferingWithSourceNatService",
                 **parameters: Any) -> dict[str, Any]:
    """Create a network with the offering of this name and return it."""
    cloud = client.cloud
    parameters.setdefault("zoneid", zone_of(cloud)["id"])
    made = client("createNetwork", networkofferingid=offering(cloud.admin, kind)["id"], **parameters)["network"]
    return client.one("listNetworks", id=made["id"])  # type: ignore[no-any-return]


def deploy(client: Any, **parameters: Any) -> dict[str, Any]:
    """Deploy a small Instance and return it."""
    return client.wait(deploy_later(client, **parameters), "deployVirtualMachine")["virtualmachine"]  # type: ignore[no-any-return]


def deploy_later(client: Any, **parameters: Any) -> str:
    """Begin to deploy a small Instance and return the job."""
    admin = client.cloud.admin
    zone = zone_of(client.cloud)
    template = next(item for item in admin.list("listTemplates", templatefilter="featured", zoneid=zone["id"])
                    if item["isready"])
    small = next(item for item in admin.list("listServiceOfferings") if item["name"] == "Small Instance")
    return str(client("deployVirtualMachine", zoneid=zone["id"], templateid=template["id"],
                      serviceofferingid=small["id"],
                      **parameters)["jobid"])


def router_of(cloud: Any, network: dict[str, Any]) -> dict[str, Any]:
    """Return the only router of a network."""
    return cloud.admin.one("listRouters", networkid=network["id"], listall=True)  # type: ignore[no-any-return]


class OnHost:
    """A machine as its host knows it."""

    def __init__(self, cloud: Any, uuid: str) -> None:
        from cloudapi.models.machine import Machine

        self.cloud = cloud
        self.record = Machine.get(Machine.uuid == uuid)

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        from cloudapi.services.host import agent

        return agent.call(self.cloud.installation.context(), self.record.host, verb, arguments)

    def describe(self) -> dict[str, Any]:
        return self.ask("instance.describe", instance=self.record.uuid)

    def config(self, secret: bool = False) -> dict[str, Any]:
        """Return the configuration that a router has; with what its agent does not show, as the server sends it."""
        if secret:
            from cloudapi.models.machine import Router
            from cloudapi.models.network import Network
            from cloudapi.services.router import configuration

            network = Network.get_by_id(Router.get_by_id(self.record.id).network_id)
            return configuration.of(self.cloud.installation.context(), network, self.record)
        return self.ask("router.describe", router=self.record.uuid)["config"]  # type: ignore[no-any-return]


def machine(cloud: Any, uuid: str) -> OnHost:
    return OnHost(cloud, uuid)
