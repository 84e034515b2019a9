"""Whatever is sent, the answer is CloudStack's: no server error of another kind, no traceback."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cloudapi.commands
from cloudapi.api.registry import Registry
from cloudapi.configuration import Configuration

CODES = {200, 400, 401, 405, 429, 430, 431, 432, 530, 531, 532, 533, 534, 535, 536, 537}
# What the dispatcher writes where a command failed in a way that nobody foresaw.
UNFORESEEN = re.compile(r"failed: \w+(Error|Exception|DoesNotExist)\b")


def commands():
    registry = Registry()
    registry.load(cloudapi.commands)
    return {command.api_name(): sorted(command.parameters) for command in registry}


COMMANDS = commands()
VALUES = st.one_of(
    st.text(max_size=40), st.integers().map(str), st.booleans().map(str), st.uuids().map(str),
    st.sampled_from(["", "-1", "0", "null", "%", "_", "'", "'; DROP TABLE zone; --", "<x>&amp;", "../../etc/passwd",
                     "http://127.0.0.1/x.qcow2", "10.0.0.0/8", "::1", "\u202e", "\U0001d54f", "9999999999999999999"]))


@st.composite
def requests(draw):
    name = draw(st.sampled_from(sorted(COMMANDS)))
    parameters = draw(st.dictionaries(st.sampled_from(COMMANDS[name] or ["id"]), VALUES, max_size=6))
    array = draw(st.sampled_from(["", "", "[0]", "[0].key", "[9999].x", "[x]"]))
    return name, {key + array: value for key, value in parameters.items()}


# The server's own threads draw random numbers meanwhile, which hypothesis takes for the strategy's doing.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize("form", ["json", "xml"])
def test_any_parameters(cloud, form):
    @settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(request=requests())
    def run(request):
        name, parameters = request
        signed = cloud.admin.sign({"command": name, "response": form, **parameters})
        response = cloud.http.post("/client/api", data=signed)
        text = response.get_data(as_text=True)
        assert response.status_code in CODES, (request, text)
        assert "Traceback" not in text
        assert not UNFORESEEN.search(text), (request, text)

    run()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(query=st.binary(max_size=200))
def test_any_bytes_without_a_signature(query):
    from flask import Flask

    from cloudapi.http.endpoint import make_wsgi

    class Nothing:
        registry, configuration = Registry(), Configuration()

        def __getattr__(self, name):
            raise AssertionError(f"an unauthenticated request reached {name}")

    flask: Flask = make_wsgi(Nothing())
    response = flask.test_client().get("/client/api?" + query.decode("latin-1"))
    assert response.status_code in (400, 401)
