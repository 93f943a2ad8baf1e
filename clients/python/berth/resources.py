"""Leases: resources held by a caller that is not a task, until it gives them back or falls silent."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Type, TypeVar
from urllib.parse import quote

from .analytics import ResourceAnalytics as ResourceAnalytics
from .connection import BerthError, Connection

T = TypeVar("T")

# One question waits for so long at most; the API allows 25 s.
WAIT_MS = 20_000


class Lease:
    """What is held: ``devices``, and ``env`` for programs that use them. ``id`` is that of its one device."""

    def __init__(self, document: Dict[str, Any]) -> None:
        self.lease_id: str = document["id"]
        self.node: Optional[str] = document["node"]
        self.devices: List[Dict[str, Any]] = document["devices"]
        self.env: Dict[str, str] = document["env"]
        self._lost: Optional[str] = None

    @property
    def id(self) -> str:
        return self.devices[0]["id"] if len(self.devices) == 1 else self.lease_id

    @property
    def memory(self) -> int:
        """Bytes, of all its devices together."""
        return sum(device["memory_bytes"] for device in self.devices)

    @property
    def lost(self) -> Optional[str]:
        """Why it is no longer held, or must be given back soon; None while all is well."""
        return self._lost

    def __repr__(self) -> str:
        return f"Lease({self.id!r}, devices={[d['id'] for d in self.devices]!r})"


def _in_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """In a thread of its own: those of the event loop's pool are few, and whoever waits for a lease holds one."""
    loop = asyncio.get_running_loop()
    result: "asyncio.Future[T]" = loop.create_future()

    def settle(value: Optional[T], error: Optional[BaseException]) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: Optional[T] = None
        failed: Optional[BaseException] = None
        try:
            value = work()
        except BaseException as error:  # handed to whoever awaits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, value, failed)
        except RuntimeError:
            pass  # the loop has ended, and nobody awaits

    threading.Thread(target=run, daemon=True).start()
    return result


