"""The command line, as the real program in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tomllib

import pytest
import requests

from tests.support.ports import free_port
from tests.support.program import Program, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An empty installation, for tests that change nothing in it."""
    data = tmp_path_factory.mktemp("installed") / "data"
    assert run("init", "--data", data).returncode == 0
    return data


def counts(data, *tables):
    database = sqlite3.connect(data / "cloudapi.db")
    try:
        return [database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables]
    finally:
        database.close()


class TestInit:
    def test_makes_the_admin_and_no_zone(self, installed):
        assert counts(installed, "zone", "host") == [0, 0]
        offerings, keys = counts(installed, "service_offering", "api_key_pair")
        assert (offerings > 0, keys) == (True, 1)

    def test_the_keys_are_for_their_owner_alone(self, installed):
        keys = json.loads((installed / "admin.json").read_text())
        assert {"apikey", "endpoint", "secretkey", "username", "password"} == set(keys)
        assert keys["endpoint"].endswith("/client/api")
        for name in ("admin.json", "secret.key"):
            assert stat.S_IMODE((installed / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(installed.stat().st_mode) == 0o700
        stored = (installed / "cloudapi.db").read_bytes()
        assert keys["secretkey"].encode() not in stored, "it is sealed"
        assert keys["password"].encode() not in stored, "it is hashed"

    def test_a_second_one_changes_nothing(self, installed):
        before = (installed / "admin.json").read_text()
        again = run("init", "--data", installed)
        assert (again.returncode, "is an installation already" in again.stderr) == (1, True)
        assert (installed / "admin.json").read_text() == before

    def test_one_that_was_interrupted_is_not_taken_for_whole(self, tmp_path):
        assert run("init", "--data", tmp_path).returncode == 0
        (tmp_path / "unfinished").touch()
        refused = run("demo", "--data", tmp_path)
        assert refused.returncode == 1
        assert "interrupted" in refused.stderr
        assert "Traceback" not in refused.stderr

    def test_a_directory_that_cannot_be_made(self):
        refused = run("init", "--data", "/dev/null/x")
        assert refused.returncode == 1
        assert "/dev/null/x" in refused.stderr
        assert "Traceback" not in refused.stderr

    def test_a_database_that_does_not_answer_is_named_without_its_password(self, tmp_path):
        refused = run("init", "--data", tmp_path, "--database", f"mysql://root:geheim@127.0.0.1:{free_port()}/x")
        assert refused.returncode == 1
        assert "database" in refused.stderr
        assert "geheim" not in refused.stderr + refused.stdout
        assert "Traceback" not in refused.stderr


class TestUpgrade:
    def test_there_is_nothing_to_do(self, installed):
        done = run("upgrade", "--data", installed)
        assert (done.returncode, done.stdout) == (0, "The schema is up to date\n")

    def test_of_nothing(self, tmp_path):
        refused = run("upgrade", "--data", tmp_path)
        assert refused.returncode == 1
        assert "cloudapi init" in refused.stderr

    def test_a_newer_database_is_refused_by_every_command(self, tmp_path):
        assert run("init", "--data", tmp_path).returncode == 0
        database = sqlite3.connect(tmp_path / "cloudapi.db")
        database.execute("INSERT INTO schema_version VALUES (999, 0)")
        database.commit()
        database.close()
        for command in (("upgrade",), ("demo",), ("serve", "--port", str(free_port()))):
            refused = run(*command, "--data", tmp_path)
            assert refused.returncode == 1, command
            assert "999" in refused.stderr
            assert "Traceback" not in refused.stderr


class TestConfig:
    def test_every_key_is_explained_as_toml(self):
        text = run("config", "--explain").stdout
        assert tomllib.loads(text)["port"] == 8080
        assert "CLOUDAPI_PORT" in text

    def test_what_is_in_force_from_file_environment_and_line(self, tmp_path):
        file = tmp_path / "cloudapi.toml"
        file.write_text('port = 8101\nlog_level = "debug"\ndatabase = "mysql://me:geheim@db/cloud"\n')
        shown = run("config", "--config", file, variables={"CLOUDAPI_LOG_LEVEL": "warning"}).stdout
        values = tomllib.loads(shown)
        assert (values["port"], values["log_level"]) == (8101, "warning")
        assert "geheim" not in shown

    @pytest.mark.parametrize(("line", "fault"), [
        ("prot = 1", "did you mean port"), ('port = "x"', "whole number"), ("port = 99999", "between"),
        ("port = ", "TOML"),
    ])
    def test_a_faulty_file_is_named_with_its_fault(self, tmp_path, line, fault):
        file = tmp_path / "cloudapi.toml"
        file.write_text(line)
        refused = run("config", "--config", file)
        assert refused.returncode == 1
        assert fault in refused.stderr
        assert "Traceback" not in refused.stderr


def test_the_openapi_document_is_written_without_an_installation(tmp_path):
    done = subprocess.run([sys.executable, "-m", "cloudapi", "openapi"], capture_output=True, text=True, cwd=tmp_path,
                          check=True)
    assert json.loads(done.stdout)["openapi"].startswith("3.1")
    assert os.listdir(tmp_path) == []


class TestServe:
    def test_a_port_that_is_taken(self, installed):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for option in ("--port", "--integration-port"):
                free = "--integration-port" if option == "--port" else "--port"
                refused = run("serve", "--data", installed, option, port, free, free_port())
                assert refused.returncode == 1
                assert f"port {port} on 127.0.0.1" in refused.stderr
                assert "Traceback" not in refused.stderr

    def test_after_init_the_installation_stays_empty(self, tmp_path):
        assert run("init", "--data", tmp_path).returncode == 0
        with Program(tmp_path) as program:
            assert program.get("listZones") == {"listzonesresponse": {}}
            assert program.get("listUsers")["listusersresponse"]["count"] == 1
        assert program.process.returncode == 0
        keys = json.loads((tmp_path / "admin.json").read_text())
        for secret in (keys["secretkey"], keys["apikey"], keys["password"]):
            assert secret not in program.output + (tmp_path / "cloudapi.log").read_text()

    def test_the_admin_logs_in_with_the_password_of_the_file(self, tmp_path):
        assert run("init", "--data", tmp_path).returncode == 0
        with Program(tmp_path) as program, requests.Session() as browser:
            form = {"command": "login", "response": "json", "username": program.keys["username"]}
            refused = browser.post(program.url, {**form, "password": "password"}, timeout=30)
            assert refused.status_code == 531
            entered = browser.post(program.url, {**form, "password": program.keys["password"]}, timeout=30)
            session = {"sessionkey": entered.json()["loginresponse"]["sessionkey"]}
            asked = browser.get(program.url, params={"command": "listUsers", "response": "json", **session}, timeout=30)
            assert asked.json()["listusersresponse"]["user"][0]["username"] == "admin"

    def test_the_integration_port_answers_beside_the_other(self, tmp_path):
        assert run("init", "--data", tmp_path).returncode == 0
        with Program(tmp_path, integration=True) as program:
            assert program.integration("listUsers")["listusersresponse"]["count"] == 1
