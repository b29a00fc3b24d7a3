"""How the policies that are shipped are made; none of them needs chance."""

from __future__ import annotations

from random import Random

from euca_tw.cc import schedule
from euca_tw.cc.interfaces import IScheduler
from euca_tw.cc.schedule import PowerSave, RankedScheduler, RoundRobin, SpreadByGroup
from euca_tw.clc import placement
from euca_tw.clc.interfaces import IPlacement
from euca_tw.clc.placement import OrderedPlacement, SteppedPlacement


def greedy_scheduler(random: Random) -> IScheduler:
    made: IScheduler = RankedScheduler(schedule.by_place)
    return made


def round_robin_scheduler(random: Random) -> IScheduler:
    made: IScheduler = RoundRobin()
    return made


def power_save_scheduler(random: Random) -> IScheduler:
    made: IScheduler = PowerSave()
    return made


def least_loaded_scheduler(random: Random) -> IScheduler:
    made: IScheduler = RankedScheduler(schedule.by_load)
    return made


def best_fit_scheduler(random: Random) -> IScheduler:
    made: IScheduler = RankedScheduler(schedule.by_fit)
    return made


def spread_by_group_scheduler(random: Random) -> IScheduler:
    made: IScheduler = SpreadByGroup()
    return made


def greedy_placement(random: Random) -> IPlacement:
    made: IPlacement = OrderedPlacement(placement.by_name)
    return made


def round_robin_placement(random: Random) -> IPlacement:
    made: IPlacement = SteppedPlacement(placement.in_turn)
    return made


def power_save_placement(random: Random) -> IPlacement:
    made: IPlacement = OrderedPlacement(placement.used)
    return made


def least_loaded_placement(random: Random) -> IPlacement:
    made: IPlacement = OrderedPlacement(placement.emptiest)
    return made


def best_fit_placement(random: Random) -> IPlacement:
    made: IPlacement = OrderedPlacement(placement.fitting)
    return made


def spread_by_group_placement(random: Random) -> IPlacement:
    made: IPlacement = SteppedPlacement(placement.apart)
    return made
