"""
A node's doors to the world: its hypervisor, its disks, its network.

Every implementation passes the shared suite in C{tests/suites}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from enum import Enum
from typing import Any

from attrs import Factory, frozen
from zope.interface import Interface

from euca_tw.model.capacity import Resources
from euca_tw.model.networks import View


class DomainState(Enum):
    """
    What a hypervisor says of a domain.  A domain that is gone is not listed.

    One that has ended by itself stays, and says how, until it is destroyed or
    run anew.  HALTED: its guest has shut it down.  CRASHED: its guest or its
    emulator has.  KILLED: somebody on the machine has ended it.  SHUTOFF: it
    does not run, and it is not known why, or it never did.
    """

    RUNNING = "running"
    PAUSED = "paused"
    SHUTOFF = "shutoff"
    HALTED = "halted"
    CRASHED = "crashed"
    KILLED = "killed"


@frozen(kw_only=True)
class Disk:
    """
    One disk of a domain.

    @ivar path: of the file on the node.
    @ivar format: C{qcow2} or C{raw}.
    @ivar backing: path of the raw image under a qcow2 overlay.
    @ivar device: the guest's name for it (C{vda}, C{xvda}).
    @ivar serial: what the guest may know it by, whatever its name; 20
        characters at most; C{""} for nothing.
    """

    path: str
    format: str = "qcow2"
    backing: str | None = None
    device: str = "vda"
    serial: str = ""


@frozen(kw_only=True)
class Nic:
    """
    One network card.

    @ivar target: the name of the host's end (15 characters at most).
    """

    mac_address: str
    bridge: str
    target: str


@frozen(kw_only=True)
class DomainSpec:
    """
    A domain to be.

    @ivar name: the instance's identifier.
    @ivar kernel: a path; None for a whole-disk image, which boots itself.
    @ivar command_line: what the kernel is told besides C{root=} and
        C{console=}, which the hypervisor adds.
    @ivar console: where the serial console's output is to be written.
    @ivar memo: what the domain carries for who finds it, as L{IHypervisor.memo}
        tells; any text.
    """

    name: str
    uuid: str
    cores: int
    memory_mib: int
    kernel: str | None = None
    ramdisk: str | None = None
    command_line: str = ""
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    console: str
    memo: str = ""


@frozen(kw_only=True)
class Domain:
    """A domain as found."""

    name: str
    state: DomainState


class HypervisorUnavailable(Exception):
    """
    The hypervisor cannot be asked now (its daemon is down, a call hung).
    Nothing is known of the domains: they may all be well.
    """


class DomainRefused(Exception):
    """The hypervisor will not run this domain; the text says why."""


class IHypervisor(Interface):
    """
    Runs domains.  All calls are idempotent by domain name.

    Only domains that this cloud made are ever listed or touched.
    """

    def start() -> Awaitable[None]:
        """
        Connect, and stay connected (again and again, with back-off).  Fires
        when first connected.

        @raise HypervisorUnavailable: configured so that it never can be.
        """

    def stop() -> Awaitable[None]:
        """
        Disconnect; subscribers are called no more, and forgotten.  Domains
        go on.
        """

    def subscribe(changed: Callable[[str | None], None]) -> None:
        """
        Have C{changed(name)} called on the reactor whenever a domain may
        have changed; C{changed(None)} when any may have (a reconnection).
        What it changed to is asked by L{find} or L{list}.
        """

    def list() -> Awaitable[tuple[Domain, ...]]:
        """
        Every domain of ours, running or not.

        @raise HypervisorUnavailable:
        """

    def find(name: str) -> Awaitable[Domain | None]:
        """
        That domain as L{list} would tell it; None if it would not.  Costs the
        same however many there are.

        @raise HypervisorUnavailable:
        """

    def memo(name: str) -> Awaitable[str]:
        """
        What C{DomainSpec.memo} said of a domain of ours; C{""} if it said
        nothing, or there is none.

        @raise HypervisorUnavailable:
        """

    def document(spec: DomainSpec) -> str:
        """
        The domain as the hypervisor will be told of it: XML, for people and
        hooks.

        @raise DomainRefused: it cannot be written down; text for the user.
        """

    def run(spec: DomainSpec) -> Awaitable[None]:
        """
        Make the domain run; nothing happens if it does already.

        @raise DomainRefused: it cannot run here; text for the user.
        @raise HypervisorUnavailable:
        """

    def destroy(name: str) -> Awaitable[None]:
        """
        End the domain at once and forget it; nothing happens if there is
        none.

        @raise HypervisorUnavailable:
        """

    def shut_down(name: str) -> Awaitable[bool]:
        """
        Ask the guest to shut itself down.  When it has, its domain is HALTED.

        @return: it was asked; else it cannot be, or there is no such domain.
        @raise HypervisorUnavailable:
        """

    def reboot(name: str) -> Awaitable[None]:
        """
        Reboot the guest: it is asked, and if it cannot be asked, reset.
        Nothing happens if there is no such domain.

        @raise HypervisorUnavailable:
        """

    def hold(name: str) -> Awaitable[bool]:
        """
        Have the guest stand still until L{release}, with what it has written
        to its disks in their files.  Held again, it is held as before.

        @return: it stands still; else it cannot, or no such domain runs.
        @raise HypervisorUnavailable:
        """

    def release(name: str) -> Awaitable[None]:
        """
        Let the guest go on; nothing happens if it was not held.

        @raise HypervisorUnavailable:
        """

    def capacity() -> Awaitable[Resources]:
        """
        Cores and memory of this machine (disk is the image store's word:
        zero here).

        @raise HypervisorUnavailable:
        """


class StagingFailed(Exception):
    """Disks could not be made; the text says why, for the user."""


class StagingRefused(StagingFailed):
    """They cannot be made now or soon: to try again is in vain."""


@frozen(kw_only=True)
class ImageSource:
    """
    Where a node gets an image.

    @ivar sha256: hex; what it fetched must match, when it is given.
    """

    image_id: str
    url: str
    sha256: str = ""


@frozen(kw_only=True)
class Extras:
    """
    What an instance's disks are to have besides its image.

    @ivar ephemeral_gib: of a further disk, formatted; 0 for none.
    @ivar swap_mib: the same, to swap on.
    @ivar public_key: to be let in with, if it can be put into the image; a line
        of authorized_keys, or C{""}.
    """

    ephemeral_gib: int = 0
    swap_mib: int = 0
    public_key: str = ""


NO_EXTRAS = Extras()


@frozen(kw_only=True)
class StagedInstance:
    """
    Paths on the node of what an instance boots from.

    @ivar further: disks besides the root.
    """

    disk: Disk
    kernel: str | None
    ramdisk: str | None
    console: str
    further: tuple[Disk, ...] = ()


@frozen(kw_only=True)
class Console:
    """
    What an instance wrote to its console.

    @ivar output: the last 64 KiB.
    @ivar written_at: when it last wrote, as seconds since the epoch; None if
        it never did.
    """

    output: bytes = b""
    written_at: float | None = None


class IInstanceStore(Interface):
    """Disks and consoles of instances on this node, and the image cache."""

    def stage(
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
        extras: Extras = NO_EXTRAS,
        *,
        has_run: bool = False,
    ) -> Awaitable[StagedInstance]:
        """
        Fetch what is not in the cache, make the instance's own disks.  Doing
        it again for an instance keeps its disks.

        @param disk_gib: of all its disks together.
        @param has_run: what it has written is on its root disk, so that if it
            is gone no other is made.
        @raise StagingRefused: it is in vain.
        @raise StagingFailed:
        """

    def discard(instance_id: str) -> Awaitable[None]:
        """Delete the instance's disk; its console stays until L{forget}."""

    def forget(instance_id: str) -> Awaitable[None]:
        """Delete all that is left of an instance."""

    def directory_of(instance_id: str) -> str:
        """Where the instance's files are, or would be; for hooks."""

    def console(instance_id: str) -> Awaitable[Console]:
        """
        What the instance wrote to its console: nothing, if there is no such
        instance.
        """

    def kept() -> Awaitable[tuple[str, ...]]:
        """The instances that have anything here, a console at least."""

    def disk_capacity_gib() -> int:
        """Room for instances' disks, used or not."""


