"""Passwords of guests: told to who asked for them, in clear text nowhere else."""

import json

import pytest

from cloudapi.models.common import AsyncJob
from cloudapi.models.database import database, rows
from tests.support.network import deploy


@pytest.fixture
def with_passwords(cloud):
    """The template gives its Instances passwords."""
    template = cloud.deployment()["templateid"]
    cloud.admin("updateTemplate", id=template, passwordenabled=True)
    yield
    cloud.admin("updateTemplate", id=template, passwordenabled=False)


def in_database(text):
    """Tables with a row that holds the text as it is."""
    return [table for table in database.get_tables() if any(text in str(row) for row in rows(f"SELECT * FROM {table}"))]


def test_the_database_keeps_no_password_of_a_guest_that_its_owner_is_told(cloud, with_passwords):
    alice = cloud.new_account()
    machine = deploy(alice)

    def told(command, name="id", **parameters):
        jobid = alice(command, **{name: machine["id"]}, **parameters)["jobid"]
        text = alice.wait(jobid)["virtualmachine"]["password"]
        assert list(json.loads(AsyncJob.get(AsyncJob.uuid == jobid).result)) == ["sealed"]
        assert alice("queryAsyncJobResult", jobid=jobid)["jobresult"]["virtualmachine"]["password"] == text
        return text

    alice.job("stopVirtualMachine", id=machine["id"], forced=True)
    texts = [machine["password"], told("resetPasswordForVirtualMachine", password="Chosen-by-alice-1"),
             told("startVirtualMachine"), told("restoreVirtualMachine", "virtualmachineid")]
    assert texts[1] == texts[2] == "Chosen-by-alice-1"
    assert [text for text in texts if in_database(text)] == []


def test_a_result_without_a_secret_can_be_read(cloud):
    alice = cloud.new_account()
    machine = deploy(alice)
    jobid = alice("rebootVirtualMachine", id=machine["id"])["jobid"]
    alice.wait(jobid)
    assert json.loads(AsyncJob.get(AsyncJob.uuid == jobid).result)["virtualmachine"]["id"] == machine["id"]
