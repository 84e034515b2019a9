"""Passwords: kept as argon2id hashes, and held to the policy of the user's domain."""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter

# 19 MiB and three passes: about 50 ms of one core, more than OWASP's least (19 MiB and two passes).
_hasher = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
_nobody = ""

_POLICY = (
    ("uppercase.letters", str.isupper, "upper-case letters"),
    ("lowercase.letters", str.islower, "lower-case letters"),
    ("digits", str.isdigit, "digits"),
    ("special.characters", lambda char: not char.isalnum(), "special characters"),
)


def hashed(password: str) -> str:
    return _hasher.hash(password)


def verify(stored: str, password: str) -> bool:
    """Whether the password is the one of the hash; costs as much where there is no hash (`""`)."""
    try:
        return bool(_hasher.verify(stored or _of_nobody(), password)) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def _of_nobody() -> str:
    """Return a hash that stands in for a user that does not exist, so that time does not tell."""
    global _nobody
    if not _nobody:
        _nobody = _hasher.hash("nobody's password")
    return _nobody


def check(context: Context, password: str, username: str, domain_id: int) -> None:
    """Refuse a password that is blank or breaks the policy (`password.policy.*`) of the domain.

    :raises InvalidParameter: without the password in its text.
    """
    def policy(name: str) -> object:
        return context.settings.get(f"password.policy.{name}", domain=domain_id)

    if not password.strip():
        raise InvalidParameter("Password cannot be empty or blank (parameter password)")
    least = int(str(policy("minimum.length") or 0))
    if len(password) < least:
        raise InvalidParameter(f"User password should have at least {least} characters (parameter password)")
    for name, matches, words in _POLICY:
        least = int(str(policy(f"minimum.{name}") or 0))
        if sum(map(matches, password)) < least:
            raise InvalidParameter(f"User password should have at least {least} {words} (parameter password)")
    if not policy("allowPasswordToContainUsername") and username.lower() in password.lower():
        raise InvalidParameter("User password should not contain the username (parameter password)")
    pattern = str(policy("regex") or "")
    if pattern and not re.fullmatch(pattern, password):
        raise InvalidParameter("User password does not match the password policy's pattern (parameter password)")
