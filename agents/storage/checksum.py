"""Checksums in CloudStack's notation: `{SHA-256}hex`; without an algorithm MD5."""

import hashlib
import re

from agents.protocol import ErrorCode, Refusal

ALGORITHMS = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_NOTATION = re.compile(r"(?:\{(?P<algorithm>[^{}]*)\})?(?P<digits>[0-9a-fA-F]+)")


def read(text: str) -> tuple[str, str]:
    """The algorithm, as in `ALGORITHMS`, and the lower-case digits. Raises Refusal(bad_argument)."""
    found = _NOTATION.fullmatch(text.strip())
    if found is None:
        raise Refusal(
            ErrorCode.BAD_ARGUMENT, f"'checksum' {text!r:.200} is not hexadecimal digits, with or without {{ALGORITHM}}"
        )
    algorithm, digits = algorithm_called(found["algorithm"] or "MD5"), found["digits"].lower()
    expected = hashlib.new(ALGORITHMS[algorithm]).digest_size * 2
    if len(digits) != expected:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'checksum' has {len(digits)} digits, {algorithm} has {expected}")
    return algorithm, digits


def algorithm_called(name: str) -> str:
    """Its name in CloudStack's spelling. Raises Refusal(bad_argument)."""
    known = {key.replace("-", ""): key for key in ALGORITHMS}
    found = known.get(name.upper().replace("-", ""))
    if found is None:
        raise Refusal(
            ErrorCode.BAD_ARGUMENT,
            f"'checksum' names the unknown algorithm {name!r:.40}; known are {', '.join(ALGORITHMS)}",
        )
    return found


def new(algorithm: str) -> "hashlib._Hash":
    return hashlib.new(ALGORITHMS[algorithm])


def written(algorithm: str, digits: str) -> str:
    return f"{{{algorithm}}}{digits}"
