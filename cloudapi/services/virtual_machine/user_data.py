"""User data of Instances: checked, taken from a registered one or from the template, combined where its policy says."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import UserData
from cloudapi.models.storage import Template

ALLOW, DENY, APPEND = "ALLOWOVERRIDE", "DENYOVERRIDE", "APPEND"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an Instance gets: `content` in base64, the registered user data's id and the values for its variables."""

    content: str | None
    record_id: int | None
    details: str | None


def check(context: Context, content: str) -> str:
    """Return user data as it is kept: standard base64 with padding.

    :raises InvalidParameter: it is no base64, is empty or longer than `vm.userdata.max.length`.
    """
    text = content.strip().replace("-", "+").replace("_", "/")
    text += "=" * (-len(text) % 4)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameter("User data is not base64 encoded: userdata") from None
    if not decoded:
        raise InvalidParameter("User data is too short: userdata")
    most = int(context.settings.get("vm.userdata.max.length"))
    if len(text) > most:
        raise InvalidParameter(f"User data has exceeded the maximum length of {most} bytes: userdata")
    return text


def choose(context: Context, content: str | None, record: UserData | None, details: Mapping[str, str] | None,
           template: Template | None) -> Chosen:
    """Return what an Instance gets of what its deployer sent and its template is linked to.

    :raises InvalidParameter: two kinds were given, or the template's policy refuses any.
    """
    if content and record is not None:
        raise InvalidParameter("Both userdata and userdata ID inputs are not allowed, please provide only one")
    sent = check(context, content) if content else (record.content if record is not None else None)
    kept = json.dumps(dict(details)) if details else None
    if details and record is None and (template is None or template.user_data_id is None):
        raise InvalidParameter("userdatadetails are values for registered user data: give userdataid with them")
    if template is None or template.user_data_id is None:
        return Chosen(sent, record.id if record is not None else None, kept)
    linked = UserData.alive(UserData.id == template.user_data_id).first()
    if linked is None:
        return Chosen(sent, record.id if record is not None else None, kept)
    policy = (template.user_data_policy or ALLOW).upper()
    if sent is None:
        return Chosen(linked.content, linked.id, kept)
    if policy == DENY:
        raise InvalidParameter(f"UserData input is not allowed here since template {template.name} is configured to "
                               "deny any userdata")
    if policy == APPEND:
        return Chosen(check(context, combine(linked.content, sent)), record.id if record is not None else None, kept)
    return Chosen(sent, record.id if record is not None else None, kept)


def combine(first: str, second: str) -> str:
    """Return two pieces of user data (base64) as one MIME multi-part message (base64), as cloud-init reads it."""
    message = MIMEMultipart("mixed")
    for content in (first, second):
        text = base64.b64decode(content + "=" * (-len(content) % 4)).decode("utf-8", "replace")
        message.attach(MIMEText(text, _subtype(text), "utf-8"))
    return base64.b64encode(message.as_bytes()).decode()


def _subtype(text: str) -> str:
    starts = {"#cloud-config": "cloud-config", "#!": "x-shellscript", "#include": "x-include-url",
              "#cloud-boothook": "cloud-boothook", "#upstart-job": "upstart-job", "#part-handler": "part-handler"}
    return next((kind for start, kind in starts.items() if text.startswith(start)), "plain")
