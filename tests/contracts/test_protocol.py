"""The envelope, and that a request is carried out once however often it is sent."""

import json
import subprocess
import sys
import threading

import pytest

from agents import protocol
from agents.agent import Agent
from agents.hypervisors.simulator import Location, Simulator
from agents.machine import Machine
from agents.memory import ShortMemory
from agents.verbs import VERBS, registry
from agents.verbs.reference import README, current
from tests.contracts.conftest import new_id


@pytest.fixture
def simulator(tmp_path):
    simulator = Simulator(str(tmp_path / "simulator.sqlite"))
    yield simulator
    simulator.close()


@pytest.fixture
def agent(simulator):
    return simulator.agent(Location(new_id()))


@pytest.fixture
def verb(monkeypatch):
    """Declares verbs that exist for one test."""

    def declare(name, function, effect="once"):
        monkeypatch.setitem(VERBS, name, registry.Verb(name, effect, {}, {}, type(None), None, "for a test", function))

    return declare


def ask(agent, verb, arguments=None, request_id=None, deadline=None, send=None):
    text = protocol.Request(request_id or new_id(), verb, deadline, arguments or {}).encode()
    return json.loads(agent.handle(text, send))


def code(answer):
    return answer["error"]["code"]


POOL = {"id": "p", "kind": "NetworkFilesystem", "url": "nfs://1/2"}


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        ("", "malformed_request", ""),
        ("[]", "malformed_request", ""),
        ("{", "malformed_request", ""),
        ('{"v":1,"id":"a","verb":7}', "malformed_request", "a"),
        ('{"v":1,"id":"a","verb":"host.ping","arguments":[]}', "malformed_request", "a"),
        ('{"v":1,"id":"a","verb":"host.ping","deadline":"soon"}', "malformed_request", "a"),
        ('{"v":1,"id":"a","verb":"host.ping","deadline":-1}', "malformed_request", "a"),
        ('{"v":1,"id":"","verb":"host.ping"}', "malformed_request", ""),
        ('{"v":1,"verb":"host.ping"}', "malformed_request", ""),
        ('{"v":2,"id":"a","verb":"host.ping"}', "unsupported_version", "a"),
        ('{"v":1,"id":"a","verb":"host.fly"}', "unknown_verb", "a"),
    ],
)
def test_what_cannot_be_read_is_refused_to_its_sender(agent, text, code, request_id):
    answer = json.loads(agent.handle(text))
    assert (answer["v"], answer["id"], answer["error"]["code"]) == (1, request_id, code)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "'pool' is missing"),
        ({"pool": POOL, "colour": 1}, "'colour' is not an argument"),
        ({"pool": "p"}, "'pool' must be an object"),
        ({"pool": {**POOL, "id": 7}}, "'pool.id' must be a text"),
        ({"pool": {**POOL, "capacity_bytes": "1"}}, "'pool.capacity_bytes' must be a whole number"),
        ({"pool": {**POOL, "capacity_bytes": True}}, "'pool.capacity_bytes' must be a whole number"),
        ({"pool": {**POOL, "details": {"a": 1}}}, "'pool.details.a' must be a text"),
        ({"pool": {**POOL, "size": 1}}, "'pool.size' is not a field"),
        ({"pool": {"id": "p", "kind": "x"}}, "'pool.url' is missing"),
    ],
)
def test_a_bad_argument_is_named(agent, arguments, text):
    answer = ask(agent, "pool.attach", arguments)
    assert code(answer) == "bad_argument"
    assert text in answer["error"]["text"]


def test_a_repeated_id_gets_the_first_answer_and_does_nothing(agent):
    ask(agent, "pool.attach", {"pool": POOL})
    volume = {"id": "v", "pool": "p", "size_bytes": 1_000}
    first = ask(agent, "volume.create", {"volume": volume}, "r1")
    assert "result" in first
    assert ask(agent, "volume.create", {"volume": volume}, "r1") == first
    assert code(ask(agent, "volume.create", {"volume": volume}, "r2")) == "already_exists"
    ask(agent, "volume.delete", {"pool": "p", "volume": "v"})
    # The late duplicate of the first request makes nothing new.
    assert ask(agent, "volume.create", {"volume": volume}, "r1") == first
    assert code(ask(agent, "volume.describe", {"pool": "p", "volume": "v"})) == "not_found"


def test_a_refusal_is_remembered_unless_it_can_be_retried(agent, verb):
    answers = iter([protocol.Refusal("failed", "no"), protocol.Refusal("busy", "later"), None])

    def refuse(call):
        refusal = next(answers)
        if refusal is not None:
            raise refusal

    verb("host.refuse", refuse)
    assert [code(ask(agent, "host.refuse", request_id="a")) for _ in range(2)] == ["failed", "failed"]
    assert code(ask(agent, "host.refuse", request_id="b")) == "busy"
    assert ask(agent, "host.refuse", request_id="b")["result"] == {}


def test_a_break_down_is_answered_and_undone(agent, verb, caplog):
    def break_down(call):
        VERBS["pool.attach"].run(call, {"pool": POOL})
        raise RuntimeError("out of luck")

    verb("host.break", break_down)
    answer = ask(agent, "host.break")
    assert (code(answer), answer["error"]["retryable"]) == ("internal", True)
    assert "out of luck" in caplog.text
    assert code(ask(agent, "pool.statistics", {"pools": ["p"]})) == "not_found"


