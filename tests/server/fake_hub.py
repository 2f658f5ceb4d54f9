"""The two hubs' wire formats on loopback: what their own clients ask for when they download."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """One published model; `cut` breaks each weight file after so many bytes, for good."""

    name: str
    files: dict[str, bytes]
    cut: int | None = None
    wrong_digest: bool = False
    ranges: list[str] = field(default_factory=list)

    def sha256(self, name: str) -> str:
        return "0" * 64 if self.wrong_digest else hashlib.sha256(self.files[name]).hexdigest()


class Handler(BaseHTTPRequestHandler):
    repository: Repository
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        url = urlsplit(self.path)
        name = self.repository.name
        if url.path == "/":
            self._send(b"hub", body)
        elif url.path.startswith(f"/api/models/{name}/tree/"):
            self._send(json.dumps(self._huggingface_tree()).encode(), body)
        elif url.path.startswith(f"/api/models/{name}"):
            self._send(json.dumps(self._huggingface_listing()).encode(), body)
        elif url.path.startswith(f"/{name}/resolve/"):
            self._file(url.path.rpartition("/")[2], body)
        elif url.path == f"/api/v1/models/{name}/repo/files":
            self._send(json.dumps(self._modelscope_listing()).encode(), body)
        elif url.path == f"/api/v1/models/{name}/repo":
            self._file(parse_qs(url.query)["FilePath"][0], body)
        else:
            headers = {"X-Error-Code": "RepoNotFound"}
            self._send(b'{"Code": 404, "Message": "not found"}', body, 404, headers)

    def _huggingface_listing(self) -> dict[str, object]:
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": hashlib.sha1(content).hexdigest(),
                "lfs": self._lfs(name),
            }
            for name, content in self.repository.files.items()
        ]
        return {"id": self.repository.name, "sha": COMMIT, "siblings": siblings}

    def _huggingface_tree(self) -> list[dict[str, object]]:
        tree = []
        for name, content in self.repository.files.items():
            oid = hashlib.sha1(content).hexdigest()
            entry = {"type": "file", "path": name, "size": len(content), "oid": oid}
            if lfs := self._lfs(name):
                entry["lfs"] = lfs | {"oid": lfs["sha256"]}
            tree.append(entry)
        return tree

    def _lfs(self, name: str) -> dict[str, object] | None:
        if not name.endswith(".safetensors"):
            return None
        size = len(self.repository.files[name])
        return {"sha256": self.repository.sha256(name), "size": size, "pointerSize": 130}

    def _modelscope_listing(self) -> dict[str, object]:
        files = [
            {"Path": name, "Name": name, "Type": "blob", "Size": len(content)}
            | {"Sha256": self.repository.sha256(name)}
            for name, content in self.repository.files.items()
        ]
        return {"Code": 200, "Success": True, "Data": {"Files": files}}

    def _file(self, name: str, body: bool) -> None:
        content = self.repository.files[name]
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if not name.endswith(".safetensors") or not body:
            self._send(content, body, headers=headers)
            return
        start = 0
        if asked := self.headers.get("Range"):
            self.repository.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if self.repository.cut is not None:
            self._cut_off(content, start, headers)
            return
        self._send(content[start:], body, 206 if asked else 200, headers)

    def _cut_off(self, content: bytes, start: int, headers: dict[str, str]) -> None:
        if start or not self.repository.cut:
            self._send(b"gone", True, 410)
            return
        self.send_response(200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.repository.cut])
        self.close_connection = True

    def _send(
        self, content: bytes, body: bool, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


@contextmanager
def serving(repository: Repository) -> Iterator[str]:
    """The hub's address, while it runs."""
    handler = type("OfRepository", (Handler,), {"repository": repository})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
