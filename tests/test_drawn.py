"""What a chart carries into a page: the columns it draws stay, others go; what is written out keeps its digits."""

import copy
import json
import re
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from helpers.book.course import cases as course_cases
from helpers.charts import classroom as live
from helpers.charts import widgets
from helpers.charts.drawn import in_columns, only_drawn, picture, rounded
from test_charts import all_charts, fits, points  # noqa: F401  (fixtures)

ROWS = pd.DataFrame({
    "x": [1 / 3, 2 / 3, 1e-9 / 7],
    "y": [100 / 3, 200 / 3, 1000 / 7],
    "seed": [12345678901, 2, 3],
    "kind": ["a", "b", "1.23456789"],
    "unseen": [0.1, 0.2, 0.3],
})  # fmt: skip
BASE = alt.Chart(ROWS)


def tables(chart):
    return [pd.DataFrame(rows) for rows in only_drawn(chart.to_dict())["datasets"].values()]


def columns(chart):
    (table,) = tables(chart)
    return set(table)


def test_columns_that_are_not_drawn_go_and_the_specification_given_is_left_alone():
    spec = BASE.mark_point().encode(x="x:Q", y="y:Q").to_dict()
    before = copy.deepcopy(spec)
    lean = only_drawn(spec)
    assert spec == before
    assert {key: value for key, value in lean.items() if key != "datasets"} == {
        key: value for key, value in spec.items() if key != "datasets"
    }
    (rows,) = lean["datasets"].values()
    assert rows == [{"x": 0.333333, "y": 33.3333}, {"x": 0.666667, "y": 66.6667}, {"x": 1.42857e-10, "y": 142.857}]


