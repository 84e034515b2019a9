"""Sessions: a login by password, kept by a cookie and a session key."""

from __future__ import annotations

import hashlib
from typing import Any

from cloudapi.context import Caller
from cloudapi.errors import Unauthenticated
from cloudapi.models.base import now
from cloudapi.models.identity import Session
from cloudapi.services.account.caller import Callers


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Sessions:
    def __init__(self, callers: Callers, settings: Any) -> None:
        self._callers, self._settings = callers, settings

    def caller(self, token: str, session_key: str | None) -> Caller:
        """Return who is logged in with this cookie and session key.

        :raises Unauthenticated: no such session, another key, or it was idle for too long.
        """
        session = Session.get_or_none(Session.token == digest(token))
        if session is None or not session_key or digest(session_key) != session.session_key:
            raise Unauthenticated
        return self._callers.by_user(session.user_id) if session.last_used <= now() else self._callers.system()
