"""How parameters may be written: names in any case, arrays and maps, in the query or in a form."""

from __future__ import annotations

import pytest

from cloudapi.api.parameters import unpack
from cloudapi.errors import InvalidParameter


def signed(client, **parameters):
    return client.sign({"response": "json", **parameters})


class TestNames:
    @pytest.mark.parametrize("name", ["name", "NAME", "nAmE"])
    def test_in_any_case(self, bare_cloud, name):
        query = signed(bare_cloud.admin, command="listDomains", **{name: "nowhere"})
        assert bare_cloud.http.get("/client/api", query_string=query).get_json() == {"listdomainsresponse": {}}

    def test_of_the_request_itself_too(self, bare_cloud):
        client = bare_cloud.admin
        query = client.sign({"Command": "listDomains", "RESPONSE": "json"})
        answer = bare_cloud.http.get("/client/api", query_string=query)
        assert answer.get_json()["listdomainsresponse"]["count"] == 1

    def test_unknown_ones_are_ignored(self, bare_cloud):
        assert bare_cloud.admin("listDomains", nosuchparameter="1")["count"] == 1

    def test_empty_values_of_numbers_and_flags_count_as_absent(self, bare_cloud):
        assert bare_cloud.admin("listDomains", page="", pagesize="", listall="", id="")["count"] == 1


class TestWays:
    def test_a_form_and_the_query_together(self, bare_cloud):
        parameters = signed(bare_cloud.admin, command="listDomains", name="nowhere")
        form = {"name": parameters.pop("name"), "signature": parameters.pop("signature")}
        answer = bare_cloud.http.post("/client/api", query_string=parameters, data=form)
        assert (answer.status_code, answer.get_json()) == (200, {"listdomainsresponse": {}})

    def test_the_same_by_get_post_query_and_multipart(self, bare_cloud):
        http, parameters = bare_cloud.http, signed(bare_cloud.admin, command="listDomains")
        answers = [
            http.get("/client/api", query_string=parameters),
            http.post("/client/api", query_string=parameters),
            http.post("/client/api", data=parameters),
            http.post("/client/api", data=parameters, content_type="multipart/form-data"),
            http.get("/client/api/", query_string=parameters),
        ]
        assert {answer.data for answer in answers} == {answers[0].data}
        assert answers[0].status_code == 200

    @pytest.mark.parametrize("name", ["a b", "a+b", "a*b", "a~b", "ä ö ü", "100%", "a=b&c=d", "日本", "''\"<>"])
    def test_any_text_arrives_as_it_was_sent(self, bare_cloud, name):
        client = bare_cloud.admin
        made = client("createDomain", name=f"d {name}".replace("<", "").replace(">", ""))["domain"]
        try:
            for send in (bare_cloud.http.get, bare_cloud.http.post):
                query = signed(client, command="listDomains", name=made["name"])
                found = send("/client/api", query_string=query).get_json()["listdomainsresponse"]["domain"]
                assert [domain["id"] for domain in found] == [made["id"]]
        finally:
            client.job("deleteDomain", id=made["id"])


class TestControlCharacters:
    @pytest.mark.parametrize("character", ["\x00", "\x01", "\t", "\x0b", "\x1f", "\x7f"])
    def test_are_refused_by_name(self, bare_cloud, character):
        answer = bare_cloud.admin.send("listDomains", name=f"a{character}b")
        body = answer.get_json()["listdomainsresponse"]
        assert (answer.status_code, body["errorcode"]) == (431, 431)
        assert "name" in body["errortext"]
        assert character not in body["errortext"]

    def test_line_ends_are_none(self, bare_cloud):
        assert bare_cloud.admin("listDomains", name="a\r\nb") == {}


class TestUnpack:
    def test_arrays_and_maps(self):
        assert unpack({"ids[1]": "b", "IDS[0]": "a", "Details[0].key": "k", "details[0].value": "v",
                       "details[1].Cpu": "2", "Name": "n"}) == {
            "ids": ["a", "b"], "details": [{"key": "k", "value": "v"}, {"Cpu": "2"}], "name": "n"}

    def test_an_index_may_leave_gaps(self):
        assert unpack({"tags[7].key": "a", "tags[3].key": "b"}) == {"tags": [{"key": "b"}, {"key": "a"}]}

    @pytest.mark.parametrize("name", ["tags[", "tags[x].key", "tags[0", "[0].key", "tags[0]key", "tags[99999].key",
                                      "tags[-1].key", "tags[0][1]"])
    def test_names_that_cannot_be_read(self, name):
        with pytest.raises(InvalidParameter, match="unable to decode parameter"):
            unpack({name: "value"})
