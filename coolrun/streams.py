"""Writing to a stream whose reader may have gone, which is no reason to stop anything."""

from __future__ import annotations

import errno
import os
from typing import TextIO

# The reader has gone, as in `coolrun | head`, or the terminal was closed.
_GONE = (errno.EPIPE, errno.EIO)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal on which lines can be changed."""
    dumb = os.environ.get("TERM") in {"dumb", "unknown"}
    return stream is not None and not stream.closed and stream.isatty() and not dumb


def write(stream: TextIO | None, *parts: str | bytes) -> bool:
    """Write and flush text, or bytes as they are.

    What the stream's encoding does not know is escaped.

    Returns:
        False when nobody reads any more. What is written later goes nowhere, at exit too.

    Raises:
        OSError: any other trouble, such as a full disk.
    """
    if stream is None or stream.closed:
        return False
    try:
        for part in parts:
            if isinstance(part, bytes):
                _write_bytes(stream, part)
            else:
                _write_text(stream, part)
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        _forget(stream)
        return False
    return True


def _write_text(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _write_bytes(stream: TextIO, data: bytes) -> None:
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(data.decode(errors="replace"))
    else:
        stream.flush()
        buffer.write(data)


def _forget(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(null, stream.fileno())
    finally:
        os.close(null)
