"""
Python's packages for dom0: what the node controller imports, as this checkout
has it locked, and all of it compiled, for under emulation that takes minutes.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from demo_cloud.steps import run, say

from xen_bed.places import PYTHON_IN_DOM0, ROOT
from xen_bed.rootfs import Programs

#: Of Debian's, in dom0.
_NOT_OURS = {"libvirt-python"}
_NOT_PACKED = shutil.ignore_patterns("test", "tests", "__pycache__", "*.pyi")
_NEVER_USED = ("idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "test")


def install(root: Path) -> None:
    """
    @param root: dom0's tree.
    @raise demo_cloud.steps.Failed:
    """
    target = root / PYTHON_IN_DOM0.relative_to("/") / "lib"
    target.mkdir(parents=True)
    [standard] = (root / "usr/lib").glob("python3.*")
    version = standard.name.removeprefix("python")
    names = needed("euca_tw")
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        for name in names:
            _copy(name, target)
    else:
        say(f"    dom0 has Python {version}: fetching by pip")
        _fetch(names, target, version)
    for name in _NEVER_USED:
        shutil.rmtree(standard / name, ignore_errors=True)
    compile_ = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    for tree in (standard, root / "usr/lib/python3", target):
        run(
            *("env", f"PYTHONHOME={root}/usr", "sh", "-c", 'shift; exec "$@"', "", ""),
            *Programs(root).command(standard.name),
            # Some packages have files for other versions of Python.
            *("-S", *compile_, "-s", root, "-x", r"lib2to3|/_py3_", tree),
            timeout_s=300,
        )


def needed(name: str) -> list[str]:
    """All that it requires, directly or not, without itself."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        for text in distribution(waiting.pop()).requires or ():
            requirement, _, condition = text.partition(";")
            match = re.match(r"([\w.-]+)\s*(?:\[(.*?)\])?", requirement)
            assert match is not None
            each = _normal(match[1])
            if "extra" in condition and not _is_asked("tls", condition):
                continue
            if each in found or each in _NOT_OURS or not _is_here(each):
                continue
            found[each] = None
            waiting.append(each)
    return sorted(found)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_asked(extra: str, condition: str) -> bool:
    """Of all the extras, only Twisted's for TLS."""
    return re.search(rf"extra == ['\"]{extra}['\"]", condition) is not None


def _is_here(name: str) -> bool:
    """What is only for other systems or versions is not."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _copy(name: str, target: Path) -> None:
    one = distribution(name)
    for top in sorted({Path(path).parts[0] for path in one.files or ()}):
        source = Path(str(one.locate_file(top)))
        if top in ("..", "__pycache__"):
            continue
        if source.is_dir():
            shutil.copytree(
                source, target / top, ignore=_NOT_PACKED, dirs_exist_ok=True
            )
        else:
            shutil.copy(source, target / top)


def _fetch(names: list[str], target: Path, version: str) -> None:
    locked = target.parent / "requirements.txt"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked.write_text(
        "\n".join(line for line in lines if _normal(line.partition("==")[0]) in names)
    )
    wheels = target.parent / "wheels"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    # Some have no wheel; those have no machine code either.
    run(*pip, "wheel", "--no-deps", "-w", wheels, "-r", locked, timeout_s=600)
    platforms = (
        "manylinux2014_x86_64",
        "manylinux_2_28_x86_64",
        "manylinux_2_34_x86_64",
    )
    run(
        *(*pip, "install", "--no-deps", "--no-compile", "--target", target),
        *("--only-binary", ":all:", "--python-version", version),
        *(word for name in platforms for word in ("--platform", name)),
        *("--find-links", wheels, "-r", locked),
        timeout_s=600,
    )
    shutil.rmtree(wheels)
