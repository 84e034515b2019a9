"""The program's own configuration: three sources, and errors that name the key, the value and the source."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from cloudapi.configuration import Configuration, ConfigurationError, explain, load


def write(folder, text):
    file = folder / "cloudapi.toml"
    file.write_text(text)
    return file


def test_nothing_given_is_the_embedded_default():
    configuration = load()
    assert configuration == Configuration()
    assert (configuration.address, configuration.port, configuration.integration_port) == ("127.0.0.1", 8080, 0)
    assert configuration.database_url == f"sqlite:///{Path('var').absolute()}/cloudapi.db"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = write(tmp_path, 'port = 1001\njob_threads = 3\nlog_level = "Debug"\n')
    configuration = load(
        file,
        {"CLOUDAPI_PORT": "1002", "CLOUDAPI_JOB_THREADS": "4", "PATH": "/bin"},
        {"port": 1003, "job_threads": None},
    )
    assert (configuration.port, configuration.job_threads, configuration.log_level) == (1003, 4, "debug")


def test_the_environment_can_name_the_file(tmp_path):
    file = write(tmp_path, f'data = "{tmp_path}"\n')
    configuration = load(environ={"CLOUDAPI_CONFIG": str(file)})
    assert configuration.data == tmp_path
    assert configuration.database_url == f"sqlite:///{tmp_path}/cloudapi.db"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("port = 0", ("port", "0", "between 1 and 65535")),
        ("port = 65536", ("port", "65536")),
        ('port = "http"', ("port", "'http'", "whole number")),
        ("port = true", ("port", "True", "whole number")),
        ("port = 80.5", ("port", "80.5", "whole number")),
        ("prot = 8080", ("prot", "did you mean port")),
        ("[port]", ("port", "whole number")),
        ("data = 5", ("data", "5", "not a text")),
        ('data = ""', ("data", "empty")),
        ('address = "localhost"', ("address", "'localhost'", "IP address")),
        ('log_level = "loud"', ("log_level", "'loud'", "debug, info, warning, error")),
        ('database = "cloud"', ("database", "sqlite, mysql, postgresql")),
        ('database = "oracle://u:p@h/d"', ("database", "sqlite, mysql, postgresql")),
        ('database = "sqlite:///"', ("database", "names no database")),
        ("integration_port = 8080", ("integration_port", "8080")),
        ("port 8080", ("not a TOML file",)),
    ],
)
def test_a_bad_file_is_refused_with_key_value_and_fault(tmp_path, line, words):
    with pytest.raises(ConfigurationError) as refused:
        load(write(tmp_path, line))
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_bad_variable_is_named():
    with pytest.raises(ConfigurationError, match=r"CLOUDAPI_PORT: port: 'x' is not a whole number"):
        load(environ={"CLOUDAPI_PORT": "x"})
    with pytest.raises(ConfigurationError, match=r"CLOUDAPI_PROT: there is no key 'prot'; did you mean port"):
        load(environ={"CLOUDAPI_PROT": "1"})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        load(tmp_path / "absent.toml")


def test_the_documentation_has_every_key_and_is_a_file_that_can_be_used(tmp_path):
    text = explain()
    assert list(tomllib.loads(text)) == [key.name for key in fields(Configuration)]
    assert load(write(tmp_path, text)) == Configuration()
    assert "CLOUDAPI_INTEGRATION_PORT" in text


def test_no_password_is_shown():
    configuration = load(overrides={"database": "mysql://cloud:s3cret@db.example:3306/cloud"})
    assert configuration.database_url == "mysql://cloud:s3cret@db.example:3306/cloud"
    for shown in (repr(configuration), str(configuration), explain(configuration)):
        assert "s3cret" not in shown
        assert "mysql://cloud:***@db.example:3306/cloud" in shown


def test_a_password_is_not_in_an_error():
    with pytest.raises(ConfigurationError) as refused:
        load(overrides={"database": "maria://cloud:s3cret@db/cloud"})
    assert "s3cret" not in str(refused.value)
