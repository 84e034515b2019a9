"""User data and CNI configurations: registered in base64, listed, deleted."""

from __future__ import annotations

import base64

import pytest

from tests.support.cloud import ApiFailure

TEXT = base64.b64encode(b"#cloud-config\nhostname: {{ name }}\n").decode()


@pytest.fixture
def user(bare_cloud):
    return bare_cloud.new_account()


def refused(client, command, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client(command, **parameters)
    return caught.value


def test_is_kept_as_it_was_sent(user):
    made = user("registerUserData", name="init", userdata=TEXT, params="name, size")["userdata"]
    (listed,) = user.list("listUserData")
    assert listed["userdata"] == made["userdata"] == TEXT
    assert listed["params"] == "name,size"
    assert listed["account"] == user.about["account"]


@pytest.mark.parametrize("sent", [TEXT.rstrip("="), TEXT[:20] + "\n" + TEXT[20:], TEXT.replace("=", "%3D")])
def test_base64_may_come_unpadded_wrapped_or_encoded_twice(user, sent):
    assert user("registerUserData", name="init", userdata=sent)["userdata"]["userdata"] == TEXT


@pytest.mark.parametrize("sent", ["not base64!", "%%%", "a"])
def test_what_is_not_base64(user, sent):
    failure = refused(user, "registerUserData", name="init", userdata=sent)
    assert failure.code == 431
    assert "userdata" in failure.text
    assert user("listUserData") == {}


def test_the_length_is_bounded_by_the_setting(bare_cloud, user):
    name = "vm.userdata.max.length"
    bare_cloud.admin("updateConfiguration", name=name, value="100")
    try:
        assert "100" in refused(user, "registerUserData", name="a", userdata=base64.b64encode(b"a" * 90).decode()).text
        assert user("registerUserData", name="a", userdata=base64.b64encode(b"a" * 60).decode())
    finally:
        bare_cloud.admin("resetConfiguration", name=name)


def test_names_and_contents_are_unique_in_an_account(bare_cloud, user):
    user("registerUserData", name="init", userdata=TEXT)
    assert "init" in refused(user, "registerUserData", name="init", userdata="YQ==").text
    assert "init" in refused(user, "registerUserData", name="other", userdata=TEXT).text
    assert bare_cloud.new_account()("registerUserData", name="init", userdata=TEXT)


def test_the_two_kinds_are_kept_apart(user):
    data = user("registerUserData", name="same", userdata=TEXT)["userdata"]
    cni = user("registerCniConfiguration", name="same", cniconfig=TEXT)["cniconfig"]
    assert [item["id"] for item in user.list("listUserData")] == [data["id"]]
    assert [item["id"] for item in user.list("listCniConfiguration")] == [cni["id"]]
    assert refused(user, "deleteUserData", id=cni["id"]).code == 431
    assert user("deleteCniConfiguration", id=cni["id"]) == {"success": True}
    assert user("listCniConfiguration") == {}
    assert user("deleteUserData", id=data["id"]) == {"success": True}
    assert user("listUserData") == {}


def test_others_may_neither_see_nor_delete_it(bare_cloud, user):
    made = user("registerUserData", name="init", userdata=TEXT)["userdata"]
    other = bare_cloud.new_account()
    assert other("listUserData", listall=True) == {}
    assert refused(other, "listUserData", id=made["id"]).code == 531
    assert refused(other, "deleteUserData", id=made["id"]).code == 531
    assert user("listUserData")["count"] == 1


def test_an_admin_says_whose_it_is(bare_cloud):
    domain = bare_cloud.new_domain()
    user = bare_cloud.new_account(domain=domain)
    whose = {"account": user.about["account"], "domainid": domain}
    made = bare_cloud.admin("registerUserData", name="given", userdata=TEXT, **whose)["userdata"]
    assert user.one("listUserData")["id"] == made["id"]
    wrong = {"account": bare_cloud.new_account(domain=domain).about["account"], "domainid": domain}
    assert refused(bare_cloud.admin, "deleteUserData", id=made["id"], **wrong).code == 431
    assert bare_cloud.admin("deleteUserData", id=made["id"], **whose) == {"success": True}


def test_goes_with_its_account(bare_cloud, user):
    user("registerUserData", name="leaving", userdata=TEXT)
    bare_cloud.admin.job("deleteAccount", id=user.about["account_id"])
    assert bare_cloud.admin("listUserData", listall=True, name="leaving") == {}
