"""Templates. Who may use one beside its owner is registered here, as services know nothing of the API."""

from __future__ import annotations

from cloudapi.api.access import may_use
from cloudapi.models.storage import Template
from cloudapi.services.template import permission

may_use(Template)(permission.may_use)
