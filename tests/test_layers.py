"""
Who may import whom, read from the source; the table of docs/architecture.md.

Nothing is imported here: a module that offends is found even if it cannot be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent / "euca_tw"
NAME = "euca_tw"

WORDS = ("common", "api", "model", "wsdl")
#: What is said of networks from tier to tier, and how it is said.
OVERLAY = ("overlay",)
INTERFACES = tuple(
    f"{door}.interfaces"
    for door in ("soap", "query", "store", "vnet", "nodectl", "clc", "cc")
)
#: Of the modules in nodectl, those that are the daemon; the others are doors.
NODE_DAEMON = tuple(
    f"nodectl.{name}"
    for name in (
        *("node", "converge", "original", "plan", "records", "reports"),
        *("settings", "steps", "life", "memo", "accounting", "networks"),
        *("served", "power", "decisions", "makings", "making_plan", "making_records"),
    )
)
#: What the links of a machine shall be, and how they come to be so.
LINK_PLANS = tuple(
    f"vnet.{name}"
    for name in (
        *("paths", "transit", "ways", "link_records", "link_segment", "link_plan"),
        *("link_diff", "namespace_plan"),
    )
)
#: What a machine's rules shall let through, and how they come to do so.
FILTER_PLANS = tuple(
    f"vnet.{name}"
    for name in (
        *("classes", "filter_records", "filter_diff", "filter_plan", "filter_ledger"),
        *("filter_settings", "filter_chains", "filter_egress", "filter_machine"),
        *("filter_text", "nat_plan", "nft_listing", "trace"),
    )
)
#: Of the modules in store, those that need its driver.
POSTGRES = tuple(
    f"store.{name}"
    for name in (
        *("postgres", "postgres_batches", "postgres_copies", "postgres_journal"),
    )
)
#: They tell the time, or are random, by themselves.
UNTESTABLE = ("time", "secrets", "uuid.uuid1", "uuid.uuid4")


@frozen(kw_only=True)
class Layer:
    """
    @ivar modules: the modules of the layer, by name or package.
    @ivar may: what they may import of ours.
    @ivar never: what they must not import of others, or of ours.
    """

    modules: tuple[str, ...]
    may: tuple[str, ...]
    never: tuple[str, ...] = ()
    is_wiring: bool = False


#: The first layer that has a module decides.
LAYERS = (
    Layer(
        modules=("admin", "sim", "clc.tap", "cc.tap", "nodectl.tap", "vnet.tap"),
        may=("",),
        is_wiring=True,
    ),
    Layer(modules=("common",), may=("common",), never=("spyne", "libvirt")),
    Layer(
        modules=("model",),
        may=("model", "common"),
        never=("twisted", "spyne", "libvirt", "lxml"),
    ),
    Layer(
        modules=("api",),
        may=("api", "common"),
        never=("twisted", "spyne", "libvirt"),
    ),
    Layer(
        modules=("wsdl",),
        may=("wsdl", "api", "common"),
        never=("twisted", "spyne", "libvirt"),
    ),
    Layer(
        modules=("clc.views",),
        may=("model", "api", "clc"),
        never=("twisted", "random", "os"),
    ),
    Layer(
        modules=(
            *("clc.plan", "clc.placement", "cc.plan", "nodectl.plan"),
            *("cc.schedule", "cc.ranking"),
            *("clc.decisions", "nodectl.decisions"),
            "nodectl.making_plan",
        ),
        may=(
            *("model", "common.convergence", "common.clock", "common.evolved"),
            *("cc.records", "nodectl.records", "nodectl.interfaces", "nodectl.life"),
            "nodectl.making_records",
            *("clc.intent", "clc.decisions", "cc.settings", "nodectl.settings"),
            *("nodectl.decisions", "clc.interfaces", "cc.interfaces", "cc.ranking"),
        ),
        never=("twisted", "random", "os"),
    ),
    Layer(
        modules=("policies",),
        may=(
            *("policies", "clc.interfaces", "cc.interfaces"),
            *("clc.placement", "cc.schedule"),
        ),
        never=("random.random", "os"),
    ),
    Layer(
        modules=LINK_PLANS,
        may=("model", *LINK_PLANS),
        never=("twisted", "random", "os", "pyroute2"),
    ),
    Layer(
        modules=FILTER_PLANS,
        may=(
            *("model", "vnet.dhcp", "vnet.leases", "vnet.link_records", "vnet.transit"),
            *FILTER_PLANS,
        ),
        never=("twisted", "random", "os", "pyroute2"),
    ),
    Layer(
        modules=OVERLAY,
        may=(*WORDS, *INTERFACES, *OVERLAY),
        never=("spyne", "libvirt", "lxml"),
    ),
    Layer(
        modules=NODE_DAEMON,
        may=(*WORDS, *INTERFACES, *OVERLAY, *NODE_DAEMON),
        never=("spyne", "libvirt", "lxml"),
    ),
    Layer(
        modules=("clc",),
        may=(*WORDS, *INTERFACES, *OVERLAY, "clc"),
        never=("spyne", "libvirt", "lxml"),
    ),
    Layer(
        modules=("cc",),
        may=(*WORDS, *INTERFACES, *OVERLAY, "cc"),
        never=("spyne", "libvirt", "lxml"),
    ),
    # One of them talks to PostgreSQL.
    Layer(modules=POSTGRES, may=(*WORDS, "store"), never=("libvirt",)),
    Layer(modules=("store",), may=(*WORDS, "store"), never=("psycopg", *POSTGRES)),
    *(
        Layer(
            modules=(door,),
            may=(
                *(*WORDS, door),
                *(("nodectl.interfaces", "store.interfaces") if door == "vnet" else ()),
                *(OVERLAY if door == "vnet" else ()),
            ),
            never=NODE_DAEMON if door == "nodectl" else (),
        )
        for door in ("soap", "query", "vnet", "nodectl")
    ),
)


def is_within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(not p or name == p or name.startswith(f"{p}.") for p in prefixes)


def layer_of(module: str) -> Layer | None:
    return next((each for each in LAYERS if is_within(module, each.modules)), None)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that is imported, anywhere in a module, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names)


def self_willed(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls that read the clock or the random source of the machine."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in {"os.urandom", "datetime.now", "datetime.utcnow", "date.today"}:
            yield node.lineno, called


def offences_of(module: str, source: str) -> Iterator[str]:
    """What a module does that its layer does not allow."""
    layer = layer_of(module)
    if layer is None:
        yield f"{module}: is in no layer"
        return
    tree = ast.parse(source)
    for line, name in imported(tree):
        place = f"{module}:{line}"
        if name.startswith(f"{NAME}."):
            ours = name.removeprefix(f"{NAME}.")
            if not is_within(ours, layer.may) or is_within(ours, layer.never):
                yield f"{place} imports {name}"
        elif is_within(name, layer.never):
            yield f"{place} imports {name}"
        if layer.is_wiring:
            continue
        if name in {"twisted.internet.reactor", "uuid"} or is_within(name, UNTESTABLE):
            yield f"{place} imports {name}"
        if is_within(name, ("random",)) and name != "random.Random":
            yield f"{place} imports {name}"
    if not layer.is_wiring:
        for line, called in self_willed(tree):
            yield f"{module}:{line} calls {called}"


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        if path.name != "__init__.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name, path.read_text(encoding="utf-8")


class LayersTests(SynchronousTestCase):
    def test_source(self) -> None:
        """No module of ours reaches up, or sideways to another door."""
        found = [
            offence
            for name, source in modules()
            for offence in offences_of(name, source)
        ]
        self.assertEqual(found, [])

    def test_packages_are_empty(self) -> None:
        """The C{__init__.py} of a package holds a docstring and no more."""
        for path in sorted(ROOT.rglob("__init__.py")):
            body = ast.parse(path.read_text(encoding="utf-8")).body
            is_alone = len(body) == 1 and isinstance(body[0], ast.Expr)
            # Plugins of others are found by a line in theirs.
            is_open = path.parent == ROOT / "policies" / "plugins"
            self.assertTrue(is_alone or is_open or path.parent == ROOT, path)

    def test_plugins(self) -> None:
        """twistd imports all plugins for every command: ours are lines, no more."""
        plugin = ROOT.parent / "twisted" / "plugins" / "euca_tw.py"
        tree = ast.parse(plugin.read_text(encoding="utf-8"))
        names = {name for _, name in imported(tree)}
        self.assertEqual(
            names, {"twisted.application.service.ServiceMaker"}, "imports nothing else"
        )

    def test_offences(self) -> None:
        """An offence of each kind is found."""
        for module, source in (
            ("model.x", "from twisted.internet.defer import Deferred"),
            ("model.x", "from euca_tw.api.errors import ApiError"),
            ("api.x", "import euca_tw.model.records"),
            ("common.x", "from euca_tw.model.records import User"),
            ("soap.x", "from euca_tw.query.door import QueryDoor"),
            ("soap.x", "from euca_tw.clc.accounts import Accounts"),
            ("query.x", "def f():\n    from euca_tw.store.sqlite import SqliteStore"),
            ("clc.x", "from euca_tw.soap.door import SoapDoor"),
            ("clc.x", "from euca_tw.cc.cluster import ClusterController"),
            ("clc.x", "import lxml.etree"),
            ("clc.x", "from twisted.internet import reactor"),
            ("clc.x", "import time"),
            ("clc.x", "import random"),
            ("clc.x", "from random import choice"),
            ("clc.x", "from datetime import datetime\ndatetime.now()"),
            ("clc.plan", "from euca_tw.store.interfaces import Put"),
            ("clc.views", "import os"),
            ("policies.x", "from euca_tw.cc.fleet import Fleet"),
            ("cc.schedule", "from random import Random"),
            ("cc.x", "from euca_tw.policies.found import find"),
            ("vnet.filter_plan", "from euca_tw.vnet.nft import Nft"),
            ("nodectl.node", "from euca_tw.nodectl.libvirt import LibvirtHypervisor"),
            ("nodectl.memory", "from euca_tw.nodectl.node import NodeController"),
            ("somewhere.else", ""),
        ):
            self.assertEqual(len([*offences_of(module, source)]), 1, (module, source))

    def test_allowed(self) -> None:
        """What the table allows is no offence."""
        for module, source in (
            (
                "clc.tap",
                "from twisted.internet import reactor\nimport euca_tw.soap.door",
            ),
            ("clc.x", "from euca_tw.soap.interfaces import IPeers"),
            ("clc.x", "from random import Random"),
            ("vnet.x", "from euca_tw.nodectl.interfaces import INodeNetwork"),
            ("admin.x", "import time"),
        ):
            self.assertEqual([*offences_of(module, source)], [], source)
