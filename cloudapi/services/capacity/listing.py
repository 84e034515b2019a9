"""The capacities of zones, pods and clusters as one list."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.infrastructure import Cluster, Pod, Zone
from cloudapi.models.storage import StoragePool
from cloudapi.services.capacity import summary
from cloudapi.services.storage import image_store, pool


def refresh(context: Context, zone: Zone | None) -> None:
    """Ask the storage of a zone, or of all, for its usage now. Outside of transactions."""
    where = [] if zone is None else [StoragePool.zone == zone.id]
    for found in StoragePool.alive(*where):
        pool.refresh(context, found)
    image_store.refresh_all(context)


def find(zone: Zone | None, pod: Pod | None, cluster: Cluster | None, *, kind: int | None = None,
         tag: str | None = None, by_usage: bool = False, keyword: str | None = None) -> list[dict[str, Any]]:
    """Return the capacities of the narrowest place that is named, or of all zones, by zone name and kind.

    :param by_usage: those of the places one level below, the most used first.
    :param keyword: a part of the kind's name.
    """
    level, places = _places(zone, pod, cluster, by_usage)
    figures = summary.figures(level, list(places), tag)
    if kind is not None:
        figures = [figure for figure in figures if figure.kind == kind]
    if keyword:
        figures = [figure for figure in figures if keyword.upper() in summary.NAMES[figure.kind]]
    shown = [(figure, _shown(figure, places[figure.place_id])) for figure in figures]
    if by_usage:
        shown.sort(key=lambda pair: (pair[1]["zonename"], -pair[0].share))
    else:
        shown.sort(key=lambda pair: (pair[1]["zonename"], pair[0].kind))
    return [item for _, item in shown]


def _places(zone: Zone | None, pod: Pod | None, cluster: Cluster | None, below: bool) -> tuple[str, dict[int, Any]]:
    """Return the level of the list and its places by id."""
    if cluster is not None:
        return "cluster", {cluster.id: cluster}
    if below and pod is not None:
        return "cluster", {found.id: found for found in Cluster.alive(Cluster.pod == pod.id)}
    if pod is not None:
        return "pod", {pod.id: pod}
    if below and zone is not None:
        return "pod", {found.id: found for found in Pod.alive(Pod.zone == zone.id)}
    zones = [zone] if zone is not None else Zone.alive().order_by(Zone.id)
    return "zone", {found.id: found for found in zones}


def _shown(figure: summary.Figure, place: Any) -> dict[str, Any]:
    zone = place if isinstance(place, Zone) else place.zone
    item: dict[str, Any] = {"type": figure.kind, "name": summary.NAMES[figure.kind], "zoneid": zone.uuid,
                            "zonename": zone.name}
    pod = place if isinstance(place, Pod) else place.pod if isinstance(place, Cluster) else None
    if pod is not None:
        item.update(podid=pod.uuid, podname=pod.name)
    if isinstance(place, Cluster):
        item.update(clusterid=place.uuid, clustername=place.name)
    if figure.allocated is not None:
        item["capacityallocated"] = figure.allocated
    item.update(capacityused=figure.used, capacitytotal=figure.total, percentused=figure.percent)
    if figure.tag is not None:
        item["tag"] = figure.tag
    return item
