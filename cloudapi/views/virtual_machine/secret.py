"""What the API shows of an Instance's password and user data."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class GetVMPasswordView(View):
    name = "password"

    encryptedpassword = Given("the password, encrypted with the owner's key, base64", type="string")


class VirtualMachineUserDataView(View):
    name = "virtualmachineuserdata"

    virtualmachineid = Given("ID of the Instance", type="string")
    userdata = Given("its user data, base64", type="string")
