"""What a site may set about a node."""

from __future__ import annotations

from attrs import frozen

from euca_tw.common.changes import LONGEST_WAIT_S


@frozen(kw_only=True)
class NodeSettings:
    """
    Of C{cores}, C{memory_mib} and C{disk_gib} 0 is what the machine has less
    its own reserve; what is told has none.

    @ivar cores_reserve, memory_reserve_mib, disk_reserve_gib: what the machine
        itself needs.
    @ivar cores_overcommit, memory_overcommit, disk_overcommit: how often what
        there is may be promised.
    @ivar command_line: what a kernel is told besides where its root disk and
        its console are, which depends on the hypervisor.
    @ivar launch_deadline_s: an instance that does not run by then has failed.
    @ivar stop_grace_s: a guest that is to stop is given so long to shut itself
        down; then its domain is ended.
    @ivar terminate_grace_s: the same of one that is to be terminated; 0: its
        domain is ended at once.
    @ivar restart_on_host_boot: an instance whose domain is off or gone when the
        node controller is started, and nothing says why, is run again from its
        disk; else it has ended.
    @ivar hooks_wait_s: hooks may hold up a stop or an end for so long.
    @ivar capture_deadline_s: an instance of which an image is to be made must
        have come to stand still by then.
    @ivar image_deadline_s: the image must have been sent by then.
    @ivar ended_kept_s: how long an ended instance is told of, and its console
        kept.
    @ivar resync_s: how often domains are listed though nothing was heard.
    @ivar retry_first_s: before a step that failed is taken again; then twice
        as long each time, up to C{retry_ceiling_s}.
    @ivar longest_wait_s: a long poll is answered by then.
    """

    cores: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    cores_reserve: int = 0
    memory_reserve_mib: int = 0
    disk_reserve_gib: int = 0
    cores_overcommit: float = 1.0
    memory_overcommit: float = 1.0
    disk_overcommit: float = 1.0
    command_line: str = "rw"
    launch_deadline_s: float = 600.0
    stop_grace_s: float = 60.0
    terminate_grace_s: float = 0.0
    restart_on_host_boot: bool = False
    hooks_wait_s: float = 300.0
    capture_deadline_s: float = 900.0
    image_deadline_s: float = 6 * 3600.0
    ended_kept_s: float = 180.0
    resync_s: float = 300.0
    retry_first_s: float = 1.0
    retry_ceiling_s: float = 30.0
    longest_wait_s: float = LONGEST_WAIT_S
