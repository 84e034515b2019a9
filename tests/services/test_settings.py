"""The declared settings: equal to the reference's facts, and strict about the values they take."""

import json
from pathlib import Path

import pytest

from cloudapi.errors import InvalidParameter
from cloudapi.settings import (
    GROUPS,
    REGISTRY,
    Registry,
    Scope,
    Setting,
    ValueType,
    effective,
    scope_named,
    subgroups_of,
)

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "settings.json"

# The reference has no default where CloudStack computes it from a constant; these are the constants.
COMPUTED_DEFAULTS = {
    "api.sessionkey.check.locations": "CookieAndParameter",
    "api.sessionkey.cookie.samesite": "Lax",
    "expunged.resource.purge.job.delay": "180",
    "kvm.host.discovery.ssh.port": "22",
}


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.is_file():
        pytest.skip(f"{REFERENCE} is not here")
    return json.loads(REFERENCE.read_text())["settings"]


def test_each_declaration_has_the_facts_of_the_reference(reference):
    differing = {}
    for name, setting in REGISTRY.items():
        expected = reference.get(name)
        if expected is None:
            differing[name] = "unknown to the reference"
            continue
        facts = (
            expected["type"],
            expected["default"] if expected["default"] is not None else COMPUTED_DEFAULTS.get(name),
            expected["category"],
            [scope for scope in expected.get("scope", []) if scope != "Global"],
            bool(expected.get("dynamic")),
        )
        ours = (setting.type, setting.default, setting.category, [*setting.scopes], setting.dynamic)
        if facts != ours:
            differing[name] = (facts, ours)
    assert differing == {}


def test_every_default_is_a_value_that_the_setting_takes():
    for setting in REGISTRY.values():
        if setting.default:
            assert setting.validated(setting.default) == setting.default


def test_every_setting_of_advdualzone_is_declared():
    names = (
        "network.gc.wait",
        "storage.cleanup.interval",
        "vm.op.wait.interval",
        "default.page.size",
        "network.gc.interval",
        "instance.name",
        "workers",
        "account.cleanup.interval",
        "guest.domain.suffix",
        "expunge.delay",
        "vm.allocation.algorithm",
        "expunge.interval",
        "expunge.workers",
        "check.pod.cidrs",
        "secstorage.allowed.internal.sites",
        "direct.agent.load.size",
        "enable.dynamic.scale.vm",
        "ping.interval",
        "ping.timeout",
    )
    assert [name for name in names if name not in REGISTRY] == []


def test_every_description_and_unit_is_said():
    assert [setting.name for setting in REGISTRY.values() if not setting.description.strip()] == []
    assert [setting.name for setting in REGISTRY.values() if setting.description.endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("expunge.delay", "soon", "not a whole number"),
        ("expunge.delay", "1.5", "not a whole number"),
        ("expunge.delay", "1_000", "not a whole number"),
        ("expunge.delay", "٣", "not a whole number"),
        ("expunge.delay", "", "empty value"),
        ("expunge.delay", "null", "empty value"),
        ("expunge.delay", None, "empty value"),
        ("expunge.interval", "0", "positive"),
        ("expunge.interval", "-5", "positive"),
        ("expunge.interval", "2147483648", "32 bits"),
        ("max.account.user.vms", "9223372036854775808", "64 bits"),
        ("max.account.user.vms", "9" * 5000, "64 bits"),
        ("max.account.user.vms", "-2", "less than -1"),
        ("vm.password.length", "5", "less than 6"),
        ("mac.identifier", "256", "greater than 255"),
        ("vm.userdata.max.length", "1048577", "greater than 1048576"),
        ("enable.dynamic.scale.vm", "TRUE", "neither true nor false"),
        ("enable.dynamic.scale.vm", "1", "neither true nor false"),
        ("cpu.overprovisioning.factor", "0", "greater than 0"),
        ("cpu.overprovisioning.factor", "nan", "not a number"),
        ("cpu.overprovisioning.factor", "inf", "not a number"),
        ("cpu.overprovisioning.factor", "two", "not a number"),
        ("cluster.cpu.allocated.capacity.disablethreshold", "1.01", "between 0 and 1"),
        ("vm.allocation.algorithm", "best", "random, firstfit"),
        ("vm.distinct.hostname.scope", "planet", "global, domain"),
        ("check.pod.cidrs", "maybe", "true, false"),
        ("commands.timeout", "StartCommand: 1", "Validation failed"),
        ("commands.timeout", "StartCommand=0", "Validation failed"),
        ("commands.timeout", "=5", "Validation failed"),
        ("commands.timeout", "StartCommand=" + "9" * 5000, "Validation failed"),
        ("secstorage.allowed.internal.sites", "10.0.0.0/8,fast", "[fast]"),
        ("secstorage.allowed.internal.sites", "10.1.2.3/8", "[10.1.2.3/8]"),
        ("instance.name", "my-cloud", "hyphen"),
        ("guest.domain.suffix", "-bad-.example", "domain name"),
        ("control.gateway", "169.254.0", "IPv4 address"),
        ("control.cidr", "169.254.1.1/16", "IPv4 network"),
        ("system.vm.default.hypervisor", "Abacus", "[Abacus]"),
        ("password.policy.regex", "(", "regular expression"),
        ("password.policy.regex", "a{99999999999}", "regular expression"),
        ("endpoint.url", "x" * 8192, "8191"),
    ],
)
def test_a_bad_value_is_refused_with_the_setting_and_the_fault(name, value, fault):
    with pytest.raises(InvalidParameter) as refused:
        REGISTRY[name].validated(value)
    assert name in refused.value.text
    assert fault in refused.value.text


