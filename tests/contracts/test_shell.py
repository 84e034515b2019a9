"""The only door to subprocesses."""

import pytest

from agents import shell
from agents.protocol import Refusal


def test_output_comes_back_and_input_goes_in():
    assert shell.run(["cat"], stdin=b"x; $(y)") == b"x; $(y)"
    assert shell.run(["echo", "a; b", "$HOME"]) == b"a; b $HOME\n"
    assert shell.run(["cat"]) == b""


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["sh", "-c", "echo wrong >&2; exit 3"], "failed", "status 3: wrong"),
        (["/nowhere/to/be/found"], "failed", "cannot be started"),
    ],
)
def test_failures_say_why(arguments, code, text):
    with pytest.raises(Refusal, match=text) as refusal:
        shell.run(arguments)
    assert refusal.value.code == code


def test_what_takes_too_long_is_ended():
    with pytest.raises(Refusal, match="not finished") as refusal:
        shell.run(["sleep", "60"], timeout=0.05)
    assert refusal.value.code == "deadline_exceeded"


def test_a_single_text_is_no_argument_list():
    with pytest.raises(TypeError):
        shell.run("echo x")
