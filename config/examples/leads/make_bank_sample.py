"""Makes bank-sample.csv: a seeded sample of the UCI "Bank Marketing" data as a lead list with fictional numbers.

Owns the sample only. Usage: python make_bank_sample.py BANK_FULL_CSV [OUTPUT]. The same input gives the same bytes.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

import phonenumbers
from phonenumbers import timezone

LEADS = 5_000
SEED = 20140601
MAX_ZONES = 3
"""Area codes that belong to no place (toll-free, personal) may be anywhere, so they are hardly ever all open."""


def fictional_numbers() -> list[str]:
    """+1 NPA 555 0100-0199, reserved for fiction, over the area codes of the United States that have a place."""
    numbers = []
    for area in range(200, 1000):
        sample = phonenumbers.parse(f"+1{area}5550100")
        if not phonenumbers.is_valid_number(sample) or phonenumbers.region_code_for_number(sample) != "US":
            continue
        if len(timezone.time_zones_for_number(sample)) > MAX_ZONES:
            continue
        numbers += [f"+1{area}555{line:04d}" for line in range(100, 200)]
    return numbers


def priority(row: dict[str, str]) -> int:
    """Those who said yes to an earlier campaign first, then those who know the bank already."""
    if row["poutcome"] == "success":
        return 2
    return 1 if row["previous"] != "0" else 0


def tags(row: dict[str, str]) -> str:
    """A few labels to filter by."""
    found = [row["contact"]] if row["contact"] != "unknown" else []
    found += [name for name in ("housing", "loan") if row[name] == "yes"]
    return ",".join(found)


def main(source: Path, target: Path) -> None:
    """Write the sample."""
    # The generator is seeded so that the committed file can be made again.
    chance = random.Random(SEED)
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    picked = [rows[n] for n in sorted(chance.sample(range(len(rows)), LEADS))]
    numbers = chance.sample(fictional_numbers(), LEADS)
    columns = ["phone", "name", "priority", "tags", *rows[0]]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for n, (row, number) in enumerate(zip(picked, numbers, strict=True), 1):
            lead = {"phone": number, "name": f"Lead {n:05d}", "priority": str(priority(row)), "tags": tags(row)}
            writer.writerow({**row, **lead})


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) == 3 else Path(__file__).with_name("bank-sample.csv")))
