"""The built-in plugins. They have no power that a stranger's plugin lacks."""

from __future__ import annotations

# The order is the order in which hooks are called.
BUILTIN = (
    # what a definition says
    "definition",
    "grid",
    "repeat",
    "parse",
    "env",
    "await_",
    # what is launched
    "skip",
    "pick",
    "diskqueue",
    "memoryqueue",
    # when it is launched, and in which surroundings
    "after",
    "jobs",
    "limits",
    "retry",
    "environment",
    "gpu",
    "gpu.nvidia",
    "gpu.oom",
    "folders",
    "comment",
    "trackers",
    "ports",
    "threads",
    "shuffle",
    "budget",
    "breaker",
    "debug",
    # how it is launched
    "inline",
    "local",
    "module",
    "command",
    "solve",
    # where it is written
    "yamllog",
    "resume",
    "detach",
    # what people see
    "terminal",
    "summary",
    "dryrun",
    "notify",
    "slack",
    # commands
    "status",
    "steer",
    "abort",
    "logs",
    "failures",
    "collect",
    "filter",
    "clean",
    "init",
    "initplugin",
    "schema",
    "plugininfo",
)
