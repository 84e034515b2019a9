"""What an event says of a command, from the command's first sentence and the records that it names.

"Attaches a volume to an Instance." becomes "attaching volume data (7b1c…) to Instance web (e07f…)". A command whose
sentence does not serve says in `action` what it does: "migrating an Instance".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cloudapi.events import name_of
from cloudapi.models.base import Owned, Table

if TYPE_CHECKING:
    from cloudapi.api.command import Command

# Verbs of the sentences that CloudStack's events call otherwise, and those that double their last letter.
SYNONYMS = {"changes": "updating", "makes": "creating"}
DOUBLED = frozenset(("stop", "put", "set", "let", "get", "run", "begin", "cut", "plug", "unplug", "map", "reset"))
# What sentences call a kind of record, where that is not the name of its class in small letters.
NOUNS = {
    "ApiKeyPair": ("key pair",),
    "FirewallRule": ("firewall rule",),
    "GuestOs": ("guest operating system",),
    "GuestOsCategory": ("category",),
    "GuestOsMapping": ("mapping of a guest operating system", "mapping"),
    "GuestVlanRange": ("range of guest VLANs",),
    "ImageStore": ("secondary storage",),
    "IpAddress": ("public address", "address"),
    "IpForwardingRule": ("IP forwarding rule",),
    "IpRange": ("range of public addresses", "range of addresses"),
    "Machine": ("Instance", "system VM", "virtual router"),
    "NetworkServiceProvider": ("service provider", "provider"),
    "Nic": ("NIC",),
    "NicSecondaryIp": ("further address",),
    "ProjectInvitation": ("invitation",),
    "RolePermission": ("rule",),
    "SshKeyPair": ("SSH key pair",),
    "StorageIpRange": ("range of addresses",),
    "StoragePool": ("primary storage pool", "storage pool", "pool"),
    "TrafficType": ("traffic type",),
    "VirtualRouterElement": ("virtual router element", "element"),
}
_CLAUSE = re.compile(r"[,:;.](?: |$)| that ")
_VERBS = re.compile(r"^(\w+s)((?: (?:or|and) \w+s)*) ")
_ARTICLE = r"(?:\b(?:an?|the|its|one)\s+((?:(?!of\b|that\b|which\b)[\w-]+ ){0,2}?))?"


def gerund(verb: str) -> str:
    """Return the gerund of a verb in the third person: `Stops` -> `stopping`."""
    verb = verb.lower()
    if verb in SYNONYMS:
        return SYNONYMS[verb]
    if verb.endswith("ies"):
        base = verb[:-3] + "y"
    elif verb.endswith(("sses", "ches", "shes", "xes")):
        base = verb[:-2]
    else:
        base = verb[:-1]
    if base in DOUBLED:
        return base + base[-1] + "ing"
    return (base[:-1] if base.endswith("e") and not base.endswith("ee") else base) + "ing"


def action_of(command: type[Command]) -> str:
    """Return what a command does, without the names of what it does it to: `stopping an Instance`."""
    if command.action is not None:
        return command.action
    sentence = (command.__doc__ or "").strip().split("\n")[0]
    clause = _CLAUSE.split(sentence)[0]
    verbs = _VERBS.match(clause + " ")
    if verbs is None:
        raise TypeError(f"{command.api_name()}: its text begins with no verb, and it declares no action")
    first, more = gerund(verbs[1]), re.sub(r"\w+s\b", lambda verb: gerund(verb[0]), verbs[2])
    return f"{first}{more} {clause[verbs.end():]}".strip()


def describe(command: Command, subject: Any) -> str:
    """Return what the event of a call says: what the command does, naming the subject and the records given.

    Of what was sent only names and UUIDs of records are in it, so that no secret can be. Records that no account owns
    are named to all who see the event, so by their UUIDs only.
    """
    sentence = _Sentence(action_of(type(command)))
    given = [value for name in command.parameters if _is_record(value := getattr(command, name))]
    if _is_record(subject) and not sentence.place(subject, named(subject)):
        noun = nouns_of(subject)[0]
        sentence.append(f". {noun[:1].upper()}{noun[1:]}: {named(subject)}")
    elif isinstance(subject, str):
        sentence.append(f": {subject}")
    for other in given:
        if other is not subject:
            sentence.place(other, named(other) if isinstance(other, Owned) else other.uuid)
    return str(sentence)


class _Sentence:
    """A text in which records take the places of their nouns, each noun once."""

    def __init__(self, text: str) -> None:
        self._parts: list[str] = [text]  # texts at even places, names at odd ones

    def __str__(self) -> str:
        return "".join(self._parts)

    def append(self, text: str) -> None:
        self._parts += [text, ""]

    def place(self, record: Any, name: str) -> bool:
        """Write the name of a record after its noun. Returns whether the text has that."""
        for noun in nouns_of(record):
            pattern = re.compile(rf"{_ARTICLE}\b{re.escape(noun)}(?!['-]|\w)")
            for index in range(0, len(self._parts), 2):
                text = self._parts[index]
                for found in pattern.finditer(text):
                    if found.end() == len(text) and index + 1 < len(self._parts):
                        continue  # a name follows already
                    before = f"{text[:found.start()]}{found[1] or ''}{noun}"
                    self._parts[index:index + 1] = [before, f" {name}", text[found.end():]]
                    return True
        return False


def _is_record(value: Any) -> bool:
    return isinstance(value, Table) and isinstance(getattr(value, "uuid", None), str)


def nouns_of(record: Table) -> tuple[str, ...]:
    kind = type(record).__name__
    words = re.sub(r"(?<!^)([A-Z])", r" \1", kind).lower()
    found = NOUNS.get(kind, (words,))
    return ("ISO", *found) if getattr(record, "format", None) == "ISO" else found


def named(record: Table) -> str:
    """Return how a text names a record: `web (e07f…)`, or its UUID where it has no name."""
    name, uuid = name_of(record), getattr(record, "uuid", None)
    return f"{name} ({uuid})" if name else str(uuid)
