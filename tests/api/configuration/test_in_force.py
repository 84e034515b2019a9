"""Settings whose effect is seen best beside their change."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cloudapi.errors import InvalidParameter, PermissionDenied, RateLimited
from cloudapi.models.common import AsyncJob
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Host
from cloudapi.services.account.throttle import Throttle
from cloudapi.services.async_job import job
from cloudapi.services.host import agent
from cloudapi.services.network import permission
from cloudapi.services.template import registration
from cloudapi.views.router import router
from tests.support.cloud import ApiFailure


@pytest.fixture
def setting(bare_cloud):
    """Sets settings, and takes them back after the test."""
    names = []

    def put(name, value, **place):
        names.append((name, place))
        bare_cloud.admin("updateConfiguration", name=name, value=value, **place)

    yield put
    for name, place in names:
        bare_cloud.admin("resetConfiguration", name=name, **place)


def test_users_see_only_zones_that_are_dedicated_to_them(bare_cloud, setting):
    domain = bare_cloud.new_domain()
    user = bare_cloud.new_account(domain=domain)
    for name, owner in (("for all", None), ("dedicated", domain)):
        bare_cloud.admin("createZone", name=name, networktype="Advanced", dns1="8.8.8.8", internaldns1="8.8.4.4",
                         domainid=owner)
    assert {zone["name"] for zone in user.list("listZones")} == {"for all", "dedicated"}
    setting("allow.user.view.all.zones", "false", domainid=domain)
    assert {zone["name"] for zone in user.list("listZones")} == {"dedicated"}
    assert {zone["name"] for zone in bare_cloud.admin.list("listZones")} >= {"for all", "dedicated"}


def test_a_command_has_the_time_that_the_operator_gives_it(bare_cloud, setting):
    context = bare_cloud.installation.context()
    assert agent.allowed(context, "instance.start", 5.0) == 5.0
    setting("commands.timeout", "StartCommand= 600, StopCommand= 300")
    assert agent.allowed(context, "instance.start", 5.0) == 600.0
    assert agent.allowed(context, "instance.reboot", 5.0) == 5.0


def test_statistics_have_the_time_of_their_setting(bare_cloud, setting):
    context = bare_cloud.installation.context()
    setting("stats.timeout", "1500")
    assert agent.statistics_timeout(context, Host(zone=None, cluster=None)) == 1.5


def test_more_requests_than_an_account_may_send_are_refused(bare_cloud, setting):
    user = bare_cloud.new_account()
    setting("api.throttling.interval", "3600")
    setting("api.throttling.max", "2")
    setting("api.throttling.enabled", "true")
    user("listZones"), user("listZones")
    with pytest.raises(ApiFailure, match="account api limit") as refused:
        user("listZones")
    assert refused.value.code == 429
    assert bare_cloud.new_account()("listZones") is not None, "another account has its own count"
    for _ in range(3):
        bare_cloud.admin("listZones")


def test_no_more_accounts_are_counted_than_the_setting_says(bare_cloud, setting):
    installation = bare_cloud.installation
    for name, value in (("enabled", "true"), ("interval", "3600"), ("max", "1"), ("cachesize", "1")):
        setting(f"api.throttling.{name}", value)
    one, two = (installation.callers.by_user(_user(bare_cloud)) for _ in range(2))
    throttle = Throttle(installation.settings)
    throttle.count(one)
    with pytest.raises(RateLimited):
        throttle.count(one)
    throttle.count(two)
    throttle.count(one)


def _user(cloud):
    from cloudapi.models.identity import User

    return User.get(User.uuid == cloud.new_account().user_id).id


def test_a_job_that_others_block_is_given_up(bare_cloud, setting):
    context = bare_cloud.installation.context()
    setting("job.cancel.threshold.minutes", "1")
    rows = {}
    for name, age in (("old", 120_000), ("new", 0)):
        rows[name] = AsyncJob.create(
            user_id=context.caller.user_id, account_id=context.caller.account_id, domain_id=context.caller.domain_id,
            command="noSuchCommand", parameters={}, locks=[], created=context.now() - age,
            claimed_by="another", lease_until=context.now() + 600_000)
    job.give_up(context)
    old, new = (AsyncJob.get_by_id(rows[name].id) for name in ("old", "new"))
    assert (old.status, old.result_code) == (2, 530)
    assert new.status == 0
    AsyncJob.delete().where(AsyncJob.id == new.id).execute()


@pytest.mark.parametrize(("version", "required", "older"), [
    ("4.9.3", "4.10.0", True), ("4.10.0", "4.10.0", False), ("4.23.0", "4.10.0", False), ("4.23.0", None, False)])
def test_a_router_is_older_than_the_least_version_of_its_zone(version, required, older):
    assert router.older(version, required) is older


def test_instances_are_in_networks_that_their_account_may_use(bare_cloud, setting):
    context = bare_cloud.installation.context()
    owner, other = (Account.get(Account.uuid == bare_cloud.new_account().account_id) for _ in range(2))
    network = SimpleNamespace(id=0, uuid="n", acl_type="Account", account_id=other.id, domain_id=other.domain_id)
    permission.check_use(context, other, network)
    with pytest.raises(PermissionDenied, match="Unable to use network"):
        permission.check_use(context, owner, network)
    setting("admin.is.allowed.to.deploy.anywhere", "true")
    permission.check_use(context, owner, network)


def test_a_networks_domain_may_use_it_and_those_below_where_it_says_so(bare_cloud):
    context = bare_cloud.installation.context()
    above = bare_cloud.new_domain()
    below = bare_cloud.new_domain(parent=above)
    inside, under = (Account.get(Account.uuid == bare_cloud.new_account(domain=domain).account_id)
                     for domain in (above, below))
    network = SimpleNamespace(id=0, uuid="n", acl_type="Domain", account_id=1, domain_id=inside.domain_id,
                              subdomain_access=False)
    permission.check_use(context, inside, network)
    with pytest.raises(PermissionDenied):
        permission.check_use(context, under, network)
    network.subdomain_access = True
    permission.check_use(context, under, network)


def test_the_host_of_a_volumes_url_is_looked_up_unless_the_setting_says_not(bare_cloud, setting, monkeypatch):
    def unknown(host, port):
        raise OSError(host)

    monkeypatch.setattr(registration.socket, "getaddrinfo", unknown)
    monkeypatch.setattr(registration.stores, "image_stores", lambda zone: [zone])
    monkeypatch.setattr(registration.stores, "fetches", lambda store: True)
    context = bare_cloud.installation.context()
    given = (context, "http://nowhere.example/disk.qcow2", "QCOW2", ["zone"], "volume.url.check")
    with pytest.raises(InvalidParameter, match=r"nowhere\.example"):
        registration.check_url(*given)
    setting("volume.url.check", "false")
    registration.check_url(*given)
