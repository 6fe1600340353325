"""What an installed package does outside a clone: run in an empty folder, ``python outside.py``.

It needs no test framework, so that ``.ci/run`` can try it on every Python.
"""

import json
import os
import subprocess
import sys
import time
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path

POINTS = "UMIs per cell;MI (bits)\n10;0,31\n30;0,65\n100;1,22\n300;1,61\n1000;1,88\n3000;1,96\n"


def run(*command):
    """Run a command in this folder and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def check(true, what):
    if not true:
        raise SystemExit(f"not so: {what}")
    print(f"  {what}")


def command_line():
    """Try the commands that need no clone."""
    tool = str(Path(sys.executable).with_name("noise-scaling"))
    check(run(tool, "--version").startswith("noise-scaling 0."), "--version")
    check(" design " in run(tool, "-h"), "-h")
    Path("points.csv").write_text(POINTS, encoding="utf8")
    said = run(tool, "fit", "points.csv")
    check("u from 'UMIs per cell'" in said, "fit says which columns it took")
    check("status: ok" in said, "fit")
    run(tool, "design", "--pilot", "points.csv", "--budget", "10000", "--to", "plan.json")
    plan = json.loads(Path("plan.json").read_text(encoding="utf8"))
    check(0 < plan["order"]["price"] <= 10_000, "design stays within its budget")
    check("larry" in run(tool, "data"), "data lists the public sets")
    check("noise-scaling" in run(sys.executable, "-m", "noise_scaling", "--version"), "python -m noise_scaling")
    clone = subprocess.run([tool, "list"], capture_output=True, text=True)
    check(clone.returncode == 2 and "clone" in clone.stderr, "what needs a clone says so")


def imports():
    """Try the package under both names, and what the wheel holds."""
    seconds = time.process_time()
    import helpers

    check(time.process_time() - seconds < 0.5, "import helpers takes under half a second of the processor")
    from noise_scaling.laws import NoiseLaw

    import noise_scaling
    from noise_scaling import design

    check(Path.cwd() not in Path(helpers.__file__).parents, "the installed package is used")
    check("torch" not in sys.modules and "scanpy" not in sys.modules, "neither torch nor scanpy was imported")
    check(NoiseLaw is helpers.laws.NoiseLaw, "one class under both names")
    check(len(design.kits()) > 4, "the table of kits is in the package")
    check(noise_scaling.__version__ == helpers.__version__ == metadata("noise-scaling")["Version"], "one version")
    check((Path(helpers.__file__).parent / "py.typed").exists(), "py.typed")
    check("Typing :: Typed" in metadata("noise-scaling").get_all("Classifier"), "classifiers")


def own_cells():
    """Try a scan of cells, which needs torch: it has no build for every Python."""
    if find_spec("torch") is None:
        print("  no torch here: left out")
        return
    from helpers.datasets import example_file

    tool = str(Path(sys.executable).with_name("noise-scaling"))
    run(tool, "scan", str(example_file(".")), "-s", "obs:celltype", "--budget", "20s")
    check(list(Path().rglob("*.html")), "scan writes a report")


def another_helpers():
    """Try what is said where another file or package is called helpers."""
    Path("helpers.py").write_text("mine = 1\n", encoding="utf8")
    script = "import noise_scaling; noise_scaling.laws"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    Path("helpers.py").unlink()
    named = "not the package that noise-scaling installed" in done.stderr
    check(done.returncode and named, "a file helpers.py is named")


def main():
    if any(Path().iterdir()):
        raise SystemExit(f"{Path.cwd()} is not empty: run this in an empty folder.")
    for part in (imports, command_line, own_cells, another_helpers):
        print(part.__name__.replace("_", " "))
        part()


if __name__ == "__main__":
    main()
