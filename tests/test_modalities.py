"""Images and sequences: data, models, grids, tolerances; each against an exact answer or a second way to it."""

import json
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.charts import levels as level_charts
from helpers.datasets import files, load
from helpers.datasets.images import Images, digits, read_npz, read_tree
from helpers.datasets.sequences import day_number, header_date, read_fasta, sarscov2_genomes, your_sequences
from helpers.datasets.simulated_spike import Clock, clock_of, exact_curve, simulated_spike
from helpers.datasets.spike import _END, _START, find_spike
from helpers.laws import NoiseLaw, StretchedNoiseLaw
from helpers.laws.tolerance import (
    InformationLoss,
    NoiseAxis,
    better,
    exponents,
    fit_levels,
    hardest,
    image_points,
    on_one_axis,
    sequence_points,
    tolerance,
)
from helpers.noise import substitute
from helpers.representations.esm import ESM, TOKENS
from helpers.representations.mobilenet import MobileNet
from helpers.store.rows import Store
from helpers.sweep.engine import run_sweep
from helpers.sweep.images import ImageGrid
from helpers.sweep.measurements import measurement_of
from helpers.sweep.sequences import SequenceGrid
from miniatures import OTHERS, write

PROTEINS = ["MFVFLVLLPLVSSQCVNLTT", "MFVFLVLLPLVSSQ", "MFVFLVRLPLVSAQCVNLT", "MFVALVLLPLV"]


# Images


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    images, told = digits(), load_digits()
    assert ((images.pixels[:, 0] + 1) * 8 == told.images).all()
    assert (images.signal == told.target.astype(str)).all()
    assert not set(images.train) & set(images.probe)
    counts = pd.crosstab(images.signal, images.folds)
    assert (counts[0] - counts[1]).abs().max() <= 1


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_a_miniature_is_read_like_the_real_files(name, tmp_path):
    folder = write(name, tmp_path, n_cells=100)
    options = {"size": 28} if name == "tissuemnist" else {"size": 32} if name == "caltech101" else {}
    samples = load(name, folder=folder, **options)
    assert samples.name == f"{name} (files in {tmp_path.name})"
    assert samples.data_hash == load(name, folder=folder, **options).data_hash
    assert min(len(samples.train), len(samples.probe)) > 8
    assert samples.describe()["source"]
    assert folder.exists()


def test_the_official_archive_is_unpacked_once(tmp_path, monkeypatch):
    tree = write("caltech101", tmp_path / "made" / "101_ObjectCategories", n_cells=100)
    inner = tmp_path / "101_ObjectCategories.tar.gz"
    with tarfile.open(inner, "w:gz") as tar:
        tar.add(tree, "101_ObjectCategories")
    archive = tmp_path / "caltech-101.zip"
    with zipfile.ZipFile(archive, "w") as outer:
        outer.write(inner, "caltech-101/101_ObjectCategories.tar.gz")
    monkeypatch.setenv("NOISE_SCALING_DATA", str(tmp_path / "cache"))
    (tmp_path / "cache" / "caltech101").mkdir(parents=True)
    asked = []
    monkeypatch.setattr(files, "fetch", lambda *names: asked.append(names) or archive)
    first, second = load("caltech101", size=16), load("caltech101", size=16)
    assert asked == [("caltech101", "caltech-101.zip")]
    assert first.data_hash == second.data_hash == load("caltech101", size=16, folder=tree).data_hash
    assert [f.name for f in (tmp_path / "cache" / "caltech101").iterdir()] == ["101_ObjectCategories"]


def test_tissuemnist_keeps_the_published_split(tmp_path):
    folder = write("tissuemnist", tmp_path, n_cells=100)
    stored = np.load(folder / "tissuemnist_64.npz")
    images = load("tissuemnist", size=64, n_images=30, folder=folder)
    assert images.pixels.shape == (30 + 20, 1, 64, 64)
    assert (images.pixels[images.train, 0] == stored["train_images"][:30]).all()
    assert (images.signal[images.probe].astype(int) == stored["test_labels"].ravel()[:30]).all()
    assert (
        read_npz(folder / "tissuemnist.npz", "val_images") == np.load(folder / "tissuemnist.npz")["val_images"]
    ).all()
    with pytest.raises(ValueError, match="MedMNIST gives 28, 64, 128 and 224"):
        load("tissuemnist", size=32, folder=folder)


