"""Simulated hosts: a product for trying and testing the server, not a test double. It keeps state and refuses what
real hosts refuse."""

from agents.hypervisors.simulator.machine import Location, Simulator

__all__ = ["Location", "Simulator"]
