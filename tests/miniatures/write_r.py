"""Writing R files with what ``rdata`` has no writer for: named matrices and S4 objects."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Named:
    """A numeric matrix with row and column names (R: ``matrix`` with ``dimnames``)."""

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Name:
    """The name of an S4 class and the R package it is from; or a bare symbol, without a package."""

    name: str
    package: str = ""


@dataclass(frozen=True)
class S4:
    """An S4 object: its slots in order."""

    of: Name
    slots: dict[str, Any]


def dgc_matrix(values: sparse.csc_matrix, rows: np.ndarray, columns: np.ndarray) -> S4:
    """Return a sparse matrix as R's ``dgCMatrix``."""
    values = sparse.csc_matrix(values)
    slots = {
        "i": values.indices.astype(np.int32),
        "p": values.indptr.astype(np.int32),
        "Dim": np.array(values.shape, np.int32),
        "Dimnames": [rows.astype(str), columns.astype(str)],
        "x": values.data.astype(float),
        "factors": [],
    }
    return S4(Name("dgCMatrix", "Matrix"), slots)


def dgt_matrix(values: sparse.spmatrix, rows: np.ndarray) -> S4:
    """Return a sparse matrix without column names as R's ``dgTMatrix``, which holds triplets."""
    values = sparse.coo_matrix(values)
    slots = {
        "i": values.row.astype(np.int32),
        "j": values.col.astype(np.int32),
        "Dim": np.array(values.shape, np.int32),
        "Dimnames": [rows.astype(str), None],
        "x": values.data.astype(float),
        "factors": [],
    }
    return S4(Name("dgTMatrix", "Matrix"), slots)


def d_frame(columns: dict[str, Any], rows: np.ndarray) -> S4:
    """Return a table as Bioconductor's ``DFrame``."""
    slots = {
        "rownames": rows.astype(str),
        "nrows": np.array([len(rows)], np.int32),
        "listData": columns,
        "elementType": np.array(["ANY"]),
        "elementMetadata": Name("\x01NULL\x01"),  # how R writes an empty slot
        "metadata": [],
    }
    return S4(Name("DFrame", "S4Vectors"), slots)


def write_r(path: Path, data: Any) -> None:
    """Write an ``.rds`` file, or an ``.rda`` file of a dict of name → object."""
    from rdata.conversion import convert_python_to_r_data
    from rdata.conversion.to_r import DEFAULT_CLASS_MAP

    makers: Any = {**DEFAULT_CLASS_MAP, Named: _named, Name: _name, S4: _s4}
    is_rda = path.suffix == ".rda"
    converted = convert_python_to_r_data(data, constructor_dict=makers, file_type="rda" if is_rda else "rds")
    with gzip.open(path, "wb") as handle:
        if is_rda:
            handle.write(b"RDX3\n")
        _unparser(handle).unparse_r_data(converted)


def _unparser(handle: Any) -> Any:
    """Return rdata's writer, taught that an S4 object is its attributes and nothing else."""
    from rdata.parser import RObjectType
    from rdata.unparser._unparser import pack_r_object_info
    from rdata.unparser._xdr import UnparserXDR

    class WithS4(UnparserXDR):
        def unparse_r_object(self, obj: Any) -> None:
            if obj.info.type != RObjectType.S4:
                return super().unparse_r_object(obj)
            self.unparse_int(pack_r_object_info(obj.info))
            return self.unparse_r_object(obj.attributes)

    return WithS4(handle)


def _named(matrix: Named, converter: Any) -> Any:
    from rdata.conversion.to_r import RObjectType, build_r_object

    names = [matrix.rows.astype(str), matrix.columns.astype(str)]
    about = converter.convert_to_r_attributes({"dim": np.array(matrix.values.shape, np.int32), "dimnames": names})
    return build_r_object(RObjectType.REAL, value=matrix.values.astype(float).ravel(order="F"), attributes=about)


def _name(name: Name, converter: Any) -> Any:
    from rdata.conversion.to_r import RObjectType, build_r_char, build_r_object

    if not name.package:
        return converter.convert_to_r_sym(name.name)
    text = [build_r_char(name.name, encoding="utf-8")]
    about = converter.convert_to_r_attributes({"package": np.array([name.package])})
    return build_r_object(RObjectType.STR, value=text, attributes=about)


def _s4(thing: S4, converter: Any) -> Any:
    from rdata.conversion.to_r import RObjectType, build_r_object

    slots = converter.convert_to_r_attributes({**thing.slots, "class": thing.of})
    # 16 is R's mark of an S4 object.
    return build_r_object(RObjectType.S4, is_object=True, attributes=slots, gp=16)
