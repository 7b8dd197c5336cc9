"""A server that speaks the part of the hub's protocol which its own client uses to fetch a snapshot."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Hub:
    """Repositories by id: a folder and a commit; and which of them are gated.

    Attributes:
        repositories: hub id → (folder, commit).
        gated: hub ids that are refused to whoever has not accepted a licence.
        asked: paths that were asked for.
        url: where it listens.
    """

    repositories: dict[str, tuple[Path, str]]
    gated: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a path."""
        self.asked.append(path)
        for name, (folder, commit) in self.repositories.items():
            if path.startswith(f"/api/models/{name}/tree/"):
                return self._listed(folder, commit, path.rsplit("/", 1)[1])
            if path.startswith(f"/{name}/resolve/"):
                return self._file(name, folder, commit, path.removeprefix(f"/{name}/resolve/"))
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"

    def _listed(self, folder: Path, commit: str, revision: str) -> tuple[int, dict[str, str], bytes]:
        if revision != commit:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        files = [
            {"type": "file", "path": p.relative_to(folder).as_posix(), "size": p.stat().st_size, "oid": "0" * 40}
            for p in sorted(folder.rglob("*"))
            if p.is_file()
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps(files).encode()

    def _file(self, name: str, folder: Path, commit: str, rest: str) -> tuple[int, dict[str, str], bytes]:
        if name in self.gated:
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."}, b""
        file = folder / unquote(rest.partition("/")[2])
        if not file.is_file():
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
        content = file.read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}, content


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at a port of this machine, while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self, with_body: bool) -> None:
            status, headers, body = hub.answer(self.path.partition("?")[0])
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def do_GET(self) -> None:
            self._reply(True)

        def do_HEAD(self) -> None:
            self._reply(False)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def run(script: str, home: Path, **environment: str) -> str:
    """The script's output, in a process with its own cache: the client reads its settings on import."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    settings = {"HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=inherited | settings | environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
