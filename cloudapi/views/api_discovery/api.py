"""What the API tells of itself."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class ApiFieldView(View):
    name = "response"

    name_ = Given("name of the field", type="string")
    description = Given("what the field says", type="string")
    type = Given("type of the field", type="string")
    since = Given("the version that brought it", type="string")
    response = Given("the fields inside", type="set")


class ApiParameterView(View):
    name = "params"

    name_ = Given("name of the parameter", type="string")
    description = Given("what the parameter does", type="string")
    type = Given("type of the parameter", type="string")
    length = Given("how long its value may be", type="integer")
    required = Given("whether a call must have it", type="boolean")
    since = Given("the version that brought it", type="string")
    related = Given("the commands whose answers have the IDs that it takes", type="string")


class ApiView(View):
    name = "api"

    name_ = Given("name of the command", type="string")
    description = Given("what the command does", type="string")
    since = Given("the version that brought it", type="string")
    isasync = Given("whether it answers with a job", type="boolean")
    related = Given("other commands that answer with the same object", type="string")
    params = Given("its parameters", type="set", nested=ApiParameterView)
    response = Given("the fields of its answer", type="set", nested=ApiFieldView)
    type = Given("kind of the answer", type="string")
    httprequesttype = Given("the HTTP method that it wants, where it matters", type="string")
