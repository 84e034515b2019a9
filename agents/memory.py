"""What an agent remembers of the requests it has finished."""

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from contextlib import AbstractContextManager
from typing import Optional


class Memory(ABC):
    """The answers of finished requests, by id."""

    @abstractmethod
    def recall(self, request_id: str) -> Optional[str]: ...

    @abstractmethod
    def remember(self, request_id: str, answer: str) -> None: ...

    def transaction(self, verb: str) -> AbstractContextManager[None]:
        """What the verb does and the memory of its answer become lasting together, where the drivers can do that."""
        return contextlib.nullcontext()


class ShortMemory(Memory):
    """Answers of the last `seconds`, lost with the process."""

    def __init__(self, seconds: float = 3600.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def recall(self, request_id: str) -> Optional[str]:
        with self._lock:
            found = self._answers.get(request_id)
        return found[1] if found else None

    def remember(self, request_id: str, answer: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._answers[request_id] = (now, answer)
            while next(iter(self._answers.values()))[0] < now - self._seconds:
                self._answers.popitem(last=False)
