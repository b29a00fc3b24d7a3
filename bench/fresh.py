"""
What it costs that a request is answered by what all cloud controllers have
acknowledged before: a small Query call, of a cloud with its state in PostgreSQL, and
of one with its own file, which has nobody to ask; of one user, and of many at once.

    python -m bench.fresh
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from twisted.trial.unittest import SkipTest

from bench.api import Cloud, ours, repeated, small_call
from bench.load import Connection, Cost, cpu_s, measure

EACH = 50
CROWD = 32
ROUNDS = 5


def crowded(cloud: Cloud) -> Cost:
    """The same, of many users at once, each asking without pause."""
    pid, port = cloud.server.pid, cloud.server.port

    def one(requests: Sequence[bytes]) -> None:
        connection = Connection(port)
        for request in requests:
            connection.ask(request)
        connection.close()

    cpu, wall = [], []
    with ThreadPoolExecutor(CROWD) as pool:
        for _ in range(ROUNDS):
            every = [[small_call(cloud) for _ in range(EACH)] for _ in range(CROWD)]
            cpu_before, before = cpu_s(pid), perf_counter()
            list(pool.map(one, every))
            cpu.append((cpu_s(pid) - cpu_before) / (EACH * CROWD) * 1000)
            wall.append((perf_counter() - before) / (EACH * CROWD) * 1000)
    return Cost(statistics.median(cpu[1:]), statistics.median(wall[1:]))


def alone(cloud: Cloud) -> Cost:
    """Of one user."""
    rounds = repeated(lambda: small_call(cloud), EACH * 4)
    return measure(cloud.server.pid, cloud.server.port, rounds)


def main() -> int:
    try:
        from tests.functional.postgresql import shared

        database = shared().database()
    except SkipTest as reason:
        print(f"not measured: {reason}")
        return 0
    print(f"{'a small call, ms':36}{'CPU':>8}{'wall':>8}{'of a file':>11}")
    with ours() as plain, ours(database) as sharing:
        for who, asked in (("one user", alone), (f"{CROWD} users", crowded)):
            own, of_all = asked(plain), asked(sharing)
            print(f"{f'own file, {who}':36}{own.cpu_ms:8.2f}{own.wall_ms:8.2f}")
            ratio = of_all.cpu_ms / own.cpu_ms
            print(
                f"{f'PostgreSQL, {who}':36}{of_all.cpu_ms:8.2f}{of_all.wall_ms:8.2f}"
                f"{ratio:9.2f} x"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
