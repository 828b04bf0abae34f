# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report as SARIF, which code hosts show beside the code: only findings that count, no notes and ignored findings.

The form is that of OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Iterator
from urllib.parse import quote

from kfuncdoc import __version__
from kfuncdoc.audit.findings import AuditRule, Finding, Report
from kfuncdoc.audit.reports import in_one_line
from kfuncdoc.base.diagnostics import Severity
from kfuncdoc.bpf.objects import SourceLine

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_RULES = tuple(AuditRule)
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def as_sarif(report: Report) -> str:
    """Return *report* as one run of SARIF 2.1.0, with a result for each finding and a location for each call."""
    run = {
        "tool": {
            "driver": {
                "name": "kfuncdoc",
                "version": __version__,
                "rules": [
                    {
                        "id": rule.rule,
                        "shortDescription": {"text": rule.rule.replace("-", " ")},
                        "fullDescription": {"text": rule.explanation},
                        "help": {"text": rule.explanation},
                        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
                    }
                    for rule in _RULES
                ],
            }
        },
        "columnKind": "utf16CodeUnits",
        "properties": {
            "loader": report.loader.word,
            "recordedFrom": report.recorded_from,
            "recorded": report.recorded,
        },
        "invocations": [
            {
                "executionSuccessful": not report.unreadable,
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": unreadable.message},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(unreadable.path)}}}],
                    }
                    for unreadable in report.unreadable
                ],
            }
        ],
        "results": [_result(finding, report) for finding in report.findings if finding.counts],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2) + "\n"


def _result(finding: Finding, report: Report) -> dict[str, Any]:
    # The fingerprint stays the same when lines move, because it has no line numbers.
    basis = "observed" if finding.observed else "declared"
    names = (finding.rule.rule, basis, finding.object.path, finding.extern.name, finding.reason, *finding.programs)
    mark = "\0".join(names)
    first, *others = _locations(finding)
    return {
        "ruleId": finding.rule.rule,
        "ruleIndex": _RULES.index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": in_one_line(finding, report)},
        "locations": [first],
        "relatedLocations": [{"id": number, **location} for number, location in enumerate(others, 1)],
        "partialFingerprints": {"kfuncdoc/v1": hashlib.sha256(mark.encode("utf-8", "replace")).hexdigest()},
    }


def _locations(finding: Finding) -> Iterator[dict[str, Any]]:
    places = dict.fromkeys(call.source for call in finding.calls if call.source is not None)
    for place in places:
        yield {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, "region": _region(place)}}
    if not places:
        # Some code hosts refuse a place without a line.
        uri = _uri(finding.object.path)
        yield {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}


def _region(place: SourceLine) -> dict[str, int]:
    return {"startLine": place.line, **({"startColumn": place.column} if place.column else {})}


def _uri(path: str) -> str:
    """Return *path* as a URI reference (RFC 3986): relative paths are relative to the top of the repository.

    An object may have been compiled on another system, so a path with a drive is one of Windows on every system.
    In other paths, a backslash is a separator only on Windows, and part of a name elsewhere.
    """
    if _WINDOWS_DRIVE.match(path):
        drive, rest = path[:2], path[2:].replace("\\", "/")
        return f"file:///{drive}{_quoted(rest)}"
    path = path.replace(os.sep, "/")
    return ("file://" if path.startswith("/") else "") + _quoted(path)


def _quoted(path: str) -> str:
    # The name of a file need not be valid text: its other bytes are quoted as they are.
    return quote(path.encode("utf-8", "surrogateescape"))
