"""
The subjects that answer EC2's operations, and so what this cloud has of EC2.
"""

from __future__ import annotations

from euca_tw.clc.addresses import Addresses
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.clc.images import Images
from euca_tw.clc.instances import Instances
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.launches import Launches
from euca_tw.clc.zones import Zones

SUBJECTS: tuple[type, ...] = (
    Addresses,
    Groups,
    ImageAttributes,
    Images,
    Instances,
    KeyPairs,
    Launches,
    Zones,
)
