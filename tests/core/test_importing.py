from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.importing import (
    Found,
    Missing,
    find_module,
    import_object,
    make_importable,
    read_contents,
)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_a_folder_is_made_importable_once(tmp_path: Path) -> None:
    make_importable(tmp_path)
    make_importable(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1
    assert sys.path[0] == str(tmp_path)


def test_objects_are_imported_as_far_as_needed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "away.py").write_text("class Thing:\n    size = 3\n")
    make_importable(tmp_path)
    assert import_object(["far", "away", "Thing", "size"]) == 3


def test_what_a_package_defines_wins_over_its_module_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("from .fit import fit\n")
    (tmp_path / "pack" / "fit.py").write_text("def fit(): return 3\n")
    make_importable(tmp_path)
    assert callable(import_object(["pack", "fit"]))


def test_what_is_missing_is_told_in_pythons_words(tmp_path: Path) -> None:
    make_importable(tmp_path)
    (tmp_path / "breaks.py").write_text("import not_there\n")
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        import_object(["breaks", "x"])
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        import_object(["math", "nope"])
    with pytest.raises(ModuleNotFoundError, match=r"email\.nope"):
        import_object(["email", "nope", "x"])


def test_a_module_is_found_without_importing_it(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "c.py"
    file.parent.mkdir(parents=True)
    file.write_text("raise SystemExit\n")
    assert find_module("a.b.c", tmp_path) == Found("a.b.c", file)
    assert find_module("a.b", tmp_path) == Found("a.b", None, is_folder=True)
    assert find_module("sys", tmp_path) == Found("sys", None)
    assert find_module("os.path", tmp_path) == Found("os.path", None)
    assert "a" not in sys.modules


def test_the_first_missing_part_and_its_places_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "train.py").write_text("")
    missing = find_module("a.trian.deeper", tmp_path)
    assert missing == Missing("a.trian", (str(tmp_path / "a"),))
    assert isinstance(missing, Missing)
    assert missing.nearest() == "a.train"
    missing = find_module("zzzz", tmp_path)
    assert missing == Missing("zzzz", (str(tmp_path),))
    assert isinstance(missing, Missing)
    assert missing.nearest() is None
    assert find_module("math.x", tmp_path) == Missing("math.x", ())


def test_a_finder_of_an_editable_install_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.machinery import ModuleSpec

    file = tmp_path / "hidden.py"
    file.write_text("")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> ModuleSpec | None:
            return ModuleSpec(name, None, origin=str(file)) if name == "hidden" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert find_module("hidden", tmp_path / "elsewhere") == Found("hidden", file)


def test_contents_are_read_without_running(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "import a.b, c as d\ndef f(x, /, y, *, z): inner = 1\ndef g(*x): pass\ne = 1\n"
        "@deco\ndef h(): pass\nclass K:\n    def method(self): pass\n"
    )
    contents = read_contents(file)
    assert contents.functions == {"f": 2, "g": None, "h": None}
    assert contents.names == {"a", "d", "e", "K"}
    assert contents.may_have("K")
    assert not contents.may_have("method")
    assert not contents.may_have("inner")
    file.write_text("from a import *\n")
    assert read_contents(file).may_have("anything")


@pytest.mark.parametrize("source", [b"def f(:\n", b"return\n", b"\0", b"# coding: none\n"])
def test_what_is_not_python_is_a_syntax_error(source: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_bytes(source)
    with pytest.raises(SyntaxError):
        read_contents(file)


def test_warnings_about_the_source_are_left_to_the_import(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("x = '\\d'\n1 is 1\n")
    assert read_contents(file).names == {"x"}
