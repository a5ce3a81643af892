"""The desk: the one actor at which workers leave messages and the driver leaves answers."""

import asyncio
import threading
import time
from collections.abc import Callable

Message = tuple[str, int, str]
"""A worker's address, the count of its message, the text."""


#: Seconds between two looks whether the driver lives.
LOOK_S = 5.0


class Desk:
    """Waits for both sides, so that neither must ask again and again; it keeps nothing that the two do not have.

    Args:
        needed: Whether the driver lives.
        leave: Ends the desk; called, in a thread, when nobody needs it any more.
    """

    def __init__(self, needed: Callable[[], bool], leave: Callable[[], None]) -> None:
        self._needed, self._leave = needed, leave
        self._mail: list[Message] = []
        self._arrived = asyncio.Event()
        self._waiting: dict[str, tuple[int, asyncio.Future[str]]] = {}
        self._closed: str | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self._needed():
            time.sleep(LOOK_S)
        self._leave()

    async def ask(self, address: str, count: int, text: str) -> str:
        """A worker's message; returns the driver's answer to it."""
        if self._closed is not None:
            return self._closed
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[address] = (count, future)
        self._mail.append((address, count, text))
        self._arrived.set()
        return await future

    async def exchange(self, answers: list[Message], wait_s: float) -> list[Message]:
        """The driver's answers; returns what workers have said, after ``wait_s`` seconds at the latest."""
        for address, count, text in answers:
            waiting = self._waiting.get(address)
            # An answer that comes twice must not be taken for that to the next message.
            if waiting is not None and waiting[0] == count:
                del self._waiting[address]
                _settle(waiting[1], text)
        if not self._mail:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait_s)
            except TimeoutError:
                return []
        mail, self._mail = self._mail, []
        return mail

    async def close(self, text: str) -> None:
        """From now on everybody is answered so; the driver is gone."""
        self._closed = text
        for _, future in self._waiting.values():
            _settle(future, text)
        self._waiting.clear()


def _settle(future: asyncio.Future[str], text: str) -> None:
    # Ray cancels what a worker that died had asked.
    if not future.done():
        future.set_result(text)
