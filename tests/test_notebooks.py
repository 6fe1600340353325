"""Every notebook, run by papermill at tiny parameters; wrong ones are refused before a kernel starts."""

import json
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
from papermill.translators import PythonTranslator

from helpers.book.run import find_notebook, notebooks, run_notebook
from helpers.datasets.files import registry
from helpers.findings.rerun import NEEDS
from miniatures import WRITERS, write

ROOT = Path(__file__).parents[1]
FLOW = {  # the analyses read what the datasets before them measured
    "datasets/pbmc68k": {"depths": [1.0, 0.1, 0.02], "n_train": [10, 40, 100, 350], "seeds": [0], "dim": 4},
    "datasets/simulated": {"depths": [1.0, 0.1, 0.01], "n_train": [10, 40, 100, 150], "seeds": [0], "n_cells": 300,
                           "dim": 4, "umis_per_cell": 1000.0},
    "analyses/gaussian_channel": {"n_samples": 2000, "total_bits": [2.0, 8.0], "dims": [2], "spreads": [0.0, 1.0],
                                  "decades": [3.0], "seeds": [0, 1], "components": 3},
    "analyses/estimators": {"bits": [0.0, 1.0], "n_pairs": [100, 200], "dims": [1, 3], "fixed_n": 200, "fixed_dim": 3,
                         "fixed_bits": 1.0, "task_bits": [0.0, 1.0], "label_bits": [0.0, 1.0], "seeds": [0],
                         "code_dims": [2, 8], "neighbours": [3], "tasks": {"pbmc68k": "cell_type"},
                            "depths": [1.0]},
    "analyses/shape": {"profile": "reference", "own": "tiny"},
    "analyses/cell_number": {"profile": "reference", "own": "tiny"},
    "analyses/other_half": {"profile": "reference"},
    "book/intro": {"profile": "reference"},
    "book/reproducibility": {},
}  # fmt: skip
_SMALL = {"seeds": [0], "dim": 4}
_PAGE = {**_SMALL, "depths": [1.0, 0.1, 0.02], "n_train": [10, 20, 40, 80]}
_ONE_MODEL = {**_PAGE, "representations": ["pca"]}
_GRID = {"depths": [1.0, 0.3, 0.1, 0.03], "n_train": [10, 20, 40, 80]}
# The data set whose files in miniature a page reads; the others have embedded data.
FILES = {f"datasets/{name}": name for name in WRITERS if (ROOT / "notebooks" / "datasets" / f"{name}.md").exists()}
del FILES["datasets/your_data"]
FILES |= {"datasets/rerun_the_papers": "larry", "analyses/one_grid": "pbmc4k"}
ALONE = {
    **dict.fromkeys(FILES, _ONE_MODEL),
    **{f"datasets/{name}": _PAGE for name in ("spleen_lymph", "osmfish", "your_data")},
    "datasets/larry_subset": {**_ONE_MODEL, "n_train": [10, 20, 30, 40]},
    "datasets/xenium_sampled": {**_ONE_MODEL, "n_probe": 100, "distances": [0.0, 100.0]},
    "datasets/rerun_the_papers": {**_ONE_MODEL, "dataset": "larry", "required": True},
    "datasets/rna_mixture": {**_SMALL, "probe_depths": [1.0, 0.1, 0.01]},
    "analyses/train_vs_probe_noise": {
        **_SMALL, "datasets": ["pbmc68k"], "signals": ["cell_type"], "depths": [1.0, 0.3, 0.1],
        "probe_depths": [1.0, 0.3, 0.1], "scvi_steps": 2, "robust_datasets": ["pbmc68k"],
        "robust_signals": ["cell_type"], "views": 1,
    },
    "analyses/model_comparison": {
        **_SMALL, "datasets": ["pbmc68k", "simulated"], "signals": ["cell_type", "protein"],
        "depths": [1.0, 0.3, 0.1], "scvi_steps": 2, "scvi_seeds": [0], "txformer_steps": 2, "checkpoints": [0],
        "transformers_of": ["pbmc68k"], "txformer_seeds": [0],
        "package_depths": [0.1], "package_cells": 60,
    },
    "analyses/joint_law": {
        **_GRID, "datasets": ["pbmc68k"], "signals": ["cell_type"], "models": ["pca"], "seeds": [[0]],
        "own_laws": ["additive", "JointLaw"],
    },
    "analyses/one_grid": {**_GRID, "dataset": "pbmc4k", "seeds": [0]},
    "modalities/images": {"sigmas": [0.5, 1.0, 2.0], "factors": [2, 4], "seeds": [0], "n_train": 100, "width": 0.1,
                          "epochs": 1, "dim": 4},
    "modalities/proteins": {"options": {"n": 200, "length": 60}, "ratios": [100.0, 10.0, 1.0], "seeds": [0],
                            "epochs": 1},
    "modalities/sample_number": {"levels": {"gaussian": [0.5, 2.0], "pixelation": [2, 4]},
                                 "rates": [0.0, 0.09, 0.25], "n_images": [20, 40, 60, 80],
                                 "n_sequences": [40, 50, 60, 70], "seen_images": 80, "seen_sequences": 40,
                                 "seeds": [0]},
    "modalities/masked_reconstruction": {"datasets": ["pbmc68k"], "sizes": ["XXS", "TINY"], "n_genes": 16, "seeds": [0],
                                         "steps": {"XXS": 20, "TINY": 20}},
    "analyses/transformer_diagnosis": {"seeds": [0], "variant_steps": 2, "widths": [4, 8], "dim": 4},
}  # fmt: skip
READ = {  # these show what others measured or teach, and keep no results
    "analyses/findings": {},
    "analyses/published": {"datasets": ["larry"]},
    "analyses/experimental_design": {"curve": "larry clone scvi", "draws": 20},
    "book/large": {"cells": [1e7], "seeds": 1, "depths": 2},
    "course/session_1": {"n_pairs": 50},
    "course/session_3": {"datasets": ["larry"]},
    "course/session_4": {},
    "course/session_2": {"sizes": [100, 300], "dims": [1, 4], "n_pairs": [100], "seeds": [0]},
}
# Only their files can tell of pages of data sets without a miniature; other pages that are new run as they are.
NO_MINIATURE = {f"datasets/{name}" for name in registry() if name not in WRITERS}
READ |= {name: {} for name in notebooks(ROOT) if name not in {*FLOW, *ALONE, *READ, *NO_MINIATURE}}
TINY = FLOW | ALONE | READ


