"""The agent: runs on a host, or in the server's process for simulated hosts. Standard library only, Python 3.9 or
later."""

AGENT_VERSION = "1.0.0"
