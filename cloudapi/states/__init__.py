"""State machines as tables; `base.transition` is the one way to change a state."""

from cloudapi.states import host, machine, network, snapshot, template, volume

__all__ = ["host", "machine", "network", "snapshot", "template", "volume"]
