"""A user's round at the public API, by boto3."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from demo_cloud.places import BIN, CLOUD_URL, CONFIG, CREDENTIALS, HERE, KEY_PAIR
from demo_cloud.steps import Failed, run, say, until

USER = "demo"
KEY_NAME = "demo"
READY = "is ready,"
USER_DATA = """\
#!/bin/sh
echo "Hello from $(hostname), an instance of your own cloud."
"""

_IMAGE_S = 60.0
_ROOM_S = 60.0
_RUN_S = 120.0
_READY_S = 180.0
_END_S = 60.0
#: The head is told within a tenth of a second, and sshd may be a moment behind.
_LOGIN_S = 15.0
_LIVING = ("pending", "running")


def make_user() -> None:
    """A user with credentials, if there is none yet."""
    if (CREDENTIALS / "eucarc").exists():
        say(f"    {USER} is there already")
        return
    run(
        *(BIN / "euca-tw", "--config", CONFIG, "user", "add", USER),
        *("--directory", CREDENTIALS),
    )
    say(f"    {USER}, with credentials in {CREDENTIALS}")


def read_eucarc(directory: Path) -> dict[str, str]:
    """What an C{eucarc} exports, as far as it is plain text."""
    exports = {}
    for line in (directory / "eucarc").read_text().splitlines():
        if line.startswith("export ") and "=" in line:
            name, _, value = line.removeprefix("export ").partition("=")
            [exports[name]] = shlex.split(value) or [""]
    return exports


def client(directory: Path = CREDENTIALS) -> Any:
    """boto3's, for the user whose credentials lie there."""
    import boto3
    from botocore.config import Config

    exports = read_eucarc(directory)
    # What the operator has set up for Amazon's own cloud is not for this one.
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "none"
    return boto3.client(
        "ec2",
        endpoint_url=f"{CLOUD_URL}/",
        region_name=exports.get("AWS_DEFAULT_REGION", "eucalyptus"),
        aws_access_key_id=exports["EC2_ACCESS_KEY"],
        aws_secret_access_key=exports["EC2_SECRET_KEY"],
        config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30),
    )


def _code(error: Exception) -> str:
    response = getattr(error, "response", {})
    code: str = response.get("Error", {}).get("Code", "")
    return code


def _instances(ec2: Any) -> list[dict[str, Any]]:
    told = ec2.describe_instances()["Reservations"]
    return [each for reservation in told for each in reservation["Instances"]]


def _living(ec2: Any) -> list[dict[str, Any]]:
    return [each for each in _instances(ec2) if each["State"]["Name"] in _LIVING]


def make_key_pair(ec2: Any) -> None:
    """A key pair whose private half lies here; a lost one is made anew."""
    names = [each["KeyName"] for each in ec2.describe_key_pairs()["KeyPairs"]]
    if KEY_PAIR.exists() and KEY_NAME in names:
        return
    if KEY_NAME in names:
        ec2.delete_key_pair(KeyName=KEY_NAME)
    material = ec2.create_key_pair(KeyName=KEY_NAME)["KeyMaterial"]
    KEY_PAIR.unlink(missing_ok=True)
    KEY_PAIR.touch(mode=0o600)
    KEY_PAIR.write_text(material)
    say(f"    key pair {KEY_NAME}, its private key in {KEY_PAIR}")


def let_in(ec2: Any) -> None:
    """Ping and ssh, from everywhere, to instances of the default security group."""
    from botocore.exceptions import ClientError

    for protocol, low, high in (("icmp", -1, -1), ("tcp", 22, 22)):
        rule = {
            "IpProtocol": protocol,
            "FromPort": low,
            "ToPort": high,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        }
        try:
            ec2.authorize_security_group_ingress(
                GroupName="default", IpPermissions=[rule]
            )
        except ClientError as error:
            if _code(error) != "InvalidPermission.Duplicate":
                raise Failed(f"AuthorizeSecurityGroupIngress: {error}") from None


def give_address(ec2: Any, instance_id: str) -> str:
    """Its elastic address: the one that it has already, or one that it is given."""
    addresses = ec2.describe_addresses()["Addresses"]
    its = [each for each in addresses if each.get("InstanceId") == instance_id]
    if its:
        address: str = its[0]["PublicIp"]
        return address
    free = [each for each in addresses if not each.get("InstanceId")]
    [found, *_] = free or [ec2.allocate_address()]
    address = found["PublicIp"]
    ec2.associate_address(InstanceId=instance_id, PublicIp=address)
    return address


