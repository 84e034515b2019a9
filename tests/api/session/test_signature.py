"""Signatures that other programs make are accepted, and no others."""

from __future__ import annotations

import datetime
import random

import pytest
from cs.client import CloudStack
from libcloud.common.cloudstack import CloudStackConnection

from cloudapi.http import signature

KEY, SECRET = "KEY-1_x", "secret-KEY_2"

# Made by CloudMonkey 6.5's own functions (encodeRequestParams, HMAC-SHA1 over the lower-cased text; cmd/network.go),
# run by Go 1.22: the signature of `listZones` with this `name`, zoneId=Z, response=json, apiKey=KEY-1_x.
CLOUDMONKEY = [
    ("plain", "TmAgpL3I60cDE+YfF7Hg8TEZMc8="),
    ("two words", "AIZyK/1HFHPZPaQokT3WdU/8ObQ="),
    ("star*tilde~", "kvd9eYYlMLHFekfp9uQLUsgEsS8="),
    ("a+b/c=d&e", "L4EpZz0m7TeSZc5HGn49Lp4dS3E="),
    ("Zürich 日本", "v6r9lP36ImaiTrgoBZgDuoWK60k="),
    ("", "O5zKtyJ6xB99HCi4ShOPJVtSRPM="),
    ("100%", "WNyEedoGqPSI2zJHFGVDG+2FLrA="),
    ("[x](y){z}", "0cIk36t2NiOW/S0Xgph0pO9DjmM="),
    ("it's \"so\"!", "Wm/LxA7iGLhHyRPU9CaAoxKgbXo="),
    ("Straße", "9qPNc9lrHkHbIsYZzZf5zNn9NCU="),
    ("line\nbreak", "UwlttDIJoq92n4jZZJU1QZO81a8="),
    ("@:;,?#$|\\^`<>", "/cq07C63uKQ7bIJFcMyUHeD3egw="),
]
VALUES = [value for value, _ in CLOUDMONKEY]


def parameters(value):
    return {"command": "listZones", "name": value, "zoneId": "Z", "response": "json", "apiKey": KEY}


def by_cs(value):
    client = CloudStack("http://127.0.0.1/client/api", KEY, SECRET)
    _, sent = client._prepare_request("listZones", name=value, zoneId="Z")
    client._sign(sent)
    return sent


def by_libcloud(value):
    connection = CloudStackConnection(KEY, SECRET, secure=False, host="127.0.0.1")
    connection.key = SECRET
    sent = connection.add_default_params({"command": "listZones", "name": value, "zoneId": "Z"})
    sent, _ = connection.pre_connect_hook(sent, {})
    return {name: item.decode() if isinstance(item, bytes) else item for name, item in sent.items()}


@pytest.mark.parametrize(("value", "given"), CLOUDMONKEY, ids=VALUES)
def test_cloudmonkey(value, given):
    assert signature.verify(parameters(value), given, SECRET)


@pytest.mark.parametrize("value", VALUES, ids=VALUES)
@pytest.mark.parametrize("client", [by_cs, by_libcloud])
def test_libraries(client, value):
    sent = client(value)
    assert signature.verify(sent, sent.pop("signature"), SECRET)


@pytest.mark.parametrize("value", VALUES, ids=VALUES)
def test_another_secret_or_another_value_is_refused(value):
    sent = by_cs(value)
    given = sent.pop("signature")
    assert not signature.verify(sent, given, SECRET + "x")
    assert not signature.verify({**sent, "name": value + "x"}, given, SECRET)
    assert not signature.verify({**sent, "extra": "1"}, given, SECRET)


def test_order_and_case_of_names_do_not_matter():
    sent = by_cs("two words")
    given = sent.pop("signature")
    shuffled = list(sent.items())
    random.Random(7).shuffle(shuffled)
    assert signature.verify(dict(shuffled), given, SECRET)


def moment(**ahead):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%S+0000")


@pytest.fixture
def ask(tenants):
    """`ask(**parameters)` signs and sends listZones; answers the response."""

    def send(**extra):
        client = tenants.admin
        return tenants.http.get("/client/api", query_string=client.sign(
            {"command": "listDomains", "response": "json", **extra}))

    return send


def test_expires_is_held(ask):
    assert ask(signatureversion="3", expires=moment(minutes=5)).status_code == 200
    late = ask(signatureversion="3", expires=moment(minutes=-5))
    assert late.status_code == 401
    body = late.get_json()["listdomainsresponse"]
    assert body["errorcode"] == 401
    assert "unable to verify user credentials" in body["errortext"]
    assert ask(signatureversion="3").status_code == 401
    assert ask(signatureversion="3", expires="soon").status_code == 401


def test_unsigned_and_wrongly_signed_are_refused_alike(tenants):
    plain = {"command": "listDomains", "response": "json"}
    signed = tenants.admin.sign(dict(plain))
    answers = [tenants.http.get("/client/api", query_string=query) for query in (
        plain, {**plain, "apiKey": tenants.admin.apikey}, {**signed, "signature": "AAAA"},
        {**signed, "apiKey": "nobody"}, {**signed, "command": "listUsers"})]
    assert {answer.status_code for answer in answers} == {401}
    assert len({next(iter(answer.get_json().values()))["errortext"] for answer in answers}) == 1
