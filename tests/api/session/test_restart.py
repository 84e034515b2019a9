"""A restart of the program logs nobody out."""

from __future__ import annotations

from tests.support.browser import Browser
from tests.support.cloud import Cloud

PASSWORD = "A-long-password-1"


def test_sessions_survive_a_restart(databases, tmp_path):
    url = databases.create()
    first = Cloud(tmp_path, url, demo=False)
    account = first.new_account()
    browser = Browser(first)
    assert browser.login(username=account.account, password=PASSWORD)[0] == 200
    cookies = {cookie.key: cookie.value for cookie in browser.http._cookies.values()}
    first.close()
    second = Cloud.__new__(Cloud)
    second.keys = first.keys
    second.__init__(tmp_path, url, demo=False)
    again = Browser(second)
    for name, value in cookies.items():
        again.http.set_cookie(name, value, path="/client")
    assert again.call("listAccounts", sessionkey=browser.key).status_code == 200
    second.close()
    databases.drop(url)
