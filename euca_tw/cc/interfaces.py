"""What a cluster controller needs of what chooses its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Set

from attrs import field, frozen
from zope.interface import Interface

from euca_tw.model.capacity import Resources


@frozen(kw_only=True)
class Node:
    """
    A node that answers, as the cluster controller knows it at this moment.

    @ivar url: its controller's; no two nodes have the same.
    @ivar place: in the site's order, from 0; no two nodes have the same.
    @ivar machine: what it has in all.
    @ivar free: what of it is promised to no instance; less than nothing of
        something where more was promised than it tells that it has.
    @ivar instances: how many are on it, or on their way to it; those that are
        stopped count, those that have ended do not.
    @ivar groups: how many of them each group has, of those that have any; by
        L{Wish.group}.
    """

    url: str
    place: int
    machine: Resources
    free: Resources
    instances: int = 0
    groups: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class Wish:
    """
    A node that is wanted for one instance.

    @ivar needs: what the instance takes of it.
    @ivar group: whose instances belong together: the owner's account and the
        first of the instance's security groups; C{""} for none.
    @ivar refused_by: URLs of nodes that will not do.
    """

    needs: Resources
    group: str = ""
    refused_by: Set[str] = frozenset()


class IScheduler(Interface):
    """
    Which node of a cluster an instance goes to.

    It is told of every node that may be chosen, and of every change of one, so
    that a choice need not look at all of them.  Its answers follow from what it
    was told, in that order, and from the random source that it was made with:
    nothing else, not the time, and no input or output.  It is called on the
    reactor, so no call may take long: a choice among 10,000 nodes shall cost
    less than 100 µs.
    """

    def node_changed(node: Node) -> None:
        """
        From now on a node is as C{node} says; it may be new.  What was told of
        the same URL before holds no more.
        """

    def node_gone(url: str) -> None:
        """
        A node cannot be chosen any more; nothing happens if it could not be
        before.
        """

    def pick(wish: Wish) -> str | None:
        """
        The node for one instance.  Nothing is taken of it by that: who goes there
        tells so by L{node_changed}.

        @return: the URL of a node whose C{free} holds what is needed, and that is
            not in C{refused_by}; None if, and only if, there is no such node.
        """


class IRestful(Interface):
    """What a scheduler may provide besides, if it leaves nodes empty on purpose."""

    def may_sleep(url: str) -> bool:
        """
        Whether a node has nothing on it and nothing on its way to it, so that
        nobody would miss it; False for one that it was not told of.
        """