def test_the_largest_classes_are_kept_and_a_broken_file_is_named(tmp_path):
    from PIL import Image

    for name, n in (("b", 5), ("a", 3), ("c", 4), ("BACKGROUND_Google", 9)):
        (tmp_path / name).mkdir()
        for i in range(n):
            Image.new("RGB", (20, 10), (i, 0, 255)).save(tmp_path / name / f"{i}.png")
    pixels, labels, told = read_tree(tmp_path, 8, 2)
    assert told.startswith("9 images decode")
    assert pixels.shape == (9, 3, 8, 8)
    assert labels.tolist() == ["b"] * 5 + ["c"] * 4
    assert pixels[4, :, 0, 0].tolist() == [4, 0, 255]
    (tmp_path / "b" / "x.jpg").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"b/x\.jpg is not an image that can be read"):
        load("your_images", path=tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        load("your_images", path=tmp_path / "nothing")
    with pytest.raises(ValueError, match="n_classes"):
        read_tree(tmp_path, 8, 9)


def test_bytes_and_floats_are_the_same_images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(6, 1, 4, 4)).astype(np.uint8)
    images = Images("x", "class", np.array(list("ababab")), np.array([0, 0, 0, 1, 1, 1]), pixels=pixels)
    np.testing.assert_allclose(images.floats([2])[0], pixels[2] / 127.5 - 1, atol=1e-6)
    with pytest.raises(ValueError, match=r"not all within \[-1, 1\]"):
        Images("x", "class", np.array(list("ab")), np.array([0, 1]), pixels=pixels[:2].astype(np.float32))
    with pytest.raises(ValueError, match="constant over 6 samples"):
        Images("x", "class", np.array(["a"] * 6), np.array([0, 0, 0, 1, 1, 1]), pixels=pixels)


def test_odd_pictures_are_refused_or_scaled(tmp_path):
    from PIL import Image

    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.new("RGB", (9, 9), (i, 0, 0)).save(tmp_path / name / f"{i}.png")
    deep = np.full((9, 9), 40_000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "a" / "4.png")
    (tmp_path / "a" / ".hidden.png").write_bytes(b"x")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("x")
    pixels, _, told = read_tree(tmp_path, 4)
    assert pixels[4].max() == pixels[4].min() == 40_000 // 257
    assert "1 other files left out" in told
    Image.fromarray(np.ones((9, 9), np.float32)).save(tmp_path / "b" / "x.tiff")
    with pytest.raises(ValueError, match="pixels of kind 'F'"):
        read_tree(tmp_path, 4)
    (tmp_path / "b" / "x.tiff").unlink()
    (tmp_path / "c").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "c" / "0.png")
    with pytest.raises(ValueError, match=r"class 'c' of your_images has 1 image\(s\)"):
        load("your_images", path=tmp_path, size=4)
    with pytest.raises(ValueError, match="holds one class of images"):
        read_tree(_one_class(tmp_path), 4)


def _one_class(folder):
    from PIL import Image

    (folder / "alone" / "only").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(folder / "alone" / "only" / "0.png")
    return folder / "alone"


# Spike genes and dates


def test_the_spike_gene_is_found_with_mutated_ends():
    body = "GCN" * 1000 + "TTT" * 250
    genome = "ACGT" * 50 + _START + body + _END + "ACGT" * 30
    protein = find_spike(genome)
    assert protein == "MFVFLVLL" + "A" * 1000 + "F" * 250 + "GVKLHYT"
    hurt = genome.replace(_START, "NNN" + _START[3:20] + "ACGT").replace(_END, _END[:10] + "NNNN" + _END[14:])
    assert find_spike(hurt)[8:-8] == protein[8:-8]
    assert find_spike(genome[:500].lower() + "---" + genome[500:]) == protein
    with pytest.raises(ValueError, match="start of the spike gene was not found"):
        find_spike("ACGT" * 200)
    with pytest.raises(ValueError, match="not a number of codons"):
        find_spike(genome.replace("TTTTTT", "TTTTTTT", 1).replace(_END, "A" + _END))
    with pytest.raises(ValueError, match="stop at residue 9"):
        find_spike(genome.replace(_START, _START + "TAA"))
    with pytest.raises(ValueError, match="residues, not 1240 to 1300"):
        find_spike(_START + "GCT" * 10 + _END)


def test_genomes_give_the_proteins_they_were_made_from(tmp_path):
    made = simulated_spike(n=100, length=1250, n_trunk=30)
    found = sarscov2_genomes(folder=write("sarscov2_genomes", tmp_path, n_cells=100))
    assert {s[8:-7] for s in found.sequences} == set(made.sequences)
    assert "spike gene found in 100 of 100 genomes" in found.checked[0]


