"""Check what Home Assistant's own validator, hassfest, would find."""

import json
from pathlib import Path
import sys

INTEGRATION = Path(__file__).parent.parent / "custom_components" / "fleet_tracker"


def check_manifest() -> list[str]:
    """Return what is wrong with the manifest."""
    manifest = json.loads((INTEGRATION / "manifest.json").read_text(encoding="utf-8"))
    keys = list(manifest)
    wanted = ["domain", "name", *sorted(set(keys) - {"domain", "name"})]
    return [] if keys == wanted else ["manifest.json: keys are not in order"]


def main() -> int:
    """Print the problems and return the exit status."""
    problems = check_manifest()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
