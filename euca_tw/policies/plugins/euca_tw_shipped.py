"""The policies that are shipped; lines, no more, as they are read often."""

from euca_tw.policies.policy import PlacementPolicy, SchedulerPolicy

_AT = "euca_tw.policies.shipped:"

greedy_placement = PlacementPolicy(
    "greedy", "the first zone by name, until it is full", f"{_AT}greedy_placement"
)
round_robin_placement = PlacementPolicy(
    "round-robin",
    "each instance in the next zone by name",
    f"{_AT}round_robin_placement",
)
power_save_placement = PlacementPolicy(
    "power-save",
    "zones that are used before empty ones",
    f"{_AT}power_save_placement",
)
least_loaded_placement = PlacementPolicy(
    "least-loaded",
    "the zone with most room, until it is full",
    f"{_AT}least_loaded_placement",
)
best_fit_placement = PlacementPolicy(
    "best-fit",
    "the zone with the least room that takes the whole launch",
    f"{_AT}best_fit_placement",
)
spread_by_group_placement = PlacementPolicy(
    "spread-by-group",
    "where there are fewest of the same security group",
    f"{_AT}spread_by_group_placement",
)
greedy_scheduler = SchedulerPolicy(
    "greedy",
    "the first node in the site's order, until it is full",
    f"{_AT}greedy_scheduler",
)
round_robin_scheduler = SchedulerPolicy(
    "round-robin", "nodes take turns, by name", f"{_AT}round_robin_scheduler"
)
power_save_scheduler = SchedulerPolicy(
    "power-save",
    "nodes that are used before empty ones, which could sleep",
    f"{_AT}power_save_scheduler",
)
least_loaded_scheduler = SchedulerPolicy(
    "least-loaded",
    "the node of which the smallest share is taken",
    f"{_AT}least_loaded_scheduler",
)
best_fit_scheduler = SchedulerPolicy(
    "best-fit",
    "the node with the least memory left that is enough",
    f"{_AT}best_fit_scheduler",
)
spread_by_group_scheduler = SchedulerPolicy(
    "spread-by-group",
    "the node with fewest of the same security group",
    f"{_AT}spread_by_group_scheduler",
)