def test_a_fasta_with_dates_in_its_headers(tmp_path):
    names = [f"Spike|hCoV-19/Place/{i}/2020|2020-03-{i + 1:02d}|EPI_ISL_{i}|Original" for i in range(20)]
    fasta = tmp_path / "mine.fasta"
    fasta.write_text("".join(f">{name}\n{PROTEINS[i % 4]}*\n" for i, name in enumerate(names)))
    found = your_sequences(fasta)
    assert len(found.sequences) == 20
    assert set(found.sequences) == set(PROTEINS)
    assert sorted(np.floor(found.signal[:, 0]).astype(int).tolist()) == list(range(60, 80))
    table = tmp_path / "mine.tsv"
    table.write_text(
        "accession\tdate\n"
        + "".join(f"EPI_ISL_{i}\t2021-01-{i + 1:02d}\n" for i in range(19))
        + "EPI_ISL_19\t2021-01\n"
    )
    joined = your_sequences(fasta, table)
    assert len(joined.sequences) == 19
    assert "1 of 20 sequences without a full date left out" in joined.checked
    with pytest.raises(ValueError, match=r"unknown date_column of mine\.tsv 'day'"):
        your_sequences(fasta, table, date_column="day")
    table.write_text("name\twhen\nx\t2020\n")
    with pytest.raises(ValueError, match="has none of the columns strain"):
        your_sequences(fasta, table)
    fasta.write_text(f">a\n{PROTEINS[0]}\n>a\n{PROTEINS[1]}\n")
    with pytest.raises(ValueError, match="has 'a' twice"):
        read_fasta(fasta)
    fasta.write_text("nothing here")
    with pytest.raises(ValueError, match="is not a readable FASTA file, whose first line"):
        read_fasta(fasta)
    fasta.write_text("")
    with pytest.raises(ValueError, match="holds no FASTA record"):
        read_fasta(fasta)


def test_records_that_do_not_fit_together_are_told(tmp_path):
    fasta, table = tmp_path / "x.fasta", tmp_path / "x.tsv"
    proteins = [f">s{i} copy\n{PROTEINS[0]}\n" for i in range(12)]
    fasta.write_text("".join(proteins))
    table.write_text("strain\tdate\n" + "".join(f"s{i}\t2020-05-{i + 1:02d}\n" for i in range(12)))
    assert len(your_sequences(fasta, table).sequences) == 12
    fasta.write_text("".join([*proteins, f">s0 again\n{PROTEINS[1]}\n"]))
    with pytest.raises(ValueError, match="several sequences of 's0'"):
        your_sequences(fasta, table)
    fasta.write_text("".join([*proteins, ">g\n" + "ACGT" * 900 + "\n"]))
    with pytest.raises(ValueError, match="there are 1 genomes and 12 others"):
        your_sequences(fasta, table)
    fasta.write_text("".join(f">other{i}\n{PROTEINS[0]}\n" for i in range(12)))
    with pytest.raises(ValueError, match="'other0' is not among its ids"):
        your_sequences(fasta, table)
    fasta.write_text("".join(proteins))
    table.write_text("strain\tdate\n" + "".join(f"s{i}\t2020-05-01\n" for i in range(12)))
    with pytest.raises(ValueError, match="there is no date to tell"):
        your_sequences(fasta, table)
    table.write_text("strain\tdate\ns1\t2020-05-01\ns1\t2020-06-01\n")
    with pytest.raises(ValueError, match="has 's1' twice"):
        your_sequences(fasta, table)
    (tmp_path / "x.fasta.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="is not a readable FASTA file"):
        read_fasta(tmp_path / "x.fasta.gz")
    with pytest.raises(FileNotFoundError, match="give the path of a FASTA file"):
        your_sequences(tmp_path / "nothing.fasta")


def test_genomes_that_cannot_be_read_are_counted_not_fatal(tmp_path):
    folder = write("sarscov2_genomes", tmp_path, n_cells=80)
    import gzip

    with gzip.open(folder / "example_sequences.fasta.gz", "rt") as file:
        records = file.read().split(">")[1:]
    records[0] = records[0].replace("A", "?", 3)
    records[1] = records[1][:700]
    with gzip.open(folder / "example_sequences.fasta.gz", "wt") as out:
        out.write("".join(f">{record.strip()}\n" for record in records))
    assert "spike gene found in 79 of 80 genomes" in sarscov2_genomes(folder=folder).checked[0]


def test_a_month_has_no_more_than_asked_for(tmp_path):
    folder = write("sarscov2_spike", tmp_path, n_cells=300)
    few = load("sarscov2_spike", per_month=5, folder=folder)
    months = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.floor(few.signal[:, 0]), unit="D")
    assert pd.Series(months.strftime("%Y-%m")).value_counts().max() == 5
    everything = load("sarscov2_spike", per_month=None, folder=folder)
    assert set(few.sequences) <= set(everything.sequences)
    assert len(everything.sequences) == 300


def test_only_full_dates_count():
    assert [day_number(d) for d in ("2020-01-01", "2019-12-31", "2020-13-01", "2020-03", "?", "")] == [
        0,
        -1,
        *[None] * 4,
    ]
    assert header_date("hCoV-19/X/1/2020|EPI_ISL_1|2020-03-02") == "2020-03-02"
    assert header_date("no date here") == ""


# The simulated clock


