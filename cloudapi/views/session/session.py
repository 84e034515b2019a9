"""What the API answers to a login and a logout."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class LoginView(View):
    name = "login"

    username = Given("name of the user", type="string")
    userid = Given("ID of the user", type="string")
    domainid = Given("ID of the user's domain", type="string")
    timeout = Given("seconds without a request after which the session ends", type="integer")
    account = Given("account of the user", type="string")
    firstname = Given("first name of the user", type="string")
    lastname = Given("last name of the user", type="string")
    type = Given("type of the account: 0 user, 1 root admin, 2 domain admin, 3 resource admin", type="string")
    timezone = Given("time zone of the user", type="string")
    timezoneoffset = Given("hours that this is ahead of UTC", type="string")
    registered = Given("whether the user has been registered by a token", type="string")
    sessionkey = Given("key that the session's requests have to bear", type="string")
    is2faenabled = Given("whether the login needs a second factor", type="string", since="4.18.0.0")
    is2faverified = Given("whether the second factor was given", type="string", since="4.18.0.0")
    providerfor2fa = Given("who checks the second factor", type="string", since="4.18.0.0")
    issuerfor2fa = Given("who issues the second factor", type="string", since="4.18.0.0")
    managementserverid = Given("ID of the server that answered, for root admins", type="string", since="4.21.0.0")
    passwordchangerequired = Given("whether the user has to set a new password first", type="boolean", since="4.23.0")


class LogoutView(View):
    name = "logout"

    description = Given("what became of it", type="string")
