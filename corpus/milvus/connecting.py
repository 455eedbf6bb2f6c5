"""The connection to a Milvus server, or to a Milvus Lite file that one process at a time opens.

Everything that imports pymilvus is here: clients, the engine behind a file, faults in one line.
Knows addresses, not collections (`client`).
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpus.errors import IndexBusy, IndexError_, MissingExtra
from corpus.milvus.address import MilvusAddress

__all__ = ["CONNECT_S", "Connection"]

CONNECT_S = 10.0
_LEAST_SERVER = (2, 5)  # the first with all that is used here
# Milvus Lite ends a connection that asks every ten seconds, as pymilvus does, whether it is there
_QUIET = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": False}
# one engine per file and process, however many indexes are open on it
_lite_users: Counter[str] = Counter()
_lite_guard = threading.Lock()


class Connection:
    """A client of one database. Threads may share it.

    Args:
        address: where it is.

    Attributes:
        address: the same.
        pymilvus: the module.
        version: of the server, major and minor.

    Raises:
        MissingExtra: pymilvus or Milvus Lite is not installed.
        IndexBusy: another process has the Milvus Lite database open.
        IndexError_: the server does not answer, refuses, or is too old.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        _require(address)
        self.pymilvus = _imported()
        self._faults = _faults(self.pymilvus)
        self._guard = threading.Lock()
        self._client: Any = self._opened()
        with self.explained():
            version = str(self._client.get_server_version())
        said = re.match(r"v?(\d+)\.(\d+)", version)
        self.version = (int(said[1]), int(said[2])) if said else _LEAST_SERVER
        if self.version < _LEAST_SERVER:
            self.close()
            raise IndexError_(
                f"{address} runs Milvus {version}; youju needs "
                f"{'.'.join(map(str, _LEAST_SERVER))} or newer"
            )

    def _opened(self) -> Any:
        address = self.address
        if address.is_lite:
            Path(address.uri).parent.mkdir(parents=True, exist_ok=True)
        try:
            client = self.pymilvus.MilvusClient(
                uri=address.uri,
                token=os.environ.get("YOUJU_MILVUS_TOKEN", ""),
                db_name=address.database,
                timeout=CONNECT_S,
                grpc_options=_QUIET if address.is_lite else {},
            )
            if address.is_lite:
                with _lite_guard:
                    _lite_users[address.uri] += 1
            return client
        except self._faults as fault:
            said = _reason(fault)
            if address.is_lite:
                raise IndexBusy(
                    f"cannot open {address}: another process has it open, or it is no Milvus Lite "
                    "database; a file serves one process at a time, a Milvus server many"
                ) from fault
            raise IndexError_(
                f"Milvus at {address} does not let us in ({said}); is it running, is the database "
                "there, is YOUJU_MILVUS_TOKEN right?"
            ) from fault

    @property
    def client(self) -> Any:
        """The client of pymilvus.

        Raises:
            ValueError: the connection is closed.
        """
        client = self._client
        if client is None:
            raise ValueError("the index is closed")
        return client

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Faults of Milvus in one line.

        Raises:
            IndexError_: there was one.
        """
        try:
            yield
        except self._faults as fault:
            raise IndexError_(f"Milvus at {self.address}: {_reason(fault)}") from fault

    def close(self) -> None:
        """End the connection. Closing twice is harmless."""
        with self._guard:
            client, self._client = self._client, None
        if client is not None:
            with self.explained():
                client.close()
            if self.address.is_lite:
                _release(self.address.uri)


def _release(path: str) -> None:
    """Stop the engine of a Milvus Lite database when nobody in this process needs it any more."""
    with _lite_guard:
        _lite_users[path] -= 1
        if _lite_users[path] > 0:
            return
        del _lite_users[path]
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(path)


def _require(address: MilvusAddress) -> None:
    if find_spec("pymilvus") is None:
        raise MissingExtra("milvus", "pymilvus")
    if address.is_lite and find_spec("milvus_lite") is None:
        raise MissingExtra("milvus", "milvus-lite")


def _imported() -> Any:
    is_quiet = logging.getLogger().getEffectiveLevel() > logging.DEBUG
    if is_quiet:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read once, when grpc is imported
    import pymilvus

    # it writes a traceback for each fault that is explained here
    if is_quiet:
        for name in ("pymilvus", "milvus_lite", "grpc", "faiss"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus


def _faults(pymilvus: Any) -> tuple[type[BaseException], ...]:
    from grpc import RpcError

    return (pymilvus.MilvusException, RpcError)


def _reason(fault: BaseException) -> str:
    """What a fault says, in one line."""
    said = getattr(fault, "message", None) or getattr(fault, "details", lambda: "")() or str(fault)
    return " ".join(str(said).split())[:300].rstrip(".")
