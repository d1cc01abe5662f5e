"""Handles of the two bundles of arrays: small tables of addresses, in which kernels look up the arrays that they use.

Handing a bundle to a compiled kernel costs the unpacking of every array in it, more than most kernels take, and so does
handing it on from kernel to kernel. A table costs one address. Where Numba's JIT is off, the handle of a bundle is the
bundle. Whoever makes a handle keeps the arrays alive while it is used, and writes to it between calls of kernels only.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model
from numba.np.arrayobj import make_array, populate_array

from structgen.kernels.machine import layout as L

_TYPES = {"i4": types.int32, "i8": types.int64, "u1": types.uint8, "u8": types.uint64}
#: dtype and number of dimensions of the arrays, as layout.py has them.
_ARRAYS = {
    "Terminals": (
        L.Terminals,
        "i8:1 i4:2 u8:2 i4:1 i4:1 i4:2 i4:2 i4:2 i4:2 i4:1 i4:2 u8:2 i4:1 i8:2 i4:2 u8:2 i4:2 i4:1 i4:1 i4:1 i4:1 i4:2 "
        "i4:1 i4:1 i4:1 i4:1 u1:1 u1:1 i4:1 u1:1 i4:1 i4:1",
    ),
    "Machine": (
        L.Machine,
        "i8:1 i4:2 i4:2 i4:2 i4:1 i4:2 i4:2 i4:2 u8:2 i4:1 i8:2 i8:2 i4:2 i4:2 i8:2 i8:2 i8:2 i4:2 i4:1 i4:2 i4:2 i8:2 "
        "i4:2 i8:1 i4:2 i4:1 u8:2",
    ),
}


def handle(bundle: L.Terminals | L.Machine) -> Any:
    """int64[arrays, 3]: the address and the first two sizes of every array of a bundle."""
    if config.DISABLE_JIT:
        return bundle
    return np.array([_entry(a) for a in bundle], dtype=np.int64)


def renewed(old: Any, bundle: L.Terminals | L.Machine, names: Iterable[str]) -> Any:
    """``old`` made the handle of a bundle in which the arrays of these names are others; it is written to."""
    if config.DISABLE_JIT:
        return bundle
    for name in names:
        old[bundle._fields.index(name)] = _entry(getattr(bundle, name))
    return old


def _entry(array: L.Array) -> tuple[int, int, int]:
    shape = array.shape
    return array.__array_interface__["data"][0], shape[0], shape[1] if len(shape) > 1 else 0


class _Bundle(types.Type):  # type: ignore[misc,unused-ignore]
    """The type of a handle in kernels: an address, with the arrays of a bundle for attributes."""

    def __init__(self, name: str) -> None:
        fields, arrays = _ARRAYS[name]
        self.arrays = {}
        for number, (field, array) in enumerate(zip(fields._fields, arrays.split(), strict=True)):
            dtype, ndim = array.split(":")
            self.arrays[field] = number, types.Array(_TYPES[dtype], int(ndim), "C")
        super().__init__(name=name)


_TERMINALS = _Bundle("Terminals")
_MACHINE = _Bundle("Machine")
register_model(_Bundle)(models.OpaqueModel)


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc,unused-ignore]
    key = _Bundle

    def generic_resolve(self, bundle: _Bundle, name: str) -> Any:
        return bundle.arrays[name][1] if name in bundle.arrays else None


@lower_getattr_generic(_Bundle)
def _array(context: Any, builder: Any, bundle: _Bundle, address: Any, name: str) -> Any:
    """Make the array of a field, which owns nothing. The table does not change while a kernel runs."""
    number, kind = bundle.arrays[name]
    table = builder.bitcast(address, ir.IntType(64).as_pointer())
    entries = []
    for column in range(1 + kind.ndim):
        loaded = builder.load(builder.gep(table, [ir.IntType(64)(3 * number + column)]))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        entries.append(loaded)
    data, shape = entries[0], entries[1:]
    itemsize = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
    strides = [itemsize] if kind.ndim == 1 else [builder.mul(shape[1], itemsize), itemsize]
    array = make_array(kind)(context, builder)
    pointer = builder.inttoptr(data, context.get_data_type(kind.dtype).as_pointer())
    populate_array(array, data=pointer, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()


def _opened(bundle: _Bundle) -> Any:
    """The intrinsic that takes a table for a handle of this type."""

    def opened(typingctx, table):
        def codegen(context, builder, signature, args):
            data = make_array(signature.args[0])(context, builder, args[0]).data
            return builder.bitcast(data, cgutils.voidptr_t)

        return bundle(table), codegen

    return intrinsic(opened)


def _same(bundle: Any) -> Any:
    return bundle


#: The bundle of a handle, for kernels.
terminals_of = _same if config.DISABLE_JIT else _opened(_TERMINALS)
machine_of = _same if config.DISABLE_JIT else _opened(_MACHINE)
