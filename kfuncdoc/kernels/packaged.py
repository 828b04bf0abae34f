# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The packaged facts about kernels: releases, hooks, flags and types.

They are read without the models of declarations, which are slow to import, so that a build without changes is quick.
"""

from __future__ import annotations

from typing import Mapping, Optional

from kfuncdoc.base import yaml_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.core_types import CoreTypes
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.releases import ReleaseCalendar


def load_calendar(path: Optional[str] = None) -> ReleaseCalendar:
    """Return the release calendar at *path* (default: the packaged one); raises Unusable or ValueError."""
    read = yaml_text.read(path or str(packaged("data") / "releases.yaml"))
    return ReleaseCalendar.from_mapping(read.value)


def load_hooks(calendar: ReleaseCalendar, path: Optional[str] = None) -> HookMap:
    """Return the map from program type to hook (default: the packaged one); raises Unusable or ValueError."""
    read = yaml_text.read(path or str(packaged("data") / "hooks.yaml"))
    return HookMap.from_mapping(read.value, calendar)


def load_core_types(calendar: ReleaseCalendar, path: Optional[str] = None) -> CoreTypes:
    """Return the types that programs test for (default: the packaged ones); raises Unusable or ValueError."""
    read = yaml_text.read(path or str(packaged("data") / "core_types.yaml"))
    return CoreTypes.from_mapping(read.value, calendar)


def load_flags(path: Optional[str] = None) -> Mapping[str, FlagMeaning]:
    """Return the meanings of the ``KF_*`` flags (default: the packaged ones); raises Unusable or TypeError."""
    read = yaml_text.read(path or str(packaged("data") / "flags.yaml"))
    return {entry["flag"]: _flag_meaning(entry) for entry in read.value["flags"]}


def _flag_meaning(entry: Mapping[str, str]) -> FlagMeaning:
    fields = {key: value for key, value in entry.items() if key != "bit"}
    return FlagMeaning(**fields, bit=int(entry["bit"]) if "bit" in entry else None)
