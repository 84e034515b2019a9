"""User data that a template brings for its Instances."""

from __future__ import annotations

import base64

import pytest

from tests.support.cloud import ApiFailure

TEXT = base64.b64encode(b"#cloud-config\n").decode()


@pytest.fixture
def admin(cloud):
    return cloud.admin


@pytest.fixture(scope="module")
def template(cloud):
    return cloud.deployment()["templateid"]


def refused(client, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client("linkUserDataToTemplate", **parameters)
    return caught.value


def test_is_shown_with_the_template_and_kept_while_it_is_used(admin, template):
    data = admin("registerUserData", name="init", userdata=TEXT)["userdata"]
    linked = admin("linkUserDataToTemplate", templateid=template, userdataid=data["id"],
                   userdatapolicy="append")["template"]
    assert (linked["userdataid"], linked["userdataname"], linked["userdatapolicy"]) == (data["id"], "init", "APPEND")
    with pytest.raises(ApiFailure, match="linked to active template"):
        admin("deleteUserData", id=data["id"])
    unlinked = admin("linkUserDataToTemplate", templateid=template)["template"]
    assert "userdataid" not in unlinked
    assert "userdatapolicy" not in unlinked
    assert admin("deleteUserData", id=data["id"]) == {"success": True}


def test_what_cannot_be_linked(cloud, admin, template):
    data = admin("registerUserData", name="other", userdata=TEXT)["userdata"]["id"]
    cni = admin("registerCniConfiguration", name="cni", cniconfig=TEXT)["cniconfig"]["id"]
    assert refused(admin, userdataid=data).code == 431
    assert refused(admin, templateid=template, isoid=template, userdataid=data).code == 431
    assert "isoid" in refused(admin, isoid=template, userdataid=data).text
    assert "userdataid" in refused(admin, templateid=template, userdataid=cni).text
    assert "userdatapolicy" in refused(admin, templateid=template, userdataid=data, userdatapolicy="maybe").text
    user = cloud.new_account()
    assert refused(user, templateid=template).code == 531
    mine = user("registerUserData", name="mine", userdata=TEXT)["userdata"]["id"]
    assert admin("linkUserDataToTemplate", templateid=template, userdataid=mine)["template"]["userdataname"] == "mine"
    admin("linkUserDataToTemplate", templateid=template)
