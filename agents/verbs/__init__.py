"""The verbs, a file per noun. Importing this package declares them all in `VERBS`."""

from agents.verbs import host, instance, network, pool, router, secondary, simulator, template, volume
from agents.verbs.registry import VERBS, Verb

__all__ = [
    "VERBS",
    "Verb",
    "host",
    "instance",
    "network",
    "pool",
    "router",
    "secondary",
    "simulator",
    "template",
    "volume",
]
