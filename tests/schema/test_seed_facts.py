"""The seed files agree with each other and with the reference."""

import json
from pathlib import Path

import pytest

from cloudapi.services.physical_network.catalogue import PROVIDERS, SERVICES

ROOT = Path(__file__).parents[2]
SEED = ROOT / "schema" / "seed"
REFERENCE = ROOT.parent / "shared" / "reference"

# Names that CloudStack's own upgrades renamed or removed after they were first inserted.
GONE_GUEST_OS = {'"Windows PV"', "Windows 8(64-bit)", "Windows Server 8 (64-bit)"}


def rows(name):
    return json.loads((SEED / f"{name}.json").read_text())


def from_reference(name):
    if not (REFERENCE / name).is_file():
        pytest.skip(f"{REFERENCE} is not here")
    return json.loads((REFERENCE / name).read_text())


@pytest.mark.parametrize("file", sorted(file.stem for file in SEED.glob("*.json")))
def test_every_row_of_a_file_has_the_same_snake_case_keys(file):
    keys = {tuple(row) for row in rows(file)}
    assert len(keys) == 1
    assert [key for key in keys.pop() if key != key.lower()] == []


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("service_offerings", "unique_name"),
        ("disk_offerings", "unique_name"),
        ("network_offerings", "unique_name"),
        ("vpc_offerings", "unique_name"),
        ("templates", "unique_name"),
        ("guest_os", "display_name"),
        ("guest_os_categories", "name"),
    ],
)
def test_names_are_unique(file, key):
    names = [row[key] for row in rows(file)]
    assert len(set(names)) == len(names)


def test_offerings_use_services_from_providers_that_offer_them():
    offered = {(service, name) for name, provider in PROVIDERS.items() for service in provider.services}
    used = {
        (service, provider, row["name"])
        for row in rows("network_offerings") + rows("vpc_offerings")
        for service, providers in row["services"].items()
        for provider in providers
        if provider in PROVIDERS
    }
    assert {one for one in used if one[:2] not in offered} == set()


def test_services_and_providers_are_the_references():
    assert set(SERVICES) == set(from_reference("catalogues.json")["network_services"])
    assert set(PROVIDERS) <= set(from_reference("catalogues.json")["network_providers"])
    assert {service for provider in PROVIDERS.values() for service in provider.services} <= set(SERVICES)


def test_guest_os_types_hold_the_references():
    ours = {row["display_name"] for row in rows("guest_os")}
    assert set(from_reference("guest-os.json")["guest_os"]) - ours == GONE_GUEST_OS


def test_guest_os_types_are_in_known_categories_and_mapped_ones_exist():
    categories = {row["name"] for row in rows("guest_os_categories")}
    ours = {row["display_name"]: row["category"] for row in rows("guest_os")}
    assert set(ours.values()) <= categories
    assert {row["guest_os"] for row in rows("guest_os_mappings")} <= set(ours)
    assert {row["guest_os"] for row in rows("templates")} <= set(ours)


def test_the_simulator_has_its_templates_and_capabilities():
    types = {row["name"]: row["template_type"] for row in rows("templates")}
    assert types["CentOS 5.6 (64-bit) no GUI (Simulator)"] == "BUILTIN"
    assert types["SystemVM Template (simulator)"] == "SYSTEM"
    assert "Simulator" in {row["hypervisor"] for row in rows("hypervisor_capabilities")}
