"""Tags: what an offering asks for against what a host or a pool has; a tag may also be a rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_TERM = re.compile(r"""^\s*tags\[(?P<index>\d+)\]\s*(?P<operator>===?|!==?)"""
                   r"""\s*(?P<quote>['"])(?P<value>[^'"]*)(?P=quote)\s*$""")


def split(text: str | None) -> list[str]:
    """Return the tags of `a,b`."""
    return [tag.strip() for tag in (text or "").split(",") if tag.strip()]


def rule_holds(rule: str, asked: list[str]) -> bool:
    """Whether a tag that is a rule lets these tags in.

    Rules are comparisons of `tags[n]` with a text, joined by `&&` and `||` (which binds less), as in
    `tags[0] == 'ssd' || tags[0] == 'nvme'`. What is not of this form lets nothing in.
    """
    return any(all(_compare(term, asked) for term in part.split("&&")) for part in rule.split("||"))


def _compare(term: str, asked: list[str]) -> bool:
    match = _TERM.match(term)
    if match is None:
        return False
    index = int(match["index"])
    value = asked[index] if index < len(asked) else None
    return (value == match["value"]) == match["operator"].startswith("=")


def tag_refusal(asked: Iterable[str], present: Collection[str], is_rule: bool, what: str) -> str | None:
    """Return why a place with these tags does not suit, or None.

    :param what: "host" or "storage", for the text.
    """
    wanted = list(asked)
    if is_rule:
        rule = ",".join(present)
        return None if rule_holds(rule, wanted) else f"its {what} tag rule keeps {','.join(wanted) or 'no tag'} out"
    missing = [tag for tag in wanted if tag not in present]
    return f"it has not the {what} tags {','.join(missing)}" if missing else None
