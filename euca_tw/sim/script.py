"""
The users of a L{Case}: they ask what is written, when it is written, ask again when
they get no answer, and look whether what they were answered is so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure

from euca_tw.api.errors import ApiError
from euca_tw.model.records import Address, Instance, InstanceState, SecurityGroup
from euca_tw.sim.case import Case, Request
from euca_tw.sim.causes import Causes
from euca_tw.sim.cloud import Cloud
from euca_tw.sim.site import Site

#: Who has no answer for so long asks again; and so long after he was cut off.
_ANSWER_S = 10.0
_OUTAGE_S = 3.0
_S = InstanceState


@define(eq=False)
class _Asked:
    """
    @ivar instance_id, public_ip: what it is about, if anything.
    @ivar number: how much had been asked before.
    @ivar since: the number of the first that had no answer then.
    """

    request: Request
    instance_id: str = ""
    public_ip: str = ""
    number: int = 0
    since: int = 0


@define(eq=False, kw_only=True)
class Script:
    """
    @ivar note: told of what is not as it must be.
    @ivar taken: instances that were acknowledged.
    """

    case: Case
    site: Site
    causes: Causes
    note: Callable[[str], None]
    taken: list[str] = field(factory=list, init=False)
    _launched: dict[int, tuple[str, ...]] = field(factory=dict, init=False)
    _allocated: dict[int, str] = field(factory=dict, init=False)
    #: In the order in which they were asked: the verb and what it was about.
    _history: list[tuple[str, str, str]] = field(factory=list, init=False)
    #: What is under way, or may be: of whom nobody was told how it ended.
    _unanswered: set[int] = field(factory=set, init=False)
    _rebooted: dict[str, int] = field(factory=dict, init=False)
    _is_over: bool = field(default=False, init=False)

    def begin(self) -> None:
        """From now on."""
        for each in self.case.requests:
            self.site.clock.callLater(each.at_s, self._ask, each)

    def stop(self) -> None:
        """Nobody asks for anything."""
        self._is_over = True

    def _ask(self, request: Request) -> None:
        cloud = self.site.cloud
        if self._is_over:
            return
        ids = self._launched.get(request.launch, ())
        asked = _Asked(
            request,
            ids[request.member] if request.member < len(ids) else "",
            self._allocated.get(request.address, ""),
            len(self._history),
            min(self._unanswered, default=len(self._history)),
        )
        if request.verb.startswith("guest-"):
            self._befall(asked)
        elif cloud is None:
            self._again(request)
        else:
            answer = self._said(cloud, asked)
            if answer is not None:
                self._history.append((request.verb, asked.instance_id, asked.public_ip))
                self._unanswered.add(asked.number)
                self._wait(answer, asked)

    def _befall(self, asked: _Asked) -> None:
        name = asked.instance_id
        for machine in self.site.machines.values():
            hypervisor = machine.hypervisor
            if name in hypervisor.running:
                self.causes.mishaps.add(name)
                off = asked.request.verb == "guest-off"
                (hypervisor.power_off if off else hypervisor.crash)(name)

    def _said(self, cloud: Cloud, asked: _Asked) -> Deferred[Any] | None:
        """None: it is about what is not, as far as its user knows."""
        request, causes = asked.request, self.causes
        name, public_ip = asked.instance_id, asked.public_ip
        match request.verb:
            case "launch":
                token = f"launch-{request.launch}"
                causes.launches[token] = request.count
                scenario = self.case.scenario
                return cloud.launch(
                    self.site.image_ids[0],
                    request.kind or scenario.kinds[0].name,
                    token,
                    count=request.count,
                    zone=request.zone,
                    stops_itself=request.stops_itself,
                    groups=(_group(request.group),) if request.group else (),
                )
            case "create-group":
                return cloud.create_group(_group(request.group))
            case "authorize":
                return cloud.authorize(_group(request.group), _group(request.source))
            case "revoke":
                return cloud.revoke(_group(request.group), _group(request.source))
            case "allocate":
                return cloud.allocate()
            case "release" if public_ip:
                causes.releases.add(public_ip)
                return cloud.release(public_ip)
            case "disassociate" if public_ip:
                causes.takings.add(public_ip)
                return cloud.disassociate(public_ip)
            case "associate" if public_ip and name:
                causes.gifts.add((public_ip, name))
                return cloud.associate(public_ip, name)
            case "terminate" if name:
                causes.ends.add(name)
                return cloud.terminate(name)
            case "stop" if name:
                causes.stops[name] += 1
                return cloud.stop(name, force=request.is_forced)
            case "start" if name:
                causes.starts[name] += 1
                return cloud.start(name)
            case "reboot" if name:
                causes.reboots[name] += 1
                return cloud.reboot(name)
        return None

    def _wait(self, answer: Deferred[Any], asked: _Asked) -> None:
        answer.addTimeout(_ANSWER_S, self.site.clock)

        def failed(failure: Failure) -> None:
            if failure.check(TimeoutError):
                self._again(asked.request)
            elif isinstance(failure.value, ApiError):
                self._unanswered.discard(asked.number)
            else:
                failure.raiseException()

        answer.addCallbacks(self._answered, failed, callbackArgs=(asked,))

    def _again(self, request: Request) -> None:
        # To have two addresses, or two reboots, is not what is wanted.
        if request.verb not in ("allocate", "reboot"):
            self.site.clock.callLater(_OUTAGE_S, self._ask, request)

    # --- what was promised ---------------------------------------------------

    def _answered(self, told: Any, asked: _Asked) -> None:
        request = asked.request
        self._unanswered.discard(asked.number)
        if request.verb == "launch":
            self._launched[request.launch] = told
            self.taken.extend(name for name in told if name not in self.taken)
        elif request.verb == "allocate":
            self._allocated[request.address] = asked.public_ip = told
        for what in self._broken(told, asked):
            self.note(f"{request.verb} was acknowledged, and {what}")

    def _broken(self, told: Any, asked: _Asked) -> Iterator[str]:
        """What of it is not so, by what is on the cloud's disk."""
        records = self.site.daemons["cloud"].disk.records
        name, public_ip = asked.instance_id, asked.public_ip
        record = records.get((Instance, name))
        address = records.get((Address, public_ip))
        match asked.request.verb:
            case "launch":
                for each in told:
                    if (Instance, each) not in records:
                        yield f"{each} is not kept"
            case "allocate":
                if address is None:
                    yield f"{public_ip} is not kept"
            case "release":
                if address is not None:
                    yield f"{public_ip} is kept still"
            case "create-group":
                if _group(asked.request.group) not in self._groups():
                    yield "the group is not kept"
            case "authorize":
                group, source = asked.request.group, asked.request.source
                if not self._lets(group, source) and not self._was_revoked(asked):
                    yield "the rule is not kept"
            case "terminate":
                if record is not None and record.wanted is not _S.TERMINATED:
                    yield f"{name} is not to end"
            case "stop":
                runs = record is None or record.wanted is _S.RUNNING
                if runs and not self._was(asked, "start"):
                    yield f"{name} is not to stop"
            case "start":
                is_otherwise = self._was(asked, "stop", "terminate")
                runs = record is not None and record.wanted is _S.RUNNING
                why = record.state_reason_code if record is not None else ""
                if not (runs or why or is_otherwise):
                    yield f"{name} is not to run"
            case "reboot":
                count = self._rebooted[name] = self._rebooted.get(name, 0) + 1
                if record is None or record.reboots_wanted < count:
                    yield f"{name} is not to be rebooted"
            case "associate":
                is_wanted = record is not None and record.wanted is _S.RUNNING
                has = address.instance_id if address is not None else None
                if is_wanted and has != name and not self._was_moved(asked):
                    yield f"{public_ip} is not {name}'s"
            case "disassociate":
                if (
                    address is not None
                    and address.instance_id is not None
                    and not self._was_moved(asked)
                ):
                    yield f"{public_ip} is {address.instance_id}'s still"

    def _groups(self) -> dict[str, SecurityGroup]:
        records = self.site.daemons["cloud"].disk.records.values()
        return {each.name: each for each in records if isinstance(each, SecurityGroup)}

    def _lets(self, group: int, source: int) -> bool:
        found = self._groups().get(_group(group))
        return found is not None and any(
            rule.group is not None and rule.group.group_name == _group(source)
            for rule in found.permissions
        )

    def _was_revoked(self, asked: _Asked) -> bool:
        return any(verb == "revoke" for verb, _, _ in self._meanwhile(asked))

    def _was(self, asked: _Asked, *verbs: str) -> bool:
        """Whether its instance was to be something else meanwhile."""
        return any(
            verb in verbs and name == asked.instance_id
            for verb, name, _ in self._meanwhile(asked)
        )

    def _was_moved(self, asked: _Asked) -> bool:
        return any(
            (public_ip and public_ip == asked.public_ip)
            or (name and name == asked.instance_id and verb != "reboot")
            for verb, name, public_ip in self._meanwhile(asked)
        )

    def _meanwhile(self, asked: _Asked) -> Iterator[tuple[str, str, str]]:
        """What was under way when it was asked, or was asked since."""
        for number in range(asked.since, len(self._history)):
            if number != asked.number:
                yield self._history[number]


def _group(number: int) -> str:
    return f"group-{number}" if number else "default"
