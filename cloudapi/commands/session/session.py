"""Sessions: the two commands that come before authentication."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cloudapi.api.command import ROOT, Command
from cloudapi.api.parameters import Text
from cloudapi.context import Context
from cloudapi.models.identity import Account, Domain
from cloudapi.services.account import session as sessions
from cloudapi.views.session.session import LoginView, LogoutView


class DomainNumber(Text):
    """A domain by its number or its ID: `long` in the catalogue, yet every client sends the ID."""

    api_type = "long"


class Login(Command):
    """Begins a session by a user's name and password; send it as POST."""

    roles, response = ROOT, LoginView
    authenticated = False

    username = Text(required=True, help="name of the user")
    password = Text(required=True, secret=True, help="password of the user")
    domain = Text(length=512, help="path of the user's domain, as /a/b; ROOT where it is not given")
    domainId = DomainNumber(help="ID of the user's domain; wins over its path")

    def authenticate(self, context: Context, *, token: str | None, session_key: str | None,
                     remote_address: str) -> tuple[dict[str, Any], str]:
        """Return the answer and the token of the new session; one that the client had before ends."""
        domain = sessions.find_domain(self.domainId, self.domain)
        login = sessions.login(context, self.username, self.password, domain, remote_address)
        context.installation.sessions.end(token)
        return self._shown(context, login, domain), login.token

    @staticmethod
    def _shown(context: Context, login: sessions.Login, domain: Domain) -> dict[str, Any]:
        user = login.user
        account = Account.get_by_id(user.account_id)
        body = {
            "username": user.username, "userid": user.uuid, "domainid": domain.uuid,
            "timeout": context.installation.sessions.timeout, "account": account.account_name,
            "firstname": user.first_name, "lastname": user.last_name, "type": str(account.account_type),
            "registered": "false", "sessionkey": login.session_key, "is2faenabled": "false", "is2faverified": "true"}
        if user.timezone:
            offset = datetime.datetime.now(ZoneInfo(user.timezone)).utcoffset() or datetime.timedelta()
            body |= {"timezone": user.timezone, "timezoneoffset": str(offset.total_seconds() / 3600)}
        if user.password_change_required:
            body["passwordchangerequired"] = True
        return body


class Logout(Command):
    """Ends the session of the request, if it has one."""

    roles, response = ROOT, LogoutView
    authenticated = False

    def authenticate(self, context: Context, *, token: str | None, session_key: str | None,
                     remote_address: str) -> tuple[dict[str, Any], str]:
        sessions.logout(context, token)
        return {"description": "success"}, ""
