"""
Three cloud controllers on one PostgreSQL, a cluster and a node, as processes: users
at each of them, and what becomes of the work when who leads it is lost.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
from botocore.config import Config
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.client import ask
from tests.compat.cloud import free_port, read_eucarc
from tests.functional.postgresql import Postgresql
from tests.functional.test_daemons import (
    BIN,
    CONFIGURATION,
    ENVIRONMENT,
    FLAT,
    is_listening,
)

CLOUDS = ("clc1", "clc2", "clc3")
#: After a leader's end another leads within this.
MOVED_S = 10.0
#: What cloud controllers that share a database have besides.
SHARED = """[cloud]
store = "{store}"
keys = "shared"
replays = "replays.db"
"""
IMAGES = """
[images]
directory = "images"
"""


def until(
    what: Callable[[], Any], wanted: Callable[[Any], Any] = bool, within_s: float = 30
) -> float:
    """
    Ask till it is as it should be.

    @return: how many seconds that took.
    @raise AssertionError: it was not, in time.
    """
    began = time.monotonic()
    while not wanted(answer := what()):
        if time.monotonic() > began + within_s:
            raise AssertionError(f"not within {within_s} s: {answer}")
        time.sleep(0.05)
    return time.monotonic() - began


class Site:
    """The daemons, on ports of their own."""

    def __init__(self, database: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="euca_tw-many-"))
        ports = {name: free_port() for name in ("cc", "nc", *CLOUDS)}
        self.ports = ports
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("cloud", "north", "node1"):
            self.euca_tw("keys", "new", str(self.directory / "keys"), name)
        shared = SHARED.format(store=database)
        for name in CLOUDS:
            text = (CONFIGURATION + FLAT + IMAGES).format(
                clc=ports[name], cc=ports["cc"], nc=ports["nc"]
            )
            text = text.replace('"clc"', f'"{name}"').replace("[cloud]\n", shared)
            self.config(name).write_text(text)

    def config(self, name: str) -> Path:
        of = name if name in CLOUDS else CLOUDS[0]
        return self.directory / f"{of}.toml"

    def euca_tw(self, *arguments: str) -> str:
        """@raise subprocess.CalledProcessError: it refused."""
        return subprocess.run(
            [sys.executable, "-m", "euca_tw.admin", *arguments],
            capture_output=True,
            check=True,
            cwd=self.directory,
            env=ENVIRONMENT,
            text=True,
            timeout=30,
        ).stdout

    def at(self, name: str, *arguments: str) -> str:
        """The operator's command, at one of the clouds."""
        return self.euca_tw("--config", str(self.config(name)), *arguments)

    def start(self, *names: str) -> None:
        for name in names:
            kind = "clc" if name in CLOUDS else name
            command = [str(BIN / "twistd"), "-n", "--pidfile=", f"euca-{kind}"]
            with (self.directory / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*command, "--config", str(self.config(name))],
                    cwd=self.directory,
                    env=ENVIRONMENT,
                    stdout=log,
                    stderr=log,
                )
        for name in names:
            until(lambda name=name: self.is_up(name), within_s=60)  # type: ignore[misc]

    def is_up(self, name: str) -> bool:
        if self.processes[name].poll() is not None:
            raise AssertionError(self.log(name))
        return is_listening(self.ports[name])

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> None:
        """As an operator does."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(20)

    def signal(self, name: str, sent: signal.Signals) -> None:
        self.processes[name].send_signal(sent)

    def stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
        for process in self.processes.values():
            process.wait()
        shutil.rmtree(self.directory)

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def ec2(self, name: str) -> Any:
        """A user at one of the clouds."""
        [eucarc] = self.directory.glob("clc?/credentials/admin/eucarc")
        settings = read_eucarc(eucarc)
        return boto3.client(
            "ec2",
            endpoint_url=f"http://127.0.0.1:{self.ports[name]}/",
            region_name="eucalyptus",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}, read_timeout=30),
        )

    def leader(self, told_by: str, duty: str = "zone north") -> str:
        """Who leads it, as one of the clouds knows; C{""}: nobody."""
        for each in ask(self.directory / told_by, "status", {})["controllers"]:
            if duty in each["leads"]:
                [name] = [n for n in CLOUDS if f":{self.ports[n]}:" in each["listen"]]
                return name
        return ""


class ManyCloudsTests(SynchronousTestCase):
    def setUp(self) -> None:
        server = Postgresql.start()
        self.addCleanup(server.stop)
        self.site = Site(server.database())
        self.addCleanup(self.site.stop)
        # All at once: who is first is anybody's guess.
        self.site.start("nc", "cc", *CLOUDS)
        self.users = {name: self.site.ec2(name) for name in CLOUDS}

    def states(self, name: str, instances: Iterable[str] = ()) -> list[str]:
        told = self.users[name].describe_instances(InstanceIds=[*instances])
        return [
            instance["State"]["Name"]
            for reservation in told["Reservations"]
            for instance in reservation["Instances"]
        ]

    def image(self) -> str:
        content = self.site.directory / "image"
        content.write_bytes(b"an image" * 1000)
        registered = self.users["clc1"].register_image(
            ImageLocation=str(content), Name="image"
        )
        image: str = registered["ImageId"]

        def state() -> str:
            told = self.users["clc2"].describe_images(ImageIds=[image])
            found: str = told["Images"][0]["State"]
            return found

        until(state, "available".__eq__)
        return image

    def launch(self, name: str, image: str, count: int) -> list[str]:
        made = self.users[name].run_instances(
            ImageId=image, MinCount=count, MaxCount=count
        )
        return [each["InstanceId"] for each in made["Instances"]]

    def moved(self, leader: str, at: str) -> tuple[str, float]:
        """Who leads in place of one that is lost, and after how many seconds."""
        took = until(
            lambda: self.site.leader(at), lambda now: now not in ("", leader), MOVED_S
        )
        return self.site.leader(at), took

    def lost(
        self, how: str, leader: str, others: list[str], instances: list[str]
    ) -> list[str]:
        """Another leads, and all of these run."""
        began = time.monotonic()
        self.moved(leader, others[0])
        print(f"{how}: another led after {time.monotonic() - began:.1f} s")
        running = ["running"] * len(instances)
        until(lambda: self.states(others[1], instances), running.__eq__, MOVED_S)
        print(f"{how}: all ran after {time.monotonic() - began:.1f} s")
        return instances

    def test_many(self) -> None:
        """
        What is written at one is read at the next; whoever leads is lost, and what
        was asked for comes about once.
        """
        site, users = self.site, self.users
        for name in CLOUDS:
            with urlopen(f"http://127.0.0.1:{site.ports[name]}/health") as told:
                self.assertEqual(told.read(), b"ok\n")
        self.assertEqual(site.at("clc2", "user", "list").count("administrator"), 1)
        image = self.image()
        for one, next_ in zip(CLOUDS, (*CLOUDS[1:], CLOUDS[0]), strict=True):
            users[one].create_key_pair(KeyName=f"at-{one}")
            users[next_].describe_key_pairs(KeyNames=[f"at-{one}"])
            users[next_].delete_key_pair(KeyName=f"at-{one}")
            found = users[one].describe_key_pairs()["KeyPairs"]
            self.assertEqual(found, [])

        def zone(name: str) -> str:
            told = users[name].describe_availability_zones()
            state: str = told["AvailabilityZones"][0]["State"]
            return state

        for name in CLOUDS:
            until(lambda name=name: zone(name), "available".__eq__)  # type: ignore[misc]
        leader = site.leader("clc1")
        self.assertIn("leads: ", site.at("clc2", "status"))
        others = [name for name in CLOUDS if name != leader]
        instances = self.launch(others[0], image, 2)
        site.kill(leader)
        # This nobody sees to before another leads.
        instances += self.launch(others[1], image, 1)
        instances = self.lost("killed", leader, others, instances)
        site.start(leader)

        leader = site.leader(others[0])
        others = [name for name in CLOUDS if name != leader]
        instances += self.launch(others[0], image, 1)
        site.signal(leader, signal.SIGSTOP)
        instances += self.launch(others[1], image, 1)
        instances = self.lost("stopped", leader, others, instances)
        site.signal(leader, signal.SIGCONT)
        running = ["running"] * 5
        until(lambda: self.states(leader, instances), running.__eq__)
        until(lambda: "does not lead zone north any more" in site.log(leader))

        for name in CLOUDS:
            led = site.leader(name) == name
            site.end(name)
            other = next(each for each in CLOUDS if each != name)
            if led:
                _, took = self.moved(name, other)
                print(f"ended: the lead moved within {took:.1f} s")
            self.assertEqual(self.states(other, instances), running)
            site.start(name)
            self.assertEqual(self.states(name, instances), running)

        users["clc3"].terminate_instances(InstanceIds=instances)
        until(lambda: set(self.states("clc1", instances)), {"terminated"}.__eq__, 20)
        for name in ("nc", "cc", *CLOUDS):
            self.assertNotIn("Traceback", site.log(name))
        booted = site.log("nc").count(" is booting, shall be running")
        self.assertEqual(booted, len(instances))
