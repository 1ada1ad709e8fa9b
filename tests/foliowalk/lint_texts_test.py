# SPDX-License-Identifier: MIT
"""Every rule and every sentence of lint has its Chinese (tools/foliowalk/web/src/lint_texts.ts)."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
source = (ROOT / "tools/foliowalk/lint.cpp").read_text()
texts = (ROOT / "tools/foliowalk/web/src/lint_texts.ts").read_text()

patterns = [re.compile(pattern) for pattern in re.findall(r"^  \[/(.*)/, '", texts, re.M)]
rules = set(re.findall(r"'([a-z0-9-]+)': '", texts))
# What is put into the sentences' places. Numbers suit every place.
WORDS = {
    "the root table {:#x} is {}": ["not page-aligned", "not in RAM"],
    "user mode can {} the frame {:#x}, the level-{} table of {}": ["write", "read"],
    "the {} has U: user code can {} what the kernel trusts": ["trampoline", "trapframe"],
}


def filled(sentence, word):
    """With a number in each place, but with `word` where words are put in."""
    if sentence.startswith("the {} has U"):
        return sentence.replace("{}", word, 1).replace("{}", "change")
    if word and sentence.startswith("the root table"):
        return sentence.replace("{:#x}", "0x1").replace("{}", word)
    if word:
        return re.sub(r"\{[^}]*\}", "7", sentence.replace("{}", word, 1))
    return re.sub(r"\{[^}]*\}", "7", sentence)


def sentences():
    body = source[: source.index("constexpr std::array<Rule")]
    reports = body.split("report(LintRule::")[1:] + body.split("report(\n")[1:]
    for report in reports:
        report = report[: report.index(";\n")]
        yield from (text for text in re.findall(r'"((?:[^"\\]|\\.)*)"', report) if text.count(" ") > 1)
    yield "and {} more of this rule, which are not listed"


put_in = {word for words in WORDS.values() for word in words}
found = sorted(set(sentences()) - put_in)
assert len(found) > 30, found
for sentence in found:
    for word in WORDS.get(sentence, [""]):
        text = filled(sentence, word)
        assert sum(bool(pattern.search(text)) for pattern in patterns) == 1, f"no Chinese, or two: {text}"
names = re.findall(r'\{LintRule::\w+, "([a-z0-9-]+)"', source)
assert len(names) > 30 and set(names) == rules, set(names) ^ rules
print(f"1 passed: {len(found)} sentences and {len(names)} rules have their Chinese")
