"""What the reader is told when the cloud runs."""

from __future__ import annotations

from demo_cloud.places import BIN, CLOUD_URL, CONFIG, CREDENTIALS, KEY_PAIR, ROOT

_GUIDE = """
Your cloud runs: EC2's API is at {url}/
From here on, in {root}:

Log in to your instance
    ssh -i {pem} -o UserKnownHostsFile=.demo/known_hosts root@{address}

Your credentials (EC2_URL, EC2_ACCESS_KEY, EC2_SECRET_KEY, AWS_…)
    . {eucarc}

The AWS CLI, with them
    {bin}/aws ec2 describe-instances
    {bin}/aws ec2 get-console-output --output text --instance-id {instance_id}

boto3, with them
    {bin}/python -c '
    import boto3
    ec2 = boto3.client("ec2")
    for reservation in ec2.describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            print(instance["InstanceId"], instance["State"]["Name"])'

SOAP, signed with your certificate, by EC2's WSDL of 2008-02-01
    tools/ec2-soap DescribeInstances instancesSet={{}}

The operator's side
    {bin}/euca-tw --config {config} status
    {bin}/euca-tw --config {config} user add alice

End it all: make demo-down
"""


def guide(instance_id: str, address: str) -> str:
    """How to use the cloud, with this instance in it."""
    return _GUIDE.format(
        url=CLOUD_URL,
        root=ROOT,
        pem=KEY_PAIR.relative_to(ROOT),
        eucarc=(CREDENTIALS / "eucarc").relative_to(ROOT),
        config=CONFIG.relative_to(ROOT),
        bin=BIN.relative_to(ROOT),
        instance_id=instance_id,
        address=address,
    )
