"""What can go wrong between the server and an agent.

HostError
├── HostUnreachable       no connection, or it broke: the request may or may not have been carried out
├── DeadlineExceeded      no answer in time: the same, and the request id may be sent again to learn which
├── HostBusy              the agent could not do it now, and did nothing
├── CapabilityMissing     the hypervisor, or the host, cannot do this at all
└── VerbRefused           the agent did nothing and says why: `code` is one of agents.protocol.ErrorCode
"""


class HostError(Exception):
    """`host` is the UUID, `verb` what was asked for. The text is fit for an admin, not for a user."""

    def __init__(self, host: str, verb: str, code: str, text: str) -> None:
        super().__init__(f"{verb} on host {host}: {text}")
        self.host = host
        self.verb = verb
        self.code = code
        self.text = text


class HostUnreachable(HostError):
    pass


class DeadlineExceeded(HostError):
    pass


class HostBusy(HostError):
    pass


class CapabilityMissing(HostError):
    pass


class VerbRefused(HostError):
    pass
