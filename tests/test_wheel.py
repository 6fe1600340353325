"""The built wheel and the source distribution, installed where no clone is."""

import importlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import helpers
import noise_scaling

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of a wheel and a source distribution, built by the tool that the project names."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for what in ("sdist", "wheel"):
        script = f"import sys; from setuptools import build_meta; build_meta.build_{what}(sys.argv[1])"
        subprocess.run([sys.executable, "-c", script, out], cwd=source, check=True, capture_output=True)
    return out


@pytest.mark.slow
def test_wheel_and_source_hold_the_same_files(built):
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    files = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in n}
    here = {
        str(f.relative_to(ROOT / "src"))
        for f in (ROOT / "src").rglob("*")
        if f.is_file() and "__pycache__" not in f.parts and not any(p.endswith(".egg-info") for p in f.parts)
    }
    assert files == here, "every file of the packages, data included"
    with tarfile.open(source) as packed:
        assert {n.partition("/src/")[2] for n in packed.getnames()} >= here


@pytest.mark.slow
def test_the_wheel_works_outside_a_clone(built, tmp_path):
    """The packages that it needs are those of this environment; ``.ci/run`` installs them anew on later Pythons."""
    place, folder = tmp_path / "venv", tmp_path / "empty"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    (python,) = place.glob("bin/python")
    paths = {key: sysconfig.get_path(key, vars={"base": str(place), "platbase": str(place)}) for key in ("purelib",)}
    (wheel,) = built.glob("*.whl")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", wheel]
    subprocess.run(install, check=True, capture_output=True)
    # Packages of this environment come after its own; the clone, if this one is editable, is not among them.
    own = [p for p in sys.path if p.endswith("site-packages")]
    Path(paths["purelib"], "packages.pth").write_text("\n".join(own))
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NOISE_SCALING_RESULTS")}
    done = subprocess.run([python, ROOT / "tests" / "outside.py"], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_module_has_both_names():
    from noise_scaling.design import prices

    assert noise_scaling.design is helpers.design
    assert prices is helpers.design.prices
    assert prices.__spec__.name == "helpers.design.prices"
    assert noise_scaling.__version__ == helpers.__version__
    assert "laws" in dir(noise_scaling)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        noise_scaling.nothing  # noqa: B018 (the lookup is the test)
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        importlib.import_module("noise_scaling.nothing")


def apart(folder, script):
    path = os.pathsep.join([str(folder), str(ROOT / "src")])
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_a_file_called_helpers_is_named(tmp_path):
    (tmp_path / "helpers.py").write_text("mine = 1\n")
    done = apart(tmp_path, "from noise_scaling import laws")
    assert done.returncode
    assert f"'helpers' is {tmp_path / 'helpers.py'}, not the package" in done.stderr
    done = apart(tmp_path, "from noise_scaling.__main__ import main; main()")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: 'helpers' is ")


def test_another_distribution_called_helpers_is_warned_of(tmp_path):
    shutil.copytree(ROOT / "src" / "helpers", tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "helpers-0.2.0.dist-info").mkdir()
    done = apart(tmp_path, "import helpers")
    assert done.returncode == 0, done.stderr
    assert "another package, helpers 0.2.0, is installed here" in done.stderr
    (tmp_path / "helpers-0.2.0.dist-info").rmdir()
    assert apart(tmp_path, "import helpers").stderr == ""


def test_an_import_costs_next_to_nothing():
    """No package but the standard library is imported: the clock is not asked."""
    script = "import sys, helpers, noise_scaling; print(sorted({n.split('.')[0] for n in sys.modules}))"
    done = apart(ROOT / "tests", script)
    names = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
    assert {"helpers", "noise_scaling"} <= names, done.stderr
    assert not names & {"numpy", "pandas", "scipy", "torch", "scanpy", "altair", "typer"}
