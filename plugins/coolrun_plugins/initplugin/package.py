"""A package to be: what its parts are called, whether that is possible, and how it is written."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from coolrun import UsageError
from coolrun_plugins.initplugin.template import FILES

if TYPE_CHECKING:
    from coolrun import Config

PREFIX = "coolrun-"
_LONGEST = 40  # characters of a name
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True)
class Package:
    """A plugin package.

    Attributes:
        name: what `-p` calls it, such as `our-cluster`.
    """

    name: str

    @property
    def distribution(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def module(self) -> str:
        return self.distribution.replace("-", "_")

    @property
    def key(self) -> str:
        """The key of experiments that it has."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @classmethod
    def named(cls, text: str, config: Config) -> Package:
        """The package that a person asks for; `coolrun-` before the name may be written.

        Raises:
            UsageError: it is no name for a plugin, or something else has it.
        """
        name = text.removeprefix(PREFIX)
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            near = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:_LONGEST]
            raise UsageError(
                f"{text!r} is no name for a plugin (expected lower-case letters, digits and single "
                f"hyphens, a letter first, at most {_LONGEST} characters)",
                cure=f"coolrun init-plugin {near.rstrip('-') or 'our-cluster'}",
            )
        package = cls(name)
        taken = package._taken(config)
        if taken:
            raise UsageError(f"{taken}; nothing was written", cure="choose another name")
        return package

    def _taken(self, config: Config) -> str | None:
        """What has the name already."""
        from coolrun.entry_points import find_entry_points
        from coolrun.importing import Found, find_module

        for point in find_entry_points():
            if point.name == self.name:
                return f"there is a plugin {self.name!r} already ({point.distribution})"
        info = config.pluginmanager.infos.get(self.name)
        if info is not None:
            return f"there is a plugin {self.name!r} already ({info.origin})"
        key = config.parser.keys.get(self.key)
        if key is not None:
            return f"the plugin would have the key {self.key!r}, which {key.plugin!r} has already"
        if isinstance(find_module(self.module, config.cwd), Found):
            return f"there is a module {self.module!r} already"
        return None

    def files(self) -> dict[str, str]:
        """The text of each file, by its path below the package's folder."""
        names = {
            "name": self.name,
            "distribution": self.distribution,
            "module": self.module,
            "key": self.key,
        }
        return {
            Template(path).substitute(names): Template(text).substitute(names)
            for path, text in FILES.items()
        }


def write(package: Package, folder: Path) -> list[Path]:
    """Write the files into a new folder below `folder`; their paths, seen from there.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    place = folder / package.distribution
    files = {place / name: text for name, text in package.files().items()}
    try:
        if place.is_symlink() or (place.exists() and (not place.is_dir() or os.listdir(place))):
            raise UsageError(
                f"{package.distribution!r} is there already; nothing was written",
                cure="remove it, or go to another folder",
            )
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {str(place)!r}: {error.strerror}") from error
    return [file.relative_to(folder) for file in files]