def test_answers_outlive_the_process_and_are_known_to_others(tmp_path):
    state, host = str(tmp_path / "state.sqlite"), Location(new_id())
    one, other = Simulator(state), Simulator(state)
    ask(one.agent(host), "pool.attach", {"pool": POOL})
    volume = {"volume": {"id": "v", "pool": "p", "size_bytes": 1_000}}
    first = ask(one.agent(host), "volume.create", volume, "r1")
    assert ask(other.agent(host), "volume.create", volume, "r1") == first
    one.close()
    other.close()
    again = Simulator(state)
    assert ask(again.agent(host), "volume.create", volume, "r1") == first
    assert ask(again.agent(host), "volume.describe", {"pool": "p", "volume": "v"})["result"]["size_bytes"] == 1_000
    again.close()


def test_old_answers_are_forgotten(tmp_path):
    now = [1_000_000.0]
    simulator = Simulator(str(tmp_path / "state.sqlite"), clock=lambda: now[0])
    agent = simulator.agent(Location(new_id()))
    ask(agent, "pool.attach", {"pool": POOL})
    volume = {"volume": {"id": "v", "pool": "p", "size_bytes": 1_000}}
    ask(agent, "volume.create", volume, "r1")
    now[0] += 7200
    ask(agent, "volume.delete", {"pool": "p", "volume": "v"})
    # An id so old is new again: the volume is really made.
    ask(agent, "volume.create", volume, "r1")
    assert "result" in ask(agent, "volume.describe", {"pool": "p", "volume": "v"})
    simulator.close()


def test_the_short_memory_forgets_too():
    memory = ShortMemory(seconds=0.0)
    memory.remember("a", "1")
    assert memory.recall("unknown") is None
    memory.remember("b", "2")
    assert memory.recall("a") is None
    assert memory.recall("b") == "2"


def test_simultaneous_duplicates_are_done_once(verb):
    entered, leave, done = threading.Event(), threading.Event(), []

    def work(call):
        entered.set()
        leave.wait(10)
        done.append(1)

    verb("host.work", work)
    agent, answers = Agent(Machine(), ShortMemory()), []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(agent, "host.work", request_id="r"))) for _ in range(8)
    ]
    threads[0].start()
    assert entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    leave.set()
    for thread in threads:
        thread.join(10)
    assert done == [1]
    assert answers == [{"v": 1, "id": "r", "result": {}}] * 8


def test_a_duplicate_waits_no_longer_than_its_deadline(verb):
    entered, leave = threading.Event(), threading.Event()

    def work(call):
        entered.set()
        leave.wait(10)

    verb("host.work", work)
    agent = Agent(Machine(), ShortMemory())
    first = threading.Thread(target=ask, args=(agent, "host.work", None, "r"))
    first.start()
    assert entered.wait(10)
    assert code(ask(agent, "host.work", request_id="r", deadline=0.01)) == "deadline_exceeded"
    leave.set()
    first.join(10)
    assert ask(agent, "host.work", request_id="r")["result"] == {}


def test_an_overdue_request_does_nothing(agent):
    ask(agent, "pool.attach", {"pool": POOL})
    volume = {"volume": {"id": "v", "pool": "p", "size_bytes": 1_000}}
    answer = ask(agent, "volume.create", volume, "r1", deadline=0)
    assert (code(answer), answer["error"]["retryable"]) == ("deadline_exceeded", True)
    assert code(ask(agent, "volume.describe", {"pool": "p", "volume": "v"})) == "not_found"
    assert "result" in ask(agent, "volume.create", volume, "r1", deadline=30)


def test_work_reports_progress_and_can_be_cancelled(verb):
    said, half, agent = [], threading.Event(), Agent(Machine(), ShortMemory())

    def work(call):
        call.progress(50.0, "half")
        half.set()
        assert call.cancelled.wait(10)
        call.progress(60.0)

    verb("host.work", work)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask(agent, "host.work", request_id="r", send=said.append)))
    thread.start()
    assert half.wait(10)
    assert ask(agent, "agent.cancel", {"request": "r"})["result"] == {"running": True}
    thread.join(10)
    assert code(answers[0]) == "cancelled"
    assert [json.loads(text)["progress"] for text in said] == [{"percent": 50.0, "text": "half"}]
    assert ask(agent, "agent.cancel", {"request": "r"})["result"] == {"running": False}


def test_a_host_without_a_driver_says_so():
    answer = ask(Agent(Machine(), ShortMemory()), "host.ping")
    assert code(answer) == "capability_missing"


def test_an_agent_names_its_verbs(agent):
    told = ask(agent, "agent.describe")["result"]
    assert told["protocol"] == 1
    assert told["verbs"] == sorted(VERBS)


def test_replies_survive_the_wire():
    refused = protocol.Answer.refused("a", protocol.Refusal("busy", "später"))
    for reply in (protocol.Answer("a", {"x": [1]}), refused, protocol.Progress("a", 1.5, "x")):
        assert protocol.read_reply(reply.encode()) == reply
    for text in ('{"v":1,"id":"a"}', '{"v":1,"result":{}}', '{"v":1,"id":"a","error":{}}'):
        with pytest.raises(protocol.Refusal):
            protocol.read_reply(text)


def test_the_program_answers_on_its_standard_output(tmp_path):
    command = [sys.executable, "-m", "agents.main", "simulator", str(tmp_path / "state.sqlite"), "--host", new_id()]
    requests = [protocol.Request(f"r{each}", "host.ping").encode() for each in range(3)]
    requests += ["not JSON", protocol.Request("last", "agent.describe").encode()]
    done = subprocess.run(
        command, input="\n".join(requests) + "\n", capture_output=True, text=True, timeout=60, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert sorted(answer["id"] for answer in answers) == ["", "last", "r0", "r1", "r2"]
    assert all("result" in answer for answer in answers if answer["id"])


def test_the_tables_of_the_readme_are_current():
    text = README.read_text()
    assert current(text) == text, "run python -m agents.verbs.reference"
