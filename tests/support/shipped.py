"""The rules that ship with the product, as they stand in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "rules"


def rule_files() -> list[Path]:
    """Every shipped rule file, in order; the tables beside them are none."""
    return sorted(path for path in SHIPPED.rglob("*.yml") if path.parent.name != "lookups")
