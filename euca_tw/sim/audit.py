"""
What must be so of what daemons keep, looked at whenever anything of it changes.

Nothing that has ended comes back, in any tier.  No place in an address range, no
card, no address and no disk is owned twice.  No node promises more than it has.
What is forgotten has ended long ago, or was given back.  And each change has a cause:
a request of a user's (L{euca_tw.sim.causes}), something durable in the tier above,
or a policy, which says so in the reason that it gives.

To look costs by what changed, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from attrs import define, field

from euca_tw.cc.records import Placement
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import USER_SHUTDOWN, Phase, Wanted, may_follow
from euca_tw.model.networks import View
from euca_tw.model.records import Address, Instance, InstanceState, SecurityGroup
from euca_tw.nodectl.life import FOLLOWS, Goal, Life
from euca_tw.nodectl.records import HostedInstance, held
from euca_tw.sim.carriers import Carriers
from euca_tw.sim.causes import Causes
from euca_tw.sim.ownership import Ownership, Thing
from euca_tw.store.interfaces import Change, Put

_S = InstanceState


@define(eq=False, kw_only=True)
class Audit:
    """
    @ivar causes: what was asked for.
    @ivar note: told of what is not as it must be.
    @ivar now: the moment of the run.
    @ivar rooms: what each node has.
    @ivar ended_kept_s: so long at least the cloud tells of what has ended.
    """

    causes: Causes
    note: Callable[[str], None]
    now: Callable[[], float]
    rooms: dict[str, Resources] = field(factory=dict)
    ended_kept_s: float = 0.0
    _owned: Ownership = field(factory=Ownership, init=False)
    #: By the daemon, the class and the key: what is kept, or was last.
    _kept: dict[tuple[str, type, str], Any] = field(factory=dict, init=False)
    _launched: dict[str, set[str]] = field(factory=dict, init=False)
    _begun: dict[str, int] = field(factory=dict, init=False)
    _held: dict[str, Resources] = field(factory=dict, init=False)
    _ended_at: dict[str, float] = field(factory=dict, init=False)
    _carriers: Carriers = field(init=False)
    _looks: dict[type, Callable[..., Iterator[str]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._carriers = Carriers(self._group_of)
        self._looks = {
            Instance: self._look_at_instance,
            Address: self._look_at_address,
            Placement: self._look_at_placement,
            HostedInstance: self._look_at_hosted,
            SecurityGroup: self._look_at_group,
        }

    def wrote(self, daemon: str, changes: Collection[Change]) -> None:
        """These are on the disk of a daemon from now on."""
        for (kind, key), after in _last(changes).items():
            look = self._looks.get(kind)
            if look is None:
                continue
            at = daemon, kind, key
            before = self._kept.get(at)
            if after is not None:
                self._kept[at] = after
            elif before is None:
                continue
            elif kind is Address:
                # It may be another's; what else there was never comes back.
                del self._kept[at]
            if before is not after:
                for what in look(daemon, before, after):
                    self.note(f"{what}, by {daemon}")
        for what in self._owned.conflicts():
            self.note(what)

    def instance(self, name: str) -> Instance | None:
        """As the cloud has it, or had it."""
        found: Instance | None = self._kept.get(("cloud", Instance, name))
        return found

    # --- what is on machines -------------------------------------------------

    def began(self, name: str) -> None:
        """A domain runs."""
        count = self._begun[name] = self._begun.get(name, 0) + 1
        record = self.instance(name)
        if record is None:
            self.note(f"{name} runs, and the cloud has no record of it")
        elif count > 1 + record.starts:
            self.note(
                f"{name} began {count} times, and was started anew {record.starts}"
            )

    def lost(self, name: str, node: str) -> None:
        """Its machine is about to lose it."""
        self.causes.mishaps.add(name)
        hosted = self._kept.get((node, HostedInstance, name))
        if hosted is not None and hosted.life is Life.BOOTING:
            # Nobody knows yet that it ran: it begins once more, as it shall.
            self._begun[name] -= 1

    def ceased(self, name: str, node: str) -> None:
        """It runs no more."""
        hosted = self._kept.get((node, HostedInstance, name))
        if name in self.causes.mishaps or hosted is None:
            return
        if hosted.wanted is Goal.RUNNING:
            self.note(f"{name} was ended on {node}, which says that it shall run")

    def disk_made(self, name: str, node: str) -> None:
        """A machine has a disk of an instance."""
        self._owned.take(("the disk of", name), node)
        for what in self._owned.conflicts():
            self.note(what)

    def disk_gone(self, name: str, node: str) -> None:
        """It has it no more."""
        self._owned.leave(("the disk of", name), node)

    def carried(self, machine: str, view: View) -> None:
        """A machine carries this of managed networks from now on."""
        for what in self._carriers.look(machine, view):
            self.note(what)

    def _group_of(self, instance_id: str) -> str | None:
        record = self.instance(instance_id)
        return record.groups[0].name if record is not None else None

    # --- the cloud -----------------------------------------------------------

    def _look_at_instance(
        self, _: str, before: Instance | None, after: Instance | None
    ) -> Iterator[str]:
        if before is not None and before.is_live:
            for thing in _things(before):
                self._owned.leave(thing, before.instance_id)
        if after is None:
            assert before is not None
            if before.is_live:
                yield f"{before.key} is forgotten, and is {before.state.value}"
            elif self.now() < self._ended_at[before.key] + self.ended_kept_s:
                yield f"{before.key} is forgotten too soon after its end"
            return
        if after.is_live:
            for thing in _things(after):
                self._owned.take(thing, after.instance_id)
        elif before is None or before.is_live:
            # By the record: it is on the disk a little later.
            ended_at = after.ended_at
            self._ended_at[after.key] = ended_at.timestamp() if ended_at else self.now()
        if before is None:
            yield from self._is_new(after)
        else:
            yield from self._has_changed(before, after)

    def _is_new(self, after: Instance) -> Iterator[str]:
        token = after.client_token
        of = self._launched.setdefault(token, set())
        of.add(after.instance_id)
        asked = self.causes.launches.get(token, 0)
        if len(of) > asked:
            yield f"{after.key} is one of {len(of)}, and {asked} were asked for"

    def _has_changed(self, before: Instance, after: Instance) -> Iterator[str]:
        name, causes = after.instance_id, self.causes
        if not before.is_live and after.is_live:
            yield f"{name} has ended, and comes back as {after.state.value}"
        elif before.state is not after.state and not may_follow(
            before.state, after.state
        ):
            yield f"{name} was {before.state.value}, and is {after.state.value}"
        if before.wanted is not after.wanted:
            yield from self._wish(before, after)
        for of in ("starts", "reboots_wanted", "reboots_done"):
            if getattr(after, of) < getattr(before, of):
                yield f"{name} has fewer {of} than before"
        if after.starts > causes.starts[name]:
            yield f"{name} was started anew more often than was asked for"
        if after.reboots_wanted > causes.reboots[name]:
            yield f"{name} is rebooted more often than was asked for"

    def _wish(self, before: Instance, after: Instance) -> Iterator[str]:
        name, causes = after.instance_id, self.causes
        by_user = after.state_reason_code == USER_SHUTDOWN
        if before.wanted is _S.TERMINATED:
            yield f"{name} was to end, and shall be {after.wanted.value}"
        elif after.wanted is _S.RUNNING and after.starts <= before.starts:
            yield f"{name} shall run, and was not started"
        elif after.wanted is _S.STOPPED and by_user and not causes.stops[name]:
            yield f"{name} shall stop, and nobody asked for it"
        elif after.wanted is _S.TERMINATED and by_user and name not in causes.ends:
            yield f"{name} shall end, and nobody asked for it"
        elif after.wanted is not _S.RUNNING and not after.state_reason_code:
            yield f"{name} shall be {after.wanted.value}, for no reason"

    def _look_at_address(
        self, _: str, before: Address | None, after: Address | None
    ) -> Iterator[str]:
        known = before or after
        assert known is not None
        public_ip = known.public_ip
        had = before.instance_id if before is not None else None
        has = after.instance_id if after is not None else None
        if had is not None:
            self._owned.leave(("the place of", had), public_ip)
        if has is not None:
            self._owned.take(("the place of", has), public_ip)
            if (public_ip, has) not in self.causes.gifts:
                yield f"{public_ip} is given to {has}, and nobody asked for it"
        if after is None and public_ip not in self.causes.releases:
            yield f"{public_ip} is given back, and nobody asked for it"
        if after is not None and had is not None and had != has:
            yield from self._was_taken(public_ip, had)

    def _was_taken(self, public_ip: str, had: str) -> Iterator[str]:
        causes, holder = self.causes, self.instance(had)
        is_held = holder is not None and holder.wanted is _S.RUNNING
        is_moved = (
            public_ip in causes.takings
            or sum(1 for gift in causes.gifts if public_ip in gift or had in gift) > 1
        )
        if is_held and not (is_moved or causes.stops[had] or had in causes.mishaps):
            yield f"{public_ip} is taken from {had}, and nobody asked for it"

    def _look_at_group(
        self, _: str, before: SecurityGroup | None, after: SecurityGroup | None
    ) -> Iterator[str]:
        if after is None and before is not None:
            yield f"the group {before.name} is forgotten, and nobody asked for it"

    # --- clusters ------------------------------------------------------------

    def _look_at_placement(
        self, _: str, before: Placement | None, after: Placement | None
    ) -> Iterator[str]:
        if after is None:
            return
        name, record = after.instance_id, self.instance(after.instance_id)
        if record is None:
            yield f"{name} is placed, and the cloud has no record of it"
            return
        if before is not None and before.phase is Phase.TEARDOWN:
            if after.phase is not Phase.TEARDOWN:
                yield f"{name} has ended, and comes back as {after.phase.value}"
        elif (
            after.wanted is Wanted.ENDED
            and after.phase is not Phase.TEARDOWN
            and record.wanted is not _S.TERMINATED
        ):
            yield f"{name} shall end, and the cloud says nothing of it"
        if after.starts > record.starts:
            yield f"{name} is started anew, and the cloud says nothing of it"

    # --- nodes ---------------------------------------------------------------

    def _look_at_hosted(
        self, node: str, before: HostedInstance | None, after: HostedInstance | None
    ) -> Iterator[str]:
        total = self._held.get(node, NOTHING)
        if before is not None:
            total -= held(before)
        if after is not None:
            total += held(after)
        self._held[node] = total
        if after is None:
            assert before is not None
            # What is kept last is what it was: it holds nothing any more.
            if before.life is not Life.TERMINATED:
                yield f"{before.key} is forgotten, and is {before.life.value}"
            return
        if not self.rooms[node].holds(total):
            yield f"{after.key} has {node} promise {total} of {self.rooms[node]}"
        yield from self._is_hosted(before, after)

    def _is_hosted(
        self, before: HostedInstance | None, after: HostedInstance
    ) -> Iterator[str]:
        name, record = after.instance_id, self.instance(after.instance_id)
        if record is None:
            yield f"{name} is hosted, and the cloud has no record of it"
            return
        if before is not None and before.wanted is Goal.ENDED is not after.wanted:
            yield f"{name} was to end, and shall be {after.wanted.value}"
        if before is not None and before.life is Life.TERMINATED is not after.life:
            yield f"{name} has ended, and comes back as {after.life.value}"
        elif before is not None and after.life not in {
            before.life,
            *FOLLOWS[before.life],
        }:
            yield f"{name} was {before.life.value}, and is {after.life.value}"
        by_user = after.reason_code == USER_SHUTDOWN
        if after.wanted is Goal.ENDED and by_user:
            if record.wanted is not _S.TERMINATED:
                yield f"{name} shall end, and the cloud says nothing of it"
        elif after.wanted is Goal.ENDED and not after.reason_code:
            yield f"{name} shall end, for no reason"
        if after.starts > record.starts:
            yield f"{name} is started anew, and the cloud says nothing of it"


def _last(changes: Collection[Change]) -> dict[tuple[type, str], Any]:
    """A commit is one: of what it changes twice nobody ever sees the first."""
    last: dict[tuple[type, str], Any] = {}
    for change in changes:
        if isinstance(change, Put):
            last[type(change.record), change.record.key] = change.record
        else:
            last[change.kind, change.key] = None
    return last


def _things(instance: Instance) -> Iterator[Thing]:
    """What it has alone, while it lives."""
    yield "the place", instance.occupies
    yield "the card", instance.mac_address
    if instance.private_ip:
        scope = "" if instance.network else f"{instance.zone}/"
        yield "the address", f"{scope}{instance.private_ip}"
