"""Whether an account may make offerings with tags."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class TaggedOfferingsView(View):
    name = "isallowed"

    isallowed = Given("whether the account may make offerings with tags", type="boolean")
