"""Where storage lies: URLs of pools and stores, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from cloudapi.errors import InvalidParameter

POOL_TYPES = {"nfs": "NetworkFilesystem", "file": "Filesystem", "sharedmountpoint": "SharedMountPoint", "rbd": "RBD",
              "clvm": "CLVM", "gluster": "Gluster", "presetup": "PreSetup", "vmfs": "VMFS", "iscsi": "IscsiLUN",
              "smb": "SMB", "cifs": "SMB"}
NEEDS_HOST = ("nfs", "gluster", "iscsi", "smb", "cifs", "rbd")
WANTED = {"nfs": "nfs://hostname/path", "rbd": "rbd://hostname/pool", "gluster": "gluster://hostname/volume",
          "sharedmountpoint": "sharedmountpoint://localhost/path", "clvm": "clvm://localhost/volume-group-name"}


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """The parts of a storage URL; `port` is 0 where it names none, `options` what stands after the `?`."""

    scheme: str
    host: str
    path: str
    port: int = 0
    user_info: str | None = None
    options: dict[str, str] = field(default_factory=dict)


def parse(url: str, parameter: str = "url") -> StorageAddress:
    """Read a storage URL. `nfs://host:/path`, with an empty port, is what NFS exports look like.

    :raises InvalidParameter: it has no scheme, or lacks the host or path that its scheme needs.
    """
    wrong = f"Invalid value for parameter {parameter}: {url[:120]!r}"
    try:
        parts = urlsplit(url.strip())
        port = parts.port or 0
    except ValueError as error:
        raise InvalidParameter(f"{wrong} is not a valid uri ({error})") from None
    scheme = parts.scheme.lower()
    if not scheme:
        raise InvalidParameter(f"{wrong} is not a valid uri: add a scheme, such as nfs://, as a prefix")
    host, path = parts.hostname or "", unquote(parts.path)
    if not path.strip("/") or (scheme in NEEDS_HOST and not host):
        raise InvalidParameter(f"{wrong}: host or path is null, should be "
                               f"{WANTED.get(scheme, scheme + '://hostname/path')}")
    user, separator, _ = parts.netloc.rpartition("@")
    return StorageAddress(scheme, host, path, port, unquote(user) if separator else None, dict(parse_qsl(parts.query)))
