"""Check the integration as hassfest does, and its texts against its code."""

from pathlib import Path
import sys

from homeassistant.const import __version__

from .integration import Integration
from .manifest import check_manifest
from .texts import check_texts
from .usage import Usage

FOLDER = Path(__file__).parent.parent.parent / "custom_components" / "fleet_tracker"


def main() -> int:
    """Print what is wrong and return the exit status."""
    integration = Integration(FOLDER)
    check_manifest(integration)
    check_texts(integration)
    Usage(integration).check()
    for problem in integration.problems:
        print(problem)
    print(f"{len(integration.problems) or 'No'} problems, Home Assistant {__version__}")
    return 1 if integration.problems else 0


if __name__ == "__main__":
    sys.exit(main())
