"""What may not be read from the database: sealed with the installation's key, which lies outside it."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken


class Secrets:
    """:param path: the file with the key; made on first use, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
        self._cipher = Fernet(path.read_bytes().strip())
        # Secret keys are opened at each signed request; the same sealed text is opened once.
        self.open = functools.lru_cache(maxsize=4096)(self._open)

    def seal(self, text: str) -> str:
        return self._cipher.encrypt(text.encode()).decode()

    def _open(self, sealed: str) -> str:
        """Return the text that was sealed.

        :raises ValueError: it was sealed with another key, or changed.
        """
        try:
            return self._cipher.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("a sealed value cannot be opened: it was sealed with another key") from None
