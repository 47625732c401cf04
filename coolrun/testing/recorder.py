"""A plugin that writes down every hook call and every record, for tests to look at.

It is loaded with `-p coolrun.testing.recorder` and writes to the file that the environment
variable COOLRUN_RECORDER names, one line of JSON per call.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from coolrun import Config, Record, hookimpl
from coolrun.plain import encode

VARIABLE = "COOLRUN_RECORDER"


@hookimpl(tryfirst=True)
def coolrun_configure(config: Config) -> None:
    path, runner = os.environ[VARIABLE], os.getpid()

    def before(hook: str, implementations: Sequence[object], arguments: Mapping[str, Any]) -> None:
        if os.getpid() != runner:
            return  # a child may be forbidden to write
        plugins = [getattr(i, "plugin_name", "") for i in reversed(implementations)]
        _append(path, json.dumps({"hook": hook, "plugins": plugins}))

    def after(*_: object) -> None:
        """The manager wants one; what a hook returned is not written down."""

    config.add_cleanup(config.pluginmanager.add_hookcall_monitoring(before, after))


@hookimpl(trylast=True)
def coolrun_record(record: Record) -> None:
    _append(os.environ[VARIABLE], encode({"record": record.document()}))


def _append(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, f"{line}\n".encode())
    except OSError as error:
        if error.errno != errno.EFBIG:  # a limited child may not write any file
            raise
    finally:
        os.close(descriptor)
