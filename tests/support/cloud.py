"""A cloud to test against: an installation in this process, spoken to through its signed API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cloudapi.configuration import Configuration
from tests.support.waiting import until

JOB_TIMEOUT = 60.0
_numbers = itertools.count(1)


class ApiFailure(Exception):
    """An error answer. `code` and `text` are those of the body, `status` is the HTTP status."""

    def __init__(self, command: str, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{command}: {status} {body.get('errorcode')} {body.get('errortext')}")
        self.command, self.status = command, status
        self.code, self.text = body.get("errorcode"), body.get("errortext", "")


def flatten(parameters: dict[str, Any]) -> dict[str, str]:
    """Write lists and maps as clients do: `ids=a,b`, `details[0].key=value`."""
    flat: dict[str, str] = {}
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, dict):
            for index, (key, item) in enumerate(value.items()):
                flat[f"{name}[{index}].key"], flat[f"{name}[{index}].value"] = str(key), str(item)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, row in enumerate(value):
                flat.update({f"{name}[{index}].{key}": str(item) for key, item in row.items()})
        elif isinstance(value, list):
            flat[name] = ",".join(map(str, value))
        else:
            flat[name] = str(value)
    return flat


class Client:
    """Signs and sends commands: `client("listZones", name="x")` answers what is below the response name."""

    def __init__(self, cloud: Cloud, apikey: str, secretkey: str, **about: Any) -> None:
        self.cloud, self.apikey, self.secretkey = cloud, apikey, secretkey
        self.about = about
        for name, value in about.items():
            setattr(self, name, value)

    def sign(self, parameters: dict[str, str]) -> dict[str, str]:
        signed = {**parameters, "apiKey": self.apikey}
        text = "&".join(f"{name}={quote(signed[name], safe='*')}" for name in sorted(signed)).lower()
        digest = hmac.new(self.secretkey.encode(), text.encode(), hashlib.sha1).digest()
        return {**signed, "signature": base64.b64encode(digest).decode()}

    def send(self, command: str, **parameters: Any) -> Any:
        """Return the HTTP response of a signed POST."""
        signed = self.sign({"command": command, "response": "json", **flatten(parameters)})
        return self.cloud.http.post("/client/api", data=signed)

    def __call__(self, command: str, **parameters: Any) -> dict[str, Any]:
        response = self.send(command, **parameters)
        ((_, body),) = response.get_json(force=True).items()
        if response.status_code != 200:
            raise ApiFailure(command, response.status_code, body)
        return body  # type: ignore[no-any-return]

    def wait(self, jobid: str, command: str = "") -> dict[str, Any]:
        """Return the result of a job once it has ended. Raises ApiFailure where it failed."""
        deadline = time.monotonic() + JOB_TIMEOUT
        while time.monotonic() < deadline:
            job = self("queryAsyncJobResult", jobid=jobid)
            if job["jobstatus"] == 1:
                return job["jobresult"]  # type: ignore[no-any-return]
            if job["jobstatus"] == 2:
                raise ApiFailure(command, job["jobresultcode"], job["jobresult"])
            self.cloud.tick()
        raise TimeoutError(f"{command}: job {jobid} has not ended after {JOB_TIMEOUT} s")

    def job(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Run an asynchronous command to its end and return the object inside its result."""
        result = self.wait(self(command, **parameters)["jobid"], command)
        inner = [value for value in result.values() if isinstance(value, dict)]
        return inner[0] if len(result) == 1 and inner else result

    def list(self, command: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the objects of a list answer."""
        body = self(command, **parameters)
        return next((value for value in body.values() if isinstance(value, list)), [])

    def one(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return the single object of a list answer."""
        (found,) = self.list(command, **parameters)
        return found


class Cloud:
    """An installation in `folder`; `demo` builds the sandbox in it."""

    def __init__(self, folder: Path, database_url: str = "", demo: bool = True) -> None:
        from cloudapi.app import Installation, make_admin_keys, prepare
        from cloudapi.http.endpoint import make_wsgi

        self.configuration = Configuration(data=folder, database=database_url, job_threads=8)
        fresh = prepare(self.configuration)
        self.installation = Installation(self.configuration)
        if fresh:
            self.keys = make_admin_keys(self.installation)
        self.http = make_wsgi(self.installation).test_client(use_cookies=False)
        self.admin = Client(self, self.keys["apikey"], self.keys["secretkey"])
        self.installation.start()
        if demo and fresh:
            from cloudapi.demo import build

            build(self.installation)
            self.deployment()  # its template is ready from here on

    def tick(self) -> None:
        """Let the workers run for a moment between two looks."""
        time.sleep(0.01)

    def until(self, condition: Any, what: str, timeout: float = JOB_TIMEOUT) -> Any:
        """Return the first true answer of `condition()`; for what the server does by itself."""
        return until(condition, what, timeout)

    def new_account(self, name: str = "", role: str = "User", domain: str | None = None) -> Client:
        """Make an account with one user and keys; return its client, with `account`, `account_id`, `domain_id`."""
        name = name or f"account{next(_numbers)}"
        kinds = {"User": 0, "Admin": 1, "DomainAdmin": 2}
        made = self.admin("createAccount", username=name, password="A-long-password-1", firstname="A", lastname="B",
                          email=f"{name}@example.org", accounttype=kinds[role], domainid=domain)["account"]
        user = made["user"][0]
        self.admin.job("registerUserKeys", id=user["id"])
        keys = self.admin("getUserKeys", id=user["id"])["userkeys"]
        return Client(self, keys["apikey"], keys["secretkey"], account=name, account_id=made["id"],
                      domain_id=made["domainid"], user_id=user["id"])

    def new_domain(self, name: str = "", parent: str | None = None) -> str:
        """Make a domain and return its ID."""
        name = name or f"domain{next(_numbers)}"
        return str(self.admin("createDomain", name=name, parentdomainid=parent)["domain"]["id"])

    def deployment(self) -> dict[str, str]:
        """Return the zone, the template and the offering of a deployment; waits until the template is ready."""
        template = self.until(
            lambda: next((item for item in self.admin.list("listTemplates", templatefilter="featured")
                          if item["isready"]), None), "a featured template is ready")
        return {"zoneid": self.admin.list("listZones")[0]["id"], "templateid": template["id"],
                "serviceofferingid": self.admin.one("listServiceOfferings", name="Small Instance")["id"]}

    def close(self) -> None:
        from cloudapi.models.database import database

        self.installation.stop()
        self.installation.hosts.close()
        database.close()
