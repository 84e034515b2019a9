"""The only way from the server to its hosts: a typed client, the transports below it, and the monitor."""
