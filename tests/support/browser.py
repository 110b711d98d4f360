"""A headless Chromium, driven over a pair of pipes: its DevTools protocol, one JSON text each way
ended by a zero byte."""

import fcntl
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ANSWER_SECONDS = 30
_POLL_SECONDS = 0.02

# Chromium reads its commands from descriptor 3 and writes answers to descriptor 4.
_EXEC = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_HIGH = 10  # pipes begin above the numbers that they are copied to


def program() -> str | None:
    """The path of Chromium or Chrome; None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Refused(AssertionError):
    """The browser could not carry out a command."""


class Browser:
    """One page in one browser, its profile below `folder`. Ends with its context."""

    def __init__(self, path: str, folder: Path) -> None:
        self._numbers = itertools.count(1)
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.complaints: list[str] = []
        """What the console showed: errors of scripts, and what the policy kept from happening."""
        theirs_in, ours_out = _pipe()
        ours_in, theirs_out = _pipe()
        ends = (str(theirs_in), str(theirs_out))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _EXEC, *ends, path, *_arguments(folder), "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._commands = os.fdopen(ours_out, "wb", buffering=0)
        self._reader = threading.Thread(target=self._read, args=(ours_in,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._commands.close()  # it ends by itself when nobody holds the pipe
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window in CSS pixels; narrow ones are phones."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> None:
        """Returns when the page is loaded and its scripts have run once."""
        self.call("Page.navigate", url=address)
        self.until(f"location.href === {json.dumps(address)}")

    def ask(self, script: str, **where: Any) -> Any:
        """The value of an expression in the page. Raises AssertionError if it throws."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, **where)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def ask_frame(self, script: str) -> Any:
        """The same in the page's first frame; its own scripts may be forbidden."""
        tree = self.call("Page.getFrameTree")["frameTree"]
        frame = tree["childFrames"][0]["frame"]["id"]
        world = self.call("Page.createIsolatedWorld", frameId=frame)["executionContextId"]
        return self.ask(script, contextId=world)

    def until(self, script: str, seconds: float = 10) -> None:
        """Wait until the expression is true in a page that is loaded. Raises AssertionError
        after so many seconds."""
        deadline = time.monotonic() + seconds
        while not self._is(f"document.readyState === 'complete' && ({script})"):
            assert time.monotonic() < deadline, f"never true in the page: {script}"
            time.sleep(_POLL_SECONDS)  # between two looks: the page tells nobody when it changes

    def _is(self, script: str) -> bool:
        try:
            return bool(self.ask(script))
        except Refused:  # between two pages there is nobody to ask
            return False

    def press(self, key: str) -> None:
        """One key, by its name in JavaScript."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = {"Enter": 13, "Escape": 27}.get(key, 0)
        common: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol to the page. Raises Refused."""
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        self._commands.write(json.dumps(command).encode() + b"\0")
        while (answer := self._answers.get(timeout=_ANSWER_SECONDS)) is not None:
            if answer["id"] == number:
                if "error" in answer:
                    raise Refused(answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
        raise AssertionError(f"the browser ended with {self._process.wait(5)}")

    def _read(self, descriptor: int) -> None:
        rest = b""
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                *texts, rest = (rest + chunk).split(b"\0")
                for text in texts:
                    self._take(json.loads(text))
        self._answers.put(None)

    def _take(self, told: dict[str, Any]) -> None:
        if "id" in told:
            self._answers.put(told)
        elif told["method"] == "Log.entryAdded":
            self.complaints.append(told["params"]["entry"]["text"])
        elif told["method"] == "Runtime.exceptionThrown":
            self.complaints.append(told["params"]["exceptionDetails"]["text"])


def _arguments(folder: Path) -> list[str]:
    return [
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder}",
        # Containers seldom grant what its sandbox is made of, and have little shared memory.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        # A sandboxed frame in the page's own process is reached through the page.
        "--disable-features=IsolateSandboxedIframes",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--no-proxy-server",
        "--hide-scrollbars",
    ]


def _pipe() -> tuple[int, int]:
    low = os.pipe()
    high = tuple(fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _HIGH) for one in low)
    for one in low:
        os.close(one)
    return high[0], high[1]
