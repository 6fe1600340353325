"""Every recipe of the cookbook runs as it is printed, in an empty folder, and prints what the page says."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "book" / "cookbook.md"


def recipes():
    return re.findall(r"^## (\d+)\. (.+)$", PAGE.read_text("utf8"), re.MULTILINE)


def test_recipes_run_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf8"), re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "cookbook", str(PAGE), 0)
    assert len(test.examples) > 40
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)
