"""The endpoint `/client/api`: who calls is found here, what is called is the dispatcher's."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any

import flask
import werkzeug
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from cloudapi.api.dispatch import HIDDEN, Answer
from cloudapi.context import Caller
from cloudapi.errors import ApiError, InternalError, InvalidRequest, MethodNotAllowed, Unauthenticated
from cloudapi.http import session, signature, transfer
from cloudapi.http.render import JSON_TYPE, error_body, render
from cloudapi.models.base import new_uuid, now
from cloudapi.services.account import origin

log = logging.getLogger(__name__)

MAXIMUM_BODY = 4 << 20
MAXIMUM_PARAMETERS = 4000
READING = re.compile(r"^(get|list|query|find)\w+$")


class Request(werkzeug.Request):
    """A call of the API."""

    max_content_length = MAXIMUM_BODY
    max_form_memory_size = MAXIMUM_BODY


class Server(Flask):
    """The WSGI application. Calls of the API go to the endpoint past Flask's routes and contexts, which would take a
    fifth of the time of a short list; the rest is Flask's."""

    def __init__(self, endpoint: Endpoint, paths: Sequence[str]) -> None:
        super().__init__("cloudapi", static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
        self.config["MAX_FORM_MEMORY_SIZE"] = MAXIMUM_BODY
        self._endpoint, self._paths = endpoint, frozenset(paths)
        for number, path in enumerate(paths):  # for HEAD, OPTIONS and what is not allowed
            self.add_url_rule(path, f"api{number}", lambda: endpoint.serve(flask.request), methods=["GET", "POST"])

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] in self._paths and environ["REQUEST_METHOD"] in ("GET", "POST"):
            answer = self._endpoint.serve(Request(environ))
            return answer(environ, start_response)
        return super().wsgi_app(environ, start_response)


def parameters_of(incoming: werkzeug.Request) -> dict[str, str]:
    """Return the parameters of query string and form; of several values the last counts."""
    found: dict[str, str] = {}
    for source in (incoming.form, incoming.args) if incoming.method == "POST" else (incoming.args,):
        for name, values in source.lists():
            found[name] = values[-1]
    if len(found) > MAXIMUM_PARAMETERS:
        raise InvalidRequest(f"a request has at most {MAXIMUM_PARAMETERS} parameters")
    return found


