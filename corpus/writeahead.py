"""Whether SQLite's log of changes is as it was written.

SQLite takes a frame whose checksum is wrong for the end of the log: what was committed behind it is
silently gone. Here a log that merely ends early, as after a kill, is told from a damaged one, and
it is read which pages of the database a log will overwrite.

Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
import sys
from typing import Literal

__all__ = ["LogState", "log_state", "pages_in"]

LogState = Literal["whole", "torn", "damaged"]
_HEADER, _FRAME = 32, 24
_MAGIC = 0x377F0682  # the last bit says in which order bytes are summed
_FORMAT = 3_007_000


def log_state(content: bytes) -> LogState:
    """What became of a log.

    Args:
        content: of the `-wal` file.

    Returns:
        "whole", also for an empty one; "torn" where the last frame is cut, so that its transaction
        was never committed; "damaged" where a byte is not as it was written. A kill in the middle
        of writing over an older, longer log may look damaged, too.
    """
    if not content:
        return "whole"
    if len(content) < _HEADER:
        return "torn"
    magic, form, page_size, _, salt_1, salt_2, sum_1, sum_2 = struct.unpack_from(">8I", content)
    if magic & ~1 != _MAGIC or form != _FORMAT or not _is_page_size(page_size):
        return "damaged"
    swapped = (magic & 1) != (sys.byteorder == "big")
    sums = _added((0, 0), content[:24], swapped=swapped)
    if sums != (sum_1, sum_2):
        return "damaged"
    at, size, in_chain = _HEADER, _FRAME + page_size, True
    while at + size <= len(content):
        _, _, of_1, of_2, frame_1, frame_2 = struct.unpack_from(">6I", content, at)
        if (of_1, of_2) != (salt_1, salt_2):
            if of_1 == salt_1 or of_2 == salt_2:
                return "damaged"
            in_chain = False  # what an earlier, longer log left
        elif not in_chain:
            return "damaged"
        else:
            sums = _added(sums, content[at : at + 8], swapped=swapped)
            sums = _added(sums, content[at + _FRAME : at + size], swapped=swapped)
            if sums != (frame_1, frame_2):
                return "damaged"
        at += size
    return "torn" if at < len(content) else "whole"


def pages_in(content: bytes) -> tuple[int, set[int]]:
    """The pages that a log holds, those of older logs left out.

    Args:
        content: of the `-wal` file.

    Returns:
        The size of a page in bytes, and numbers of pages, from 1 on; (0, none) for an empty log.

    Raises:
        ValueError: it is no log.
    """
    if not content:
        return 0, set()
    if len(content) < _HEADER:
        raise ValueError("the log is cut")
    magic, _, page_size, _ = struct.unpack_from(">4I", content)
    if magic & ~1 != _MAGIC or not _is_page_size(page_size):
        raise ValueError("it is no log")
    salts = content[16:24]
    return page_size, {
        int.from_bytes(content[at : at + 4], "big")
        for at in range(_HEADER, len(content) - _FRAME - page_size + 1, _FRAME + page_size)
        if content[at + 8 : at + 16] == salts
    }


def _is_page_size(size: int) -> bool:
    return 512 <= size <= 65_536 and size & (size - 1) == 0


def _added(sums: tuple[int, int], data: bytes, *, swapped: bool) -> tuple[int, int]:
    """SQLite's running checksum, Fletcher's with 32 bits, over whole pairs of words."""
    first, second = sums
    order = ("<" if sys.byteorder == "big" else ">") if swapped else "="
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for left, right in zip(words, words, strict=True):
        first = (first + left + second) & 0xFFFFFFFF
        second = (second + right + first) & 0xFFFFFFFF
    return first, second
