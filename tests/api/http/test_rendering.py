"""What clients read: JSON and XML of answers and errors, with their status and content type."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
import xmltodict

from cloudapi.http.render import render

JSON = "application/json; charset=UTF-8"
XML = "text/xml; charset=UTF-8"


@pytest.fixture
def get(bare_cloud):
    def send(command, **parameters):
        query = bare_cloud.admin.sign({"command": command, **parameters})
        return bare_cloud.http.get("/client/api", query_string=query)

    return send


class TestAnswers:
    def test_a_list_is_its_count_first_and_the_wrapper(self, get):
        response = get("listDomains", response="json")
        assert (response.status_code, response.headers["Content-Type"]) == (200, JSON)
        body = response.get_json()["listdomainsresponse"]
        assert list(body) == ["count", "domain"]
        assert body["count"] == len(body["domain"]) == 1
        assert body["domain"][0]["name"] == "ROOT"

    def test_an_empty_list_is_an_empty_object(self, get):
        assert get("listDomains", response="json", name="nowhere").get_json() == {"listdomainsresponse": {}}
        root = ElementTree.fromstring(get("listDomains", name="nowhere").data)
        assert (root.tag, list(root)) == ("listdomainsresponse", [])

    def test_xml_is_the_default_and_bears_the_version(self, get):
        response = get("listDomains")
        assert response.headers["Content-Type"] == XML
        root = xmltodict.parse(response.data)["listdomainsresponse"]
        assert root["@cloud-stack-version"].startswith("4.23")
        assert root["count"] == "1"
        assert root["domain"]["name"] == "ROOT"

    def test_both_forms_say_the_same(self, get):
        from_json = get("listUsers", response="json").get_json()["listusersresponse"]["user"][0]
        from_xml = xmltodict.parse(get("listUsers").data)["listusersresponse"]["user"]
        assert list(from_json) == list(from_xml)
        assert from_json["id"] == from_xml["id"]
        assert (from_json["iscallerchilddomain"], from_xml["iscallerchilddomain"]) == (False, "false")

    def test_an_unknown_form_is_xml(self, get):
        assert get("listDomains", response="yaml").headers["Content-Type"] == XML
        assert get("listDomains", response="JSON").headers["Content-Type"] == JSON

    def test_answers_are_not_cached_and_not_sniffed(self, get):
        headers = get("listDomains").headers
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


class TestErrors:
    def test_the_status_is_the_error_code(self, get):
        response = get("listDomains", response="json", id="no-such-uuid")
        assert response.status_code == 431
        body = response.get_json()["listdomainsresponse"]
        assert list(body) == ["uuidList", "errorcode", "cserrorcode", "errortext"]
        assert (body["uuidList"], body["errorcode"], body["cserrorcode"]) == ([], 431, 4350)
        assert "id" in body["errortext"]
        assert response.headers["X-Description"] == body["errortext"]

    def test_in_xml(self, get):
        response = get("listDomains", id="no-such-uuid")
        assert (response.status_code, response.headers["Content-Type"]) == (431, XML)
        root = xmltodict.parse(response.data)["listdomainsresponse"]
        assert (root["errorcode"], root["cserrorcode"]) == ("431", "4350")

    def test_an_unknown_command_answers_under_a_name_of_its_own(self, get):
        response = get("makeCoffee", response="json")
        assert response.status_code == 432
        assert response.get_json()["errorresponse"]["errorcode"] == 432
        assert "makeCoffee" in response.get_json()["errorresponse"]["errortext"]

    def test_without_a_command(self, bare_cloud):
        response = bare_cloud.http.get("/client/api", query_string=bare_cloud.admin.sign({"response": "json"}))
        assert (response.status_code, list(response.get_json())) == (432, ["errorresponse"])

    def test_who_has_not_signed_is_not_told_the_version(self, bare_cloud):
        response = bare_cloud.http.get("/client/api?command=listDomains")
        assert response.status_code == 401
        assert b"cloud-stack-version" not in response.data
        assert xmltodict.parse(response.data)["listdomainsresponse"]["errortext"] == \
            "unable to verify user credentials and/or request signature"

    @pytest.mark.parametrize("query", ["", "?response=json"])
    def test_an_over_long_body_answers_in_the_form_asked_for(self, bare_cloud, query):
        response = bare_cloud.http.post("/client/api" + query, data={"command": "listDomains", "x": "a" * (5 << 20)})
        assert response.status_code == 413
        if query:
            assert response.get_json()["errorresponse"]["errorcode"] == 413
        else:
            assert xmltodict.parse(response.data)["errorresponse"]["errorcode"] == "413"

    def test_too_many_parameters(self, bare_cloud):
        response = bare_cloud.http.post("/client/api", data={f"p{number}": "" for number in range(5000)})
        assert response.status_code == 400

    def test_a_failure_of_our_own_tells_nothing_of_the_inside(self, bare_cloud, monkeypatch):
        def broken(key):
            raise RuntimeError("the secret is 1234")

        monkeypatch.setattr(bare_cloud.installation.callers, "by_api_key", broken)
        response = bare_cloud.admin.send("listDomains")
        assert response.status_code == 530
        assert response.get_json()["listdomainsresponse"]["errorcode"] == 530
        assert b"1234" not in response.data
        assert b"RuntimeError" not in response.data

    def test_other_methods_and_paths(self, bare_cloud):
        assert bare_cloud.http.put("/client/api").status_code == 405
        assert bare_cloud.http.get("/client/other").status_code == 404
        assert bare_cloud.http.get("/").status_code == 404, "only the integration port answers there"


class TestXml:
    """The writer alone, with what no answer should ever hold."""

    @pytest.mark.parametrize(("value", "text"), [
        ("a < b & c > d", "a < b & c > d"), ("]]>", "]]>"), (True, "true"), (False, "false"), (17, "17"), (1.5, "1.5"),
        ("žluťoučký 🐎", "žluťoučký 🐎"), ("a\x00b\x1fc\x0b", "abc"),
    ])
    def test_values(self, value, text):
        payload, _ = render("r", {"item": value}, "xml")
        assert ElementTree.fromstring(payload).findtext("item") == text

    def test_lists_repeat_their_element_and_maps_nest(self):
        body = {"nic": [{"id": "1"}, {"id": "2"}], "details": {"cpu.mode": "host", "0 bad": "x"}}
        payload, _ = render("r", body, "xml")
        root = ElementTree.fromstring(payload)
        assert [nic.findtext("id") for nic in root.findall("nic")] == ["1", "2"]
        assert root.find("details").findtext("cpu.mode") == "host"
        assert root.find("details").findtext("entry") == "x", "no element can have that name"

    def test_what_is_null_or_empty_is_left_out(self):
        payload, _ = render("r", {"a": None, "b": 1, "c": []}, "xml")
        assert [child.tag for child in ElementTree.fromstring(payload)] == ["b"]

    def test_no_value_is_taken_for_markup(self):
        for value in ("\x02b\x03x\x02/b\x03", "\x02", "\x03", "%s", "%"):
            payload, _ = render("r", {"a": value, "nested": {"a": [value]}}, "xml")
            root = ElementTree.fromstring(payload)
            left = value.replace("\x02", "").replace("\x03", "")
            assert [element.tag for element in root.iter()] == ["r", "a", "nested", "a"]
            assert root.findtext("a") == root.findtext("nested/a") == left

    def test_objects_with_the_same_fields_may_differ_in_which_are_lists(self):
        for body in ({"a": "1", "b": ["2", "3"]}, {"a": ["1", "2"], "b": "3"}, {"a": [], "b": {"a": "x"}},
                     {"a": "1", "b": "2"}):
            payload, _ = render("r", body, "xml")
            assert xmltodict.parse(payload)["r"]["b"] == body["b"]
            assert xmltodict.parse(payload)["r"].get("a", []) == body["a"]


class TestSettings:
    @pytest.fixture
    def setting(self, bare_cloud):
        def change(name, value):
            changed.append(name)
            bare_cloud.admin("updateConfiguration", name=name, value=value)

        changed = []
        yield change
        for name in changed:
            bare_cloud.admin("resetConfiguration", name=name)

    def test_the_version_may_be_kept_back(self, get, setting):
        setting("expose.cloudstack.version.api.xml.response", "false")
        assert b"cloud-stack-version" not in get("listDomains").data

    def test_the_content_type_of_json(self, get, setting):
        setting("json.content.type", "text/javascript; charset=UTF-8")
        assert get("listDomains", response="json").headers["Content-Type"] == "text/javascript; charset=UTF-8"
        assert get("listDomains").headers["Content-Type"] == XML

    def test_causes_of_failures_may_be_told_to_users(self, bare_cloud, setting, monkeypatch):
        def broken(self, context):
            raise RuntimeError("the password is 1234")

        user = bare_cloud.new_account()
        monkeypatch.setattr(bare_cloud.installation.registry.get("listUsers"), "run", broken)
        hidden = user.send("listUsers").get_json()["listusersresponse"]["errortext"]
        setting("expose.errors.to.user", "true")
        told = user.send("listUsers").get_json()["listusersresponse"]["errortext"]
        assert ("RuntimeError" in hidden, "RuntimeError" in told) == (False, True)
        assert "1234" not in hidden + told
