"""Notebooks in forks of one process: all that a plain kernel does, and as separate."""

import json
import os
import subprocess
import sys

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError

from helpers.book import run
from small_notebook import HEAD

EACH = pytest.mark.parametrize("engine", run.ENGINES)


def write(folder, code):
    cells = "\n".join(f"```{{code-cell}} ipython3\n{cell}\n```\n" for cell in code)
    (folder / "x.md").write_text(f"{HEAD}\n{cells}")


def executed(folder, code, engine, **options):
    """Run one notebook of these cells and return it."""
    write(folder, code)
    run.run_notebook(folder / "x.md", folder / f"{engine}.ipynb", engine=engine, **options)
    return nbformat.read(folder / f"{engine}.ipynb", 4)


def printed(notebook):
    return [o.text.strip() for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "stream"]


def test_both_engines_give_the_same_file(tmp_path):
    code = [
        "import sys\n\nimport ipywidgets\nfrom IPython.display import Markdown, display",
        "from helpers.laws import NoiseLaw",
        "import matplotlib\nimport pandas as pd\nimport torch\nfrom tqdm.auto import tqdm",
        "pd.DataFrame([range(100, 130)])",
        "pd.options.display.max_columns, matplotlib.get_backend(), tqdm.__module__, torch.get_num_threads()",
        "print('out'); print('error', file=sys.stderr); display(Markdown('**bold**')); NoiseLaw(2.0, 100.0)(50.0)",
        "ipywidgets.IntSlider(value=3)",
        "__name__, sys.path[0]",
    ]
    write(tmp_path, code)
    # In a process of its own: forks are of one process, which in this one another test may have started otherwise.
    line = "from pathlib import Path\nfrom helpers.book.run import ENGINES, run_notebook\nfor engine in ENGINES:\n"
    line += (
        f"    run_notebook(Path({str(tmp_path / 'x.md')!r}), Path({str(tmp_path)!r}, engine + '.ipynb'), engine=engine)"
    )
    subprocess.run([sys.executable, "-c", line], check=True)
    texts = []
    for engine in run.ENGINES:
        notebook = nbformat.read(tmp_path / f"{engine}.ipynb", 4)
        assert len(notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]) == 3
        del notebook.metadata["widgets"], notebook.cells[-2]  # widgets are numbered at random
        texts.append(nbformat.writes(notebook))
    assert texts[0] == texts[1]
    kinds = [o.output_type for o in notebook.cells[-2].outputs]
    assert sorted(kinds) == ["display_data", "execute_result", "stream", "stream"]


@EACH
def test_a_kernel_has_its_own_folder_and_environment(tmp_path, monkeypatch, engine):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", "somewhere")
    monkeypatch.setenv("OF_THE_CALLER", "1")
    code = [
        "import os\nprint(os.getcwd())",
        "print(os.environ['NOISE_SCALING_RESULTS'], os.environ['NOISE_SCALING_BUILD'], os.environ['OF_THE_CALLER'])",
    ]
    before = dict(os.environ), os.getcwd()
    told = printed(executed(tmp_path, code, engine))
    assert told == [str(tmp_path), f"{os.getcwd()}/somewhere 1 1"]
    assert (dict(os.environ), os.getcwd()) == before


@EACH
def test_notebooks_share_nothing(tmp_path, engine):
    """What one changes the next does not see; each draws its own unseeded numbers, and seeded ones are equal."""
    code = [
        "import os, random\nimport numpy as np\nimport torch",
        "print(hasattr(np, 'spoiled'), 'SPOILED' in os.environ)\nnp.spoiled = True; os.environ['SPOILED'] = '1'",
        "print(np.random.rand(), random.random())",
        "print(np.random.default_rng(0).random(), torch.rand(1, generator=torch.manual_seed(0)).item())",
    ]
    first, second = (printed(executed(tmp_path, code, engine)) for _ in range(2))
    assert first[0] == second[0] == "False False"
    assert not set(first[1].split()) & set(second[1].split())
    assert first[2] == second[2]


@EACH
def test_a_cell_that_takes_too_long_is_stopped(tmp_path, engine):
    with pytest.raises(CellTimeoutError):
        executed(tmp_path, ["from time import sleep", "sleep(60)"], engine, timeout=1)
    assert not (tmp_path / f"{engine}.ipynb").exists()


@EACH
def test_a_kernel_that_dies_is_told(tmp_path, engine):
    with pytest.raises(ChildProcessError, match="the kernel of x died: it was killed, or memory ran out"):
        executed(tmp_path, ["import os, signal", "os.kill(os.getpid(), signal.SIGKILL)"], engine)


@EACH
def test_a_cell_that_fails_keeps_the_notebook_so_far(tmp_path, engine):
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError") as told:
        executed(tmp_path, ["1 + 1", "1 / 0", "print('not reached')"], engine)
    assert told.value.exec_count == 2
    failed = json.loads((tmp_path / f"{engine}.failed.ipynb").read_text())
    assert "not reached" not in json.dumps([cell.get("outputs") for cell in failed["cells"]])


@EACH
def test_many_notebooks_run_at_once_in_threads(tmp_path, engine):
    """As they do in a build."""
    from concurrent.futures import ThreadPoolExecutor

    folders = [tmp_path / str(i) for i in range(4)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda folder: executed(folder, ["import os\nprint(os.getcwd())"], engine), folders))
    assert [printed(notebook) for notebook in made] == [[str(folder)] for folder in folders]


def test_an_unknown_engine_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ValueError, match="engine is 'fork': it must be one of forked, kernel"):
        executed(tmp_path, ["1"], "fork")
    assert [file.name for file in tmp_path.iterdir()] == ["x.md"]
