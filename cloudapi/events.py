"""Events: what happened, to whom it belongs, and which event began it.

Usable from every layer above the models, as rules deep in the services leave events too.
"""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.base import Record, new_uuid, now
from cloudapi.models.common import Event
from cloudapi.models.identity import Account


def _write(context: Context, event_type: str, state: str, level: str, text: str, subject: Any = None,
           start_id: int | None = None) -> int:
    account_id = getattr(subject, "account_id", None)
    domain_id = getattr(subject, "domain_id", None)
    if isinstance(subject, Account):
        account_id = subject.id
    if account_id is None or domain_id is None:
        account_id, domain_id = context.caller.account_id, context.caller.domain_id
    if start_id is None and context.start_event_id is not None and state != "Scheduled":
        start_id = context.start_event_id
    name = next((value for field in ("display_name", "name", "account_name", "username", "ip")
                 if isinstance(value := getattr(subject, field, None), str)), None)
    event = Event.create(
        uuid=new_uuid(), event_type=event_type, state=state, level=level, description=text[:1024],
        user_id=context.caller.user_id, account_id=account_id, domain_id=domain_id, start_id=start_id,
        resource_type=subject.type_name() if isinstance(subject, Record) else None,
        resource_id=getattr(subject, "id", None),
        resource_uuid=getattr(subject, "uuid", None), resource_name=name[:255] if name else None,
        created=now(), display=getattr(subject, "display", True) is not False)
    return int(event.id)


def completed(context: Context, event_type: str, text: str, subject: Any = None, level: str = "INFO") -> int:
    """Leave the event of something that is done. Returns its id."""
    return _write(context, event_type, "Completed", level, f"Successfully completed {lower(text)}", subject)


def created(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    return _write(context, event_type, "Created", "INFO", f"Successfully created entity for {lower(text)}", subject)


def scheduled(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    """Leave the first event of a job; those that follow point to it."""
    return _write(context, event_type, "Scheduled", "INFO", text, subject)


def _follow(context: Context, state: str, level: str, prefix: str, suffix: str = "", subject: Any = None) -> None:
    first = Event.get_or_none(Event.id == context.start_event_id)
    if first is None:
        return
    fields = ("resource_type", "resource_id", "resource_uuid", "resource_name")
    resource = {name: getattr(first, name) for name in fields}
    if resource["resource_uuid"] is None and isinstance(subject, Record):
        resource = {"resource_type": subject.type_name(), "resource_id": subject.id, "resource_uuid": subject.uuid,
                    "resource_name": getattr(subject, "name", None)}
    Event.create(uuid=new_uuid(), event_type=first.event_type, state=state, level=level,
                 description=f"{prefix}{lower(first.description)}{suffix}"[:1024], user_id=first.user_id,
                 account_id=first.account_id, domain_id=first.domain_id, start_id=first.id, created=now(),
                 display=first.display, **resource)


def started(context: Context) -> None:
    _follow(context, "Started", "INFO", "Starting job for ")


def ended(context: Context, subject: Any = None) -> None:
    _follow(context, "Completed", "INFO", "Successfully completed ", subject=subject)


def failed(context: Context, reason: str) -> None:
    _follow(context, "Completed", "ERROR", "Error while ", f": {reason}")


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]