@pytest.mark.parametrize(
    ("name", "value", "stored", "parsed"),
    [
        ("expunge.delay", " 20 ", "20", 20),
        ("max.account.user.vms", "-1", "-1", -1),
        ("ping.timeout", "2.0", "2.0", 2.0),
        ("enable.dynamic.scale.vm", "true", "true", True),
        ("enable.dynamic.scale.vm", "false", "false", False),
        ("vm.allocation.algorithm", "random", "random", "random"),
        ("commands.timeout", "DhcpEntryCommand= 600, SavePasswordCommand= 300", None, None),
        ("commands.timeout", "", None, None),
        ("secstorage.allowed.internal.sites", "10.147.0.0/16", "10.147.0.0/16", "10.147.0.0/16"),
        ("guest.domain.suffix", "sandbox.simulator", "sandbox.simulator", "sandbox.simulator"),
        ("system.vm.default.hypervisor", "Any", "Any", "Any"),
    ],
)
def test_a_good_value_is_trimmed_and_read_as_its_type(name, value, stored, parsed):
    if stored is None and value:
        stored = parsed = value
    assert REGISTRY[name].validated(value) == stored
    result = REGISTRY[name].parse(stored)
    assert result == parsed and type(result) is type(parsed)


def test_a_secret_value_is_not_repeated_in_the_error():
    setting = Setting("some.key", ValueType.INTEGER, None, "A key", secret=True)
    with pytest.raises(InvalidParameter) as refused:
        setting.validated("hunter2")
    assert "hunter2" not in refused.value.text


@pytest.mark.parametrize(
    ("name", "type_shown", "group", "subgroup"),
    [
        ("agent.lb.enabled", "Boolean", "Management Server", "Agent"),
        ("storage.cleanup.interval", "Number", "Infrastructure", "Primary Storage"),
        ("agent.load.threshold", "Range", "Management Server", "Agent"),
        ("endpoint.url", "String", "Miscellaneous", "Others"),
        ("cpu.overprovisioning.factor", "Decimal", "Compute", "Virtual Machine"),
        ("vm.deployment.planner", "Select", "Compute", "Virtual Machine"),
        ("api.allowed.source.cidr.list", "CSV", "Management Server", "API"),
        ("router.check.interval", "Number", "System VMs", "VirtualRouter"),
    ],
)
def test_settings_are_listed_with_the_type_and_group_that_clients_know(name, type_shown, group, subgroup):
    setting = REGISTRY[name]
    assert (setting.api_type, setting.group, setting.subgroup.name) == (type_shown, group, subgroup)


def test_groups_are_listed_by_precedence_and_each_has_subgroups():
    assert [group.precedence for group in GROUPS] == sorted(group.precedence for group in GROUPS)
    assert [one.name for one in subgroups_of(GROUPS[0])] == ["Account", "Domain", "Project", "LDAP", "SAML"]
    assert all(subgroups_of(group) for group in GROUPS)


def test_settings_are_listed_by_name_without_the_programs_own():
    names = [setting.name for setting in REGISTRY.listed()]
    assert names == sorted(names)
    assert "upload.post.secret.key" in REGISTRY and "upload.post.secret.key" not in names
    with pytest.raises(InvalidParameter, match=r"upload\.post\.secret\.key"):
        REGISTRY.named("upload.post.secret.key")


def test_the_settings_of_a_scope_are_those_that_can_be_overridden_there():
    in_pools = {setting.name for setting in REGISTRY.listed(Scope.STORAGE_POOL)}
    assert "storage.overprovisioning.factor" in in_pools
    assert "expunge.delay" not in in_pools


def test_a_name_that_nobody_declared_is_refused():
    with pytest.raises(InvalidParameter, match=r"no\.such\.setting"):
        REGISTRY.named("no.such.setting")


def test_the_narrowest_value_is_in_force():
    factor = REGISTRY["cpu.overprovisioning.factor"]
    assert effective(factor, {}) == "1.0"
    assert effective(factor, {Scope.GLOBAL: "2"}) == "2"
    assert effective(factor, {Scope.GLOBAL: "2", Scope.CLUSTER: "3"}) == "3"
    assert effective(factor, {Scope.GLOBAL: "2", Scope.CLUSTER: None}) == "2"


def test_a_value_where_the_setting_has_no_scope_does_not_count():
    factor = REGISTRY["cpu.overprovisioning.factor"]
    assert effective(factor, {Scope.GLOBAL: "2", Scope.STORAGE_POOL: "9", Scope.ZONE: "8"}) == "2"


def test_a_pools_value_wins_over_its_zones():
    threshold = REGISTRY["pool.storage.capacity.disablethreshold"]
    assert effective(threshold, {Scope.ZONE: "0.5", Scope.GLOBAL: "0.6"}) == "0.5"
    assert effective(threshold, {Scope.STORAGE_POOL: "0.4", Scope.ZONE: "0.5"}) == "0.4"


def test_a_scope_is_named_in_any_case():
    assert scope_named("zone") is Scope.ZONE
    assert scope_named("StoragePool") is Scope.STORAGE_POOL
    with pytest.raises(InvalidParameter, match="pool"):
        scope_named("pool")


def test_a_registry_refuses_a_name_twice_and_an_unknown_parent():
    one = Setting("a", ValueType.STRING, None, "A")
    with pytest.raises(ValueError, match="twice"):
        Registry([("x", one), ("y", one)])
    with pytest.raises(ValueError, match="parent"):
        Registry([("x", Setting("b", ValueType.STRING, None, "B", parent="c"))])
