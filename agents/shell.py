"""The only door to subprocesses: argument lists, never a shell string."""

import subprocess
from collections.abc import Sequence
from typing import Optional

from agents.protocol import ErrorCode, Refusal

# Of what a failed program wrote, this much goes into the refusal.
SHOWN = 2000


def run(arguments: Sequence[str], *, stdin: Optional[bytes] = None, timeout: float = 60.0) -> bytes:
    """Standard output of a program that ended with status 0. Secrets belong into `stdin`: arguments can be seen by
    all users.

    Raises Refusal: failed (it cannot be started, or its status is not 0), deadline_exceeded (it was killed after
    `timeout` seconds)."""
    if isinstance(arguments, str):
        raise TypeError("arguments must be a list: a single text would need a shell")
    program = arguments[0]
    try:
        done = subprocess.run(
            list(arguments),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refusal(ErrorCode.DEADLINE_EXCEEDED, f"{program} was not finished after {timeout:g} seconds") from error
    except OSError as error:
        raise Refusal(ErrorCode.FAILED, f"{program} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-SHOWN:]
        raise Refusal(ErrorCode.FAILED, f"{program} ended with status {done.returncode}: {said}")
    return done.stdout