def test_information_of_the_clock_against_plug_in_counts():
    clock = Clock(length=40, trunk=(60.0, 150.0, 260.0), days=360.0, lag=30.0, private=0.004)
    exact, _ = clock.information()
    rng = np.random.default_rng(1)
    date, carried, private = clock.draw(400_000, rng)
    weeks = np.minimum(date // 6, 59).astype(int)
    joint = np.zeros((60, 4, 12))
    np.add.at(joint, (weeks, carried, np.minimum(private, 11)), 1 / len(date))
    margins = joint.sum((1, 2), keepdims=True) * joint.sum(0, keepdims=True)
    counted = float((joint[joint > 0] * np.log2(joint[joint > 0] / margins[joint > 0])).sum())
    assert counted == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("rate", [0.05, 0.4, 0.9, 0.97])
def test_information_of_misread_sequences_against_a_count_of_them(rate):
    # Short enough to count whole sequences: 3 sites, each the root's, the derived or another residue.
    clock = Clock(length=3, trunk=(100.0, 220.0), days=360.0, lag=20.0, private=0.0005)
    rng = np.random.default_rng(0)
    n = 1_000_000
    date, carried, private = clock.draw(n, rng)
    root, derived = np.array([0, 0, 0]), np.array([1, 1, 0])
    codes = np.where(np.arange(3) < np.column_stack([carried, carried, np.zeros(n, int)]), derived, root)
    codes[:, 2] = np.where(private > 0, rng.integers(1, 20, n), 0)
    hit = rng.random(codes.shape) < rate
    codes = np.where(hit, (codes + rng.integers(1, 20, codes.shape)) % 20, codes)
    seen = (codes.clip(max=2)[:, :2] * [1, 3]).sum(1) + 9 * (codes[:, 2] > 0)
    joint = np.zeros((36, 18))
    np.add.at(joint, (np.minimum(date // 10, 35).astype(int), seen), 1 / n)
    margins = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    counted = float((joint[joint > 0] * np.log2(joint[joint > 0] / margins[joint > 0])).sum())
    bits, stderr = clock.information(rate, n=200_000, seed=1)
    assert bits == pytest.approx(counted, abs=4 * stderr + 0.01 * counted + 1e-3)


def test_misread_sequences_know_less_until_a_residue_says_nothing():
    curve = exact_curve([0.0, 1e-4, 0.1, 0.5, 0.95], n=4000)
    assert curve["stderr"].iloc[0] == 0
    assert curve["bits"].iloc[1] == pytest.approx(curve["bits"].iloc[0], abs=4 * curve["stderr"].iloc[1])
    assert (np.diff(curve["bits"].iloc[1:]) < 0).all()
    assert abs(curve["bits"].iloc[-1]) < 1e-6


def test_samples_of_the_clock_are_what_it_says():
    clock, spikes = clock_of(), simulated_spike(n=3000)
    _, carried, private = clock.draw(20_000, np.random.default_rng(0))
    assert spikes.ceiling_bits == clock.information()[0]
    # Substitutions against the oldest sequences: trunk and private ones together.
    oldest = spikes.sequences[int(spikes.signal.argmin())]
    differing = [sum(a != b for a, b in zip(s, oldest, strict=True)) for s in spikes.sequences]
    assert np.mean(differing) == pytest.approx(carried.mean() + private.mean(), rel=0.05)
    assert stats.kstest(spikes.signal[:, 0] / clock.days, "uniform").pvalue > 1e-3
    with pytest.raises(ValueError, match="would fill the sequence"):
        clock_of(private=1.0)
    with pytest.raises(ValueError, match="finer than the sums"):
        clock_of(lag=0.1)
    with pytest.raises(ValueError, match="ascending"):
        Clock(10, (2.0, 1.0), 10.0, 1.0, 0.0)


@pytest.mark.parametrize("lag", [2.0, 5.0, 20.0, 100.0])
def test_a_little_noise_costs_little_information(lag):
    clock = clock_of(lag=lag)
    bits, stderr = clock.information(1e-7, n=20_000)
    assert bits == pytest.approx(clock.information()[0], abs=4 * stderr)
    assert np.isfinite(clock_of(length=1273, n_trunk=30, private=0.7, lag=lag).information()[0])


# MobileNetV2


@pytest.fixture(scope="module")
def stripes():
    """Images of two kinds that any network can tell apart."""
    rng = np.random.default_rng(0)
    labels = np.array(["across", "down"] * 40)
    images = rng.normal(scale=0.2, size=(80, 1, 32, 32)).astype(np.float32)
    wave = np.sign(np.sin(np.arange(32) * np.pi / 4)).astype(np.float32) * 0.8
    images[labels == "across"] += wave[:, None]
    images[labels == "down"] += wave
    return images, labels


def test_mobilenet_learns_and_repeats_itself(stripes):
    images, labels = stripes
    before = torch.get_rng_state()
    first = MobileNet(width=0.1, epochs=12, seed=3).fit(images[:60], labels[:60])
    assert (torch.get_rng_state() == before).all()
    assert (first.predict(images[60:]) == labels[60:]).mean() > 0.9
    assert len(first.history_) == round(12 * 60 / 32)
    again = MobileNet(width=0.1, epochs=12, seed=3).fit(images[:60], labels[:60])
    assert (again.transform(images[60:]) == first.transform(images[60:])).all()
    # An image's features do not depend on the company it is asked in.
    np.testing.assert_allclose(first.transform(images[60:62]), first.transform(images[60:])[:2], rtol=1e-3, atol=1e-4)


def test_statistics_of_batch_norm_are_means_over_the_training_images(stripes):
    images, labels = stripes
    model = MobileNet(width=0.1, epochs=1).fit(images, labels)
    norm = model._norms()[0]
    seen = []
    handle = norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model.transform(images)
    handle.remove()
    np.testing.assert_allclose(norm.running_mean, seen[0].mean((0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(norm.running_var, seen[0].var((0, 2, 3)), rtol=1e-3, atol=1e-6)


def test_a_checkpoint_keeps_its_batch_norm_and_gets_a_new_head(stripes, tmp_path):
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    images, labels = stripes
    MobileNetV2ForImageClassification(MobileNetV2Config(depth_multiplier=0.1, num_labels=7)).save_pretrained(tmp_path)
    model = MobileNet(weights=tmp_path, epochs=1, rate=1e-4).fit(images, labels)
    assert (model._norms()[0].running_mean == 0).all()
    assert set(model.predict(images)) <= {"across", "down"}
    with pytest.raises(FileNotFoundError, match="give 'scratch', 'hub', 'imagenet_int8' or a folder"):
        MobileNet(weights="nowhere").fit(images, labels)


def test_mobilenet_refuses_what_it_cannot_use(stripes, tmp_path):
    images, labels = stripes
    with pytest.raises(RuntimeError, match="not fitted"):
        MobileNet().predict(images)
    for wrong, told in (
        ({"epochs": 0}, "epochs is 0"),
        ({"input_size": 8}, "input_size is 8"),
        ({"batch": 1}, "batch"),
    ):
        with pytest.raises(ValueError, match=told):
            MobileNet(**wrong).fit(images, labels)
    with pytest.raises(ValueError, match="lengths differ"):
        MobileNet().fit(images, labels[:3])


# ESM-2


def test_only_masked_residues_are_guessed():
    model = ESM(epochs=0).fit(PROTEINS)
    ids = model._padded(PROTEINS)
    inputs, wanted = model._masked(ids, np.random.default_rng(0))
    residue = model._is_residue(ids)
    assert residue.sum() == sum(map(len, PROTEINS))
    assert (wanted[~residue] == -100).all()
    assert (inputs[~residue] == ids[~residue]).all()
    asked = wanted != -100
    assert (wanted[asked] == ids[asked]).all()
    assert (inputs[~asked] == ids[~asked]).all()
    # The loss is that of the asked residues alone, whatever stands behind the others.
    scores = model._model(input_ids=inputs, attention_mask=inputs != 1).logits.detach()
    by_hand = torch.nn.functional.cross_entropy(scores[asked], ids[asked])
    assert float(model._nats(inputs, wanted, "mean").detach()) == pytest.approx(float(by_hand), rel=1e-5)


def test_masking_has_the_published_shares():
    long = ["ACDEFGHIKLMNPQRSTVWY" * 50] * 20
    model = ESM(epochs=0, mask=0.15).fit(long)
    ids = model._padded(long)
    inputs, wanted = model._masked(ids, np.random.default_rng(0))
    asked = wanted != -100
    n = int(asked.sum())
    assert n / 20_000 == pytest.approx(0.15, abs=0.01)
    masked = (inputs == TOKENS.index("<mask>")) & asked
    assert int(masked.sum()) / n == pytest.approx(0.8, abs=0.03)
    changed = (inputs != ids) & asked & ~masked
    assert int(changed.sum()) / n == pytest.approx(0.1 * 19 / 20, abs=0.02)


def test_padding_and_company_change_nothing():
    model = ESM(epochs=1, batch=2).fit(PROTEINS)
    together = model.transform(PROTEINS)
    alone = np.concatenate([model.transform([protein]) for protein in PROTEINS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_mean_is_over_residues_only():
    model = ESM(epochs=0).fit(PROTEINS)
    ids = model._padded(PROTEINS[:1])
    states = model._model.esm(input_ids=ids, attention_mask=ids != 1).last_hidden_state[0]
    np.testing.assert_allclose(model.transform(PROTEINS[:1])[0], states[1:-1].mean(0).detach(), atol=1e-5)


def test_esm_learns_which_residues_are_common():
    rng = np.random.default_rng(0)
    proteins = ["".join(rng.choice(list("AL"), 60)) for _ in range(64)]
    model = ESM(epochs=20, rate=3e-3, batch=16).fit(proteins)
    assert model.masked_bits(proteins) < 1.2  # 1 bit is all that can be done
    assert ESM(epochs=0).fit(proteins).masked_bits(proteins) > 3


def test_esm_shapes_are_the_published_ones():
    # Hub model cards: 7.5, 33.5 and 148.1 million weights.
    from transformers import EsmConfig, EsmForMaskedLM

    model = ESM(size="esm2_8m", epochs=0).fit(PROTEINS)
    assert sum(p.numel() for p in model._model.esm.encoder.parameters()) == pytest.approx(7.4e6, rel=0.02)
    assert isinstance(model._model.config, EsmConfig)
    assert isinstance(model._model, EsmForMaskedLM)


def test_a_saved_esm_gives_the_same_vectors(tmp_path):
    model = ESM(epochs=1, batch=2).fit(PROTEINS)
    again = ESM(weights=model.save(tmp_path), epochs=0).fit(PROTEINS)
    np.testing.assert_allclose(again.transform(PROTEINS), model.transform(PROTEINS), atol=1e-6)
    with pytest.raises(FileNotFoundError, match="give one of scratch, esm2_8m"):
        ESM(weights="esm3").fit(PROTEINS)
    for wrong, told in (
        ({"mask": 1.5}, "mask is 1.5"),
        ({"size": "big"}, "unknown size 'big'"),
        ({"rate": 0}, "rate is 0"),
    ):
        with pytest.raises(ValueError, match=told):
            ESM(**wrong).fit(PROTEINS)


def test_what_is_no_protein_is_refused():
    model = ESM(epochs=0).fit(PROTEINS)
    for bad, told in (
        ("MFVFL", "one text"),
        (["mfv"], "upper-case"),
        ([], "number of probe"),
        (["M", ""], "empty one"),
    ):
        with pytest.raises(ValueError, match=told):
            model.transform(bad)
    with pytest.raises(ValueError, match="was masked"):
        model.masked_bits(["M"], seed=1)


# Grids


def test_a_changed_checkpoint_is_other_data(tmp_path):
    ESM(epochs=0, seed=0).fit(PROTEINS).save(tmp_path)
    grid = SequenceGrid(
        dataset="simulated_spike",
        options={"n": 100, "length": 60},
        rates=[0.0],
        seeds=[0],
        model={"weights": str(tmp_path)},
    )
    before = grid.measurement.data_hash(grid.points()[0])
    ESM(epochs=0, seed=1).fit(PROTEINS).save(tmp_path)
    assert grid.measurement.data_hash(grid.points()[0]) != before


@pytest.fixture(scope="module")
def measured_images(tmp_path_factory):
    grid = ImageGrid(
        dataset="digits", levels={"gaussian": [0.0, 0.5, 3.0], "pixelation": [1, 2, 4]}, seeds=[0], n_train=[200],
        model={"width": 0.1, "epochs": 4, "input_size": 32}, dim=4,
    )  # fmt: skip
    return grid, run_sweep(grid, Store(tmp_path_factory.mktemp("images")))


def test_a_network_answers_every_question(measured_images):
    grid, rows = measured_images
    assert (rows["status"] == "ok").all(), rows["message"].tolist()
    assert len(rows) == len(grid.points()) == 5 * 12
    assert set(rows["noise_kind"]) == {"none", "gaussian", "pixelation"}
    assert rows.loc[rows["noise_kind"] == "none", "snr"].isna().all()
    assert rows.loc[rows["noise_level"] == 0.5, "snr"].eq(4).all()
    one = rows[rows["signal"] != "class"]
    assert one["signal"].nunique() == 10
    # Each class against the rest knows no more than all classes together.
    whole = rows[(rows["signal"] == "class") & (rows["representation"] == "mobilenet")].set_index("noise_level")[
        "mi_bits"
    ]
    best = one.groupby("noise_level")["mi_bits"].max()
    assert (best <= whole[~whole.index.duplicated()].reindex(best.index) + 0.05).all()
    point = grid.points()[0]
    assert measurement_of(point) is grid.measurement
    assert json.loads(json.dumps(point)) == point


def test_noise_free_images_are_in_every_curve(measured_images):
    _, rows = measured_images
    points = image_points(rows)
    levels = points.groupby("noise_kind")["noise_level"].unique()
    assert sorted(levels["gaussian"]) == [0, 0.5, 3]
    assert sorted(levels["pixelation"]) == [1, 2, 4]
    assert len(hardest(points[points["signal"] != "class"])) == 10


def test_grids_refuse_what_is_not_theirs():
    with pytest.raises(ValueError, match="unknown dataset of images 'pbmc68k'"):
        ImageGrid(dataset="pbmc68k", levels={"gaussian": [1.0]})
    with pytest.raises(ValueError, match="unknown kind of noise 'blur'"):
        ImageGrid(dataset="digits", levels={"blur": [1.0]})
    with pytest.raises(ValueError, match=r"level of pixelation is 2\.5"):
        ImageGrid(dataset="digits", levels={"pixelation": [2.5]})
    with pytest.raises(ValueError, match="unknown readout"):
        ImageGrid(dataset="digits", levels={"gaussian": [1.0]}, readouts=["everything"])
    with pytest.raises(ValueError, match=r"substitution rate is 1\.5"):
        SequenceGrid(dataset="simulated_spike", rates=[1.5])
    with pytest.raises(ValueError, match="unknown option of ESM 'szie'"):
        SequenceGrid(dataset="simulated_spike", rates=[0.1], model={"szie": "tiny"})
    with pytest.raises(ValueError, match="one of seeds is -1"):
        SequenceGrid(dataset="simulated_spike", rates=[0.1], seeds=[-1])
    with pytest.raises(ValueError, match="folds is empty"):
        SequenceGrid(dataset="simulated_spike", rates=[0.1], folds=[])
    with pytest.raises(ValueError, match="level of pixelation of digits is 9"):
        ImageGrid(dataset="digits", levels={"pixelation": [9]}).points()
    assert len(SequenceGrid(dataset="simulated_spike", rates=[0.1, 0.1], seeds=[0, 0]).points()) == 1
    with pytest.raises(ValueError, match="n_train of digits is 5000"):
        ImageGrid(dataset="digits", levels={"gaussian": [1.0]}, n_train=[5000]).points()


def test_sequences_lose_information_where_the_probe_is_misread(tmp_path):
    grid = SequenceGrid(
        dataset="simulated_spike", options={"n": 400, "length": 60}, rates=[0.0, 0.02, 0.3], seeds=[0],
        roles=["both", "train", "probe"], model={"epochs": 1},
    )  # fmt: skip
    pairs = [(p["rate"], p["probe_rate"]) for p in grid.points()]
    assert pairs == [(0.0, 0.0), (0.0, 0.02), (0.0, 0.3), (0.02, 0.0), (0.02, 0.02), (0.3, 0.0), (0.3, 0.3)]
    rows = run_sweep(grid, Store(tmp_path))
    assert (rows["status"] == "ok").all(), rows["message"].tolist()
    bits = rows.set_index(["noise_level", "probe_noise_level"])["mi_bits"]
    assert bits[0.0, 0.3] < bits[0.0, 0.0] - 0.5
    assert abs(bits[0.3, 0.0] - bits[0.0, 0.0]) < 0.4
    points = sequence_points(rows)
    assert points.groupby("curve").size().tolist() == [3, 3, 3]
    # The point of a grid without roles is the same point.
    assert SequenceGrid(**{**grid.model_dump(), "roles": ["both"]}).points()[1] in grid.points()


def test_probe_and_training_noise_are_drawn_apart():
    grid = SequenceGrid(dataset="simulated_spike", options={"n": 100, "length": 60}, rates=[0.2], seeds=[0, 1])
    from helpers.sweep.samples import streams

    first, second = grid.points()
    draws = [rng.random() for point in (first, second) for rng in streams(point)]
    assert len(set(draws)) == 4
    assert substitute(PROTEINS, 0.5, streams(first)[0]) == substitute(PROTEINS, 0.5, streams(first)[0])


# Tolerances


@given(st.sampled_from(["gaussian", "pixelation", "substitution"]), st.sampled_from([1, 2]), st.floats(1.01, 50))
def test_levels_and_ratios_are_inverses(kind, power, level):
    axis = NoiseAxis(kind, power)
    level = 1 / level if kind == "substitution" else level
    assert axis.level(axis.snr(level)) == pytest.approx(level, rel=1e-9)


def exact_points(axis, law, levels, kind, curve="a"):
    bits = law(axis.snr(np.array(levels)))
    return pd.DataFrame({"noise_kind": kind, "noise_level": levels, "mi_bits": bits, "curve": curve, "seed": 0})


def test_tolerance_of_an_exact_law():
    axis, law = NoiseAxis("pixelation", 1), NoiseLaw(3.0, 0.02)
    points = exact_points(axis, law, [1, 2, 5, 10, 40, 100], "pixelation")
    fits = exponents(points, "pixelation")
    assert better(fits) == axis
    table = tolerance({"x": (axis, fits[axis])}, size=240)
    noise_free = float(law(1.0))
    for row, left in zip(table.itertuples(), (noise_free - 0.5, 0.9 * noise_free), strict=True):
        assert float(law(1 / row.level)) == pytest.approx(left, abs=1e-6)
        assert row.pixels == pytest.approx(240 / row.level)
    assert np.isnan(tolerance({"x": (axis, fits[axis])}, losses=(InformationLoss(bits=9.0),))["level"].iloc[0])


def test_tolerance_of_points_that_reject_the_noise_law_is_that_of_a_free_exponent():
    axis, law = NoiseAxis("gaussian", 2), StretchedNoiseLaw(3.0, 4.0, 0.5)
    levels = np.repeat(np.geomspace(0.02, 20, 10), 3)
    points = exact_points(axis, law, levels, "gaussian")
    points["mi_bits"] += np.tile([-0.005, 0.0, 0.005], 10)
    fit = fit_levels(points, axis)["a"]
    assert fit.status == "misfit"
    row = tolerance({"x": (axis, fit)}, losses=(InformationLoss(bits=1.0),)).iloc[0]
    assert (row["law"], row["status"]) == ("free exponent", "ok")
    assert row["level"] == pytest.approx(axis.level(float(law.depth_for(2.0))), rel=1e-3)
    stepped = points.assign(mi_bits=points["mi_bits"] + 0.3 * (np.sin(4 * np.log(levels)) > 0))
    row = tolerance({"x": (axis, fit_levels(stepped, axis)["a"])}).iloc[0]
    assert row["status"] == "misfit"
    assert np.isnan(row[["level", "level_low", "level_high"]].astype(float)).all()


def test_points_without_noise_are_no_part_of_a_fit():
    axis, law = NoiseAxis("substitution"), NoiseLaw(2.0, 100.0)
    points = exact_points(axis, law, [1e-4, 1e-3, 1e-2, 1e-1, 0.5], "substitution")
    clean = points.iloc[:1].assign(noise_level=0.0, mi_bits=7.0)
    fit = fit_levels(pd.concat([points, clean]), axis)["a"]
    assert fit.params["i_max"] == pytest.approx(2.0, abs=1e-3)
    assert fit.n_points == 5
    merged, fits = on_one_axis(pd.concat([points, clean]), {"substitution": axis})
    assert list(fits) == ["substitution, a"]
    assert len(merged) == 5


def test_residues_that_say_what_they_are_not_are_no_part_of_a_fit():
    axis, law = NoiseAxis("substitution"), NoiseLaw(2.0, 100.0)
    points = exact_points(axis, law, [1e-4, 1e-3, 1e-2, 1e-1, 0.5], "substitution")
    beyond = points.iloc[:1].assign(noise_level=0.999, mi_bits=0.4)
    assert fit_levels(pd.concat([points, beyond]), axis)["a"].n_points == 5


def test_losses_and_axes_are_checked():
    for wrong in ({}, {"bits": 0.5, "share": 0.1}, {"bits": -1.0}, {"share": 2.0}):
        with pytest.raises(ValueError, match="loss"):
            InformationLoss(**wrong)
    with pytest.raises(ValueError, match="unknown kind of noise 'blur'"):
        NoiseAxis("blur")
    with pytest.raises(ValueError, match="power is 0"):
        NoiseAxis("gaussian", 0)


def test_intervals_of_a_tolerance_hold_what_they_promise():
    axis, law = NoiseAxis("gaussian", 2), NoiseLaw(2.5, 4.0)
    levels = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
    truth = axis.level(float(law.depth_for(law.i_max - 0.5)))
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        points = exact_points(axis, law, levels, "gaussian")
        points["mi_bits"] += rng.normal(scale=0.03, size=len(points))
        row = tolerance({"x": (axis, fit_levels(points, axis)["a"])}, losses=(InformationLoss(bits=0.5),)).iloc[0]
        inside += row["level_low"] <= truth <= row["level_high"]
    assert inside >= 88  # 95 expected


# Charts


def test_charts_of_levels_draw_points_laws_and_pictures(measured_images):
    _, rows = measured_images
    points = image_points(rows)
    answers = points[points["curve"] == "mobilenet"]
    fits = {str(a): (a, f) for a, f in exponents(answers[answers["noise_kind"] == "gaussian"], "gaussian").items()}
    chart = level_charts.levels(answers[answers["noise_kind"] == "gaussian"], fits, "title", "tiny", ceiling=3.3)
    told = chart.to_dict()
    assert "Leftmost points: noise-free" in told["title"]["subtitle"]
    assert set(fits) <= {row["curve"] for data in told["datasets"].values() for row in data if "curve" in row}
    name, (axis, fit) = next(iter(fits.items()))
    rejected = fits | {name: (axis, replace(fit, status="misfit"))}
    drawn = level_charts.levels(answers[answers["noise_kind"] == "gaussian"], rejected, "title", "tiny").to_dict()
    dotted = {row["curve"] for data in drawn["datasets"].values() for row in data if row.get("rejected")}
    assert dotted == {name}
    assert f"{name}: rejected" in drawn["description"]
    assert "Dotted: the points reject the law" in drawn["title"]["subtitle"]
    images = digits()
    picture = level_charts.gallery(images.floats(np.arange(2)), ["0", "1"], "pixelation", [2, 4]).to_dict()
    urls = [row["image"] for data in picture["datasets"].values() for row in data]
    assert len(urls) == 6
    assert all(url.startswith("data:image/png;base64,") for url in urls)
