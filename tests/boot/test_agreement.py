# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Verdicts and answers are compared pair by pair, counted, and listed where they disagree."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from boot import agreement
from boot.agreement import Agreement, Known, KnownUnusable, Pair, compare, read_known
from boot.claims import Claim, Verdict
from boot.machine import HERE
from boot.outcomes import Answer, Reply

#: What an audit says, what a kernel says, and how they compare.
COMPARED = {
    (Verdict.LOADS, Answer.ACCEPTED): Agreement.AGREED,
    (Verdict.LOADS, Answer.REFUSED): Agreement.FALSE_LOADS,
    (Verdict.LOADS, Answer.UNTOLD): Agreement.UNTOLD,
    (Verdict.BREAKS, Answer.ACCEPTED): Agreement.FALSE_BREAKS,
    (Verdict.BREAKS, Answer.REFUSED): Agreement.AGREED,
    (Verdict.BREAKS, Answer.UNTOLD): Agreement.UNTOLD,
    (Verdict.MAY_BREAK, Answer.ACCEPTED): Agreement.FALSE_MAY_BREAK,
    (Verdict.MAY_BREAK, Answer.REFUSED): Agreement.AGREED,
    (Verdict.MAY_BREAK, Answer.UNTOLD): Agreement.UNTOLD,
}


@pytest.mark.parametrize(("verdict", "answer"), list(itertools.product(Verdict, Answer)))
def test_each_verdict_is_compared_with_each_answer(verdict: Verdict, answer: Answer):
    assert compare(Claim(verdict), Reply(answer, "", False)) is COMPARED[verdict, answer]


def test_a_program_that_reaches_the_verifier_refutes_that_libbpf_refuses_it():
    reply = Reply(Answer.UNTOLD, "invalid access", True)
    assert compare(Claim(Verdict.BREAKS, by_libbpf=True), reply) is Agreement.FALSE_BREAKS
    assert compare(Claim(Verdict.BREAKS, by_libbpf=False), reply) is Agreement.UNTOLD


def test_a_release_says_nothing_of_what_was_not_built():
    reply = Reply(Answer.REFUSED, "extern (func ksym) 'scx_bpf_kick_cpu': not found in kernel or module BTFs", False)
    assert compare(Claim(Verdict.LOADS), reply, is_unlike=True) is Agreement.UNTOLD
    assert compare(Claim(Verdict.BREAKS), reply, is_unlike=True) is Agreement.AGREED


def pair(verdict: Verdict, answer: Answer, line: str = "", *, audit: str = "--btf", **names: str) -> Pair:
    shown = {"corpus": "own", "object": "a.bpf.o", "program": "p", "kernel": "7.3.4", **names}
    return Pair(**shown, audit=audit, claim=Claim(verdict), reply=Reply(answer, line, False))


PAIRS = [
    pair(Verdict.LOADS, Answer.ACCEPTED),
    pair(Verdict.LOADS, Answer.REFUSED, "calling kernel function x is not allowed", program="q"),
    pair(Verdict.MAY_BREAK, Answer.ACCEPTED, corpus="scx"),
    pair(Verdict.MAY_BREAK, Answer.REFUSED, "extern (func ksym) 'x': not found", corpus="scx"),
    pair(Verdict.LOADS, Answer.REFUSED, "calling kernel function x is not allowed", program="q", audit="--kernel"),
    pair(Verdict.LOADS, Answer.UNTOLD, "prog 'a': no such map 3", audit="--kernel"),
]


def test_a_table_counts_pairs_by_corpus():
    rows = agreement.tables(PAIRS)["kfuncdoc audit --btf, by corpus"]
    assert agreement.as_text(rows) == (
        'Corpus  pairs  agreed  false "loads"  false "breaks"  false "may break"  nobody can tell\n'
        "own         2       1              1               0                  0                0\n"
        "scx         2       1              0               0                  1                0\n"
        "all         4       2              1               0                  1                0\n"
    )
    assert agreement.share_of_false_doubts(PAIRS) == (1, 2)


def test_each_disagreement_is_listed_once_for_both_kinds_of_audits():
    assert agreement.disagreements(PAIRS, []) == (
        'false "loads": own/a.bpf.o, program q, on 7.3.4 (--btf, --kernel)\n'
        "    audit: loads\n"
        "    kernel: refuses a kfunc: calling kernel function x is not allowed\n"
        'false "may break": scx/a.bpf.o, program p, on 7.3.4 (--btf)\n'
        "    audit: may break\n"
        "    kernel: loads"
    )
    assert agreement.reasons_untold(PAIRS) == "nobody can tell, 1 pairs: prog …: no such map …"


def test_a_wrong_verdict_counts_unless_it_is_explained():
    assert agreement.wrong(PAIRS, []) == [PAIRS[1], PAIRS[4]]
    known = [Known("a filter", kernel="7.3.*", line="function x is not"), Known("of old kernels", kernel="6.*")]
    assert agreement.wrong(PAIRS, known) == []
    assert agreement.needless(PAIRS, known) == [known[1]]
    assert agreement.disagreements(PAIRS, known).endswith("is not allowed\n    known: a filter")
    assert '* false "loads", 2 pairs: a filter\n' in agreement.as_include(PAIRS, known)


def test_known_disagreements_that_cannot_be_read_are_an_error(tmp_path: Path):
    path = tmp_path / "known.yaml"
    for text in ("- {program: p}", "- {reason: r, lines: x}", "- {reason: r, line: '('}", "[", "3"):
        path.write_text(text)
        with pytest.raises(KnownUnusable, match=r"known\.yaml"):
            read_known(path)
    path.write_text("# nothing\n")
    assert read_known(path) == []


def test_the_known_disagreements_of_the_repository_have_reasons():
    assert all(entry.reason for entry in read_known(HERE / "known.yaml"))
