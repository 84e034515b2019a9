"""The envelope between server and agent: one JSON object per message, shared by both sides.

    request   {"v": 1, "id": "…", "verb": "instance.stop", "deadline": 30.0, "arguments": {…}}
    answer    {"v": 1, "id": "…", "result": {…}}
    failure   {"v": 1, "id": "…", "error": {"code": "not_found", "text": "…", "retryable": false}}
    progress  {"v": 1, "id": "…", "progress": {"percent": 40.0, "text": "…"}}

`deadline` is in seconds from the moment the agent reads the request, so that the two clocks need not agree.
An id is chosen by the sender and sent again unchanged when it does not know whether the first one arrived.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Optional, Union

VERSION = 1
MAXIMUM_ID_LENGTH = 128
# `default` is for dataclasses of the contracts, wherever in a message they stand.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=vars)


class ErrorCode:
    """What went wrong, for programs. The text is for people."""

    MALFORMED_REQUEST = "malformed_request"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_VERB = "unknown_verb"
    BAD_ARGUMENT = "bad_argument"
    CAPABILITY_MISSING = "capability_missing"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    BUSY = "busy"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    WRONG_STATE = "wrong_state"
    IN_USE = "in_use"
    INSUFFICIENT_CAPACITY = "insufficient_capacity"
    OUTDATED_GENERATION = "outdated_generation"
    FAILED = "failed"
    INTERNAL = "internal"


# Only these may succeed when the same request is sent again; such answers are therefore not remembered.
RETRYABLE = frozenset({ErrorCode.BUSY, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.CANCELLED, ErrorCode.INTERNAL})


class Refusal(Exception):
    """An agent does not, or cannot, do what it was asked to. Travels as the `error` of an answer."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE


@dataclass(frozen=True)
class Request:
    id: str
    verb: str
    deadline: Optional[float] = None
    arguments: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        return _dump(
            {"v": VERSION, "id": self.id, "verb": self.verb, "deadline": self.deadline, "arguments": self.arguments}
        )


@dataclass(frozen=True)
class Failure:
    code: str
    text: str
    retryable: bool


@dataclass(frozen=True)
class Answer:
    """Exactly one of `result` and `failure` is set."""

    id: str
    result: Optional[dict[str, Any]] = None
    failure: Optional[Failure] = None

    @classmethod
    def refused(cls, request_id: str, refusal: Refusal) -> "Answer":
        return cls(request_id, failure=Failure(refusal.code, refusal.text, refusal.retryable))

    def encode(self) -> str:
        if self.failure is None:
            return _dump({"v": VERSION, "id": self.id, "result": self.result})
        error = {"code": self.failure.code, "text": self.failure.text, "retryable": self.failure.retryable}
        return _dump({"v": VERSION, "id": self.id, "error": error})


@dataclass(frozen=True)
class Progress:
    id: str
    percent: float
    text: str = ""

    def encode(self) -> str:
        return _dump({"v": VERSION, "id": self.id, "progress": {"percent": self.percent, "text": self.text}})


def read_request(text: str) -> Request:
    """Raises Refusal(malformed_request, unsupported_version)."""
    message = _load(text)
    request_id = message.get("id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= MAXIMUM_ID_LENGTH:
        raise Refusal(ErrorCode.MALFORMED_REQUEST, f"'id' must be a text of 1 to {MAXIMUM_ID_LENGTH} characters")
    verb, deadline, arguments = message.get("verb"), message.get("deadline"), message.get("arguments", {})
    if not isinstance(verb, str):
        raise Refusal(ErrorCode.MALFORMED_REQUEST, "'verb' must be a text")
    if deadline is not None and (isinstance(deadline, bool) or not isinstance(deadline, (int, float)) or deadline < 0):
        raise Refusal(ErrorCode.MALFORMED_REQUEST, "'deadline' must be a number of seconds, or null")
    if not isinstance(arguments, dict):
        raise Refusal(ErrorCode.MALFORMED_REQUEST, "'arguments' must be an object")
    return Request(request_id, verb, deadline, arguments)


def read_reply(text: str) -> Union[Answer, Progress]:
    """What came back from an agent. Raises Refusal(malformed_request, unsupported_version)."""
    message = _load(text)
    reply_id = message.get("id")
    if not isinstance(reply_id, str):
        raise Refusal(ErrorCode.MALFORMED_REQUEST, "a reply must carry the 'id' of its request")
    if isinstance(message.get("result"), dict):
        return Answer(reply_id, result=message["result"])
    try:
        if "error" in message:
            error = message["error"]
            return Answer(reply_id, failure=Failure(str(error["code"]), str(error["text"]), bool(error["retryable"])))
        progress = message["progress"]
        return Progress(reply_id, float(progress["percent"]), str(progress.get("text", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(
            ErrorCode.MALFORMED_REQUEST, f"a reply holds neither a result, an error nor progress: {error}"
        ) from error


def request_id_of(text: str) -> str:
    """The id of a message that could not be read, as far as it has one, so that the refusal finds its sender."""
    try:
        request_id = json.loads(text).get("id")
    except (ValueError, AttributeError):
        return ""
    return request_id if isinstance(request_id, str) and len(request_id) <= MAXIMUM_ID_LENGTH else ""


def _load(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise Refusal(ErrorCode.MALFORMED_REQUEST, f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise Refusal(ErrorCode.MALFORMED_REQUEST, "a message must be a JSON object")
    if message.get("v") != VERSION:
        raise Refusal(ErrorCode.UNSUPPORTED_VERSION, f"protocol version {message.get('v')!r} is not {VERSION}")
    return message


def _dump(message: dict[str, Any]) -> str:
    return _ENCODER.encode(message)
