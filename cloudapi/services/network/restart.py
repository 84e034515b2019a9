"""Networks whose routers are made anew, or told everything again."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import Network
from cloudapi.services.network import network as networks


def restart(context: Context, network: Network, *, cleanup: bool = False, redundant: bool = False,
            patch: bool = False) -> None:
    """Restart an implemented network; its public addresses stay.

    :param cleanup: with new routers; of a redundant pair one after the other, unless `network.rolling.restart` is off.
    :param redundant: give it a pair of routers from now on.
    :param patch: only bring the running routers to the newest scripts and configuration.
    :raises InvalidParameter: the network is not implemented, or cannot have a pair.
    """
    if network.state not in networks.READY:
        raise InvalidParameter(f"Network {network.uuid} is not in the right state to be restarted. Correct states are: "
                               f"{', '.join(networks.READY)}")
    if redundant:
        check_redundant(context, network, cleanup)
        context.steps.run("make redundant", lambda: Network.update(redundant_router=True).where(
            Network.id == network.id).execute())
        cleanup = True
    if networks.router_serves(network):  # on others, L2 networks say, there is nothing to be done
        with networks.locked(context, network), networks.in_order(network):
            fresh = Network.get_by_id(network.id)
            if cleanup:
                rebuild(context, fresh)
            else:
                refresh(context, fresh, start=not patch)
    context.steps.run("restarted", lambda: Network.update(restart_required=False).where(
        Network.id == network.id).execute())


def check_redundant(context: Context, network: Network, cleanup: bool) -> None:
    if not context.caller.is_admin and not context.settings.get("allow.users.to.make.networks.redundant"):
        raise PermissionDenied("Users may not make networks redundant in this cloud (makeredundant)")
    if not cleanup:
        raise InvalidParameter("makeredundant needs cleanup: the routers are made anew")
    if network.guest_type != "Isolated" or not networks.has_service(network, "SourceNat"):
        raise InvalidParameter(f"Network {network.uuid} cannot have redundant routers: it is not an isolated network "
                               "with the service SourceNat")


def rebuild(context: Context, network: Network, *, in_sequence: bool = False) -> None:
    """Replace the routers of a network. The caller holds the network.

    :param in_sequence: of a pair one after the other, also where `network.rolling.restart` is off.
    """
    from cloudapi.services.router import router

    old = router.of_network(network)
    pair = len(old) > 1 and router.wanted(network) > 1
    if pair and (in_sequence or context.settings.get("network.rolling.restart")):
        # The one that does not lead goes first, so that the network has a router all the time.
        states = {row.machine_id: row.redundant_state for row in Router.select().where(Router.network == network.id)}
        for machine in sorted(old, key=lambda item: states.get(item.id) == "PRIMARY"):
            router.destroy(context, machine)
            router.ensure(context, network)
    else:
        router.destroy_all(context, network)
        router.ensure(context, network)
    if pair:
        # Who leads is settled once both are there.
        for machine in router.of_network(network):
            router.look(context, machine)


def tell(context: Context, router: Router, *, again: bool) -> None:
    """Bring a running router up to date with the records, and read its version.

    :param again: tell it everything, also where it knows that.
    """
    from cloudapi.services.router import router as routers

    network = Network.get_by_id(router.network_id)

    def forget() -> None:
        Router.update(generation=0).where(Router.machine_id == router.machine_id).execute()
        networks.changed(network)

    if again:
        context.steps.run(f"tell router {router.machine_id} again", forget)
    routers.apply(context, network)
    routers.look(context, Machine.get_by_id(router.machine_id))


def refresh(context: Context, network: Network, *, start: bool) -> None:
    """Tell the routers of a network everything again, starting those that do not run. The caller holds the network."""
    from cloudapi.services.router import router

    def forget() -> None:
        Router.update(generation=0).where(Router.network == network.id).execute()
        networks.changed(network)

    context.steps.run(f"refresh {network.uuid}", forget)
    if start:
        router.ensure(context, network)
    router.apply(context, network)
    for machine in router.of_network(network):
        router.look(context, machine)
