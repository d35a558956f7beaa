"""`make bench-hearing`: makes the corpora, judges them, writes the tables into docs/hearing.md.

Owns arguments and exit codes: 0 the aims are reached, 1 one is not, 2 usage or a synthesiser is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from bench.hearing import corpus, report
from bench.hearing.judge import Score, announcements, cost, judge
from bench.hearing.voices import ROOT, LabError
from dialer.hearing.cadence import CadenceSettings
from dialer.hearing.listener import HearingSettings

PAGE = ROOT / "docs" / "hearing.md"
RESULTS = ROOT / "bench" / "results" / "hearing.json"
QUICK, PATIENT = "as shipped", "patient (pause 0.6 s)"
MOST_WRONG = 0.01
WITHIN_S = 0.4


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.hearing", description="The lab of answering-machine detection.")
    parser.add_argument("--cases", type=int, default=1500, metavar="N", help="people, and as many machines")
    parser.add_argument("--tuning-only", action="store_true", help="print the tuning corpus's scores, write nothing")
    given = parser.parse_args()
    settings = {
        QUICK: HearingSettings(),
        PATIENT: HearingSettings(cadence=CadenceSettings(human_pause_s=0.6)),
    }
    try:
        print(f"==> tuning corpus: espeak-ng, {given.cases} people and {given.cases} machines", flush=True)
        tuned = judge(corpus.tuning(given.cases), settings)
        runs = {f"tuning, {name}": score for name, score in tuned.items()}
        if given.tuning_only:
            print(report.body(runs, tuned[QUICK], announcements(1), {}, given.cases))
            return 0
        print("==> judging corpus: flite and festival", flush=True)
        judged = judge(corpus.judging(given.cases), settings)
        runs |= {f"**judging**, {name}": score for name, score in judged.items()}
        print("==> announcements, cost", flush=True)
        early = announcements(8)
        costs = cost([case.take.signal for case in islice(corpus.judging(40), 60)])
    except (LabError, FileNotFoundError) as error:
        print(f"bench-hearing: {error}", file=sys.stderr)
        return 2
    text = report.body(runs, judged[QUICK], early, costs, given.cases)
    report.write(PAGE, text)
    _save(RESULTS, runs, costs)
    print(text)
    for example in judged[QUICK].examples[:20]:
        print(f"    called a machine: {example}")
    score = judged[QUICK]
    wrong = score.share(False, "machine")
    quick = float(np.percentile(np.asarray(score.delays), 50))
    dead = sum(n for (played, heard), n in early.items() if heard == "dead_number" and _alive(played))
    print(
        f"==> people called machines {wrong:.2%} (aim below {MOST_WRONG:.0%}); median delay {quick:.2f} s; "
        f"false dead numbers {dead}"
    )
    return 0 if wrong < MOST_WRONG and quick <= WITHIN_S and dead == 0 else 1


def _alive(played: str) -> bool:
    return played not in ("dead_number", "intercept tones", "vacant-code tones")


def _save(path: Path, runs: dict[str, Score], costs: dict[str, float]) -> None:
    path.parent.mkdir(exist_ok=True)
    content = {
        name.replace("*", ""): {
            **{
                f"{'machine' if machine else 'person'} called {verdict}": n
                for (machine, verdict), n in score.table.items()
            },
            "delay_s": {str(p): round(float(np.percentile(score.delays, p)), 3) for p in (50, 90, 95)},
            "within_400_ms": round(float((np.asarray(score.delays) <= WITHIN_S).mean()), 4),
        }
        for name, score in runs.items()
    }
    body = {"runs": content, "us_per_frame": {name: round(value, 1) for name, value in costs.items()}}
    path.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
