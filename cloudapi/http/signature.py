"""Signed requests: HMAC-SHA1 over the sorted, encoded, lower-cased parameters."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import quote

# What each client leaves as it is beyond letters, digits and `-._`, and what it makes of `~`: Java's encoder
# (CloudStack's own rule), `cs` and CloudMonkey, Go's plain `QueryEscape`, libcloud. Each means the same request.
ALPHABETS = (("*", "%7E"), ("*", "~"), ("", "~"), ("[]*", "~"))
_DISPUTED = frozenset("*~[]")


def encode(value: str, safe: str, tilde: str) -> str:
    return quote(value, safe=safe).replace("~", tilde)


def texts(parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts that a client may have signed for these parameters, the usual one first.

    Names are sorted as they are by some clients and in lower case by others.
    """
    signed = {name: value for name, value in parameters.items() if name.lower() != "signature"}
    seen: set[str] = set()
    plain = not any(_DISPUTED.intersection(value) for value in signed.values())
    for order in (sorted(signed), sorted(signed, key=str.lower)):
        for safe, tilde in ALPHABETS[:1] if plain else ALPHABETS:
            text = "&".join(f"{name}={encode(signed[name], safe, tilde)}" for name in order).lower()
            if text not in seen:
                seen.add(text)
                yield text


def sign(text: str, secret_key: str) -> str:
    """Return the signature of a text, in base64."""
    return base64.b64encode(hmac.new(secret_key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def verify(parameters: Mapping[str, str], signature: str, secret_key: str) -> bool:
    """Whether the signature is right, compared in constant time."""
    given = signature.replace(" ", "+").encode()
    return any([hmac.compare_digest(given, sign(text, secret_key).encode()) for text in texts(parameters)])  # noqa: C419


def expired(parameters: Mapping[str, str], now: int) -> bool:
    """Whether a request of signature version 3 is past its `expires` (or has none that can be read).

    :param parameters: with names in lower case. :param now: in milliseconds.
    """
    if parameters.get("signatureversion") != "3":
        return False
    text = parameters.get("expires", "")
    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            moment = datetime.datetime.strptime(text.replace(" ", "+"), form)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.timestamp() * 1000 < now
    return True
