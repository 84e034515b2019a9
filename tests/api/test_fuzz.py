"""Whatever is sent, the answer is CloudStack's: no server error of another kind, no traceback."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cloudapi.commands
from cloudapi.api.registry import Registry
from cloudapi.configuration import Configuration
from tests.support.guess import Guess, edges

CODES = {200, 400, 401, 405, 429, 430, 431, 432, 530, 531, 532, 533, 534, 535, 536, 537}
# What the dispatcher writes where a command failed in a way that nobody foresaw, to the admin and to others.
UNFORESEEN = re.compile(r"failed: \w+(Error|Exception|DoesNotExist)\b|ask the administrator, the log has the reason")
# These would take the callers away, or wait for hosts that are not there.
LEFT_OUT = {"addHost", "createRolePermission", "deleteAccount", "deleteDomain", "deleteRole", "deleteRolePermission",
            "deleteUser", "deleteUserKeys", "disableAccount", "disableRole", "disableUser", "importRole", "lockAccount",
            "lockUser", "moveUser", "updateAccount", "updateConfiguration", "updateRole", "updateRolePermission",
            "updateUser"}
# Their refusals are of what there is already, not of a parameter.
UNNAMED = {"addImageStoreS3"}
# These show the texts of earlier answers.
ECHOES = {"listEvents", "listAsyncJobs"}


def commands():
    registry = Registry()
    registry.load(cloudapi.commands)
    return {command.api_name(): command for command in registry}


CLASSES = commands()
COMMANDS = {name: sorted(command.parameters) for name, command in CLASSES.items()}
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


@pytest.fixture(scope="module")
def answer(cloud):
    """`answer(client, command, …)` is the code and the text of the error, of the job's where it becomes one."""
    cloud.admin.job("deployVirtualMachine", **cloud.deployment())

    def ask(client, name, parameters):
        response = client.send(name, **parameters)
        text = response.get_data(as_text=True)
        assert response.status_code in CODES, (name, parameters, text)
        assert "Traceback" not in text
        ((_, body),) = response.get_json(force=True).items()
        code = response.status_code
        if code == 200 and CLASSES[name].is_async:
            # As the admin, for a caller may be gone meanwhile.
            job = cloud.until(lambda: cloud.admin("queryAsyncJobResult", jobid=body["jobid"]), "the job is written")
            job = cloud.until(lambda: next((job for job in [cloud.admin("queryAsyncJobResult", jobid=body["jobid"])]
                                            if job["jobstatus"]), None), f"{name} has ended")
            code, body, text = job["jobresultcode"] or 200, job["jobresult"], str(job["jobresult"])
            assert code in CODES, (name, parameters, text)
        assert name in ECHOES or not UNFORESEEN.search(text), (name, parameters, text)
        return code, body.get("errortext", "") if code != 200 else ""

    return ask


def test_parameters_of_the_right_kind(cloud, answer):
    """Most of them fit nothing, some do: what is deleted or stopped on the way is in a state for the next ones."""
    guess = Guess(seed=7)
    clients = [cloud.admin, cloud.admin, cloud.new_account(),
               cloud.new_account(role="DomainAdmin", domain=cloud.new_domain())]
    names = sorted(name for name, command in CLASSES.items() if command.authenticated and name not in LEFT_OUT)
    for name in [*names, *guess.random.choices(names, k=1000)]:
        answer(guess.random.choice(clients), name, guess.request(CLASSES[name]))


def test_values_at_their_edges(cloud, answer):
    """What the declaration lets through, every database takes, or the service refuses it by name."""
    guess = Guess(seed=11)
    work = [(name, parameter, edge) for name, command in sorted(CLASSES.items())
            if command.authenticated and name not in LEFT_OUT
            for parameter in command.parameters.values() for edge in edges(parameter)]
    guess.random.shuffle(work)
    for name, parameter, edge in work:
        request = {**guess.request(CLASSES[name], optional=0.05, but=parameter.name), **edge}
        code, text = answer(cloud.admin, name, request)
        assert "out of the database's range" not in text, (name, request)
        if code == 431 and len(CLASSES[name].parameters) > 1:
            words = "|".join(CLASSES[name].parameters)
            named = re.search(rf"(?<![\w-])({words})(?![\w-])", text, re.IGNORECASE)
            assert named or name in UNNAMED, (name, request, text)


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