class _Request:
    """A lease to be: ``async with`` or ``with`` waits for it, keeps it alive, and gives it back."""

    def __init__(self, connection: Connection, asked: Dict[str, Any], timeout: Optional[float]) -> None:
        self._connection = connection
        self._asked = asked
        self._timeout = timeout
        self._lease: Optional[Lease] = None
        self._id: Optional[str] = None
        self._done = threading.Event()
        self._renewing: Optional[threading.Thread] = None

    def __enter__(self) -> Lease:
        started = time.monotonic()
        document = self._connection.call("POST", "/api/v1/leases", self._asked)
        self._id = document["id"]
        try:
            while document["state"] == "waiting":
                if self._done.is_set():
                    raise BerthError("CANCELLED", "Nobody waits for it any more.")
                left = None if self._timeout is None else self._timeout - (time.monotonic() - started)
                if left is not None and left <= 0:
                    raise TimeoutError(f"not held within {self._timeout} s: {document['sentence']}")
                # Only a question is heard, not its waiting: several within a ttl.
                wait = min(WAIT_MS, document["ttl_ms"] // 4)
                if left is not None:
                    wait = min(wait, max(1, int(left * 1000)))
                document = self._renew(wait)
            if document["state"] != "held" or self._done.is_set():
                raise BerthError("LEASE_ENDED", f"The lease ended: {document['sentence']}.")
        except BaseException:
            self._release()
            raise
        self._lease = Lease(document)
        # Three chances before it ends.
        pause = min(15.0, document["ttl_ms"] / 4000)
        self._renewing = threading.Thread(target=self._keep, args=(pause,), daemon=True)
        self._renewing.start()
        return self._lease

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._done.set()
        if self._renewing is not None:
            self._renewing.join()
        self._release()

    async def __aenter__(self) -> Lease:
        waiting = _in_thread(self.__enter__)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self._done.set()
            # Where it waits for its turn, its question is answered at once by this.
            await _in_thread(self._release)
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await _in_thread(lambda: self.__exit__(kind, error, trace))

    def _renew(self, wait_ms: int) -> Dict[str, Any]:
        path = f"/api/v1/leases/{quote(str(self._id))}/renew?wait={wait_ms}"
        document: Dict[str, Any] = self._connection.call("POST", path)
        return document

    def _keep(self, pause: float) -> None:
        while not self._done.wait(pause):
            try:
                document = self._renew(0)
            except BerthError as error:
                # A daemon that starts anew finds the lease again, if that is soon enough.
                if error.code == "DAEMON_DOWN":
                    continue
                self._note(error.message)
                return
            if document["state"] != "held":
                self._note(document["sentence"] or document["state"])
                if document["state"] == "ended":
                    return

    def _note(self, why: str) -> None:
        if self._lease is not None:
            self._lease._lost = why

    def _release(self) -> None:
        if self._id is None:
            return
        path = f"/api/v1/leases/{quote(self._id)}/release"
        try:
            self._connection.call("POST", path)
        except BerthError as error:
            # It has ended, or ends by itself.
            if error.code not in ("REFUSED", "NOT_FOUND", "DAEMON_DOWN"):
                raise


class ResourcePool:
    """Devices that callers share. Made at the daemon when it is first used; the same definition is the same pool."""

    def __init__(
        self,
        name: str,
        resources: Optional[List[Dict[str, Any]]] = None,
        allocation_strategy: str = "best_fit",
        connection: Optional[Connection] = None,
    ) -> None:
        self.name = name
        self._connection = connection or Connection()
        if resources is not None:
            definition = {
                "name": name,
                "resources": resources,
                "allocation_strategy": allocation_strategy,
            }
            self._connection.call("POST", "/api/v1/pools", definition)

    def request(self, timeout: Optional[float] = None, **asked: Any) -> _Request:
        """For ``async with`` or ``with``: gpu, gpu_memory, gpu_type, priority, queue, ttl, max_time as in the API.

        Without an amount it is one device. ``timeout`` in seconds: TimeoutError when it is not held by then.
        """
        if not {"gpu", "gpu_memory", "gpu_type"} & asked.keys():
            asked["gpu"] = 1
        return _Request(self._connection, {"pool": self.name, **asked}, timeout)

    def remove(self) -> None:
        """Raises BerthError REFUSED while something of it is held."""
        self._connection.call("DELETE", f"/api/v1/pools/{quote(self.name)}")


class ResourcePoolCoordinator:
    """Agents of this machine, each with the cores and memory that it was registered with."""

    def __init__(self, connection: Optional[Connection] = None) -> None:
        self._connection = connection or Connection()
        self._agents: Dict[str, _Request] = {}

    def register_agent(
        self, agent_id: str, requirements: Dict[str, Any], timeout: Optional[float] = None
    ) -> Lease:
        """Waits until the agent has its ``cpu_cores``, ``memory_mb``, ``gpu_memory_mb``; ``priority`` orders who waits."""
        if agent_id in self._agents:
            raise ValueError(f"{agent_id} is registered")
        known = {"cpu_cores", "memory_mb", "gpu_memory_mb", "priority"}
        unknown = requirements.keys() - known
        if unknown:
            raise ValueError(f"unknown requirement: {', '.join(sorted(unknown))}; there are {sorted(known)}")
        asked: Dict[str, Any] = {"name": agent_id, "priority": requirements.get("priority", 0)}
        if requirements.get("cpu_cores"):
            asked["cpu"] = requirements["cpu_cores"]
        if requirements.get("memory_mb"):
            asked["memory"] = f"{requirements['memory_mb']}Mi"
        if requirements.get("gpu_memory_mb"):
            asked["gpu_memory"] = f"{requirements['gpu_memory_mb']}Mi"
        request = _Request(self._connection, asked, timeout)
        lease = request.__enter__()
        self._agents[agent_id] = request
        return lease

    def unregister_agent(self, agent_id: str) -> None:
        self._agents.pop(agent_id).__exit__(None, None, None)

    @property
    def agents(self) -> List[str]:
        return sorted(self._agents)

    def close(self) -> None:
        for agent_id in self.agents:
            self.unregister_agent(agent_id)

    def __enter__(self) -> "ResourcePoolCoordinator":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
