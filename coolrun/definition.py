"""What a definition file says, before anything is expanded or evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.experiment import Experiment, Source
    from coolrun.plain import Plain


@dataclass(frozen=True)
class Definition:
    """A definition as read.

    Attributes:
        source: the text, kept for positions and for the session's own copy.
        experiments: one per document after the first, not yet expanded.
        settings: settings of the runner that the file holds.
        overrides: what the command line changes, as far as it is in here already.
    """

    source: Source
    experiments: Sequence[Experiment]
    settings: Mapping[str, Plain] = field(default_factory=dict)
    overrides: Sequence[str] = ()
