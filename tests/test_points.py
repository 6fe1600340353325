"""Points of curves: roles of noise, shares, controls, names."""

import numpy as np
import pandas as pd
import pytest

from helpers.store.points import ROLES, compared, named, noise_roles, nulls, seed_means, share_of_fall

DEPTHS = [1.0, 0.1, 0.01]


def matrix(bits):
    """Seed means of a train × probe matrix whose information is a function of both depths."""
    rows = [
        {
            "dataset": "toy", "signal": "s", "representation": "pca", "dim": 2, "settings": "{}", "n_train": 50,
            "noise_level": train, "probe_noise_level": probe, "seed": seed, "umis_per_cell": 1000 * probe,
            "mi_bits": bits(train, probe), "mi_stderr_bits": 0.01, "mi_null_bits": 0.0, "n_folds": 1, "n_probe": 90,
            "status": "ok",
        }
        for train in DEPTHS for probe in DEPTHS for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_roles_are_the_diagonal_and_two_edges():
    roles = noise_roles(matrix(lambda train, probe: 2 + np.log10(train * probe)))
    both, train, probe = (roles[roles["role"] == ROLES[r]] for r in ("both", "train", "probe"))
    assert (both["noise_level"] == both["probe_noise_level"]).all()
    assert (train["probe_noise_level"] == 1).all()
    assert (probe["noise_level"] == 1).all()
    for part in (both, train, probe):  # the depth of what is thinned
        assert sorted(part["thinned_umis"].unique()) == pytest.approx([10, 100, 1000])


@pytest.mark.parametrize(("of_train", "of_probe"), [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0)])
def test_shares_of_the_fall_are_those_put_in(of_train, of_probe):
    roles = noise_roles(matrix(lambda train, probe: 2 + of_train * np.log10(train) + of_probe * np.log10(probe)))
    shares = share_of_fall(roles).set_index("role")
    assert shares.loc[ROLES["train"], "share of the fall"] == pytest.approx(of_train)
    assert shares.loc[ROLES["probe"], "share of the fall"] == pytest.approx(of_probe)
    assert shares["fall with both (bits)"].tolist() == pytest.approx([2 * (of_train + of_probe)] * 2)
    # Each fall is a difference of two means with error 0.01: 0.01·√2 against a fall of 2 bits.
    expected = 1.96 * 0.01 * np.sqrt(2) / 2 * np.hypot(1, of_train)
    assert shares.loc[ROLES["train"], "± (95 %)"] == pytest.approx(expected)


@pytest.mark.parametrize(("train", "probe"), [(0.01, 1.0), (1.0, 0.01), (0.01, 0.01)])
def test_a_matrix_that_is_not_whole_has_no_shares(train, probe):
    rows = matrix(lambda train, probe: 2 + np.log10(train * probe))
    lacking = rows[(rows["noise_level"] != train) | (rows["probe_noise_level"] != probe)]
    other = rows.assign(dataset="other")
    shares = share_of_fall(noise_roles(pd.concat([lacking, other], ignore_index=True)))
    assert shares["dataset"].tolist() == ["other", "other"]
    assert "share of the fall" in share_of_fall(noise_roles(lacking))


def test_a_control_is_compared_with_its_own_representation():
    rows = matrix(lambda train, probe: 1.0)
    controls = rows.assign(mi_bits=np.where(rows["seed"] == 0, 1.4, 1.6))
    found = compared({"a": rows}, {"a": controls}, "what").iloc[0]
    assert found["difference (bits)"] == pytest.approx(-0.5)
    spread = np.std([1.4, 1.6] * 9, ddof=1) / np.sqrt(18)
    assert found["± (95 %)"] == pytest.approx(1.96 * np.sqrt(2 * 0.01**2 + spread**2))


def test_nulls_leave_failures_out():
    rows = matrix(lambda train, probe: 1.0)
    rows.loc[0, ["status", "mi_null_bits"]] = ["failed", 99.0]
    assert nulls(rows)["max"].item() == 0
    assert nulls(rows)["estimates"].item() == len(rows) - 1


def test_names_tell_datasets_and_settings_apart():
    rows = matrix(lambda train, probe: 1.0)
    assert set(named(rows)["curve"]) == {"s, pca"}
    two = pd.concat([rows, rows.assign(dataset="other_one")])
    assert set(named(two)["curve"]) == {"toy s, pca", "other one s, pca"}
    other = pd.concat([rows, rows.assign(settings='{"k": 5}')])
    assert named(other)["curve"].nunique() == 2


def test_means_of_a_table_without_a_column_name_it():
    with pytest.raises(ValueError, match="the table has no column 'signal': it has dataset"):
        seed_means(pd.DataFrame({"dataset": ["d"]}))
    with pytest.raises(ValueError, match="no point was measured"):
        seed_means(pd.DataFrame())
