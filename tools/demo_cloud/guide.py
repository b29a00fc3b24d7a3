"""What the reader is told when the cloud runs."""

from __future__ import annotations

from demo_cloud.places import (
    BIN,
    CLOUD_URL,
    CONFIG,
    CREDENTIALS,
    KEY_PAIR,
    NAMESPACE,
    ROOT,
)

_GUIDE = """
Your cloud runs: EC2's API is at {url}/
From here on, in {root}:

Log in to your instance, at its elastic address (on this machine {private_ip} does too)
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

Its network (managed: its node enforces security groups; the cluster's head, in the
network namespace {namespace} beside it, routes and has the elastic addresses)
    {bin}/euca-tw --config {config} vnet trace {instance_id} 192.0.2.77 22
    {bin}/euca-tw vnet show
    nsenter --net=/run/netns/{namespace} {bin}/euca-tw vnet show

End it all: make demo-down
"""


def guide(instance_id: str, address: str, private_ip: str) -> str:
    """How to use the cloud, with this instance in it, which has these addresses."""
    return _GUIDE.format(
        url=CLOUD_URL,
        root=ROOT,
        pem=KEY_PAIR.relative_to(ROOT),
        eucarc=(CREDENTIALS / "eucarc").relative_to(ROOT),
        config=CONFIG.relative_to(ROOT),
        bin=BIN.relative_to(ROOT),
        instance_id=instance_id,
        address=address,
        private_ip=private_ip,
        namespace=NAMESPACE,
    )
