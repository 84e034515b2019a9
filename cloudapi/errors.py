"""The exception tree of the API, each class with the error code that clients see.

    ApiError                        530
    ├── InvalidRequest              400  the request itself is malformed
    ├── Unauthenticated             401
    ├── MethodNotAllowed            405  a command that may only be sent as POST
    ├── RateLimited                 429
    ├── MalformedParameter          430
    ├── InvalidParameter            431  cserrorcode 4350
    ├── UnsupportedAction           432
    ├── ServiceUnavailable          503
    ├── InternalError               530
    ├── PermissionDenied            531  cserrorcode 4365
    ├── InsufficientCapacity        533  cserrorcode 4320
    ├── ResourceUnavailable         534  cserrorcode 4380
    ├── ResourceAllocationFailed    535  cserrorcode 4370
    │   └── ResourceLimitExceeded   535
    ├── ResourceInUse               536  cserrorcode 4375
    └── NetworkRuleConflict         537  cserrorcode 4360

The codes are those of the reference's `catalogues.json`; an error's HTTP status is its code.
"""

from __future__ import annotations


class ApiError(Exception):
    """An error that is shown to the caller as it is.

    :param text: what is wrong, in words for the caller; never holds a secret.
    :param uuids: identifiers of the resources concerned, as `(uuid, description)` pairs.
    """

    code = 530
    cloudstack_code = 9999

    def __init__(self, text: str, *, uuids: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.uuids = uuids


class InvalidRequest(ApiError):
    code = 400


class Unauthenticated(ApiError):
    code = 401

    def __init__(self, text: str = "unable to verify user credentials and/or request signature") -> None:
        super().__init__(text)


class MethodNotAllowed(ApiError):
    code = 405


class RateLimited(ApiError):
    code = 429


class MalformedParameter(ApiError):
    code = 430


class InvalidParameter(ApiError):
    code = 431
    cloudstack_code = 4350


class UnsupportedAction(ApiError):
    code = 432


class ServiceUnavailable(ApiError):
    code = 503


class InternalError(ApiError):
    code = 530
    cloudstack_code = 4250


class PermissionDenied(ApiError):
    code = 531
    cloudstack_code = 4365


class InsufficientCapacity(ApiError):
    """No place was found.

    :param refusals: why, host by host (or pool by pool): `[(name, reason), …]`; shown to root admins, and to
        others where the setting `expose.errors.to.user` says so.
    """

    code = 533
    cloudstack_code = 4320

    def __init__(self, text: str, *, refusals: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.refusals = refusals


class ResourceUnavailable(ApiError):
    code = 534
    cloudstack_code = 4380


class ResourceAllocationFailed(ApiError):
    code = 535
    cloudstack_code = 4370


class ResourceLimitExceeded(ResourceAllocationFailed):
    """A limit of an account or a domain; CloudStack answers these with 535, its code 532 is never sent."""


class ResourceInUse(ApiError):
    code = 536
    cloudstack_code = 4375


class NetworkRuleConflict(ApiError):
    code = 537
    cloudstack_code = 4360


def by_code(code: int, text: str) -> ApiError:
    """Return the error of `code`; used where a stored failure of a job is raised again."""
    for kind in ApiError.__subclasses__():
        if kind.code == code:
            error = kind.__new__(kind)
            ApiError.__init__(error, text)
            if isinstance(error, InsufficientCapacity):
                error.refusals = ()
            return error
    return ApiError(text)