def log_in(address: str, command: str) -> str:
    """
    What a command says in the instance that has an address, by ssh.

    @raise Failed:
    """
    said = [""]

    def is_in() -> bool:
        try:
            said[0] = run(
                *("ssh", "-n", "-i", KEY_PAIR, "-o", "BatchMode=yes"),
                *("-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"),
                *("-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=2"),
                *(f"root@{address}", command),
            )
        except Failed as failed:
            said[0] = failed.what
            return False
        return True

    if not until(is_in, _LOGIN_S):
        raise Failed(
            f"nobody gets in at {address}: {said[0]}",
            "",
            HERE / "log" / "euca-head.log",
        )
    return said[0].strip()


def find_image(ec2: Any) -> str:
    """The demo image, which the cloud registers when it starts."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        images = ec2.describe_images()["Images"]
        found[:] = [
            each
            for each in images
            if each["ImageType"] == "machine" and each.get("State") == "available"
        ]
        return bool(found)

    if not until(is_there, _IMAGE_S):
        raise Failed(
            "the cloud has no image",
            "make demo-down, then make demo",
            HERE / "log" / "euca-clc.log",
        )
    image: str = found[0]["ImageId"]
    return image


def launch(ec2: Any) -> str:
    """
    An instance that runs: the one that does already, or a new one.

    @raise Failed:
    """
    for instance in _living(ec2):
        say(f"    {instance['InstanceId']} is there already")
        return _wait_running(ec2, instance["InstanceId"])
    make_key_pair(ec2)
    let_in(ec2)
    image = find_image(ec2)
    say(f"    image {image}")
    reservation = _run(ec2, image)
    [instance] = reservation["Instances"]
    say(
        f"    instance {instance['InstanceId']}, {instance['InstanceType']}, "
        "by emulation (domain_type in [node_controller])"
    )
    return _wait_running(ec2, instance["InstanceId"])


def _run(ec2: Any, image: str) -> Any:
    from botocore.exceptions import ClientError

    deadline = time.monotonic() + _ROOM_S
    while True:
        try:
            return ec2.run_instances(
                ImageId=image,
                MinCount=1,
                MaxCount=1,
                InstanceType="m1.small",
                KeyName=KEY_NAME,
                UserData=USER_DATA,
            )
        except ClientError as error:
            # The node has only just been started, and may not have told yet.
            if _code(error) != "InsufficientInstanceCapacity":
                raise Failed(f"RunInstances: {error}") from None
            if time.monotonic() > deadline:
                raise Failed(
                    "the node has no room for an instance",
                    f"{BIN}/euca-tw --config {CONFIG} status says what it has",
                    HERE / "log" / "euca-nc.log",
                ) from None
        time.sleep(0.5)


def _wait_running(ec2: Any, instance_id: str) -> str:
    told = {"State": {"Name": ""}, "StateReason": {}}

    def is_over() -> bool:
        told.update(next(e for e in _instances(ec2) if e["InstanceId"] == instance_id))
        return told["State"]["Name"] != "pending"

    is_told = until(is_over, _RUN_S)
    state = told["State"]["Name"]
    if not is_told or state != "running":
        reason = told.get("StateReason", {}).get("Message", "")
        raise Failed(
            f"{instance_id} is {state}: {reason or 'no reason was given'}",
            "",
            HERE / "log" / "euca-nc.log",
        )
    say(f"    {instance_id} is running, address {told.get('PrivateIpAddress')}")
    return instance_id


def address_of(ec2: Any, instance_id: str) -> str:
    """Its private address, which this machine reaches."""
    [instance] = [e for e in _instances(ec2) if e["InstanceId"] == instance_id]
    address: str = instance["PrivateIpAddress"]
    return address


def wait_ready(ec2: Any, instance_id: str) -> str:
    """
    Wait for the guest's own word that it is ready.

    @return: its console's output.
    """
    told = [""]

    def is_ready() -> bool:
        told[0] = ec2.get_console_output(InstanceId=instance_id).get("Output", "")
        return READY in told[0]

    if not until(is_ready, _READY_S, 0.5):
        sys.stdout.write(told[0])
        raise Failed(
            f"{instance_id} was not ready within {_READY_S:g} s; above is its console",
            "emulation is slow on a busy machine: make demo again, to wait on",
        )
    return told[0]


def terminate_all() -> None:
    """Whatever instances the demo's users have."""
    from botocore.exceptions import BotoCoreError, ClientError

    for directory in (CREDENTIALS, HERE / "clc" / "credentials" / "admin"):
        if not (directory / "eucarc").exists():
            continue
        try:
            ec2 = client(directory)
            ids = [each["InstanceId"] for each in _living(ec2)]
            if ids:
                say(f"    {', '.join(ids)}")
                ec2.terminate_instances(InstanceIds=ids)
                until(lambda ec2=ec2: not _ending(ec2), _END_S)
        except (ClientError, BotoCoreError) as error:
            say(f"    the cloud does not answer ({error}); its domains are ended below")


def _ending(ec2: Any) -> list[str]:
    return [
        each["InstanceId"]
        for each in _instances(ec2)
        if each["State"]["Name"] != "terminated"
    ]
