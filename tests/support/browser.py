"""A client that logs in by password and keeps cookies, as a browser does."""

from __future__ import annotations

from typing import Any

from cloudapi.http.endpoint import make_wsgi


class Browser:
    """Speaks by cookies, as a browser does."""

    def __init__(self, cloud: Any) -> None:
        self.http = make_wsgi(cloud.installation).test_client()
        self.key: str | None = None

    def login(self, **parameters: str) -> tuple[int, dict[str, Any]]:
        response = self.http.post("/client/api", data={"command": "login", "response": "json", **parameters})
        body = response.get_json()["loginresponse"]
        self.key = body.get("sessionkey")
        return response.status_code, body

    def call(self, command: str, **parameters: str) -> Any:
        query = {"command": command, "response": "json", **parameters}
        if self.key:
            query.setdefault("sessionkey", self.key)
        return self.http.get("/client/api", query_string=query)
