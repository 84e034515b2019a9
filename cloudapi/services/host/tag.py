"""The tags of hosts: names, or one rule that is evaluated against the tags of an offering."""

from __future__ import annotations

from collections.abc import Iterable

from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Host, HostTag

MAXIMUM = 255


def check(tags: Iterable[str], is_rule: bool) -> list[str]:
    """Return the tags, each once.

    :param is_rule: they are one rule, which may hold commas.
    :raises InvalidParameter: one is too long.
    """
    found = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    for tag in found:
        if len(tag) > MAXIMUM:
            raise InvalidParameter(f"hosttags: a tag has at most {MAXIMUM} characters")
    if is_rule and len(found) > 1:
        found = [",".join(found)]
    return found


def replace(host: Host, tags: Iterable[str], is_rule: bool = False) -> None:
    """Give a host these explicit tags instead of those that it has. Within a transaction."""
    HostTag.delete().where(HostTag.host == host.id, HostTag.implicit == False).execute()  # noqa: E712
    for tag in check(tags, is_rule):
        HostTag.create(host=host.id, tag=tag, is_rule=is_rule)

