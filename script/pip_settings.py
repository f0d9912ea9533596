"""Print pip's settings as the environment variables that give uv the same ones.

uv reads neither pip's files nor its variables. Only what says where packages come from
is passed on, and a variable of uv's that is set already is left alone.
"""

from __future__ import annotations  # whichever Python 3 has pip runs this file

import ast
import os
from pathlib import Path
import shlex
import subprocess
import sys


def read_pip_settings() -> dict[str, list[str]]:
    """Return what pip is configured to do when it installs, each option's values."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    settings: dict[str, list[str]] = {}
    # pip knows its variables best: they outrank the section for the command, which
    # outranks the one for all commands.
    for section in ("global", "install", ":env:"):
        for line in listed.stdout.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section + "."):
                option = name[len(section) + 1 :].replace("_", "-")
                settings[option] = str(ast.literal_eval(value)).split()
    return settings


def is_usable(source: str) -> bool:
    """Return whether a source of packages exists: uv, unlike pip, insists on folders."""
    return "://" in source or Path(source).is_dir()


def translate(settings: dict[str, list[str]]) -> dict[str, str]:
    """Return the variables that make uv look where pip does."""
    extra = settings.get("extra-index-url", [])
    links = [link for link in settings.get("find-links", []) if is_usable(link)]
    proxy = " ".join(settings.get("proxy", []))
    variables = {
        "UV_DEFAULT_INDEX": " ".join(settings.get("index-url", [])),
        "UV_INDEX": " ".join(extra),
        # pip takes the best version of all indexes together
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(links),
        "UV_NO_INDEX": "true" if settings.get("no-index") == ["true"] else "",
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", [])),
        "UV_HTTP_TIMEOUT": " ".join(settings.get("default-timeout", [])),
        "SSL_CERT_FILE": " ".join(settings.get("cert", [])),
        "SSL_CLIENT_CERT": " ".join(settings.get("client-cert", [])),
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
    }
    return {name: value for name, value in variables.items() if value}


def main() -> None:
    """Print the variables as commands for the shell."""
    for name, value in translate(read_pip_settings()).items():
        if name not in os.environ:
            print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
