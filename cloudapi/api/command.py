"""What a command is: declared once as a class, everything else derived from it."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import get_annotations
from typing import Any, ClassVar

from cloudapi.api import wording
from cloudapi.api.access import OPERATE
from cloudapi.api.parameters import Entity, Integer, Parameter, Text
from cloudapi.api.view import Given, View
from cloudapi.context import ADMIN, DOMAIN_ADMIN, RESOURCE_ADMIN, USER, Context
from cloudapi.models.identity import Account, Domain, Project

EVERYONE = (ADMIN, RESOURCE_ADMIN, DOMAIN_ADMIN, USER)
ADMINS = (ADMIN, RESOURCE_ADMIN, DOMAIN_ADMIN)
DOMAIN_ADMINS = (ADMIN, DOMAIN_ADMIN)
ROOT = (ADMIN,)


class Success(View):
    """The answer of a command that has nothing to show: `success`, and `displaytext` where there is more to say."""

    name = "success"

    success = Given("whether it was done", type="boolean")
    displaytext = Given("what there is to say of it", type="string")


class Command:
    """A synchronous command. Its class name is the API name, capitalised.

    :cvar roles: the roles whose default permissions allow it; a command without roles is not registered.
    :cvar response: the view of its answer; `Success` where it shows nothing.
    :cvar wrapper: the key around the answer where that is not the view's name; "" for none.
    :cvar event: the event type that it leaves; None for none.
    :cvar subject: the parameter that names the resource of the event.
    :cvar action: what the event says is done, beginning with a gerund, where the docstring's first clause does not
        serve (see `cloudapi.api.wording`).
    :cvar atomic: run as one transaction (off for those that call hosts and commit in parts themselves).
    :cvar read_only: runs without a transaction and leaves no event.
    :cvar lasting: the answer follows from the database alone and may be kept while that stays as it is.
    """

    roles: ClassVar[Sequence[str]] = ()
    response: ClassVar[type[View]] = Success
    wrapper: ClassVar[str | None] = None
    event: ClassVar[str | None] = None
    subject: ClassVar[str] = "id"
    action: ClassVar[str | None] = None
    since: ClassVar[str | None] = None
    atomic: ClassVar[bool] = True
    read_only: ClassVar[bool] = False
    lasting: ClassVar[bool] = False
    is_async: ClassVar[bool] = False
    authenticated: ClassVar[bool] = True
    parameters: ClassVar[dict[str, Parameter]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.parameters = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Parameter):
                    cls.parameters[name] = value
                elif name in cls.parameters:
                    del cls.parameters[name]  # a subclass took the parameter away: `keyword = None`

    @classmethod
    def api_name(cls) -> str:
        return cls.__name__[0].lower() + cls.__name__[1:]

    @classmethod
    def response_name(cls) -> str:
        return cls.__name__.lower() + "response"

    @classmethod
    def answers_list(cls) -> bool:
        """Whether the answer is a list with its count, as the return type of `run` declares."""
        return str(get_annotations(cls.run).get("return")).startswith(("Listing", "list["))

    @classmethod
    def wrapper_name(cls) -> str:
        return cls.response.name if cls.wrapper is None else cls.wrapper

    def __init__(self, values: dict[str, Any]) -> None:
        """:param values: the parsed parameters; those absent take their defaults."""
        self.given = frozenset(values)
        for name, parameter in self.parameters.items():
            setattr(self, name, values.get(name, parameter.default))

    def owner(self, context: Context) -> Account:
        """Return the account for which the command acts; commands with an `account` parameter override it."""
        return context.owner or Account.get_by_id(context.caller.account_id)

    def event_type(self, context: Context) -> str | None:
        """Return the type of the event that this call leaves; one whose type its resource decides overrides it."""
        return self.event

    def event_text(self, subject: Any) -> str:
        """Return what the event says; `context.event_text` wins where the service sets it."""
        return wording.describe(self, subject)

    def run(self, context: Context) -> Any:
        """Do the work. Returns the record (or its id) that the view shows, a dict, a list of either, or None."""
        raise TypeError(f"{type(self).__name__} has no run()")


class AsyncCommand(Command):
    """A command that becomes a job: `run` is executed by a worker, perhaps again after a crash.

    What `run` does between two calls of `context.steps` must be safe to repeat.
    """

    is_async = True
    atomic = False


class AsyncCreateCommand(AsyncCommand):
    """An asynchronous command whose answer carries the id of what it makes.

    `create` writes the resource in its first state, in the transaction that writes the job; `run` goes on
    with it as `self.created`.
    """

    creates: ClassVar[Any] = None

    created: Any = None

    def create(self, context: Context) -> Any:
        """Write and return the new record."""
        raise TypeError(f"{type(self).__name__} has no create()")


class OwnerParameters:
    """For whom something is made: the caller, or by `account` and `domainid`, or by `projectid`."""

    account = Text(help="the account that shall own it; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="the domain of the account")
    projectid = Entity(Project, access=OPERATE, help="the project that shall own it")

    def owner(self, context: Context) -> Account:
        from cloudapi.api.ownership import owner_for

        return owner_for(context, self.account, self.domainid, self.projectid)


class PageParameters:
    keyword = Text(help="show only what contains this text")
    page = Integer(minimum=1, help="which page, from 1; goes with pagesize")
    pagesize = Integer(minimum=-1, help="how many in a page; -1 for all")
