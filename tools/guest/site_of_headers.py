# SPDX-License-Identifier: MIT
"""./run --docs: a site of the public headers, made from their `///` comments by Doxygen."""

import shutil
import subprocess

from build import BUILD, ROOT
from report import Failure, say

SITE = BUILD / "docs"
# What one part of the house offers to another. Private members and sources are for readers of the code.
INPUT = ("abi", "sv39", "kernel", "vellum", "user/libc", "docs", "README.md", "CONTRIBUTING.md")
SETTINGS = """
PROJECT_NAME = Bifolium
PROJECT_NUMBER = {version}
PROJECT_BRIEF = "A RISC-V kernel whose page tables you can see"
OUTPUT_DIRECTORY = {site}
INPUT = {input}
FILE_PATTERNS = *.hpp *.md
EXCLUDE_PATTERNS = *.zh-CN.md
USE_MDFILE_AS_MAINPAGE = README.md
STRIP_FROM_PATH = {root}
STRIP_FROM_INC_PATH = {root} {root}/kernel
RECURSIVE = YES
JAVADOC_AUTOBRIEF = YES
MARKDOWN_SUPPORT = YES
EXTRACT_ALL = YES
EXTRACT_STATIC = YES
BUILTIN_STL_SUPPORT = YES
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
PREDEFINED = BIFOLIUM_DEBUG=1 BIFOLIUM_VIEW_UNIFIED=1
GENERATE_LATEX = NO
HAVE_DOT = NO
QUIET = YES
WARNINGS = NO
"""


def make_site(version):
    """The page to begin with; a Failure if Doxygen made none."""
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(parents=True)
    inputs = " ".join(str(ROOT / name) for name in INPUT if (ROOT / name).exists())
    settings = SETTINGS.format(version=version, site=SITE, input=inputs, root=ROOT)
    made = subprocess.run(["doxygen", "-"], input=settings, text=True, cwd=ROOT, capture_output=True)
    page = SITE / "html" / "index.html"
    if made.returncode != 0 or not page.exists():
        raise Failure(f"doxygen could not make the site:\n{made.stderr}", 1)
    say(f"the public headers: {page}")
    return page