class Endpoint:
    """:param integration: serve without authentication, as root admin (for the loopback-only integration port)."""

    def __init__(self, installation: Any, integration: bool = False) -> None:
        self.installation = installation
        self.integration = integration

    def serve(self, request: werkzeug.Request) -> Response:
        request_id = new_uuid()
        # Until we know who asks, no more is told than has to be.
        name, versioned, json_type = "errorresponse", False, JSON_TYPE
        response_type = request.args.get("response", "xml")  # in force where the body cannot be read
        try:
            raw = parameters_of(request)
            lowered = {key.lower(): value for key, value in raw.items()}
            response_type = lowered.get("response", "xml")
            command_name = lowered.get("command")
            command = self.installation.registry.get(command_name or "")
            if command is not None:
                name = command.response_name()
                if not command.authenticated:
                    return self._session(request, command_name, raw, lowered, response_type, request_id)
            caller = self._authenticate(request, raw, lowered)
            self.installation.throttle.count(caller)
            settings = self.installation.settings
            versioned = bool(settings.get("expose.cloudstack.version.api.xml.response"))
            json_type = " ".join((settings.get("json.content.type") or JSON_TYPE).split())
            form = "json" if response_type.lower() == "json" else "xml"
            answer = self.installation.dispatcher.handle(raw, caller, request_id, form)
            return self._answered(answer, response_type, versioned, json_type)
        except ApiError as error:
            status, body = error.code, error_body(error.code, error.cloudstack_code, error.text, error.uuids)
            if error.code == 432:
                name = "errorresponse"
        except HTTPException as error:  # the body is too long, or was cut off
            status = error.code or InvalidRequest.code
            body = error_body(status, InvalidRequest.cloudstack_code, error.description or error.name)
        except Exception:
            log.exception("request %s failed", request_id)
            status, body = InternalError.code, error_body(InternalError.code, InternalError.cloudstack_code, HIDDEN)
        return self._respond(name, body, response_type, status, versioned, json_type)

    def _answered(self, answer: Answer, response_type: str, versioned: bool, json_type: str) -> Response:
        place = answer.place
        written = place.found if place is not None else None
        if written is None:
            written = render(answer.name, answer.body, response_type, versioned, json_type)
            if place is not None:
                place.keep(*written)
        return self._response(*written)

    @staticmethod
    def _response(payload: bytes, content_type: str, status: int = 200) -> Response:
        response = Response(payload, status=status)
        response.headers["Content-Type"] = content_type
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    def _respond(self, name: str, body: Any, response_type: str, status: int, versioned: bool,
                 json_type: str = JSON_TYPE) -> Response:
        response = self._response(*render(name, body, response_type, versioned, json_type), status)
        if status >= 400 and isinstance(body, dict):
            text = " ".join(str(body.get("errortext", "")).split())
            response.headers["X-Description"] = text.encode("ascii", "replace").decode()[:500]
        return response

    def _authenticate(self, request: werkzeug.Request, raw: dict[str, str], lowered: dict[str, str]) -> Caller:
        if self.integration:
            return self.installation.callers.root()
        token = request.cookies.get(session.TOKEN)
        if token and "signature" not in lowered:
            caller = self.installation.sessions.caller(token, lowered.get("sessionkey"),
                                                       request.cookies.get(session.SESSION_KEY))
        else:
            caller = self._by_signature(request, raw, lowered)
        settings = self.installation.settings
        origin.check(settings, caller.account_id, session.remote_address(request, settings))
        return caller

    def _by_signature(self, request: werkzeug.Request, raw: dict[str, str], lowered: dict[str, str]) -> Caller:
        key, given = lowered.get("apikey"), lowered.get("signature")
        if not key or not given:
            raise Unauthenticated
        found = self.installation.callers.by_api_key(key)
        # An unknown key costs as much as a wrong signature, so that keys cannot be probed for by time.
        secret = found[1] if found else "unknown"
        if not signature.verify(raw, given, secret) or found is None:
            raise Unauthenticated
        if signature.expired(lowered, now()):
            raise Unauthenticated
        if self.installation.settings.get("enforce.post.requests.and.timestamps"):
            if lowered.get("signatureversion") != "3":
                raise Unauthenticated
            if request.method != "POST" and not READING.match(lowered.get("command", "")):
                raise MethodNotAllowed("This command changes something and is only accepted as POST")
        return found[0]

    def _session(self, request: werkzeug.Request, command_name: str | None, raw: dict[str, str],
                 lowered: dict[str, str], response_type: str, request_id: str) -> Response:
        """Serve the commands that come before authentication: login, logout and their kind."""
        command = self.installation.registry.get(command_name or "")
        name = command.response_name()
        settings = self.installation.settings
        token: str | None = None
        try:
            if command_name == "login" and request.method != "POST":
                raise MethodNotAllowed("login is only accepted as POST: a password does not belong into a URL")
            answer, token = self.installation.dispatcher.handle_session(
                command, raw, token=request.cookies.get(session.TOKEN),
                session_key=lowered.get("sessionkey") or request.cookies.get(session.SESSION_KEY),
                remote_address=session.remote_address(request, settings), request_id=request_id)
            status, body = 200, answer.body
        except ApiError as error:
            status, body = error.code, error_body(error.code, error.cloudstack_code, error.text, error.uuids)
        response = self._respond(name, body, response_type, status, False)
        if token is not None:
            session.set_cookies(response, settings, token, str(body.get("sessionkey", "")))
        return response


def make_wsgi(installation: Any, integration: bool = False) -> Flask:
    """Return the WSGI application of an installation."""
    paths = ["/client/api", "/client/api/"] + (["/", "/api"] if integration else [])
    server = Server(Endpoint(installation, integration), paths)

    @server.get("/client/openapi.json")
    def openapi() -> Response:
        return Response(installation.openapi(), content_type=JSON_TYPE)

    if not integration:  # uploads and links have authorities of their own, and addresses on the other port
        transfer.add_routes(server, installation)
    return server

