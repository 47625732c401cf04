"""`coolrun retry`: what failed for one cause is run again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun import ExitCode, UsageError
from coolrun.streams import write
from coolrun_plugins.failures import VERB
from coolrun_plugins.failures.groups import Group, groups, standing_of

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun.standing import Standing


def retry(config: Config) -> int:
    """Run the group again, in the session that runs or by taking it up; returns the exit code."""
    standing = standing_of(config)
    group = _group(groups(standing.past), config.option("group"), standing)
    if standing.is_live:
        return _order(standing, group)
    from coolrun.opening import Resumption, resume_session

    tokens = {attempt.token for attempt in group.attempts}
    write(sys.stdout, f"{len(tokens)} are run again: {group.cause}\n")
    resumption = Resumption.of(standing.folder)
    return resume_session(resumption, config, lambda attempt: attempt.token in tokens)


def _order(standing: Standing, group: Group) -> int:
    """Have the process that runs the session run them again."""
    from coolrun.steering import give_order

    tokens = [attempt.token for attempt in group.attempts]
    name = standing.folder.name
    if standing.state in {"stopping", "ending"}:
        raise UsageError(
            f"session {name} is {standing.state} and starts nothing more",
            cure="retry when it has ended",
        )

    def taken(now: Standing) -> bool:
        return all(now.past.attempts[token].again for token in tokens)

    after = give_order(standing.folder, [VERB, group.cause], taken)
    if not taken(after):
        write(sys.stdout, f"session {name} has just ended; say it again\n")
        return ExitCode.ENDED
    write(sys.stdout, f"session {name}: {len(tokens)} are run again: {group.cause}\n")
    if after.state == "paused":
        write(sys.stdout, "next: coolrun continue\n")
    return 0


def _group(found: Sequence[Group], number: int, standing: Standing) -> Group:
    for group in found:
        if group.number == number:
            return group
    known = ", ".join(str(group.number) for group in sorted(found, key=lambda g: g.number))
    raise UsageError(
        f"session {standing.folder.name} has no group {number}",
        cure=f"there are {known}: see `coolrun errors`" if known else "nothing has failed in it",
    )
