"""Where the daemon is, and one request to it."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

# Longer than the longest wait of the API.
ANSWER_SECONDS = 40


class BerthError(Exception):
    """What the daemon refused, or why it cannot be reached. ``code`` as in docs/reference/errors.md."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _default_state() -> Path:
    own = os.environ.get("BERTH_STATE")
    if own:
        return Path(own)
    xdg = os.environ.get("XDG_STATE_HOME", "")
    root = Path(xdg) if xdg.startswith("/") else Path.home() / ".local" / "state"
    return root / "berth"


class Connection:
    """A daemon: that of a state folder (BERTH_STATE), or the one at ``url`` (BERTH_URL, BERTH_TOKEN)."""

    def __init__(
        self,
        state: Optional[str] = None,
        url: Optional[str] = None,
        token: Optional[str] = None,
    ) -> None:
        self._state = Path(state) if state else _default_state()
        self._url = url or (None if state else os.environ.get("BERTH_URL"))
        self._token = token or os.environ.get("BERTH_TOKEN")

    def call(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        """The answer as parsed JSON, or None where it is empty. Blocks; raises BerthError."""
        headers = {"accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        connection = self._open(headers)
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BerthError("DAEMON_DOWN", f"No daemon answers: {error}.", "Start it with `berth up -d`.") from error
        finally:
            connection.close()
        if 200 <= answer.status < 300:
            return json.loads(text) if text else None
        raise _problem(answer.status, text)

    def _open(self, headers: Dict[str, str]) -> http.client.HTTPConnection:
        if self._url is None:
            return _UnixConnection(self._socket())
        at = urlsplit(self._url)
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
        return kind(at.hostname or "localhost", at.port, timeout=ANSWER_SECONDS)

    def _socket(self) -> str:
        file = self._state / "daemon.json"
        try:
            path = json.loads(file.read_text())["socket"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BerthError(
                "DAEMON_DOWN", f"No daemon runs on {self._state}.", "Start it with `berth up -d`."
            ) from error
        return str(path)


def _problem(status: int, text: bytes) -> BerthError:
    try:
        problem = json.loads(text)
        return BerthError(str(problem["code"]), str(problem["detail"]), str(problem.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        return BerthError("PROTOCOL", f"The answer has status {status} and is no problem document.")
