"""Templates on primary storage, from which volumes are cloned."""

from agents.machine import Call
from agents.storage.base import StoreReference, TemplateReport
from agents.verbs.registry import verb


@verb("repeatable")
def prepare(call: Call, template: str, pool: str, store: StoreReference, path: str) -> TemplateReport:
    """Copies the template to the pool, once."""
    return call.primary.prepare_template(template, pool, store, path, call.progress)


@verb("repeatable")
def evict(call: Call, template: str, pool: str) -> None:
    """Removes it from the pool. Refused (in_use) while volumes are clones of it."""
    call.primary.evict_template(template, pool)


@verb("read", key="templates")
def list_(call: Call, pool: str) -> list[TemplateReport]:
    """The templates on a pool."""
    return call.primary.list_templates(pool)
