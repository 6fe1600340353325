"""Weights on disk, in the format of Hugging Face; encoders of Geneformer with the vocabulary as JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.representations.tokens import Vocabulary

TOKENS, MEDIANS = "token_dictionary.json", "gene_median.json"


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars or hints from transformers within the block; errors are raised as usual."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def loading(source: str, kind: str, name: str, download: str) -> Iterator[None]:
    """Check that ``source`` holds a model of the kind that transformers calls so; the block loads it.

    The kind is read from ``config.json``; no code in its folder is run.

    Raises
    ------
    ValueError
        If it is a model of another kind.
    FileNotFoundError
        If it cannot be loaded, saying what to ``download``.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig

    try:
        with quiet_transformers():
            try:
                there = AutoConfig.from_pretrained(source, trust_remote_code=False).model_type
            except ValueError as error:
                raise ValueError(
                    f"config.json of {source} describes no model that transformers knows: weights must be those of a "
                    f"model of kind {kind}. ({error})"
                ) from error
            if there != kind:
                raise ValueError(f"{source} holds a {there}: weights must be those of a model of kind {kind}.")
            yield
    except (OSError, SafetensorError) as error:
        raise FileNotFoundError(
            f"no {name} could be loaded from {source!r}: {str(error).splitlines()[0]} Download {download} where "
            "there is a network and give its folder as weights, or use weights='scratch'."
        ) from error


def save_encoder(folder: str | Path, model: Any, genes: Sequence[str] | None, vocabulary: Vocabulary) -> Path:
    """Write ``config.json``, ``model.safetensors``, and the vocabulary of named genes; return the folder."""
    folder = Path(folder)
    if genes is None:
        raise ValueError("the genes have no names to save: call .fit(train, genes=names).")
    named = [(g, int(i), float(m)) for g, i, m in zip(genes, vocabulary.ids, vocabulary.medians, strict=True) if i >= 0]
    if len({gene for gene, _, _ in named}) < len(named):
        raise ValueError("some genes share a name: make the names unique to save them.")
    specials = {"<pad>": vocabulary.pad, "<mask>": vocabulary.mask, "<cls>": vocabulary.cls, "<eos>": vocabulary.eos}
    ids = {name: i for name, i in specials.items() if i is not None} | {gene: i for gene, i, _ in named}
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        model.save_pretrained(folder)
    (folder / TOKENS).write_text(json.dumps(ids), encoding="utf8")
    (folder / MEDIANS).write_text(json.dumps({gene: median for gene, _, median in named}), encoding="utf8")
    return folder


def load_encoder(where: str | Path, genes: Sequence[str] | None, words: str | Path | None) -> tuple[Any, Vocabulary]:
    """Return a ``BertForMaskedLM`` and the vocabulary of the genes, the columns of the counts.

    Weights are read from safetensors only, which cannot run code.

    Parameters
    ----------
    where : folder of ``config.json`` and ``model.safetensors``; or a model of the Hugging Face hub, with ``words``
    words : folder of ``token_dictionary.json`` (gene → token) and ``gene_median.json``; by default ``where``

    Raises
    ------
    ValueError, FileNotFoundError
        If the genes have no names, none is known, the files do not belong together or one is missing, or the weights
        are damaged.
    """
    if genes is None:
        raise ValueError("from_checkpoint finds genes by name: call .fit(train, genes=names).")
    local = Path(where).is_dir()
    if not local and words is None:
        raise FileNotFoundError(f"{where} is not a folder. For a model of the hub, give vocabulary=, a local folder.")
    ids, medians = (_read_json(Path(words or where), name) for name in (TOKENS, MEDIANS))
    if local:
        kind = _read_json(Path(where), "config.json").get("model_type")
        if kind != "bert":
            raise ValueError(f"{where} holds a model of type {kind!r}: only 'bert' (Geneformer) can be read.")
        if not (Path(where) / "model.safetensors").is_file():
            raise FileNotFoundError(f"{where} has no model.safetensors: other files of weights can run code.")
    try:
        from safetensors import SafetensorError
        from transformers import BertForMaskedLM
    except ImportError as error:
        raise ImportError("Txformer needs transformers: pip install 'noise-scaling[models]'.") from error
    try:
        with quiet_transformers():
            model = BertForMaskedLM.from_pretrained(
                str(where), local_files_only=local, use_safetensors=True, dtype=torch.float32
            )
    except SafetensorError as error:
        raise ValueError(f"model.safetensors of {where} is damaged ({error}): save or download it again.") from error
    return model, _vocabulary(ids, medians, genes, model.config.vocab_size)


def _vocabulary(ids: dict[str, int], medians: dict[str, float], genes: Sequence[str], size: int) -> Vocabulary:
    missing = [name for name in ("<pad>", "<mask>") if name not in ids]
    if missing:
        raise ValueError(f"{TOKENS} lacks {' and '.join(missing)}: it is not a token dictionary of Geneformer.")
    known = [gene in ids and gene in medians for gene in genes]
    if not any(known):
        theirs = next((name for name in medians if name in ids), "none")
        raise ValueError(
            f"none of {len(genes)} genes, such as {genes[0]!r}, is in {TOKENS}, which has such as {theirs!r}: "
            "rename the genes to match (Geneformer has Ensembl identifiers)."
        )
    columns = np.array([ids[g] if k else -1 for g, k in zip(genes, known, strict=True)])
    usual = np.array([medians[g] if k else 1.0 for g, k in zip(genes, known, strict=True)], float)
    if max(ids.values()) >= size or min(ids.values()) < 0 or not (usual > 0).all():
        raise ValueError(
            f"{TOKENS} has ids in [{min(ids.values())}, {max(ids.values())}], smallest median {usual.min():g}; "
            f"the model has ids in [0, {size - 1}], and medians are above 0: the files do not belong together."
        )
    return Vocabulary(columns, usual, size, ids["<pad>"], ids["<mask>"], ids.get("<cls>"), ids.get("<eos>"))


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    file = folder / name
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} does not exist. A pickle is not read here, because opening one can run code; if you trust its "
            "maker, convert it: "
            f"""python -c "import json, pickle; json.dump(pickle.load(open('IN.pkl', 'rb')), open('{name}', 'w'))" """
        )
    return json.loads(file.read_text(encoding="utf8"))