class MakingFailed(Exception):
    """An image could not be made or sent; the text says why, for the user."""


class MakingRefused(MakingFailed):
    """It cannot be, now or later: to try again is in vain."""


@frozen(kw_only=True)
class FinishedImage:
    """
    An image in one file.

    @ivar sha256: lower-case hex.
    """

    size_bytes: int
    sha256: str


class IImageMaker(Interface):
    """
    Makes images of instances' disks.  All calls are idempotent by image.
    """

    def capture(image_id: str, instance_id: str) -> Awaitable[None]:
        """
        Keep the instance's root disk as it is at this moment; nothing happens
        if that was done.  Nobody may write to the disk meanwhile.

        @raise MakingRefused: there is no such disk, or no room.
        @raise MakingFailed:
        """

    def finish(image_id: str) -> Awaitable[FinishedImage]:
        """
        Make one file of what was captured.  Takes long.

        @raise MakingRefused: nothing was captured, or there is no room.
        @raise MakingFailed:
        """

    def send(
        image_id: str, finished: FinishedImage, url: str, key: str
    ) -> Awaitable[None]:
        """
        Send what was finished to the cloud controller, or the rest of it if
        some of it is there.  Takes long.

        @param key: see L{euca_tw.common.uploading}.
        @raise MakingRefused: it will not be taken.
        @raise MakingFailed:
        """

    def discard(image_id: str) -> Awaitable[None]:
        """Delete all that there is of it here."""

    def kept() -> Awaitable[tuple[str, ...]]:
        """The images that there is anything of here."""