def test_no_notebook_is_left_out():
    assert set(notebooks(ROOT)) <= {*TINY, *NO_MINIATURE}


def execute(folder):
    """Run every notebook of FLOW, datasets first, on one store of results."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISE_SCALING_RESULTS", str(folder / "results"))
        for name, given in FLOW.items():
            # The last page reports on a profile of config/, the others fill a store of their own.
            profile = {} if name == "book/reproducibility" else {"profile": "tiny"}
            run_notebook(find_notebook(name, ROOT), folder / f"{name}.ipynb", profile | given)


@pytest.fixture(scope="module")
def executed(made_once):
    """Return the notebooks of FLOW, executed once, whichever process of the tests asks first."""
    folder = made_once("notebooks", execute)
    return {name: nbformat.read(folder / f"{name}.ipynb", as_version=4) for name in FLOW}


@pytest.mark.parametrize("name", FLOW)
def test_it_runs_and_shows(executed, name):
    shows(executed[name])


# They train dozens of networks, however small.
TRAINING = ("analyses/transformer_diagnosis", "analyses/model_comparison", "modalities/sample_number")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in TRAINING)) for n in ALONE])
def test_it_runs_alone_and_shows(name, tmp_path, monkeypatch):
    """On files in miniature or embedded data; every point must be measured."""
    runs_alone(name, ALONE[name], FILES.get(name), tmp_path, monkeypatch)


@pytest.mark.parametrize("dataset", sorted({*NEEDS} - {FILES["datasets/rerun_the_papers"]}))
def test_the_other_data_sets_of_the_papers_are_rerun(dataset, tmp_path, monkeypatch):
    given = ALONE["datasets/rerun_the_papers"] | {"dataset": dataset}
    runs_alone("datasets/rerun_the_papers", given, dataset, tmp_path, monkeypatch)


def runs_alone(name, given, files, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NOISE_SCALING_DATA", str(tmp_path / "data"))
    own = {"folder": str(write(files, tmp_path / "files"))} if files else {}
    run_notebook(find_notebook(name, ROOT), tmp_path / "x.ipynb", given | own | {"profile": "tiny"})
    notebook = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    shows(notebook)
    said = [o["data"]["text/plain"] for c in notebook.cells if "failures(" in c.source and c.cell_type == "code"
            and "import" not in c.source for o in c.outputs if "data" in o]  # fmt: skip
    assert said
    assert all("none failed" in text for text in said)


def test_nothing_is_measured_without_the_files_of_the_papers(tmp_path, monkeypatch):
    """Nor is anything downloaded: the page says what is missing, and a job stops."""
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NOISE_SCALING_DATA", str(tmp_path / "data"))
    source = find_notebook("datasets/rerun_the_papers", ROOT)
    run_notebook(source, tmp_path / "x.ipynb", {"dataset": "merfish", "profile": "tiny"})
    notebook = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    shows(notebook)
    said = "".join(o.get("data", {}).get("text/plain", "") for c in notebook.cells for o in c.get("outputs", []))
    assert "Nothing was measured: the data folder (NOISE_SCALING_DATA) lacks cell_by_gene_S1R1.csv" in said
    assert not (tmp_path / "data").exists()
    with pytest.raises(papermill.PapermillExecutionError, match="Nothing was measured"):
        run_notebook(source, tmp_path / "y.ipynb", {"dataset": "larry", "profile": "tiny", "required": True})


@pytest.mark.parametrize("name", READ)
def test_it_reads_and_shows(name, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NOISE_SCALING_DATA", str(tmp_path / "data"))
    run_notebook(find_notebook(name, ROOT), tmp_path / "x.ipynb", READ[name])
    notebook = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    shows(notebook)
    checks = [c for c in notebook.cells if c.cell_type == "code" and c.source.startswith("check(")]
    assert bool(checks) == name.startswith("course/session")
    for cell in checks:
        assert [o.text for o in cell.outputs] == ["Exercise {}: right.\n".format(cell.source.split('"')[1])]


def shows(notebook):
    nbformat.validate(notebook)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert any(o.output_type in ("execute_result", "display_data") for o in outputs)
    assert not [o for o in outputs if o.get("name") == "stderr"], "a page must not show warnings"


@pytest.mark.parametrize("name", TINY)
def test_its_cells_are_short_and_its_sections_complete(name):
    text = find_notebook(name, ROOT).read_text()
    if name.startswith(("datasets", "analyses")):
        for part in ("**Question.**", "**You will learn to**", "**Time and memory.**", "answer\n", "## Limits",
                     "## Exercises", "## Takeaways"):  # fmt: skip
            assert part in text, part
    assert "def " not in text


def test_every_measurement_succeeded_at_tiny_parameters(executed):
    measuring = ("datasets/pbmc68k", "datasets/simulated", "analyses/estimators")
    cells = [c for name in measuring for c in executed[name].cells if c.source.endswith(("along_cells)", "by_label)"))]
    said = [output["data"]["text/plain"] for cell in cells for output in cell.outputs]
    assert len(said) == 3
    assert all("none failed" in text for text in said)


@pytest.mark.parametrize("name", notebooks(ROOT))
def test_papermill_has_nothing_to_say_about_a_parameters_cell(name, caplog):
    for cell in jupytext.read(find_notebook(name, ROOT)).cells:
        if "parameters" in cell.metadata.get("tags", []):
            assert PythonTranslator.inspect(cell)
    assert caplog.messages == []


def test_parameters_arrive_and_are_shown(executed):
    cell = next(c for c in executed["datasets/pbmc68k"].cells if "injected-parameters" in c.metadata.get("tags", []))
    assert "dim = 4" in cell.source
    assert "hide-input" in cell.metadata["tags"]


def test_a_rerun_gives_the_same_file(executed, tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    name = "analyses/gaussian_channel"
    run_notebook(find_notebook(name, ROOT), tmp_path / "x.ipynb", {"profile": "tiny"} | TINY[name])
    texts = []
    for notebook in (executed[name], nbformat.read(tmp_path / "x.ipynb", as_version=4)):
        notebook["metadata"].pop("widgets", None)  # ipywidgets numbers its models at random
        for cell in notebook["cells"]:
            cell["outputs"] = [o for o in cell.get("outputs", []) if "widget" not in json.dumps(o)]
        texts.append(json.dumps(notebook))
    assert texts[0] == texts[1]


def test_wrong_parameters_start_no_kernel(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'depths'"):
        run_notebook(find_notebook("pbmc68k", ROOT), tmp_path / "x.ipynb", {"depth": [1.0]})
    assert list(tmp_path.iterdir()) == []


def test_a_failing_cell_keeps_the_notebook_so_far(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISE_SCALING_RESULTS", str(tmp_path / "results"))
    with pytest.raises(papermill.PapermillExecutionError, match=r"depth is 1\.5"):
        run_notebook(find_notebook("pbmc68k", ROOT), tmp_path / "x.ipynb", {"depths": [1.5]})
    assert not (tmp_path / "x.ipynb").exists()
    assert (tmp_path / "x.failed.ipynb").exists()
