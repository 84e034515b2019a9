"""How many requests an account may send in a time, by the settings `api.throttling.…`; in this process alone."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from cloudapi.context import Caller
from cloudapi.errors import RateLimited


class Throttle:
    """Counts by account, from the first request of each interval on. Root admins are not limited."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._counted: OrderedDict[int, tuple[float, int]] = OrderedDict()

    def count(self, caller: Caller) -> None:
        """Count a request.

        :raises RateLimited: it is more than the account may send.
        """
        settings = self._settings
        if not settings.get("api.throttling.enabled") or caller.is_root_admin:
            return
        interval, most = settings.get("api.throttling.interval"), settings.get("api.throttling.max")
        moment = time.monotonic()
        with self._lock:
            begun, number = self._counted.pop(caller.account_id, (moment, 0))
            if moment - begun >= interval:
                begun, number = moment, 0
            self._counted[caller.account_id] = begun, number + 1
            while len(self._counted) > settings.get("api.throttling.cachesize"):
                self._counted.popitem(last=False)
        if number >= most:
            left = int((begun + interval - moment) * 1000)
            raise RateLimited("The given user has reached his/her account api limit, please retry after "
                              f"[{left}] ms.")
