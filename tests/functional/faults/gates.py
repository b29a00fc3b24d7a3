"""
What holds real instances up: hooks of the node's, its program that makes disks, and
the server that it fetches images from, all of which wait until they are let go on.
"""

from __future__ import annotations

import os
import stat
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.functional.faults.play import FETCHING, MAKING, NEXT

_FIFO = "released"
#: Called with a phase and a name; what is held for the next is held by its name.
_PASS = """\
#!/bin/sh
pass() {{
  mv "{here}/hold/$1.{next}" "{here}/hold/$1.$2" 2>/dev/null
  [ -e "{here}/hold/$1.$2" ] || return 0
  : >"{here}/held/$1.$2"
  # Until somebody opens it to write, and closes it.
  while [ -e "{here}/hold/$1.$2" ]; do read -r _ <"{here}/{fifo}" || :; done
}}
"""
_HOOK = _PASS + 'pass "$1" "$2"\n'
#: In place of qemu-img: … create … INSTANCES/NAME/root.qcow2.part SIZE
_MAKER = _PASS + (
    "case $1 in create) for a; do case $a in *.part) d=${{a%/*}};;"
    ' esac; done; pass "{making}" "${{d##*/}}";; esac\n'
    'exec "{here}/qemu-img" "$@"\n'
)
#: The node controller's own namespace of mounts, where that program is another.
_APART = 'mount --bind "$0" "$1" && shift && exec "$@"'


class Gates:
    """
    @ivar hooks: the directory of the node's hooks.
    @ivar server: where the node fetches images.
    """

    def __init__(self, here: Path, qemu_img: Path) -> None:
        self._here = here
        self.hooks = here / "hooks"
        for path in (self.hooks, here / "hold", here / "held"):
            path.mkdir(parents=True, mode=0o755)
        os.mkfifo(here / _FIFO)
        own = here / "qemu-img"
        own.write_bytes(qemu_img.read_bytes())
        self._maker = self._script("maker", _MAKER)
        self._script("hooks/10-gate", _HOOK)
        own.chmod(0o755)
        self._qemu_img = qemu_img
        self.server = ImageServer(self)

    def _script(self, name: str, text: str) -> Path:
        path = self._here / name
        path.write_text(
            text.format(here=self._here, next=NEXT, fifo=_FIFO, making=MAKING)
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return path

    @property
    def command(self) -> tuple[str, ...]:
        """What a node controller's command begins with."""
        apart = ("unshare", "--mount", "--propagation", "slave", "sh", "-c", _APART)
        return (*apart, str(self._maker), str(self._qemu_img))

    def hold(self, phase: str, name: str) -> None:
        """What comes to a phase waits."""
        (self._here / "hold" / f"{phase}.{name}").touch()

    def is_shut(self, phase: str, name: str) -> bool:
        """Whether it has to."""
        return (self._here / "hold" / f"{phase}.{name}").exists()

    def stands(self, phase: str, name: str) -> None:
        """It does."""
        (self._here / "held" / f"{phase}.{name}").touch()

    def held(self, phase: str) -> set[str]:
        """What stands at a phase, by name."""
        found = (self._here / "held").glob(f"{phase}.*")
        return {path.name.rpartition(".")[2] for path in found}

    def release(self) -> None:
        """Nothing waits any more."""
        for kind in ("hold", "held"):
            for path in (self._here / kind).iterdir():
                path.unlink()
        self.wave()

    def wave(self) -> None:
        """
        Who waits looks again whether he must; again and again, for he may have
        looked just before he need not any more.
        """
        self.server.wave()
        try:
            os.close(os.open(self._here / _FIFO, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return  # nobody


class ImageServer:
    """
    Before the cloud controller, in this network namespace.

    @ivar url: where it is.
    """

    url = "http://127.0.0.1:8772/"

    def __init__(self, gates: Gates) -> None:
        self._changed = threading.Condition()
        server = self

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.serve(self, gates)

            def log_message(self, *_: Any) -> None:
                """Nobody wants to know."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 8772), Request)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def serve(self, request: BaseHTTPRequestHandler, gates: Gates) -> None:
        """Half of an image that is held, and the rest when it is not."""
        name = request.path.split("?")[0].rpartition("/")[2]
        asked = urllib.request.Request(
            f"http://127.0.0.1:8773{request.path}",
            headers={k: v for k, v in request.headers.items() if k != "Connection"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                body, headers, status = answer.read(), answer.headers, answer.status
        except urllib.error.HTTPError as refused:
            body, headers, status = refused.read(), refused.headers, refused.code
        except OSError:
            return
        request.send_response(status)
        for key in ("Content-Type", "Content-Range", "ETag", "Last-Modified"):
            if key in headers:
                request.send_header(key, headers[key])
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        try:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            if gates.is_shut(FETCHING, name):
                gates.stands(FETCHING, name)
                with self._changed:
                    self._changed.wait_for(lambda: not gates.is_shut(FETCHING, name))
            request.wfile.write(body[len(body) // 2 :])
        except OSError:
            return

    def wave(self) -> None:
        """Who waits looks again."""
        with self._changed:
            self._changed.notify_all()

    def stop(self) -> None:
        """Serve nothing any more."""
        self._http.shutdown()
        self._http.server_close()
