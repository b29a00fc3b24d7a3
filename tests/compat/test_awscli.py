"""The AWS command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import cloud_for, until


class AwsCliTests(SynchronousTestCase):
    """C{aws ec2 …} with nothing but what eucarc exports."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)

    def aws(self, *arguments: str) -> Any:
        told = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "ec2", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.cloud.directory),
                "AWS_PAGER": "",
                **{k: v for k, v in self.cloud.settings.items() if k[:4] == "AWS_"},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout) if told.stdout.strip() else None

    def test_round(self) -> None:
        """A user's round works from the command line."""
        location = f"{self.cloud.directory}/log"
        registered = self.aws(
            "register-image", "--image-location", location, "--name", "cli"
        )["ImageId"]
        images = self.aws("describe-images")["Images"]
        [image] = [
            i["ImageId"]
            for i in images
            if i["ImageType"] == "machine" and i["ImageId"] != registered
        ]
        self.aws("create-key-pair", "--key-name", "cli")
        self.aws(
            *("create-security-group", "--group-name", "cli"),
            *("--description", "from the command line"),
        )
        self.aws(
            *("authorize-security-group-ingress", "--group-name", "cli"),
            *("--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0"),
        )
        run = self.aws(
            *("run-instances", "--image-id", image, "--count", "1"),
            *("--instance-type", "m1.small", "--key-name", "cli"),
            *("--security-groups", "cli", "--user-data", "#!/bin/sh"),
        )
        instance_id = run["Instances"][0]["InstanceId"]

        def state() -> str:
            told = self.aws("describe-instances", "--instance-ids", instance_id)
            name: str = told["Reservations"][0]["Instances"][0]["State"]["Name"]
            return name

        until(state, "running".__eq__)
        until(
            lambda: self.aws("get-console-output", "--instance-id", instance_id),
            lambda console: instance_id in console["Output"],
        )
        self.aws("reboot-instances", "--instance-ids", instance_id)
        self.aws("stop-instances", "--instance-ids", instance_id)
        until(state, "stopped".__eq__)
        self.aws(
            *("modify-instance-attribute", "--instance-id", instance_id),
            *("--instance-type", "m1.large"),
        )
        self.aws("start-instances", "--instance-ids", instance_id)
        until(state, "running".__eq__)
        zones = self.aws("describe-availability-zones")["AvailabilityZones"]
        self.assertEqual([z["State"] for z in zones], ["available"])
        self.aws("terminate-instances", "--instance-ids", instance_id)
        until(state, "terminated".__eq__)
        self.aws("delete-security-group", "--group-name", "cli")
        self.aws("delete-key-pair", "--key-name", "cli")
        self.aws("deregister-image", "--image-id", registered)
        self.assertNotIn("Traceback", self.cloud.log)
