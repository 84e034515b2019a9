"""The text of a refused value names its parameter, also where the service that refused it knows none."""

from __future__ import annotations

import pytest

from cloudapi.api.command import ROOT, Command
from cloudapi.api.naming import name_parameter, out_of_range
from cloudapi.api.parameters import Map, Text
from cloudapi.errors import InvalidParameter, PermissionDenied


class PutThing(Command):
    """Puts a thing somewhere."""

    roles = ROOT

    id = Text(required=True, help="the thing")
    place = Text(help="where")
    details = Map(help="more")


SENT = {"id": "7f3a", "place": "shelf", "details": [{"colour": "red"}]}


@pytest.mark.parametrize(("text", "named"), [
    ("There is no shelf", "There is no shelf (parameter place)"),
    ("red is no colour of 7f3a", "red is no colour of 7f3a (parameters id, details)"),
    ("It is busy", "It is busy (parameter id)"),
    ("place: there is no room", "place: there is no room"),
    ("There is no shelfboard", "There is no shelfboard (parameter id)"),
])
def test_it_is_the_one_with_the_value_or_the_subject(text, named):
    error = InvalidParameter(text)
    name_parameter(error, PutThing, SENT)
    assert error.text == named
    name_parameter(error, PutThing, SENT)
    assert error.text == named, "twice is once"


def test_only_what_was_sent_and_only_of_bad_values():
    unsent, denied = InvalidParameter("It is busy"), PermissionDenied("shelf is not yours")
    name_parameter(unsent, PutThing, {})
    name_parameter(denied, PutThing, SENT)
    assert (unsent.text, denied.text) == ("It is busy", "shelf is not yours")


def test_what_no_database_takes_is_the_longest():
    assert "parameter place" in out_of_range(PutThing, {**SENT, "place": "a" * 300}).text
    assert "a value" in out_of_range(PutThing, {}).text


def test_of_commands_and_of_jobs(cloud):
    machine = cloud.admin.job("deployVirtualMachine", startvm=False, **cloud.deployment())
    job = cloud.admin("rebootVirtualMachine", id=machine["id"])["jobid"]
    ended = cloud.until(lambda: next((found for found in [cloud.admin("queryAsyncJobResult", jobid=job)]
                                      if found["jobstatus"]), None), "the job has ended")
    assert ended["jobresult"]["errorcode"] == 431
    assert ended["jobresult"]["errortext"].endswith("(parameter id)")
    with pytest.raises(Exception, match=r"\(parameter id\)$"):
        cloud.admin("recoverVirtualMachine", id=machine["id"])
