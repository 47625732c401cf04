"""`Global.gpus`, `Global.per_gpu`, `Global.resources`: which GPUs are handed out, and how."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolrun import DefinitionError, UsageError
from coolrun_plugins.gpu.slots import Entry

if TYPE_CHECKING:
    from coolrun import Config, Source
    from coolrun_plugins.gpu.devices import Gpu

AUTO = "auto"
NONE = "none"
INDEX = "index"
UUID = "uuid"
LOOK = "`coolrun gpus` shows which there are"
Name = int | str
_FORMS = "expected numbers as `coolrun gpus` shows them, such as '0,1', or uuids, 'auto' or 'none'"
_NAME = re.compile(r"(?P<index>\d{1,4})|(?:GPU|MIG)-[\w./-]+", re.ASCII)


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    Attributes:
        names: the GPUs of each entry, by number or uuid; None: every GPU by itself.
        runs: how many runs each entry takes at once; None: as many as their memory allows.
        setting: the setting that asks for it; empty where it was the command line, or none does.
    """

    names: tuple[tuple[Name, ...], ...] | None = None
    runs: tuple[int | None, ...] = (None,)
    setting: str = ""


def choice_of(config: Config, source: Source) -> Choice | None:
    """What the settings ask for; all that there are where they do not say. None: no GPU at all.

    Raises:
        DefinitionError: two of them contradict each other; `source` is where they were written.
    """
    gpus, resources = config.setting("gpus"), config.setting("resources")
    per_gpu = config.setting("per_gpu")
    if gpus is not None and resources is not None:
        if config.origin("gpus") == config.origin("resources"):
            error = DefinitionError("'gpus' and 'resources' are both given", cure="keep one")
            raise error.at(place=source.place(0, ("Global", "resources")))
        resources = None  # the command line wins
    if resources is not None:
        if per_gpu is not None:
            error = DefinitionError(
                "'per_gpu' and 'resources' are both given",
                cure="leave out 'per_gpu': runs share a GPU that 'resources' names more than once",
            )
            raise error.at(place=source.place(0, ("Global", "resources")))
        counted = Counter(tuple(entry) for entry in resources)
        return Choice(tuple(counted), tuple(counted.values()), "resources")
    if gpus == NONE:
        return None
    if gpus is None or gpus == AUTO:
        return Choice(None, (per_gpu,))
    setting = "" if config.origin("gpus") == "command line" else "gpus"
    return Choice(tuple((name,) for name in gpus), tuple(per_gpu for _ in gpus), setting)


def entries_of(choice: Choice, gpus: Sequence[Gpu], visible: Sequence[Gpu]) -> list[Entry]:
    """The entries that were asked for, by uuid.

    Args:
        gpus: all of this machine.
        visible: those that this process may hand out.

    Raises:
        UsageError: one was named that is not there, or that this process may not hand out.
    """
    if choice.names is None:
        return [Entry((gpu.uuid,), choice.runs[0]) for gpu in visible if gpu.index >= 0]
    entries: dict[tuple[str, ...], Entry] = {}
    for names, runs in zip(choice.names, choice.runs, strict=True):
        found = [_meant(name, gpus, visible) for name in names]
        # A card that is divided stands for each of its slices.
        sets = [(gpu.uuid,) for gpu in found[0]] if len(found) == 1 else [_one_each(found, names)]
        for uuids in sets:
            known = entries.get(uuids)
            more = known.runs if known is not None else None
            entries[uuids] = Entry(uuids, runs if more is None or runs is None else more + runs)
    return list(entries.values())


def _meant(name: Name, gpus: Sequence[Gpu], visible: Sequence[Gpu]) -> Sequence[Gpu]:
    if isinstance(name, int):
        meant = [gpu for gpu in gpus if gpu.index == name]
    else:
        meant = [gpu for gpu in gpus if gpu.uuid.startswith(name) or gpu.part_of == name]
    allowed = [gpu for gpu in meant if gpu.uuid in {other.uuid for other in visible}]
    if allowed and (isinstance(name, int) or len(meant) == 1 or meant[0].part_of == name):
        return allowed
    if not meant:
        there = ", ".join(sorted({str(gpu.index) for gpu in gpus if gpu.index >= 0}, key=int))
        has = f"this machine has {there}" if there else "this machine has none"
        raise UsageError(f"there is no GPU {name} ({has})", cure=LOOK)
    if not allowed:
        raise UsageError(
            f"GPU {name} is not among those that CUDA_VISIBLE_DEVICES leaves to this process",
            cure=LOOK,
        )
    raise UsageError(f"several GPUs have a uuid that begins with {name!r}", cure=LOOK)


def _one_each(found: Sequence[Sequence[Gpu]], names: Sequence[Name]) -> tuple[str, ...]:
    for gpus, name in zip(found, names, strict=True):
        if len(gpus) > 1:
            raise UsageError(
                f"GPU {name} is divided into {len(gpus)} slices", cure="name them by their uuids"
            )
    return tuple(sorted(gpus[0].uuid for gpus in found))


# What settings accept


def read_gpus(value: object) -> object:
    """`auto`, `none`, or a list of GPUs as numbers and uuids, from what a person wrote.

    Raises:
        ValueError: it is nothing of that kind, or names one twice.
    """
    if value is None or value in (AUTO, NONE):
        return value
    names = _names(value)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named twice: 'per_gpu: 2' lets two runs share each GPU")
    return names or NONE


def read_resources(value: object) -> object:
    """A list of entries, each a list of GPUs, from what a person wrote: `[0, 1, "2,3"]`.

    Raises:
        ValueError: it is nothing of that kind.
    """
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("expected a list of GPUs or sets of them, such as [0, 1, '2,3']")
    entries = [sorted(set(_names(entry)), key=str) for entry in value]
    if not all(entries):
        raise ValueError("an entry without a GPU (`Gpus: 0` is for experiments that need none)")
    return entries


def read_count(value: object) -> object:
    """How many runs share a GPU.

    Raises:
        ValueError: it is no positive whole number.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("expected a positive whole number")
    return value


def read_form(value: object) -> object:
    """How runs are told their GPUs.

    Raises:
        ValueError: neither `index` nor `uuid`.
    """
    if value not in (INDEX, UUID):
        raise ValueError(f"expected {INDEX!r} or {UUID!r}")
    return value


def read_tolerance(value: object) -> object:
    """The part of a GPU that others may use: 0.1 or `10%`.

    Raises:
        ValueError: it is no part of one.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value) if isinstance(value, str) else None
    part = float(match[1]) / 100 if match else value
    if isinstance(part, bool) or not isinstance(part, (int, float)) or not 0 <= part <= 1:
        raise ValueError("expected a part of a GPU from 0 to 1, such as 0.1 or '10%'")
    return float(part)


def _names(value: object) -> list[Name]:
    if isinstance(value, str):
        return [_name(word.strip()) for word in value.split(",")]
    if isinstance(value, (list, tuple)):
        return [_name(one) for one in value]
    return [_name(value)]


def _name(value: object) -> Name:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _NAME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_FORMS)
    return int(match["index"]) if match["index"] else match[0]
