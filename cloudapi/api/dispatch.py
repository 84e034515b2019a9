"""A request, from its parameters to its answer; and a job, from its row to its result."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import orjson
import peewee

from cloudapi import events
from cloudapi.api import access, kept, naming
from cloudapi.api.command import AsyncCreateCommand, Command, Success
from cloudapi.api.listing import Listing
from cloudapi.api.parameters import Entity, EntityList, Parameter, unpack
from cloudapi.api.registry import Registry
from cloudapi.context import Caller, Context
from cloudapi.errors import ApiError, InsufficientCapacity, InternalError, InvalidParameter, UnsupportedAction, by_code
from cloudapi.jobs import queue
from cloudapi.jobs.locks import key as lock_key
from cloudapi.jobs.steps import RecordedSteps, Steps
from cloudapi.models.common import AsyncJob
from cloudapi.models.database import transact

log = logging.getLogger(__name__)

HIDDEN = "The requested operation failed; ask the administrator, the log has the reason"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what stands below the response name; `name` the response name itself.

    :ivar place: where the written answer may be kept; with an answer in it, `body` is None.
    """

    name: str
    body: Any
    place: kept.Place | None = None


class Dispatcher:
    def __init__(self, registry: Registry, installation: Any) -> None:
        self.registry = registry
        self.installation = installation

    def find(self, name: str | None, caller: Caller) -> type[Command]:
        """Return the command that the caller may call by this name.

        :raises UnsupportedAction: there is none, or the caller's role does not allow it.
        """
        if not name:
            raise UnsupportedAction("Invalid request, no command sent")
        command = self.registry.get(name)
        if command is None or not self.installation.permissions.allowed(caller, command):
            raise UnsupportedAction(f"The given command '{name[:80]}' either does not exist, is not available for user "
                                    "or is not allowed by the role of the account")
        return command

    def handle(self, raw: dict[str, str], caller: Caller, request_id: str, form: str = "") -> Answer:
        """Run a command for an authenticated caller. `raw` are the request's parameters as they came.

        :param form: how the caller will write the answer, where he takes one that is written already.
        """
        parameters = unpack(raw)
        command_class = self.find(raw.get("command") or parameters.get("command"), caller)
        context = Context(caller, self.installation, Steps(), request_id)
        name = command_class.api_name()
        try:
            command = command_class(self.parse(command_class, parameters, context))
            return self._run(command, parameters, context, form)
        except ApiError as error:
            naming.name_parameter(error, command_class, parameters)
            raise self._shown(error, context) from error
        except peewee.DataError as error:
            log.exception("request %s: %s", request_id, name)
            raise naming.out_of_range(command_class, parameters) from error
        except Exception as error:
            log.exception("request %s: %s failed", request_id, name)
            raise self._hidden(name, error, context) from error

    @staticmethod
    def _sees_causes(context: Context) -> bool:
        return bool(context.caller.is_root_admin or context.settings.get("expose.errors.to.user"))

    def _hidden(self, name: str, error: Exception, context: Context) -> InternalError:
        """Return what the caller is told of a fault of ours; its own text may hold anything."""
        return InternalError(f"{name} failed: {type(error).__name__}" if self._sees_causes(context) else HIDDEN)

    def _shown(self, error: ApiError, context: Context) -> ApiError:
        """Return the error as this caller may see it: with the refusals of each host, or without."""
        if isinstance(error, InsufficientCapacity) and error.refusals and self._sees_causes(context):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in error.refusals)
            if reasons not in error.text:
                error.text = f"{error.text} ({reasons})"
        return error

    def handle_session(self, command_class: type[Command], raw: dict[str, str],
                       **session: Any) -> tuple[Answer, str | None]:
        """Run a command that needs no authentication (login and its kind).

        :param session: what the transport knows: `token`, `session_key`, `remote_address`, `request_id`.
        :returns: the answer, and the new session token to hand out ("" ends the session, None changes nothing).
        """
        context = Context(self.installation.callers.system(), self.installation, Steps(), session.pop("request_id"))
        command = command_class(self.parse(command_class, unpack(raw), context))
        try:
            body, token = command.authenticate(context, **session)  # type: ignore[attr-defined]
        except ApiError:
            raise
        except Exception as error:
            log.exception("request %s: %s", context.request_id, command.api_name())
            raise InternalError(HIDDEN) from error
        return Answer(command.response_name(), body), token

    def parse(self, command: type[Command], parameters: dict[str, Any], context: Context,
              again: bool = False) -> dict[str, Any]:
        """Return the typed values of the parameters that the command knows; others are ignored.

        :raises InvalidParameter: a required one is missing or empty, a value is of the wrong kind or names nothing.
        :raises PermissionDenied: the caller has not the declared access to an entity.
        """
        values: dict[str, Any] = {}
        missing: list[str] = []
        for parameter in command.parameters.values():
            sent = parameters.get(parameter.name.lower())
            if sent is not None and parameter.roles and context.caller.role_type not in parameter.roles:
                sent = None
            if parameter.required and sent == "":
                raise InvalidParameter(f"Unable to execute API command {command.api_name().lower()} due to invalid "
                                       f"value. Invalid value provided for API arg: {parameter.name}")
            if sent is None or parameter.is_blank(sent):
                if parameter.required:
                    missing.append(parameter.name)
                continue
            values[parameter.name] = self._value(command, parameter, sent, again)
        for parameter in command.parameters.values():
            value = values.get(parameter.name)
            if isinstance(parameter, Entity) and parameter.access is not None and value is not None and value != -1:
                for record in value if isinstance(parameter, EntityList) else [value]:
                    access.check(context, record, parameter.access)
        if missing:
            raise InvalidParameter(f"Unable to execute API command {command.api_name().lower()} "
                                   f"due to missing parameter {missing[0]}")
        return values

    @staticmethod
    def _value(command: type[Command], parameter: Parameter, sent: Any, again: bool) -> Any:
        """Return the typed value of one parameter that was sent."""
        name = command.api_name().lower()
        if parameter.required and isinstance(sent, str) and not sent.strip():
            raise InvalidParameter(f"Unable to execute API command {name} due to invalid value. "
                                   f"Invalid value provided for API arg: {parameter.name} (it is empty)")
        try:
            # A list filtered by something that was deleted is empty, not wrong.
            removed = again or (command.read_only and parameter.column is not None)
            value = parameter.parse_again(sent) if removed else parameter.parse(sent)
            if parameter.check is not None:
                parameter.check(value)
        except InvalidParameter as error:
            if error.text.startswith("due to"):
                error.text = f"Unable to execute API command {name} {error.text}"
            raise
        return value

    def _run(self, command: Command, parameters: dict[str, Any], context: Context, form: str) -> Answer:
        if command.is_async:
            return Answer(command.response_name(), self._enqueue(command, parameters, context))
        place = None
        if command.read_only:
            if form and command.lasting:
                known = {name: parameters.get(name.lower()) for name in command.parameters}
                place = kept.place(command.api_name(), known, context.caller, form)
                if place is not None and place.found is not None:
                    return Answer(command.response_name(), None, place)
            result = command.run(context)
        elif command.atomic:
            def work() -> Any:
                context.after.clear()  # of a try that the database rolled back
                done = command.run(context)
                self._leave_event(command, context, done)
                return done

            result = transact(work)
        else:
            try:
                result = command.run(context)
            except BaseException:
                context.steps.unwind()
                raise
            transact(lambda: self._leave_event(command, context, result))
        self.installation.after_commit(context)
        return Answer(command.response_name(), self.present(command, context, result), place)

    def _leave_event(self, command: Command, context: Context, result: Any) -> None:
        event_type = command.event_type(context)
        if event_type is None:
            return
        subject = getattr(command, command.subject, None) or result
        events.completed(context, event_type, context.event_text or command.event_text(subject), subject)

    def present(self, command: Command, context: Context, result: Any) -> Any:
        """Return the body of the answer for what `run` returned."""
        view, wrapper = command.response, command.wrapper_name()
        if isinstance(result, Listing):
            return {"count": result.count, wrapper: result.objects} if result.count else {}
        if view is Success:
            body: dict[str, Any] = {"success": result is not False}
            return {**body, **result} if isinstance(result, dict) else body
        if isinstance(result, list):
            objects = [item if isinstance(item, dict) else view.one(context, item) for item in result]
            return {"count": len(objects), wrapper: objects} if objects else {}
        if result is None:
            return {}
        if not wrapper:
            return result
        return {wrapper: result if isinstance(result, dict) else view.one(context, result)}

    def _enqueue(self, command: Command, parameters: dict[str, Any], context: Context) -> dict[str, Any]:
        """Write the job, and what the command creates, in one transaction; then tell the workers."""

        def write() -> tuple[AsyncJob, Any]:
            context.after.clear()  # of a try that the database rolled back
            created = command.create(context) if isinstance(command, AsyncCreateCommand) else None
            subject = created if created is not None else getattr(command, command.subject, None)
            if isinstance(subject, list):
                subject = subject[0] if subject else None
            start = None
            event_type = command.event_type(context)
            if event_type is not None:
                text = context.event_text or command.event_text(subject)
                start = events.scheduled(context, event_type, text, subject)
            locks = [lock_key(record) for parameter in command.parameters.values()
                     if isinstance(parameter, Entity) and parameter.lock
                     for record in _records(getattr(command, parameter.name))]
            if created is not None:
                locks.append(lock_key(created))
            job = AsyncJob.create(
                user_id=context.caller.user_id, account_id=context.caller.account_id,
                domain_id=context.caller.domain_id, command=command.api_name(),
                parameters=self._sealed(type(command), parameters), locks=locks, start_event_id=start,
                request_id=context.request_id,
                resource_type=events.kind_of(subject),
                resource_id=getattr(subject, "id", None), resource_uuid=getattr(subject, "uuid", None))
            return job, created

        job, created = transact(write)
        self.installation.jobs.submit(job.id)
        self.installation.after_commit(context)
        answer = {"jobid": job.uuid}
        if created is not None:
            answer = {"id": created.uuid, **answer}
        return answer

    def _sealed(self, command: type[Command], parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as the job row keeps them: those of the command, secrets sealed."""
        kept: dict[str, Any] = {}
        for name, parameter in command.parameters.items():
            sent = parameters.get(name.lower())
            if sent is not None:
                kept[name] = {"sealed": self.installation.secrets.seal(orjson.dumps(sent).decode())} \
                    if parameter.secret else sent
        return kept

    def _unsealed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {name.lower(): orjson.loads(self.installation.secrets.open(value["sealed"]))
                if isinstance(value, dict) and "sealed" in value else value for name, value in parameters.items()}

    def execute(self, job: AsyncJob) -> None:
        """Run a claimed job to its end; called by the engine."""
        failure = by_code(job.failure["code"], job.failure["text"]) if job.failure else None
        context = Context(self.installation.callers.by_user(job.user_id), self.installation,
                          RecordedSteps(job, failure), job.request_id or job.uuid, job.id, job.start_event_id)
        try:
            try:
                self._succeed(job, context)
            except ApiError as error:
                self._fail(job, context, self._shown(error, context))
            except Exception as error:
                log.exception("job %s: %s failed", job.uuid, job.command)
                self._fail(job, context, self._hidden(job.command, error, context))
        except queue.Superseded as late:
            log.warning("%s: another worker goes on with it", late)
            return
        self.installation.after_commit(context)

    def _succeed(self, job: AsyncJob, context: Context) -> None:
        command, result = self._attempt(job, context)
        body = self.present(command, context, result)
        if _bears(body, command.response.secrets()):
            body = {"sealed": self.installation.secrets.seal(orjson.dumps(body).decode())}

        def end() -> None:
            if queue.finish(job, queue.SUCCEEDED, 0, body) and job.start_event_id is not None:
                subject = command.created if isinstance(command, AsyncCreateCommand) else result
                events.ended(context, subject)

        transact(end)

    def _attempt(self, job: AsyncJob, context: Context) -> tuple[Command, Any]:
        command_class = self.registry.get(job.command)
        if command_class is None:
            raise UnsupportedAction(f"The command {job.command} is not known to this version")
        parameters = self._unsealed(job.parameters)
        command = command_class(self.parse(command_class, parameters, context, again=job.attempts > 1))
        if isinstance(command, AsyncCreateCommand):
            command.created = command_class.creates.get_by_id(job.resource_id)  # type: ignore[attr-defined]
        if job.start_event_id is not None and job.attempts <= 1:
            transact(lambda: events.started(context))
        try:
            return command, command.run(context)
        except ApiError as error:
            naming.name_parameter(error, command_class, parameters)
            raise
        except peewee.DataError as error:
            log.exception("job %s: %s", job.uuid, job.command)
            raise naming.out_of_range(command_class, parameters) from error

    def _fail(self, job: AsyncJob, context: Context, error: ApiError) -> None:
        transact(lambda: queue.note_failure(job, error.code, error.text))
        context.steps.unwind()
        body = {"errorcode": error.code, "errortext": error.text, "cserrorcode": error.cloudstack_code}

        def end() -> None:
            if queue.finish(job, queue.FAILED, error.code, body) and job.start_event_id is not None:
                events.failed(context, error.text)

        transact(end)


def _bears(body: Any, names: frozenset[str]) -> bool:
    """Whether an answer has a value in one of these fields, at any depth."""
    if isinstance(body, dict):
        return any((name in names and value is not None) or _bears(value, names) for name, value in body.items())
    return isinstance(body, list) and any(_bears(item, names) for item in body)


def _records(value: Any) -> list[Any]:
    if value is None or value == -1:
        return []
    return value if isinstance(value, list) else [value]

