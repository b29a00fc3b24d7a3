"""The daemons, for C{twistd}; what they are is in their C{tap} modules."""

from twisted.application.service import ServiceMaker

cloud_controller = ServiceMaker(
    "euca_tw cloud controller",
    "euca_tw.clc.tap",
    "EC2's API for a private cloud (its cloud controller).",
    "euca-clc",
)
cluster_controller = ServiceMaker(
    "euca_tw cluster controller",
    "euca_tw.cc.tap",
    "One cluster of a private EC2 (its cluster controller).",
    "euca-cc",
)
node_controller = ServiceMaker(
    "euca_tw node controller",
    "euca_tw.nodectl.tap",
    "Instances of a private EC2 on this machine (its node controller).",
    "euca-nc",
)
network_head = ServiceMaker(
    "euca_tw network head",
    "euca_tw.vnet.tap",
    "The routers of one cluster's networks, on this machine (its head).",
    "euca-head",
)
