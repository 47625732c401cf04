"""The hooks that are asked which GPUs there are, and what a run wishes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookspec

if TYPE_CHECKING:
    from coolrun import Config, Run, Session
    from coolrun_plugins.gpu.devices import Inventory
    from coolrun_plugins.gpu.needs import Wish


@hookspec(firstresult=True)
def coolrun_gpu_inventory(config: Config) -> Inventory | None:
    """Say which GPUs this machine has. [deciding, first result]

    Called in the runner when runs or a person ask for GPUs, each time that somebody begins to look
    at them: once before the first launch, after which it is closed for processes to be forked, and
    once more for the session. A session that asks for none never calls it. None means: no driver
    of the kind that this plugin knows. Raise a CoolrunError for a driver that is there and broken.
    Whoever asked closes the inventory.
    """


@hookspec(firstresult=True)
def coolrun_gpu_wish(run: Run, session: Session) -> Wish | None:
    """Say what a run wishes of its GPUs beyond what its experiment asks for. [deciding, first]

    Called in the runner each time that GPUs are looked for, just before the run is submitted; the
    same run may be asked about many times, as long as nothing is free. None means: no wish.
    """
