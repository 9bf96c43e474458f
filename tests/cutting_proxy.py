"""A TCP proxy that cuts connections in the middle, or swallows everything and says nothing."""

import contextlib
import random
import socket
import threading


class CuttingProxy:
    """Forwards to a port on the loopback. `cut_after` bytes of the next connections, both ways counted, it cuts them.

    A context manager.
    """

    def __init__(self, target_port: int, *, rng: random.Random) -> None:
        self._target = target_port
        self._rng = rng
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cut_within: int | None = None
        """Cut each new connection after a random number of bytes up to this; None forwards everything."""
        self.is_black_hole = False
        """Take bytes from now on and give none back, on all connections."""
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "CuttingProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open += [client, server]
            left = [self._rng.randrange(1, self.cut_within) if self.cut_within else None]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, target, left), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, left: list[int | None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.is_black_hole:
                    continue
                budget = left[0]
                if budget is not None:
                    data = data[: max(budget, 0)]
                    left[0] = budget - len(data)
                target.sendall(data)
                if budget is not None and left[0] is not None and left[0] <= 0:
                    self.cuts += 1
                    break
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
