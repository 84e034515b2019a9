"""Faults that issue 2's work had and lost."""

import threading

from cloudapi.services.template import download, stock


def test_a_store_is_added_while_the_clock_looks_for_zones_that_lack_templates(cloud):
    """Both began the same copy: the store had it, and addImageStore answered 534."""
    zone = cloud.admin("createZone", name="raced", networktype="Advanced", dns1="8.8.8.8",
                       internaldns1="8.8.8.8")["zone"]["id"]
    slow = cloud.admin("configureSimulator", name="secondary.finish_upload", value="wait:300",
                       count=100)["simulatormock"]["id"]
    added = []

    def add():
        added.append(cloud.admin.send("addImageStore", provider="NFS", name="raced", url="nfs://10.3.3.4:/x",
                                      zoneid=zone).status_code)

    def templates():
        return cloud.admin.list("listTemplates", templatefilter="all", zoneid=zone)

    adding = threading.Thread(target=add)
    adding.start()
    context = cloud.installation.context()
    cloud.until(templates, "the call has begun to copy")
    while adding.is_alive():
        download.poll(context)
        stock.spread(context)
    adding.join()
    assert added == [200]
    cloud.until(lambda: all(template["isready"] for template in templates()), "the zone has its templates")
    assert cloud.admin("querySimulatorMock", id=slow)["simulatormock"]["count"] == 100 - len(templates())
    cloud.admin("cleanupSimulatorMock", id=slow)
