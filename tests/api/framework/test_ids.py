"""A list by `id` or by `ids`, never by both."""

import pytest

from cloudapi.api.listing import ListCommand
from tests.support.cloud import ApiFailure
from tests.support.network import deploy

MORE = {"listTemplates": {"templatefilter": "all"}}


@pytest.fixture(scope="module")
def known(cloud):
    """An ID of what each list shows."""
    instance = deploy(cloud.admin)
    volume = cloud.admin.one("listVolumes", virtualmachineid=instance["id"])
    return {"listVirtualMachines": instance["id"], "listVolumes": volume["id"],
            "listSnapshots": cloud.admin.job("createSnapshot", volumeid=volume["id"])["id"],
            "listZones": instance["zoneid"], "listTemplates": instance["templateid"],
            "listOsTypes": cloud.admin.list("listOsTypes")[0]["id"]}


def test_both_are_refused_by_every_list_that_has_both(cloud, known):
    lists = {command.api_name() for command in cloud.installation.registry
             if issubclass(command, ListCommand) and {"id", "ids"} <= set(command.parameters)}
    assert lists == set(known)
    for name, number in known.items():
        more = MORE.get(name, {})
        for parameter in ("id", "ids"):
            found = cloud.admin.list(name, **{parameter: number}, **more)
            assert {each["id"] for each in found} == {number}, (name, parameter)
        with pytest.raises(ApiFailure, match="Specify either id or ids but not both parameters") as refused:
            cloud.admin(name, id=number, ids=number, **more)
        assert refused.value.code == 431
