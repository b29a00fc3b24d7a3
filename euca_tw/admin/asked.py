"""What every subject of the command C{euca-tw} begins and ends with."""

from __future__ import annotations

import argparse
import sys

from attrs import evolve

from euca_tw.admin.configuration import Configuration, configuration_of


def say(text: str) -> None:
    """A line, to whoever asked."""
    sys.stdout.write(f"{text}\n")


def configuration_asked(asked: argparse.Namespace) -> Configuration:
    """What C{--config} and C{--state-dir} say together."""
    found = configuration_of(asked.config)
    if asked.state_dir is None:
        return found
    return evolve(found, cloud=evolve(found.cloud, state_dir=asked.state_dir))
