"""Files of other programs: every layout is read, what cannot be meant is refused by line."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oligomdt.reconstructkm import reconstruct
from oligomdt.reconstructkm.files import (
    ArmInput,
    as_survival,
    at_or_after,
    read_figure,
    read_points,
    read_risk_table,
    write_patients,
)

FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
A = [(0, 1), (3, 0.75), (7, 0.5)]
B = [(0, 1), (5, 0.25)]
PROJECT = {
    "version": [4, 2],
    "datasetColl": [
        {"name": "A", "data": [{"x": 11, "y": 22, "value": list(point)} for point in A]},
        {"name": "B", "data": [{"x": 11, "y": 22, "value": list(point)} for point in B]},
    ],
}
OLD = {
    "wpd": {
        "version": [3, 8],
        "dataSeries": [
            {"name": entry["name"], "data": entry["data"]} for entry in PROJECT["datasetColl"]
        ],
    }
}
TWO_ARMS = {
    "pairs below names": "A,,B,\nX,Y,X,Y\n0,1,0,1\n3,0.75,5,0.25\n7,0.5,,\n",
    "pairs that are cut off": "A,,B,\nX,Y,X,Y\n0,1,0,1\n3,0.75,5,0.25\n7,0.5\n",
    "a name with a comma in quotes": '"A",,B,\nX,Y,X,Y\n0,1,0,1\n3,0.75,5,0.25\n7,0.5,,\n',
    "project of version 4": json.dumps(PROJECT),
    "project of version 3": json.dumps(OLD, indent=1),
    "columns on one x": "x,A,B\n0,1,1\n3,0.75,\n5,,0.25\n7,0.5,\n",
    "columns on one x, from R": "x,A,B\n0,1,1\n3,0.75,NA\n5,NA,0.25\n7,0.5,NA\n",
    "columns on one time": "Months\tA\tB\n0\t1\t1\n3\t0.75\t\n5\t\t0.25\n7\t0.5\t\n",
    "blocks": "x,A\n0,1\n3,0.75\n7,0.5\n\nx,B\n0,1\n5,0.25\n",
    "blocks for Gnuplot": "# x, A\n0, 1\n3, 0.75\n7, 0.5\n\n\n# x, B\n0, 1\n5, 0.25\n",
    "blocks between spaces": "x A\n0 1\n3 0.75\n7 0.5\n\nx B\n0 1\n5 0.25\n",
    "an x for every curve": "x,A,x,B\n0,1,0,1\n3,0.75,5,0.25\n7,0.5,,\n",
    "named pairs": "A:x,A:y,B:x,B:y\n0,1,0,1\n3,0.75,5,0.25\n7,0.5,,\n",
    "long": "time,surv,arm\n0,1,A\n3,0.75,A\n7,0.5,A\n0,1,B\n5,0.25,B\n",
    "long, curve first": "Curve,T,S\nA,0,1\nB,0,1\nA,3,0.75\nB,5,0.25\nA,7,0.5\n",
    "long, decimal comma": "time;surv;arm\n0;1;A\n3;0,75;A\n7;0,5;A\n0;1;B\n5;0,25;B\n",
    "long, row names": '"","time","surv","arm"\n"1",0,1,"A"\n"2",3,0.75,"A"\n'
    '"3",7,0.5,"A"\n"4",0,1,"B"\n"5",5,0.25,"B"\n',
}
ONE_ARM = {
    "two columns": "0,1\n3,0.75\n7,0.5\n",
    "two columns, wide separator": "0, 1\n3, 0.75\n7, 0.5\n",
    "two columns, decimal comma": "0,0; 1,0\n3,0; 0,75\n7,0; 0,5\n",
    "two columns, tabs": "0\t1\n3\t0.75\n7\t0.5\n",
    "two columns, spaces": "  0 1\n  3 0.75 \n  7 0.5\n",
    "scientific": "0,1\n3.0E+00,7.5e-1\n7.00E+00,5E-01\n",
    "mark of UTF-8 and lines of Windows": "\ufeff0,1\r\n3,0.75\r\n\r\n7,0.5\r\n",
    "clicks": "time,survival\n0,1\n3,0.75\n7,0.5\n",
    "Guyot's columns": "k\tT\tS\n1\t0\t1\n2\t3\t0.75\n3\t7\t0.5\n",
    "survHE's columns": "ID time survival\n1 0 1\n2 3 0.75\n3 7 0.5\n",
    "x and y": "x,y\n0,1\n3,0.75\n7,0.5\n",
    "pairs with numbers": "x1,y1\n0,1\n3,0.75\n7,0.5\n",
}


def save(folder, text, name="curve.csv"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


def plain(curves):
    return {
        name: list(zip(time.tolist(), surv.tolist(), strict=True))
        for name, (time, surv) in curves.items()
    }


@pytest.mark.parametrize("layout", TWO_ARMS)
def test_every_layout_of_two_curves_is_read(tmp_path, layout):
    curves = plain(read_points(save(tmp_path, TWO_ARMS[layout])))
    assert curves == {"A": A, "B": B}
    assert list(curves) == ["A", "B"]


@pytest.mark.parametrize("layout", ONE_ARM)
def test_every_layout_of_one_curve_is_read(tmp_path, layout):
    name = "1" if "numbers" in layout else "curve"
    assert plain(read_points(save(tmp_path, ONE_ARM[layout]))) == {name: A}


def test_utf_16_with_its_mark_is_read(tmp_path):
    path = tmp_path / "curve.txt"
    path.write_bytes("time\tsurv\n0\t1\n3\t0.75\n7\t0.5\n".encode("utf-16"))
    assert plain(read_points(path)) == {"curve": A}


def test_a_quoted_name_may_hold_the_separator(tmp_path):
    text = '"A, high",,B,\nX,Y,X,Y\n0,1,0,1\n'
    assert list(read_points(save(tmp_path, text))) == ["A, high", "B"]


def test_three_arms_and_names_that_are_numbers(tmp_path):
    text = "1,,2,,30,\nX,Y,X,Y,X,Y\n0,1,0,1,0,1\n2,0.9,,,4,0.8\n"
    assert {
        name: len(time) for name, (time, _) in read_points(save(tmp_path, text)).items()
    } == {
        "1": 2,
        "2": 1,
        "30": 2,
    }


BAD_POINTS = {
    "empty": ("\n , \n", "line 1: the file is empty"),
    "only marks": ('""\n', "line 1: all cells are empty"),
    "only NA": ("NA,NA\n", "line 1: all cells are empty"),
    "words": ("some words\nand more words\n", "line 1: 'some,words' is not a header"),
    "unknown header": ("foo,bar\n0,1\n", "line 1: 'foo,bar' is not a header"),
    "one column": ("0.5\n0.25\n", "line 1: 1 columns without a header; write two"),
    "three columns": ("0,1,1\n2,1,1\n", "line 1: 3 columns without a header; write two"),
    "decimal commas between commas": ("0,0,1,0\n3,0,0,8\n", "line 1: 4 columns .* semicolon"),
    "number with a comma": ('0,1\n"3,5",0.8\n', "line 2: time .* is '3,5' in a file separated"),
    "two decimal marks": ("0;1\n3,5;0.8\n", "line 2: '0.8' after '3,5'; use one decimal mark"),
    "two separators": ("time,surv\n3;0.8\n", "line 1: there is no semicolon between cells"),
    "open quote": ('time,surv,arm\n3,0.8,"A\n', r"line 2: a quote \(\"\) is not closed"),
    "text for a number": (
        "time,surv\n0,1\n3,high\n",
        "line 3: survival is 'high'; write a plain",
    ),
    "percent sign": ("0,100%\n", "line 1: value of the curve 'curve' is '100%'"),
    "infinite": ("0,1\n1e999,0.5\n", "line 2: time .* is '1e999'; it must be finite"),
    "no time": ("0,1\n,0.5\n", "line 2: time of the curve 'curve' is empty"),
    "no value": ("0,1\n4,\n", "line 2: value of the curve 'curve' is empty"),
    "x without any value": (
        "x,A,B\n0,1,1\n4,,\n",
        "line 3: there is a time but no value of any",
    ),
    "too many cells": (
        "time,surv\n0,1\n3,0.8,A\n",
        "line 3: there are 3 cells where the header",
    ),
    "blank between spaces": ("x A B\n0 1 1\n3 0.8 \n", "line 3: there are 2 cells where"),
    "names twice": ("A,,A,\nX,Y,X,Y\n0,1,0,1\n", "line 1: two curves are called 'A'; rename"),
    "blocks twice": ("x,A\n0,1\n\nx,A\n0,1\n", "line 4: two curves are called 'A'; rename"),
    "comma in a name": ("A,b,B,\nX,Y,X,Y\n0,1,0,1\n", "line 1: the names must stand above"),
    "no name": ("A,,,\nX,Y,X,Y\n0,1,0,1\n", "line 1: the names must stand above every X"),
    "odd X": ("A,,B,\nX,Y,X,Y\n0,1,0,\n", "line 3: value of the curve 'B' is empty"),
    "curve without points": ("A,,B,\nX,Y,X,Y\n0,1,,\n", "the curve 'B' has no points"),
    "header only": ("time,surv\n", "line 1: there is no row below the header"),
    "unknown column": ("time,surv,sex\n0,1,f\n", "line 1: column 'sex' is not known"),
    "column without a name": ("time,,surv\n0,1,1\n", "line 1: column '' is not known"),
    "surv twice": ("time,surv,S\n0,1,1\n", "line 1: columns 'surv' and 'S' both give surv"),
    "no column time": (
        "surv,arm\n1,A\n",
        "line 1: there is no column time; needed: time, surv",
    ),
    "blank arm": ("time,surv,arm\n0,1,A\n3,0.8,\n", "line 3: arm is empty"),
    "patients": ("time,event,arm\n3,1,A\n", "line 1: there is no column surv but 'arm'"),
    "risk table": ("time,NAR\n0,40\n", "line 1: there is no column surv but 'nar'"),
    "negative time": ("0,1\n-0.5,0.8\n", "line 2: time is -0.5; it must be 0 or later"),
    "negative survival": ("0,1\n3,-0.1\n", "line 2: survival is -0.1; it must be from 0 to 1"),
    "above 1": ("0,1.2\n3,0.1\n", "line 1: survival is 1.2; it must be from 0 to 1"),
    "above 100": ("0,100\n3,104\n", "line 2: survival is 104; it must be from 0 to 100"),
    "incidence column": (
        "time,incidence\n0,0\n",
        "line 1: the column is incidence; read it with",
    ),
    "cut JSON": ('{"datasetColl": [\n', "line 2: is not complete JSON; save it again"),
    "other JSON": ('{"a": 1}', "holds no data sets; it must be a project"),
    "no sets": ('{"datasetColl": []}', "holds no data sets"),
    "deep JSON": ('{"a":' + "[" * 200000, "line 1: is not complete JSON"),
    "no value in a project": (
        '{"datasetColl": [{"name": "A", "data": [{"x": 1, "y": 2}]}]}',
        "data set 1 has no `name` or a point of it no `value`; align the axes",
    ),
    "no name in a project": ('{"datasetColl": [{"data": []}]}', "data set 1 has no `name`"),
    "names twice in a project": (
        '{"datasetColl": [{"name": "A", "data": []}, {"name": "A", "data": []}]}',
        "two data sets are called 'A'",
    ),
    "three values in a project": (
        '{"datasetColl": [{"name": "A", "data": [{"value": [0, 1, 2]}]}]}',
        r"data set 'A', point 1: value is \[0, 1, 2\]; it must be two numbers",
    ),
    "no number in a project": (
        '{"datasetColl": [{"name": "A", "data": [{"value": [0, NaN]}]}]}',
        "data set 'A', point 1: value is .*; it must be two numbers",
    ),
}


@pytest.mark.parametrize("kind", BAD_POINTS)
def test_points_that_cannot_be_meant_are_refused_by_file_and_line(tmp_path, kind):
    text, message = BAD_POINTS[kind]
    with pytest.raises(ValueError, match=r"curve\.csv.*" + message):
        read_points(save(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_bytes(b"time,surv\n0,1\n\xff\x00\x81")
    with pytest.raises(ValueError, match=r"curve\.csv, line 3: is not text in UTF-8"):
        read_points(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        read_points(tmp_path / "absent.csv")


def test_incidence_becomes_survival_on_one_scale(tmp_path):
    percent = save(tmp_path, "x,A,B\n0,0,0\n4,40,\n6,,5\n")
    assert plain(read_points(percent, outcome="incidence")) == {
        "A": [(0, 1), (4, 0.6)],
        "B": [(0, 1), (6, 0.95)],
    }
    column = save(tmp_path, "time,incidence\n0,0\n4,0.25\n", "other.csv")
    assert plain(read_points(column, outcome="incidence")) == {"other": [(0, 1), (4, 0.75)]}


def test_incidence_of_unclear_scale_is_refused(tmp_path):
    path = save(tmp_path, "x,A,B\n0,0,0\n4,40,\n6,,0.5\n")
    with pytest.raises(
        ValueError, match=r"line 2: the curve 'B' reaches only 0\.5 while others"
    ):
        read_points(path, outcome="incidence")
    files = [save(tmp_path, "0,0\n4,40\n", "A.csv"), save(tmp_path, "0,0\n4,0.5\n", "B.csv")]
    with pytest.raises(ValueError, match=r"B\.csv, line 1: the curve 'B' reaches only 0\.5"):
        read_figure(files, outcome="incidence")


def test_as_survival():
    assert as_survival([100, 40], "survival").tolist() == [100, 40]
    assert as_survival([0, 0.25], "incidence").tolist() == [1, 0.75]
    assert as_survival([-0.01, 0.25], "incidence").tolist() == [1.01, 0.75]
    assert as_survival([], "incidence").tolist() == []


@pytest.mark.parametrize(
    ("values", "outcome", "message"),
    [
        ([0.5], "failure", "outcome is 'failure'; it must be 'survival' or 'incidence'"),
        ([0.5, 1.2], "incidence", r"values\[1\]: incidence is 1\.2; it must be from 0 to 1"),
        ([-5, 50], "incidence", r"values\[0\]: incidence is -5; it must be from 0 to 100"),
        ([0.5, np.nan], "survival", r"values\[1\] is nan"),
    ],
)
def test_as_survival_refuses(values, outcome, message):
    with pytest.raises(ValueError, match=message):
        as_survival(values, outcome)


RISK = {
    "wide": "arm,0,6,12\nA,10,7,2\nB,9,9,4\n",
    "wide, blank corner": ",0,6,12\nA,10,7,2\nB,9,9,4\n",
    "wide, tabs": "Arm\t0\t6\t12\nA\t10\t7\t2\nB\t9\t9\t4\n",
    "long": "time,n_risk,arm\n0,10,A\n6,7,A\n12,2,A\n0,9,B\n6,9,B\n12,4,B\n",
    "long, names of R": "curve;time;n.risk\nA;0;10\nB;0;9\nA;6;7\nB;6;9\nA;12;2\nB;12;4\n",
}


@pytest.mark.parametrize("layout", RISK)
def test_every_layout_of_a_risk_table_is_read(tmp_path, layout):
    rows = read_risk_table(save(tmp_path, RISK[layout]))
    assert {arm: time.tolist() for arm, time in rows.time.items()} == {
        "A": [0, 6, 12],
        "B": [0, 6, 12],
    }
    assert {arm: n.tolist() for arm, n in rows.n_risk.items()} == {
        "A": [10, 7, 2],
        "B": [9, 9, 4],
    }
    assert (rows.events, rows.censored, rows.patients("B")) == ({}, {}, 9)


@pytest.mark.parametrize(
    "text",
    [
        "time,NAR\n0,10\n6,7\n",
        "trisk,nrisk\n0,10\n6,7\n",
        "interval,trisk,lower,upper,nrisk\n1,0,1,5,10\n2,6,6,9,7\n",
        "Interval Time Lower Upper nrisk\n1 0 1 5 10\n2 6 6 9 7\n",
        "Number,0,6\ntable,10,7\n",
    ],
)
def test_risk_tables_of_one_arm(tmp_path, text):
    rows = read_risk_table(save(tmp_path, text, "table.csv"))
    assert rows.n_risk["table"].tolist() == [10, 7]


def test_cumulative_counts_in_rows_and_columns(tmp_path):
    wide = (
        "arm,0,6,12\nA,10,7,2\nevents,0,2,5\ncensored,0,1,3\n"
        "B,9,9,\nB events,0,0,\nb (censored),0,0,\n"
    )
    long = (
        "arm,time,n_risk,events,censored\n"
        "A,0,10,0,0\nA,6,7,2,1\nA,12,2,5,3\nB,0,9,0,0\nB,6,9,0,0\n"
    )
    for text in (wide, long):
        rows = read_risk_table(save(tmp_path, text))
        assert rows.time["B"].tolist() == [0, 6]
        assert rows.events["A"].tolist() == [0, 2, 5]
        assert rows.censored["A"].tolist() == [0, 1, 3]
        assert rows.events["B"].tolist() == rows.censored["B"].tolist() == [0, 0]


@pytest.mark.parametrize("kind", ["events", "censored"])
def test_counts_in_brackets_are_those_of_a_row_below(tmp_path, kind):
    brackets = save(tmp_path, f"arm ({kind}),0,6,12\nA,10 (0),7 (2),3(4)\nB,9 (0),,8 ( 1 )\n")
    rows = read_risk_table(brackets)
    assert rows.n_risk["A"].tolist() == [10, 7, 3]
    assert getattr(rows, kind)["A"].tolist() == [0, 2, 4]
    assert rows.time["B"].tolist() == [0, 12]
    assert getattr(rows, kind)["B"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arm,0,6\nA,10 (0),7 (2)\n", r"line 2: has numbers in brackets; say what they count"),
        ("arm (events),0,6\nA,10 (0),7\n", r"line 2: '7' has no number in brackets"),
        ("arm (events),0,6\nA,10,7\nevents,(0),(2)\n", r"line 3: has numbers in brackets"),
        ("arm (events),0,6\nA,10 (0),7 (x)\n", r"events of the arm 'A' at 6 is 'x'"),
        ("arm (events),0,6\nA,10 (0),7 (4)\n", r"4 counted gone"),
    ],
)
def test_brackets_that_cannot_be_read_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_risk_table(save(tmp_path, text))


def test_patients_follow_from_the_counts_without_a_row_at_time_0(tmp_path):
    rows = read_risk_table(save(tmp_path, "time,n_risk,events,censored\n6,7,2,1\n12,2,5,3\n"))
    assert rows.patients("curve") == 10
    rows = read_risk_table(save(tmp_path, "time,n_risk,events\n6,7,2\n12,2,5\n"))
    assert rows.patients("curve") is None


BAD_RISK = {
    "no header": ("0,10\n6,7\n", "line 1: is not the header of a number-at-risk table"),
    "no times": ("arm,a,b\nA,10,7\n", "line 1: is not the header"),
    "no rows": ("arm,0,6\n", "line 1: there is no row below the times"),
    "no long rows": ("time,n_risk\n", "line 1: there is no row below the header"),
    "no count": ("time,arm\n0,A\n", "line 1: there is no column n_risk"),
    "not cumulative": ("time,n_risk,n.event\n0,9,1\n", "line 1: column 'n.event' is not known"),
    "fraction": (
        "arm,0,6\nA,10,7.5\n",
        "line 2: n_risk of the arm 'A' at 6 is '7.5'; .* whole",
    ),
    "negative": ("arm,0,6\nA,10,-7\n", "line 2: n_risk of the arm 'A' at 6 is '-7'"),
    "two numbers in a cell": ("arm,0,6\nA,10,7 3\n", "line 2: .* '7 3'; write a plain"),
    "thousands": (
        'arm,0,6\nA,"1,200",7\n',
        "line 2: .* '1,200' .* without a thousands separator",
    ),
    "rising": ("arm,0,6\nA,10,11\n", "line 2: arm 'A', time 6: 11 at risk after 10"),
    "time twice": (
        "time,n_risk\n0,10\n6,8\n6,7\n",
        "line 4: arm 'curve', time 6: comes after 6",
    ),
    "negative time": (
        "arm,-1,6\nA,10,7\n",
        "line 2: arm 'A', time -1: times must be 0 or later",
    ),
    "no name": ("arm,0,6\n,10,7\n", "line 2: the row has no name"),
    "blank arm": ("time,n_risk,arm\n0,10,\n", "line 2: arm is empty"),
    "arm twice": ("arm,0,6\nA,10,7\nA,10,7\n", "line 3: a second row n_risk for the arm 'A'"),
    "no numbers": ("arm,0,6\nA,,\n", "line 2: the arm 'A' has no number at risk"),
    "events of nobody": (
        "arm,0,6\nevents,0,1\nA,10,7\n",
        "line 2: the row 'events' follows no",
    ),
    "events of another": (
        "arm,0,6\nA,10,7\nC events,0,1\n",
        "line 3: the row 'C events' follows",
    ),
    "half given": (
        "arm,0,6\nA,10,7\nevents,0,\n",
        "line 3: events of the arm 'A' at 6 is empty",
    ),
    "events before time 0": (
        "time,n_risk,events\n0,10,1\n",
        "line 2: .* 1 counted before time 0",
    ),
    "events fall": (
        "time,n_risk,events\n0,10,0\n6,7,3\n12,5,2\n",
        "line 4: arm 'curve', time 12: 2 events after 3; cumulative counts never fall",
    ),
    "one too few": (
        "arm,0,6\nA,10,7\nevents,0,1\ncensored,0,1\n",
        "line 2: arm 'A', time 6: 10 patients less 7 at risk leave 3, but 1 events and "
        "1 censored make 2, 1 too few",
    ),
    "two too many": (
        "time,n_risk,events,censored\n0,10,0,0\n6,7,3,2\n",
        "line 3: arm 'curve', time 6: .* make 5, 2 too many",
    ),
    "more events than gone": (
        "time,n_risk,events\n0,10,0\n6,7,5\n",
        "line 3: .*, time 6: of 10 patients 7 are at risk and 5 counted gone, 2 too many",
    ),
    "censored return": (
        "time,n_risk,events\n0,10,0\n6,7,1\n12,6,3\n",
        "line 4: arm 'curve', time 12: .* 1 too many",
    ),
}


@pytest.mark.parametrize("kind", BAD_RISK)
def test_risk_tables_that_contradict_themselves_are_refused(tmp_path, kind):
    text, message = BAD_RISK[kind]
    with pytest.raises(ValueError, match=r"curve\.csv, " + message):
        read_risk_table(save(tmp_path, text))


def test_counted_after_moves_rows_to_the_next_time():
    time, n = at_or_after([0, 6], [10, 7], "after")
    patients = np.array([2.0, 6.0, 6.0, 9.0])
    assert (patients >= time[1]).sum() == (patients > 6).sum() == 1
    assert time[1] == np.nextafter(6, 7) and n.tolist() == [10, 7]
    assert at_or_after([0, 6], [10, 7])[0].tolist() == [0, 6]


def test_at_or_after_refuses():
    with pytest.raises(
        ValueError, match="counted is 'before'; it must be 'at or after' or 'aft"
    ):
        at_or_after([0], [10], "before")
    with pytest.raises(ValueError, match="risk_time and risk_n differ in length: 1 and 2"):
        at_or_after([0], [10, 9])


def test_a_figure_is_joined_by_name(tmp_path):
    points = save(tmp_path, TWO_ARMS["long"], "points.csv")
    table = save(tmp_path, "arm,0,4\n b,9,5\nA ,10,8\n", "table.csv")
    marks = save(tmp_path, "time,arm\n1.5,b\n4,A\n2.5,b\n", "marks.csv")
    first, second = read_figure(points, table, events={"b": 4, "a": 5}, marks=marks)
    assert (first.name, first.n, first.events, first.notes) == ("A", 10, 5, ())
    assert first.risk_n.tolist() == [10, 8] and first.censor_time.tolist() == [4]
    assert (second.name, second.n, second.events) == ("B", 9, 4)


def test_marks_of_the_only_arm_need_no_name(tmp_path):
    points = save(tmp_path, ONE_ARM["clicks"], "A.csv")
    marks = save(tmp_path, "time\n1,5\n3\n", "marks.csv")
    (arm,) = read_figure(points, marks=marks)
    assert arm.censor_time.tolist() == [1.5, 3]
    assert (arm.n, arm.risk_time, arm.risk_n, arm.events) == (None, None, None, None)


def test_arms_of_other_names_are_joined_by_order_and_said(tmp_path):
    points = [save(tmp_path, ONE_ARM["clicks"], f"{arm}_clicks.csv") for arm in "pqr"]
    table = [save(tmp_path, "time,NAR\n0,10\n", f"{arm}_NAR.csv") for arm in "pqr"]
    arms = read_figure(points, table, events=[1, 2, 3])
    assert [(arm.name, arm.n, arm.events) for arm in arms] == [
        ("p_clicks", 10, 1),
        ("q_clicks", 10, 2),
        ("r_clicks", 10, 3),
    ]
    assert arms[1].notes == (
        "'q_NAR' of the number-at-risk table was taken for this arm, by its order",
    )


def test_the_arms_left_over_are_joined_by_order(tmp_path):
    points = save(tmp_path, TWO_ARMS["long"], "points.csv")
    table = save(tmp_path, "arm,0\nother,9\nA,10\n", "table.csv")
    first, second = read_figure(points, table)
    assert (first.n, first.notes) == (10, ())
    assert second.n == 9 and "'other' of the number-at-risk table" in second.notes[0]


def test_notes_say_what_was_turned_moved_and_taken_from_the_table(tmp_path):
    points = save(tmp_path, "time,incidence\n3,20\n9,50\n", "A.csv")
    table = save(tmp_path, "arm,0,6,12\nA,10,8,0\nevents,0,2,5\n", "table.csv")
    (arm,) = read_figure(points, table, outcome="incidence", counted="after")
    assert arm.surv.tolist() == [0.8, 0.5]
    assert arm.risk_time[1] > 6 and arm.n == 10 and arm.events == 5
    assert [note.split()[0] for note in arm.notes] == ["cumulative", "the", "the"]


def test_the_fields_are_arguments_of_reconstruct(tmp_path):
    points = save(tmp_path, TWO_ARMS["long"], "points.csv")
    table = save(tmp_path, RISK["wide"], "table.csv")
    for counted in ("at or after", "after"):
        for arm in read_figure(points, table, counted=counted):
            arguments = {key: value for key, value in vars(arm).items()}
            del arguments["name"], arguments["notes"]
            result = reconstruct(**arguments)
            assert len(result.time) == arm.n


def test_an_arm_without_marks_is_said(tmp_path):
    points = save(tmp_path, TWO_ARMS["long"], "points.csv")
    marks = save(tmp_path, "time,arm\n1.5,B\n", "marks.csv")
    first, second = read_figure(points, marks=marks)
    assert first.censor_time.tolist() == [] and first.notes == ("it has no censoring marks",)
    assert second.censor_time.tolist() == [1.5]


BAD_FIGURES = {
    "fewer arms in the table": (
        {"risk_table": "arm,0\nA,10\n"},
        r"2 curve\(s\) \(A, B\) but 1 arm\(s\) in the number-at-risk table \(A\)",
    ),
    "names alike": (
        {"risk_table": "arm,0\nA,10\na ,9\n"},
        "the arm 'a' has the name of 'A' in",
    ),
    "marks alike": (
        {"marks": "time,arm\n1,B\n4,A\n2,b\n"},
        "the file of censoring marks has arms that differ only in capitals or spaces",
    ),
    "more marks": (
        {"marks": "time,arm\n1,A\n1,B\n1,C\n"},
        r"2 curve\(s\) .* but 3 arm\(s\) in",
    ),
    "marks without arm": (
        {"marks": "time\n1\n"},
        r"marks\.csv, line 1: there is no column arm",
    ),
    "marks without header": ({"marks": "1,A\n"}, r"marks\.csv, line 1: there is no header"),
    "marks with blank arm": ({"marks": "time,arm\n1,\n"}, r"marks\.csv, line 2: arm is empty"),
    "negative mark": (
        {"marks": "time,arm\n-1,A\n"},
        r"marks\.csv, line 2: time is -1; it must",
    ),
    "no marks": (
        {"marks": "time,arm\n"},
        r"marks\.csv, line 1: there is no row below the head",
    ),
    "one total": ({"events": 5}, r"events has 1 number\(s\) for 2 curve\(s\)"),
    "three totals": ({"events": [1, 2, 3]}, r"events has 3 number\(s\) for 2 curve\(s\)"),
    "total for one arm": ({"events": {"A": 1}}, r"2 curve\(s\) .* but 1 arm\(s\) in the event"),
    "fraction": ({"events": [1.5, 2]}, r"events of 'A' is 1\.5; it must be a whole number"),
    "more events than patients": (
        {"risk_table": "arm,0\nA,10\nB,9\n", "events": [3, 11]},
        "events of 'B' is 11; the number-at-risk table allows 0 to 9",
    ),
    "fewer events than counted": (
        {"risk_table": "arm,0,6\nA,10,7\nevents,0,2\nB,9,8\n", "events": [1, 1]},
        "events of 'A' is 1; the number-at-risk table allows 2 to 9",
    ),
    "outcome": ({"outcome": "death"}, "outcome is 'death'"),
    "counted": ({"risk_table": "arm,0\nA,9\nB,9\n", "counted": "?"}, "counted is '\\?'"),
}


@pytest.mark.parametrize("kind", BAD_FIGURES)
def test_figures_whose_parts_do_not_fit_are_refused(tmp_path, kind):
    given_, message = BAD_FIGURES[kind]
    arguments = dict(given_)
    for name in {"risk_table", "marks"} & arguments.keys():
        arguments[name] = save(tmp_path, arguments[name], f"{name}.csv")
    with pytest.raises(ValueError, match=message):
        read_figure(save(tmp_path, TWO_ARMS["long"], "points.csv"), **arguments)


def test_two_files_of_the_same_arm_are_refused(tmp_path):
    (tmp_path / "more").mkdir()
    files = [save(tmp_path, "0,1\n", "A.csv"), save(tmp_path / "more", "0,1\n", "a.csv")]
    with pytest.raises(
        ValueError, match=r"a\.csv: the arm 'a' has the name of 'A' in .*A\.csv"
    ):
        read_figure(files)
    with pytest.raises(ValueError, match="points names no file"):
        read_figure([])


def test_an_arm_cannot_be_changed():
    arm = ArmInput("A", np.zeros(1), np.ones(1))
    with pytest.raises(AttributeError):
        arm.n = 3


FRAME = pd.DataFrame(
    {"time": [2.5, 4, 0.1 + 0.2], "event": [1, 0, 1], "arm": ["A", "B, c", 'd"']}
)


def test_patients_are_written_as_others_read_them(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("before")
    write_patients(path, FRAME.assign(draw=[0, 0, 1])[["draw", "arm", "event", "time"]])
    back = pd.read_csv(path, float_precision="round_trip")
    assert back.columns.tolist() == ["time", "event", "arm", "draw"]
    pd.testing.assert_frame_equal(back[["time", "event", "arm"]], FRAME)
    assert [file.name for file in tmp_path.iterdir()] == ["patients.csv"]
    assert path.read_bytes().count(b"\r") == 0


def test_lifelines_fits_the_file(tmp_path):
    from lifelines import KaplanMeierFitter

    write_patients(tmp_path / "patients.csv", FRAME)
    back = pd.read_csv(tmp_path / "patients.csv")
    fit = KaplanMeierFitter().fit(back.time, back.event)
    assert len(fit.durations) == 3


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "patients.csv"
    write_patients(path, FRAME)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk"):
        write_patients(path, FRAME[:1])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["patients.csv"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME[["time", "event"]], "columns are time, event; they must be"),
        (FRAME.assign(age=1), "columns are time, event, arm, age; they must be"),
        (FRAME.rename(columns={"arm": "time"}), "columns are time, event, time"),
        (FRAME[:0], "there are no rows"),
        (FRAME.assign(time=[1, 2, -3]), "row 3: time is -3; it must be a number, 0 or more"),
        (FRAME.assign(time=[1, np.nan, 3]), "row 2: time is nan"),
        (FRAME.assign(time=["1", "x", "3"]), "row 2: time is 'x'"),
        (FRAME.assign(event=[1, 2, 0]), "row 2: event is 2; it must be 0 or 1"),
        (FRAME.assign(event=[1, None, 0]), "row 2: event is nan"),
        (FRAME.assign(arm=["A", "NA", "B"]), "row 2: arm is 'NA'; it must be a name"),
        (FRAME.assign(arm=["A", None, "B"]), "row 2: arm is 'None'"),
        (FRAME.assign(arm=["A", "a\nb", "B"]), r"row 2: arm is 'a\\nb'"),
        (FRAME.assign(draw=[0, 0.5, 1]), "row 2: draw is 0.5; it must be a whole number"),
        (FRAME.assign(draw=pd.array([0, None, 1], dtype="Int64")), "row 2: draw is <NA>"),
    ],
)
def test_patients_that_cannot_be_are_refused(tmp_path, frame, message):
    with pytest.raises(ValueError, match=r"patients\.csv.*" + message):
        write_patients(tmp_path / "patients.csv", frame)
    assert list(tmp_path.iterdir()) == []


NAMES = st.lists(
    st.from_regex(r"Dose [0-9A-Za-z+/%>]{1,8}", fullmatch=True),
    min_size=2,
    max_size=4,
    unique_by=str.casefold,
)
POINTS = st.lists(
    st.tuples(st.floats(0, 1e4), st.floats(0, 1)),
    min_size=1,
    max_size=8,
    unique_by=lambda p: p[0],
)


def as_pairs(curves):
    rows = max(map(len, curves.values()))
    lines = [
        ",".join(f"{name}," for name in curves),
        ",".join("X,Y" for _ in curves),
    ]
    for at in range(rows):
        cells = [points[at] if at < len(points) else ("", "") for points in curves.values()]
        lines.append(",".join(f"{x},{y}" for x, y in cells))
    return "\n".join(lines)


def as_blocks(curves):
    return "\n\n".join(
        "\n".join([f"x\t{name}"] + [f"{x}\t{y}" for x, y in points])
        for name, points in curves.items()
    )


def as_shared(curves):
    lines = ["x;" + ";".join(curves)]
    for place, points in enumerate(curves.values()):
        for x, y in points:
            lines.append(f"{x}" + ";" * (place + 1) + f"{y}" + ";" * (len(curves) - place - 1))
    return "\n".join(lines).replace(".", ",")


def as_long(curves):
    lines = ["arm,time,surv"]
    return "\n".join(
        lines + [f'"{name}",{x},{y}' for name, points in curves.items() for x, y in points]
    )


def as_project(curves):
    sets = [
        {"name": name, "data": [{"value": list(point)} for point in points]}
        for name, points in curves.items()
    ]
    return json.dumps({"datasetColl": sets})


@pytest.mark.parametrize("layout", [as_pairs, as_blocks, as_shared, as_long, as_project])
@FEW
@given(data=st.data())
def test_points_come_back_exactly_from_every_layout(tmp_path, layout, data):
    names = data.draw(NAMES)
    curves = {name: data.draw(POINTS) for name in names}
    assert plain(read_points(save(tmp_path, layout(curves)))) == curves


@FEW
@given(
    gone=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6),
    left=st.integers(0, 9),
    wide=st.booleans(),
    wrong=st.sampled_from([0, 0, 1, 2]),
)
def test_risk_tables_come_back_and_no_wrong_count_passes(tmp_path, gone, left, wide, wrong):
    events, censored = (np.cumsum([0, *counts]) for counts in zip(*gone, strict=True))
    n_risk = left + events[-1] + censored[-1] - events - censored
    stated = events.copy()
    stated[-1] += wrong
    times = range(0, 6 * len(events), 6)
    kinds = {"arm": times, "A": n_risk, "events": stated, "censored": censored}
    if wide:
        text = "\n".join(f"{kind},{','.join(map(str, row))}" for kind, row in kinds.items())
    else:
        rows = zip(*kinds.values(), strict=True)
        text = "\n".join(
            ["time,n_risk,events,censored"] + [",".join(map(str, r)) for r in rows]
        )
    path = save(tmp_path, text, "A.csv")
    if wrong:
        with pytest.raises(ValueError, match=f"{wrong} too many"):
            read_risk_table(path)
        return
    back = read_risk_table(path)
    assert back.time["A"].tolist() == list(times)
    assert back.n_risk["A"].tolist() == n_risk.tolist()
    assert back.events["A"].tolist() == events.tolist()
    assert back.censored["A"].tolist() == censored.tolist()


@FEW
@given(
    rows=st.lists(
        st.tuples(
            st.floats(0, 1e6),
            st.integers(0, 1),
            st.from_regex(r"arm [A-Za-z0-9,;\"' ]{0,8}[a-z]", fullmatch=True),
            st.integers(0, 999),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_patients_come_back_exactly(tmp_path, rows):
    frame = pd.DataFrame(rows, columns=["time", "event", "arm", "draw"])
    write_patients(tmp_path / "patients.csv", frame)
    back = pd.read_csv(tmp_path / "patients.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(back, frame)


@FEW
@given(values=st.lists(st.floats(0, 1), min_size=1), percent=st.booleans())
def test_incidence_and_survival_add_up_to_1(values, percent):
    values = np.append(values, 0.9)
    given_ = values * 100 if percent else values
    assert as_survival(given_, "incidence") + values == pytest.approx(1)


@FEW
@given(
    time=st.lists(st.floats(0, 1e4), min_size=1, max_size=30),
    at=st.floats(0, 1e4),
)
def test_counts_after_a_time_are_counts_from_the_next(time, at):
    patients = np.append(time, at)
    ((moved,), _) = at_or_after([at], [1], "after")
    assert (patients >= moved).sum() == (patients > at).sum()


CELLS = st.sampled_from(
    [
        "x",
        "y",
        "A",
        "time",
        "surv",
        "arm",
        "events",
        "n_risk",
        "",
        "0",
        "1",
        "3.5",
        "0,5",
        "NA",
        '"',
    ]
)


@pytest.mark.parametrize("read", [read_points, read_risk_table, read_figure])
@FEW
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5),
    separator=st.sampled_from(",;\t "),
)
def test_whatever_the_file_holds_it_is_read_or_refused_by_name(tmp_path, read, rows, separator):
    path = save(tmp_path, "\n".join(separator.join(row) for row in rows))
    try:
        read(path)
    except ValueError as error:
        assert "curve.csv" in str(error)


@FEW
@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(tmp_path, text):
    path = tmp_path / "curve.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (read_points, read_risk_table):
        try:
            read(path)
        except ValueError as error:
            assert "curve.csv" in str(error)
