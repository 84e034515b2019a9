"""Templates that bring user data for their Instances."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE, USE
from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.parameters import Entity, Text
from cloudapi.context import Context
from cloudapi.models.identity import UserData
from cloudapi.models.storage import Template
from cloudapi.services.user_data import user_data as data
from cloudapi.views.template.template import TemplateView


class LinkUserDataToTemplate(Command):
    """Gives a template or an ISO user data for its Instances; without any, takes it off."""

    roles, response = EVERYONE, TemplateView
    since = "4.18.0"

    templateid = Entity(Template, access=OPERATE, help="the template")
    isoid = Entity(Template, access=OPERATE, help="the ISO")
    userdataid = Entity(UserData, access=USE, help="the user data")
    userdatapolicy = Text(choices=data.POLICIES, help="what an Instance may do with it")

    def run(self, context: Context) -> Any:
        return data.link(self.templateid, self.isoid, self.userdataid, self.userdatapolicy)
