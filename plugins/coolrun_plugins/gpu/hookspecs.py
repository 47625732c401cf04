"""The hook that is asked which GPUs there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookspec

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun_plugins.gpu.devices import Inventory


@hookspec(firstresult=True)
def coolrun_gpu_inventory(config: Config) -> Inventory | None:
    """Say which GPUs this machine has. [deciding, first result]

    Called in the runner, at most once per command, when runs or a person ask for GPUs; a session
    that asks for none never calls it. None means: no driver of the kind that this plugin knows.
    Raise a CoolrunError for a driver that is there and broken. Whoever asked closes the inventory.
    """
