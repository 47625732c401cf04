"""Writing to streams whose readers may be gone."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from coolrun.streams import write


def test_text_and_bytes_come_in_order(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        assert write(stream, "a", b"\xff", "b\n")
    assert (tmp_path / "out").read_bytes() == b"a\xffb\n"


def test_what_the_encoding_does_not_know_is_escaped() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    assert write(stream, "ü")
    assert buffer.getvalue() == b"\\xfc"


def test_a_stream_without_bytes_takes_them_as_text() -> None:
    stream = io.StringIO()
    assert write(stream, b"a\xff")
    assert stream.getvalue() == "a\ufffd"


def test_a_reader_that_has_gone_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        assert not write(stream, "nobody reads this")
        assert write(stream, "nor this"), "it goes to the null device now"


def test_no_stream_at_all_is_nobody() -> None:
    assert not write(None, "text")


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OSError, match="No space"):
        write(Full(), "text")
