"""What the API shows of who may use a template, and of how one is sent and fetched."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class TemplatePermissionsView(View):
    name = "templatepermission"

    id = Given("ID of the template", type="string")
    ispublic = Given("whether everybody may use it", type="boolean")
    domainid = Given("domain of its owner", type="string")
    account = Given("accounts that may use it", type="list")
    projectids = Given("projects that may use it", type="list")


class GetUploadParamsView(View):
    """What somebody needs to send an image."""

    name = "getuploadparams"

    id = Given("ID of what is to be uploaded", type="string")
    postURL = Given("where the form is sent to", type="string")
    metadata = Given("what must be sent along, sealed", type="string")
    expires = Given("until when it can be sent", type="string")
    signature = Given("what shows that the upload is permitted", type="string")
