"""What Instances know and owners may ask for: the password, the user data."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.parameters import Entity
from cloudapi.context import Context
from cloudapi.models.machine import Machine
from cloudapi.services.virtual_machine import instance, password
from cloudapi.views.virtual_machine.secret import GetVMPasswordView, VirtualMachineUserDataView


class GetVMPassword(Command):
    """Shows an Instance's password, encrypted with the SSH key that it was deployed with."""

    roles, response = EVERYONE, GetVMPasswordView
    read_only = True

    id = Entity(Machine, access=OPERATE, required=True, help="the Instance")

    def run(self, context: Context) -> Any:
        return {"encryptedpassword": password.encrypted(instance.of_user(self.id))}


class GetVirtualMachineUserData(Command):
    """Shows an Instance's user data."""

    roles, response = EVERYONE, VirtualMachineUserDataView
    since = "4.4"
    read_only = True

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, help="the Instance")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.virtualmachineid)
        return {"virtualmachineid": machine.uuid, "userdata": machine.user_data or ""}
