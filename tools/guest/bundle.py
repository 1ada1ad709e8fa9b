# SPDX-License-Identifier: MIT
"""Bundles the scripts of a page: the explorer's (tools/foliowalk/web) and the machine's (page)."""

import shutil
import subprocess


class NoPage(Exception):
    """Why the page cannot be shown."""


class NoPackages(NoPage):
    """What the page is made of could not be fetched; nothing is wrong with the page itself."""


def bundle(project, output, sources, say):
    """Runs the project's build.mjs, if one of these sources is newer than what it made. Needs Node and npm."""
    newest = max(path.stat().st_mtime for path in (*project.glob("*.*"), *sources) if path.is_file())
    stamp = output / "main.js"
    if stamp.exists() and stamp.stat().st_mtime >= newest:
        return
    npm = shutil.which("npm")
    if not npm:
        raise NoPackages("the page needs Node and npm (Debian: nodejs npm)")
    lock = project / "package-lock.json"
    installed = project / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("installing the page's packages (npm ci)")
        _run(project, [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], NoPackages)
    say("bundling the page")
    _run(project, ["node", str(project / "build.mjs"), str(output)], NoPage)


def _run(project, command, complaint):
    result = subprocess.run(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if result.returncode != 0:
        raise complaint(f"{' '.join(command[:2])} failed:\n{result.stdout}")
