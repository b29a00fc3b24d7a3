"""What a plugin says of a policy."""

from __future__ import annotations

from zope.interface import Attribute, Interface

#: The kinds of policies: which cluster, and which node.
PLACEMENT, SCHEDULER = "placement", "scheduler"


class IPolicy(Interface):
    """
    A policy that can be chosen, without the policy itself: so a list of all of
    them loads none.
    """

    kind = Attribute(f"C{{{PLACEMENT}}} or C{{{SCHEDULER}}}.")
    name = Attribute(
        "By which a configuration chooses it: small letters, digits and -; no two "
        "of one kind have the same."
    )
    summary = Attribute("What it does, in less than a line.")
    factory = Attribute(
        "C{module:callable}: called with a C{random.Random}, it makes an "
        "L{euca_tw.clc.interfaces.IPlacement}, or an "
        "L{euca_tw.cc.interfaces.IScheduler}."
    )
