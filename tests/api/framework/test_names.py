"""Nothing that has a name loses it: a blank new name counts as not sent, in all commands alike."""

import pytest

from cloudapi.api.parameters import NewName, Text
from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_cluster, add_host, add_pod, add_zone

# Command: why its `name` is no new name that may be left blank.
OTHERS = {
    "updateConfiguration": "the name of the setting that is changed",
    "updateDomain": "a part of the domain's path: a blank one is refused, as other characters are",
    "updateVirtualMachine": "a host name: a blank one is refused, as other characters are",
}


def test_every_command_that_renames_has_the_same_rule(bare_cloud):
    found = {command.api_name(): command.parameters[name] for command in bare_cloud.installation.registry
             for name in ("name", "clustername")
             if command.api_name().startswith("update") and isinstance(command.parameters.get(name), Text)}
    assert {name for name, parameter in found.items() if not isinstance(parameter, NewName)} == set(OTHERS)


@pytest.fixture(scope="module")
def things(bare_cloud):
    """How a thing of each kind is changed and read: `{kind: (update, id, list, what else the list needs)}`."""
    admin = bare_cloud.admin
    zone = add_zone(admin)
    pod = add_pod(admin, zone["id"])
    cluster = add_cluster(admin, pod)
    host = add_host(admin, cluster)
    admin("addImageStore", zoneid=zone["id"], provider="NFS", name="store", url="nfs://10.0.0.9:/names/secondary")
    pool = admin("createStoragePool", zoneid=zone["id"], podid=pod["id"], clusterid=cluster["id"], name="pool",
                 url="nfs://10.0.0.9:/names/primary")["storagepool"]
    service = admin("createServiceOffering", name="service", displaytext="service", cpunumber=1, cpuspeed=100,
                    memory=128)["serviceoffering"]
    disk = admin("createDiskOffering", name="disk", displaytext="disk", disksize=1)["diskoffering"]
    volume = admin.job("createVolume", name="volume", zoneid=zone["id"], diskofferingid=disk["id"])
    network = admin.list("listNetworkOfferings", name="DefaultSharedNetworkOffering")[0]
    category = admin("addOsCategory", name="category")["oscategory"]
    template = admin.list("registerTemplate", name="template", displaytext="template", zoneid=zone["id"],
                          url="http://203.0.113.7/a.qcow2", format="QCOW2", hypervisor="Simulator",
                          ostypeid=admin.list("listOsTypes")[0]["id"])[0]
    return {"Zone": zone["id"], "Pod": pod["id"], "Cluster": cluster["id"], "Host": host["id"],
            "StoragePool": pool["id"], "ServiceOffering": service["id"], "DiskOffering": disk["id"],
            "NetworkOffering": network["id"], "Volume": volume["id"], "OsCategory": category["id"],
            "Template": template["id"], "ImageStore": admin.one("listImageStores")["id"]}


@pytest.mark.parametrize("kind", [
    "Zone", "Pod", "Cluster", "Host", "StoragePool", "ServiceOffering", "DiskOffering", "NetworkOffering", "Volume",
    "OsCategory", "Template", "ImageStore"])
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_changes_nothing(bare_cloud, things, kind, blank):
    admin, number = bare_cloud.admin, things[kind]
    listed = "listOsCategories" if kind == "OsCategory" else f"list{kind}s"
    more = {"templatefilter": "all"} if kind == "Template" else {}
    before = admin.one(listed, id=number, **more)
    update = admin.job if kind == "Volume" else admin
    update(f"update{kind}", id=number, **{"clustername" if kind == "Cluster" else "name": blank})
    after = admin.one(listed, id=number, **more)
    assert after["name"] == before["name"] != blank


def test_what_is_required_is_not_empty(bare_cloud):
    required = [(command.api_name(), name) for command in bare_cloud.installation.registry
                for name, parameter in command.parameters.items() if parameter.required]
    assert ("createServiceOffering", "name") in required
    for command, name in required:
        with pytest.raises(ApiFailure) as refused:
            bare_cloud.admin(command, **{name: ""})
        assert refused.value.code == 431, (command, name)
        assert refused.value.text.endswith(f"API arg: {name}"), (command, name)
