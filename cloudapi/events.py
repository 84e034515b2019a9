"""Events: what happened, to whom it belongs, and which event began it.

Usable from every layer above the models, as rules deep in the services leave events too.
"""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.base import Record, Table, new_uuid, now
from cloudapi.models.common import Event
from cloudapi.models.identity import Account

# The types of what happens within a command or without one; the types of commands are declared by these.
BESIDES_COMMANDS = frozenset((
    "DISABLE.PS", "ENABLE.PS", "UPDATE.PS",
    "ISO.CREATE", "TEMPLATE.DOWNLOAD.FAILED", "TEMPLATE.DOWNLOAD.START", "TEMPLATE.DOWNLOAD.SUCCESS",
    "NETWORK.CREATE", "STATICNAT.ENABLE",
    "PROXY.CREATE", "PROXY.DESTROY", "PROXY.REBOOT", "PROXY.START", "PROXY.STOP",
    "RESOURCE.LIMIT.UPDATE",
    "ROUTER.CREATE",
    "SNAPSHOTPOLICY.CREATE", "SNAPSHOTPOLICY.DELETE",
    "SSVM.CREATE",
    "USER.CREATE", "USER.LOGIN", "USER.LOGOUT",
    "VM.LEASE.EXPIRED", "VM.LEASE.EXPIRING",
    "VOLUME.DELETE", "VOLUME.RECOVER",
))
# Kinds of records that CloudStack calls otherwise.
KINDS = {"GuestVlanRange": "DedicatedGuestVlanRange", "IpForwardingRule": "FirewallRule", "IpRange": "Vlan",
         "NetworkServiceProvider": "PhysicalNetworkServiceProvider", "PortForwardingRule": "FirewallRule"}
MACHINES = {"User": "VirtualMachine", "DomainRouter": "DomainRouter"}
# Columns that hold what people call a record, the first that it has.
NAMES = ("display_name", "name", "account_name", "username", "ip")


def name_of(record: Any) -> str | None:
    """Return what people call a record; None where it has no name."""
    return next((value for field in NAMES if isinstance(value := getattr(record, field, None), str) and value), None)


def kind_of(record: Any) -> str | None:
    """Return CloudStack's name of the kind of a record, as clients ask for it in `resourcetype`."""
    if not isinstance(record, Table):
        return None
    kind = type(record).__name__
    if kind == "Machine":
        return MACHINES.get(record.kind, "SystemVm")
    if kind == "Template" and record.format == "ISO":
        return "Iso"
    return KINDS.get(kind, kind)


def _resource(subject: Any) -> dict[str, Any]:
    """Return the columns that tell what an event is about."""
    name = name_of(subject)
    return {"resource_type": kind_of(subject), "resource_id": getattr(subject, "id", None),
            "resource_uuid": getattr(subject, "uuid", None), "resource_name": name[:255] if name else None}


def _write(context: Context, event_type: str, state: str, level: str, text: str, subject: Any = None) -> int:
    if event_type not in context.installation.registry.event_types:
        raise ValueError(f"event {event_type}: neither a command declares this type, nor does cloudapi/events.py")
    account_id = getattr(subject, "account_id", None)
    domain_id = getattr(subject, "domain_id", None)
    if isinstance(subject, Account):
        account_id = subject.id
    if account_id is None or domain_id is None:
        account_id, domain_id = context.caller.account_id, context.caller.domain_id
    event = Event.create(
        uuid=new_uuid(), event_type=event_type, state=state, level=level, description=text[:1024],
        user_id=context.caller.user_id, account_id=account_id, domain_id=domain_id,
        start_id=context.start_event_id if state != "Scheduled" else None,
        created=now(), display=getattr(subject, "display", True) is not False, **_resource(subject))
    return int(event.id)


def completed(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    """Leave the event of something that is done; returns its id.

    :param text: what was done, beginning with a gerund: "creating network web (…)".
    :raises ValueError: the type is declared nowhere.
    """
    return _write(context, event_type, "Completed", "INFO", f"Successfully completed {lower(text)}", subject)


def went_wrong(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    """Leave the event of something that failed; `text` begins with a gerund and ends with why."""
    return _write(context, event_type, "Completed", "ERROR", f"Error while {lower(text)}", subject)


def noted(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    """Leave the event of something that was seen, in a sentence of its own."""
    return _write(context, event_type, "Completed", "INFO", text, subject)


def scheduled(context: Context, event_type: str, text: str, subject: Any = None) -> int:
    """Leave the first event of a job; those that follow point to it."""
    return _write(context, event_type, "Scheduled", "INFO", upper(text), subject)


def _follow(context: Context, state: str, level: str, prefix: str, suffix: str = "", subject: Any = None) -> None:
    first = Event.get_or_none(Event.id == context.start_event_id)
    if first is None:
        return
    fields = ("resource_type", "resource_id", "resource_uuid", "resource_name")
    resource = {name: getattr(first, name) for name in fields}
    if resource["resource_uuid"] is None and isinstance(subject, Record):
        resource = _resource(subject)
    text = f"{prefix}{lower(first.description)}" if prefix else first.description
    Event.create(uuid=new_uuid(), event_type=first.event_type, state=state, level=level,
                 description=f"{text}{suffix}"[:1024], user_id=first.user_id,
                 account_id=first.account_id, domain_id=first.domain_id, start_id=first.id, created=now(),
                 display=first.display, **resource)


def started(context: Context) -> None:
    """Leave the event of a job that begins; like CloudStack's, it says what the first one said."""
    _follow(context, "Started", "INFO", "")


def ended(context: Context, subject: Any = None) -> None:
    _follow(context, "Completed", "INFO", "Successfully completed ", subject=subject)


def failed(context: Context, reason: str) -> None:
    _follow(context, "Completed", "ERROR", "Error while ", f": {reason}")


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def upper(text: str) -> str:
    return text[:1].upper() + text[1:]