@pytest.mark.parametrize(
    ("needs", "chart"),
    {
        "tooltip": BASE.mark_point().encode(x="x:Q", tooltip=["unseen:Q"]),
        "expression": BASE.transform_calculate(z="datum.unseen * 2").mark_point().encode(x="x:Q", y="z:Q"),
        "quoted": BASE.transform_calculate(z="datum['unseen'] * 2").mark_point().encode(x="x:Q", y="z:Q"),
        "filter": BASE.transform_filter("datum.unseen > 0.15").mark_point().encode(x="x:Q"),
        "predicate": BASE.transform_filter(alt.FieldGTPredicate("unseen", 0.15)).mark_point().encode(x="x:Q"),
        "sort": BASE.mark_bar().encode(y=alt.Y("kind:N").sort(field="unseen"), x="x:Q"),
        "order": BASE.mark_line().encode(x="x:Q", y="y:Q", order="unseen:Q"),
        "second": BASE.mark_rule().encode(x="x:Q", y="y:Q", y2="unseen:Q"),
        "fold": BASE.transform_fold(["x", "unseen"]).mark_point().encode(x="value:Q", y="key:N"),
        "aggregate": BASE.transform_aggregate(m="mean(unseen)", groupby=["kind"]).mark_bar().encode(x="m:Q"),
        "group": BASE.transform_aggregate(m="mean(x)", groupby=["unseen"]).mark_bar().encode(x="m:Q"),
        "impute": BASE.transform_impute("y", "x", groupby=["unseen"]).mark_line().encode(x="x:Q", y="y:Q"),
        "flatten": BASE.transform_flatten(["unseen"]).mark_point().encode(x="x:Q"),
        "condition": BASE.mark_point().encode(opacity=alt.condition("datum.unseen > 0.1", alt.value(1), alt.value(0))),
        "facet": BASE.mark_point().encode(x="x:Q").facet("unseen:N"),
        "selection": BASE.mark_point().encode(x="x:Q").add_params(alt.selection_point(fields=["unseen"])),
        "start": BASE.mark_point().add_params(alt.selection_point(fields=["kind"], value=[{"unseen": 1}])),
        "detail": BASE.mark_line().encode(x="x:Q", y="y:Q", detail="unseen:N"),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_whatever_part_of_a_chart_names_a_column_keeps_it(needs, chart):
    assert "unseen" in columns(chart), needs
    assert "seed" not in columns(chart), needs


def test_where_any_column_may_be_meant_all_stay():
    for chart in (
        BASE.mark_point(tooltip={"content": "data"}).encode(x="x:Q"),
        BASE.transform_calculate(z="datum[toString('se') + 'ed']").mark_point().encode(x="z:Q"),
        BASE.transform_calculate(z="toString(datum)").mark_point().encode(x="z:Q"),
    ):
        assert columns(chart) == set(ROWS)


def test_words_for_readers_name_no_column():
    titled = BASE.mark_point().encode(x=alt.X("x:Q").title("unseen by seed"))
    assert columns(titled.properties(title=alt.Title("unseen", subtitle="seed"), description="unseen, y")) == {"x"}
    computed = titled.properties(title=alt.Title(alt.expr("'seed ' + data('source_0')[0]['unseen']")))
    assert columns(computed) == {"x", "seed", "unseen"}, "unless they are computed"


def test_each_table_keeps_what_its_own_layers_draw():
    other = pd.DataFrame({"x": [1.5, 2.5], "seed": [1, 2], "unseen": [5, 6]})
    chart = BASE.mark_point().encode(x="x:Q", y="y:Q") + alt.Chart(other).mark_rule().encode(x="x:Q", tooltip="seed:Q")
    assert sorted(map(sorted, tables(chart))) == [["seed", "x"], ["x", "y"]]


def test_encodings_of_a_whole_are_those_of_its_parts():
    spec = {
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
        "layer": [{"data": {"name": "a"}, "mark": "point"}, {"data": {"name": "b"}, "mark": "rule"}],
        "datasets": {"a": [{"x": 1, "z": 2}], "b": [{"x": 3, "z": 4}]},
    }
    assert only_drawn(spec)["datasets"] == {"a": [{"x": 1}], "b": [{"x": 3}]}


def test_tables_that_are_looked_up_keep_what_is_taken_from_them():
    other = pd.DataFrame({"kind": ["a", "b"], "shade": [0.25, 0.5], "seed": [1, 2]})
    found = alt.LookupData(other, key="kind", fields=["shade"])
    chart = BASE.transform_lookup("kind", found).mark_point().encode(x="x:Q", color="shade:Q")
    assert sorted(map(sorted, tables(chart))) == [["kind", "shade"], ["kind", "x"]]


def test_a_box_drawn_in_one_view_filters_another_by_its_column():
    box = alt.selection_interval(encodings=["x"])
    other = pd.DataFrame({"x": [1.5], "n": [2], "seed": [1]})
    chart = BASE.mark_point().encode(x="x:Q").add_params(box) | alt.Chart(other).transform_filter(
        box
    ).mark_bar().encode(y="n:Q")
    assert ["n", "x"] in sorted(map(sorted, tables(chart)))


def test_what_is_written_or_compared_keeps_its_digits():
    (table,) = tables(BASE.mark_point().encode(x="x:Q", y="y:Q", tooltip="x:Q", color="seed:N", shape="kind:N"))
    assert table["x"].tolist() == ROWS["x"].tolist()
    assert table["y"].tolist() == [33.3333, 66.6667, 142.857]
    assert table["seed"].tolist() == ROWS["seed"].tolist(), "whole numbers are left as they are"
    assert table["kind"].tolist() == ROWS["kind"].tolist()
    (table,) = tables(BASE.transform_calculate(z="datum.x * 2").mark_point().encode(x="z:Q"))
    assert table["x"].tolist() == pytest.approx(ROWS["x"].tolist(), rel=1e-11)
    assert table["x"].tolist() != ROWS["x"].tolist()
    (table,) = tables(BASE.mark_point().encode(x="x:O"))
    assert table["x"].tolist() == ROWS["x"].tolist(), "a category is compared"
    (table,) = tables(BASE.mark_bar().encode(x="seed:Q"))
    assert table["seed"].tolist() == ROWS["seed"].tolist()


def test_a_column_that_varies_little_keeps_what_tells_its_values_apart():
    years = 2020 + np.linspace(0, 1, 50) / 7
    (table,) = tables(alt.Chart(pd.DataFrame({"year": years})).mark_point().encode(x="year:Q"))
    assert np.abs(table["year"] - years).max() < (years.max() - years.min()) * 1e-4


def test_rows_without_a_column_of_their_own_are_still_counted():
    (table,) = tables(alt.Chart(ROWS[["seed"]]).mark_bar().encode(x="count()"))
    assert len(table) == 3


def test_digits_are_significant_ones():
    assert rounded(1234.56789, 6) == 1234.57
    assert rounded(-1.23456789e-12, 3) == -1.23e-12
    assert np.isnan(rounded(float("nan"), 3))
    assert rounded(None, 3) is None
    assert rounded(True, 3) is True


def test_columns_name_each_column_once_and_uneven_rows_stay_rows():
    spec = {"datasets": {"even": [{"x": 1, "ü": None}] * 3, "uneven": [{"x": 1}, {"y": 2}], "none": []}}
    found = json.loads(in_columns(spec))["datasets"]
    assert found == {"even": {"x": [1, 1, 1], "ü": [None] * 3}, "uneven": [{"x": 1}, {"y": 2}], "none": []}
    assert in_columns({"mark": "point"}) == '{"mark":"point"}'


# The charts of the book


@pytest.fixture(scope="module")
def pieces(points, fits):  # noqa: F811
    """Return the specifications of all kinds of charts, those with controls also with the controls moved."""
    shown = all_charts(points, fits) | {
        "predict": live.predict(),
        "guess": live.guess(60),
        "race": live.race(course_cases.JOINT_LAW, course_cases.PRICES),
    }
    specs = {name: chart.to_dict() for name, chart in shown.items()}
    for name in ("predict", "guess", "race", "explorer"):
        moved = copy.deepcopy(specs[name])
        for param in moved["params"]:
            bind = param.get("bind", {})
            if isinstance(bind, dict) and "input" in bind:
                param["value"] = bind["options"][-1] if "options" in bind else (bind["max"] + param["value"]) / 2
        specs[f"{name}, moved"] = moved
    return specs


def numbers(texts):
    return [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", " ".join(texts))]


def test_charts_look_the_same_and_tell_the_same(pieces):
    for name, spec in pieces.items():
        for rows in spec["datasets"].values():
            for row in rows:  # 1.1 + 0.1 is above 1.2, which would give its axis another end
                row.update({column: rounded(value, 12) for column, value in row.items()})
        whole, lean = vl_convert.vegalite_to_svg(spec), vl_convert.vegalite_to_svg(only_drawn(spec))
        words = r"<(?:text|tspan)[^>]*>([^<]+)<"
        assert re.findall(words, lean) == re.findall(words, whole), name
        # What screen readers are told of each mark has the values of the tooltips.
        for attributes, error in (("d|transform|x|y|width|height|x2|y2", 0.02), ("aria-label", 1e-4)):
            before, after = (numbers(re.findall(rf' (?:{attributes})="([^"]*)"', svg)) for svg in (whole, lean))
            assert after == pytest.approx(before, abs=error, rel=1e-5), name


def test_a_picture_stands_alone_on_white():
    svg = picture(only_drawn(widgets.channel_explorer().to_dict()))
    drawn = ElementTree.fromstring(svg)
    assert drawn[0].get("fill") == "white"
    assert float(drawn.get("width")) > 300
    assert "aria-" not in svg
    assert not re.findall(r' d="[^"]*\d\.\d\d', svg), "to a tenth of a pixel"
    assert "information (bits)" in svg
