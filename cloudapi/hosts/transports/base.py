"""The transport contract: one method."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from agents.protocol import Progress
from cloudapi.hosts.address import HostAddress

OnProgress = Callable[[Progress], None]


class Transport(ABC):
    """Safe to call from many threads."""

    @abstractmethod
    def send(self, address: HostAddress, request: str, timeout: float, on_progress: OnProgress | None) -> str:
        """Takes an encoded request to the agent and brings its encoded answer back.

        Raises ConnectionError (not reached, or lost on the way) and TimeoutError (no answer within `timeout` seconds).
        """

    def close(self) -> None:
        """Gives up what is kept open between requests."""
        return
