"""Login by password, the session's cookie and key, and their end."""

from __future__ import annotations

import pytest

from cloudapi.errors import Unauthenticated
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Session, User
from cloudapi.services.account import origin
from cloudapi.services.account import session as sessions
from tests.support.browser import Browser

PASSWORD = "A-long-password-1"


@pytest.fixture
def browser(tenants):
    return Browser(tenants)


@pytest.fixture
def alice(tenants):
    return tenants.new_account(domain=tenants.new_domain())


def domain_path(tenants, domain_id):
    return tenants.admin.one("listDomains", id=domain_id)["path"].removeprefix("ROOT")


def test_login_answers_who_it_is_and_opens_a_session(tenants, browser, alice):
    path = domain_path(tenants, alice.domain_id)
    status, body = browser.login(username=alice.account, password=PASSWORD, domain=path)
    assert status == 200
    assert body["username"] == body["account"] == alice.account
    assert (body["userid"], body["domainid"], body["type"]) == (alice.user_id, alice.domain_id, "0")
    assert body["timeout"] == 30 * 60
    answer = browser.call("listAccounts")
    assert answer.get_json()["listaccountsresponse"]["account"][0]["id"] == alice.account_id


def test_domain_by_id_and_by_path_with_and_without_slashes(tenants, browser, alice):
    path = domain_path(tenants, alice.domain_id)
    assert browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)[0] == 200
    for written in (path, path.strip("/"), path + "/"):
        assert browser.login(username=alice.account, password=PASSWORD, domain=written)[0] == 200
    status, body = browser.login(username=alice.account, password=PASSWORD)
    assert (status, body["errorcode"]) == (531, 531)  # not a user of ROOT
    status, body = browser.login(username=alice.account, password=PASSWORD, domain="/nowhere")
    assert status == 531
    assert "Unable to find the domain" in body["errortext"]


def test_wrong_password_and_unknown_user_are_told_alike(tenants, browser, alice):
    wrong = browser.login(username=alice.account, password="wrong", domainId=alice.domain_id)
    unknown = browser.login(username="nobody", password="wrong", domainId=alice.domain_id)
    assert wrong[0] == unknown[0] == 531
    assert wrong[1]["errortext"].replace(alice.account, "nobody") == unknown[1]["errortext"]
    assert wrong[1]["errortext"].startswith("Failed to authenticate user")
    assert "wrong" not in wrong[1]["errortext"]


def test_login_is_post_only(tenants, browser):
    answer = browser.http.get("/client/api", query_string={
        "command": "login", "username": "admin", "password": "x", "response": "json"})
    assert answer.status_code == 405
    assert "Set-Cookie" not in answer.headers


def test_session_key_is_demanded(tenants, browser, alice):
    browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    key, browser.key = browser.key, None
    assert browser.call("listAccounts").status_code == 401
    assert browser.call("listAccounts", sessionkey="another").status_code == 401
    tenants.admin("updateConfiguration", name="api.sessionkey.check.locations", value="CookieOrParameter")
    try:
        assert browser.call("listAccounts").status_code == 200
    finally:
        tenants.admin("updateConfiguration", name="api.sessionkey.check.locations", value="CookieAndParameter")
    assert browser.call("listAccounts", sessionkey=key).status_code == 200


def test_logout_ends_it(tenants, browser, alice):
    browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    cookies = {cookie.key: cookie.value for cookie in browser.http._cookies.values()}
    answer = browser.call("logout")
    assert answer.get_json() == {"logoutresponse": {"description": "success"}}
    assert browser.call("listAccounts").status_code == 401
    stolen = Browser(tenants)
    for name, value in cookies.items():
        stolen.http.set_cookie(name, value, path="/client")
    assert stolen.call("listAccounts", sessionkey=browser.key).status_code == 401


def test_an_idle_session_ends_and_a_used_one_does_not(tenants, browser, alice):
    browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    user = User.get(User.uuid == alice.user_id)

    def age(seconds):
        transact(lambda: Session.update(last_used=Session.last_used - seconds * 1000)
                 .where(Session.user == user.id).execute())

    age(1700)
    assert browser.call("listAccounts").status_code == 200
    age(1700)  # the call between made it young again
    assert browser.call("listAccounts").status_code == 200
    age(1801)
    assert browser.call("listAccounts").status_code == 401
    assert not Session.select().where(Session.user == user.id).exists()


def test_too_many_wrong_passwords_lock_the_user_out(tenants, browser, alice):
    for _ in range(4):
        browser.login(username=alice.account, password="wrong", domainId=alice.domain_id)
    assert browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)[0] == 200  # counts anew
    for _ in range(5):
        browser.login(username=alice.account, password="wrong", domainId=alice.domain_id)
    status, body = browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    assert status == 531
    assert "disabled/locked" in body["errortext"]
    assert tenants.admin.one("listUsers", id=alice.user_id)["state"] == "disabled"
    tenants.admin("enableUser", id=alice.user_id)
    assert browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)[0] == 200


def test_disabling_and_a_new_password_end_sessions(tenants, browser, alice):
    browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    tenants.admin.job("disableUser", id=alice.user_id)
    assert browser.call("listAccounts").status_code == 401
    tenants.admin("enableUser", id=alice.user_id)
    browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)
    tenants.admin("updateUser", id=alice.user_id, password="Another-password-2")
    assert browser.call("listAccounts").status_code == 401
    assert browser.login(username=alice.account, password=PASSWORD, domainId=alice.domain_id)[0] == 531
    assert browser.login(username=alice.account, password="Another-password-2", domainId=alice.domain_id)[0] == 200


def test_cookies_are_closed_to_scripts_and_no_secret_is_stored(tenants, browser, alice):
    response = browser.http.post("/client/api", data={
        "command": "login", "response": "json", "username": alice.account, "password": PASSWORD,
        "domainId": alice.domain_id})
    cookies = response.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    key = response.get_json()["loginresponse"]["sessionkey"]
    row = Session.select().order_by(Session.id.desc()).first()
    assert key not in (row.token, row.session_key)
    assert sessions.digest(key) == row.session_key


def test_requests_from_elsewhere_are_refused(tenants, alice):
    settings = tenants.installation.settings
    tenants.admin("updateConfiguration", name="api.allowed.source.cidr.list", value="10.0.0.0/8",
                  accountid=alice.account_id)
    assert alice.send("listAccounts").status_code == 401
    assert tenants.admin.send("listAccounts").status_code == 200
    account = Account.get(Account.uuid == alice.account_id)
    origin.check(settings, account.id, "10.1.2.3")
    origin.check(settings, account.id, "::ffff:10.1.2.3")
    with pytest.raises(Unauthenticated):
        origin.check(settings, account.id, "11.1.2.3")
