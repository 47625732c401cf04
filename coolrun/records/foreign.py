"""Records that a plugin found in a format of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError, DefinitionError
from coolrun.records.log import Entry
from coolrun.records.simple import SimpleReader
from coolrun.records.spread import spread

if TYPE_CHECKING:
    from coolrun.plain import Plain


class Foreign:
    """The records of one file as a plugin gives them; read as `coolrun.records.Part` is.

    Args:
        blame: makes the error that names the plugin, out of what it raised.
    """

    def __init__(
        self,
        path: str,
        records: Iterable[Any],
        blame: Callable[[BaseException], CoolrunError],
    ) -> None:
        self.path = path
        self.problems: list[CoolrunError] = []
        self.strange = 0
        self._records = records
        self._blame = blame

    def __len__(self) -> int:
        return 1

    def entries(self, reader: SimpleReader) -> Iterator[Entry]:
        """The records, in order, as plain data of our own."""
        from coolrun.plainness import to_plain

        try:
            for record in self._records:
                if not isinstance(record, Mapping):
                    self.strange += 1
                    continue
                yield Entry(-1, -1, to_plain(dict(record))[0], whole=False)
        except DefinitionError as error:
            self.problems.append(error)
        except CoolrunError:
            raise
        except Exception as error:
            raise self._blame(error) from error

    def loaded(self) -> Foreign:
        """The same with all records in memory, so that they can be gone through twice.

        Raises:
            CoolrunError: the plugin failed.
        """
        found: list[Any] = []
        for what, value in spread(self._told, [(None, 0)], what=f"reading {self.path!r}"):
            if what == "record":
                found.append(value)
            elif what == "strange":
                self.strange += value
            else:
                self.problems.append(DefinitionError(value))
        loaded = Foreign(self.path, found, self._blame)
        loaded.strange, loaded.problems = self.strange, self.problems
        return loaded

    def _told(self, _: None) -> Iterator[Plain]:
        yield from (["record", entry.value] for entry in self.entries(SimpleReader()))
        yield from (["problem", str(problem)] for problem in self.problems)
        yield ["strange", self.strange]
