"""The integration port: root admin without a signature, on the loopback address alone."""

from __future__ import annotations

import socket

import pytest
import requests

from cloudapi.http.endpoint import make_wsgi
from cloudapi.http.integration import serve
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def port(bare_cloud):
    number = free_port()
    server = serve(make_wsgi(bare_cloud.installation, integration=True), number)
    yield number
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/", "/client/api"])
def test_answers_as_the_admin(port, path):
    url = f"http://127.0.0.1:{port}{path}"
    body = requests.get(url, {"command": "listUsers", "response": "json"}, timeout=10).json()["listusersresponse"]
    assert body["user"][0]["username"] == "admin"
    made = requests.post(url, {"command": "createDomain", "name": f"via{len(path)}", "response": "json"}, timeout=10)
    assert made.json()["createdomainresponse"]["domain"]["name"] == f"via{len(path)}"


def test_wrong_keys_do_not_matter(port):
    answer = requests.get(f"http://127.0.0.1:{port}/", {"command": "listUsers", "apikey": "x", "signature": "y"},
                          timeout=10)
    assert answer.status_code == 200


def test_the_usual_port_asks_for_a_signature(bare_cloud):
    assert bare_cloud.http.get("/client/api?command=listUsers").status_code == 401


def test_listens_on_the_loopback_address_only(port):
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))  # refused where the server listened on every address