@frozen(kw_only=True)
class Lease:
    """
    What an instance's card is to be told by DHCP.

    @ivar prefix_length: of the subnet.
    """

    instance_id: str
    mac_address: str
    private_ip: str
    prefix_length: int
    router: str
    nameservers: tuple[str, ...] = ()
    hostname: str = ""
    mtu: int = 1500


class NetworkFailed(Exception):
    """The instances' network cannot be made; the text says why."""


class INodeNetwork(Interface):
    """The instances' network on this node: bridge, DHCP, metadata address."""

    def start() -> Awaitable[None]:
        """
        Make the bridge and its services; what is there already is kept.

        @raise NetworkFailed:
        """

    def stop() -> Awaitable[None]:
        """Stop serving; bridge and instances' cards stay."""

    def attach(lease: Lease) -> Awaitable[Nic]:
        """
        Serve an instance; the card its domain shall have.

        @raise NetworkFailed:
        """

    def detach(instance_id: str) -> Awaitable[None]:
        """
        Serve it no more; nothing happens if it was not.

        @raise NetworkFailed:
        """


class IManagedNetwork(INodeNetwork):
    """
    The instances' networks on this node where the cloud manages them: one for
    each security group, told from above.
    """

    def carry(view: View) -> None:
        """
        From now on this machine is to carry that.  Returns at once; L{attach}
        waits until all that its instance needs of it is there.
        """


class Point(Enum):
    """
    When hooks are called.

    Those that begin with PRE may refuse what is about to be done.
    """

    PRE_BOOT = "pre-boot"
    POST_BOOT = "post-boot"
    PRE_STOP = "pre-stop"
    POST_STOP = "post-stop"
    PRE_TERMINATE = "pre-terminate"
    POST_TERMINATE = "post-terminate"
    ON_ADOPT = "on-adopt"

    @property
    def may_refuse(self) -> bool:
        return self.value.startswith("pre-")


@frozen(kw_only=True)
class Occasion:
    """
    What hooks are told.

    @ivar directory: the instance's own.
    @ivar domain_xml: the text of its domain; C{""} where there is none to be.
    @ivar facts: further ones, by the names of environment variables.
    """

    point: Point
    instance_id: str
    directory: str
    domain_xml: str = ""
    facts: Mapping[str, str] = Factory(dict)


class HookRefused(Exception):
    """A hook will not have it; the text says which and why, for the user."""


class IHooks(Interface):
    """The site's own programs, called at points of an instance's life."""

    def call(occasion: Occasion) -> Coroutine[Any, Any, None]:
        """
        Call all hooks, one after the other.  Of a point that is not PRE, what
        fails is logged and the next is called.

        @raise HookRefused: at a PRE point; the rest were not called.
        """
