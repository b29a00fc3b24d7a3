"""
The subjects that answer EC2's operations, and so what this cloud has of EC2.
"""

from __future__ import annotations

from euca_tw.clc.account import Account
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.clc.image_copies import ImageCopies
from euca_tw.clc.images import Images
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.clc.instance_status import InstanceStatuses
from euca_tw.clc.instance_types import InstanceTypes
from euca_tw.clc.instances import Instances
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.launches import Launches
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.clc.placement_groups import PlacementGroups
from euca_tw.clc.power import Power
from euca_tw.clc.tagging import Tags
from euca_tw.clc.vpc_changes import VpcChanges
from euca_tw.clc.vpcs import Vpcs
from euca_tw.clc.zones import Zones

SUBJECTS: tuple[type, ...] = (
    Account,
    Addresses,
    Groups,
    GroupRules,
    ImageAttributes,
    ImageCopies,
    Images,
    InstanceTypes,
    InstanceAttributes,
    InstanceStatuses,
    Instances,
    KeyPairs,
    Launches,
    NetworkInterfaces,
    PlacementGroups,
    Power,
    Tags,
    VpcChanges,
    Vpcs,
    Zones,
)
