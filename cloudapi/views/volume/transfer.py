"""What the API shows of volumes that come and go."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class UploadParametersView(View):
    name = "getuploadparams"

    id = Given("ID of what is uploaded", type="string")
    postURL = Given("where it is sent to, as a form", type="string")
    metadata = Given("what the form must carry along: the header X-metadata", type="string")
    expires = Given("until when it must come: the header X-expires", type="string")
    signature = Given("signature of these: the header X-signature", type="string")


class ExtractView(View):
    name = "extract"

    id = Given("ID of what is handed out", type="string")
    name_ = Given("name of what is handed out", type="string")
    extractId = Given("ID of the upload", type="string")
    uploadpercentage = Given("how much of the upload is done", type="integer")
    status = Given("how far the upload is", type="string")
    accountid = Given("ID of the account that owns it", type="string")
    resultstring = Given("what went wrong", type="string")
    created = Given("when it was handed out", type="date")
    state = Given("DOWNLOAD_URL_CREATED once there is a link", type="string")
    storagetype = Given("kind of storage", type="string")
    zoneid = Given("ID of its zone", type="string")
    zonename = Given("name of its zone", type="string")
    extractMode = Given("HTTP_DOWNLOAD", type="string")
    url = Given("the link", type="string")
