"""What the API shows of a region."""

from __future__ import annotations

from cloudapi.api.view import Column, Computed, View
from cloudapi.models.infrastructure import Region


class RegionView(View):
    record, name = Region, "region"

    id = Column("id", "number of the region", type="integer")
    name_ = Column("name", "name of the region")
    endpoint = Column("end_point", "URL of its API")
    gslbserviceenabled = Computed(lambda number: False, "id", type="boolean",
                                 help="whether it balances load over regions")
    portableipserviceenabled = Computed(lambda number: False, "id", type="boolean",
                                        help="whether public IPs can move between its zones")
