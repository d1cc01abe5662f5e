"""Handles of the two bundles of arrays, and what kernels see of them.

Handing a bundle to a compiled kernel costs the unpacking of every array in it, more than most kernels take, and so does
handing it from kernel to kernel. A handle is a table of the arrays' addresses and sizes; kernels pass each other its
address alone, a :class:`Ref`, whose attributes are the arrays. Code that is written for a bundle works on either.

Where Numba's JIT is off, the handle of a bundle is the bundle. Whoever makes a handle keeps the arrays alive while it
is used; its entries do not change while a kernel runs.
"""

# mypy: disable-error-code="no-untyped-def,misc"
from __future__ import annotations

from collections.abc import Iterable
from ctypes import addressof, c_char
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_getattr_generic, models, register_model
from numba.np import numpy_support
from numba.np.arrayobj import populate_array

from structgen.kernels.machine import layout as L

_BUNDLES = {"Terminals": L.TERMINAL_FIELDS, "Machine": L.MACHINE_FIELDS}
#: Entries of a handle for each array: the address, the length, the columns (0 for one axis).
_WORDS = 3
_INT64 = ir.IntType(64)


_first_byte = c_char.from_buffer


def handle(bundle: L.Terminals | L.Machine) -> Any:
    """int64[arrays, 3]: the address and the first two sizes of every array of a bundle."""
    if config.DISABLE_JIT:
        return bundle
    fields = _BUNDLES[type(bundle).__name__]
    return np.array([_entry(array, fields[name]) for name, array in zip(bundle._fields, bundle, strict=True)])


def renewed(old: Any, bundle: L.Terminals | L.Machine, names: Iterable[str]) -> Any:
    """``old`` made the handle of a bundle in which the arrays of these names are others; it is written to."""
    if config.DISABLE_JIT:
        return bundle
    fields = _BUNDLES[type(bundle).__name__]
    for name in names:
        old[bundle._fields.index(name)] = _entry(getattr(bundle, name), fields[name])
    return old


def _entry(array: L.Array, field: L.Field) -> tuple[int, int, int]:
    shape = array.shape
    columns = shape[1] if len(shape) > 1 else 0
    if array.dtype != field.dtype or columns != (columns if field.columns is None else field.columns):
        raise TypeError(f"{field} expected, not {array.dtype}{list(shape)}")
    if not array.flags.c_contiguous:
        raise TypeError("arrays of bundles are contiguous")
    try:
        address = addressof(_first_byte(array))  # takes a quarter of the time that NumPy takes to tell it
    except (TypeError, ValueError):  # it has no bytes, or none to be written
        address = array.__array_interface__["data"][0]
    return address, shape[0], columns


class Ref(types.Type):
    """The address of a handle, in kernels."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        super().__init__(name=f"Ref({bundle})")


@register_model(Ref)
class _RefModel(models.PrimitiveModel):
    def __init__(self, manager, ref) -> None:
        super().__init__(manager, ref, _INT64.as_pointer())


def _array_type(ref, name):
    field = _BUNDLES[ref.bundle][name]
    return types.Array(numpy_support.from_dtype(np.dtype(field.dtype)), 1 if field.columns == 0 else 2, "C")


@infer_getattr
class _Attributes(AttributeTemplate):
    key = Ref

    def generic_resolve(self, ref, name):
        return _array_type(ref, name) if name in _BUNDLES[ref.bundle] else None


@lower_getattr_generic(Ref)
def _array(context, builder, ref, value, name):
    """The array of a name, out of the handle's entry."""
    fields = _BUNDLES[ref.bundle]
    at = list(fields).index(name) * _WORDS
    kind = _array_type(ref, name)

    def word(k):
        loaded = builder.load(builder.gep(value, [_INT64(at + k)]))
        # entries stay while a kernel runs, whatever it writes to the arrays
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    array = context.make_array(kind)(context, builder)
    size = _INT64(np.dtype(fields[name].dtype).itemsize)
    shape, strides = [word(1)], [size]
    if kind.ndim == 2:
        columns = fields[name].columns
        if columns is None:
            shape.append(word(2))
            strides = [builder.mul(shape[1], size), size]
        else:
            shape.append(_INT64(columns))
            strides = [_INT64(columns * size.constant), size]
    populate_array(
        array,
        data=builder.inttoptr(word(0), array.data.type),
        shape=shape,
        strides=strides,
        itemsize=size,
        meminfo=None,
    )
    return array._getvalue()


def _ref_of(bundle):
    @intrinsic
    def of(typingctx, table):
        def codegen(context, builder, signature, args):
            return context.make_array(signature.args[0])(context, builder, args[0]).data

        return Ref(bundle)(types.Array(types.int64, 2, "C")), codegen

    return of


def _same(bundle):
    return bundle


#: The bundle of a handle, for kernels.
terminals_of = _same if config.DISABLE_JIT else _ref_of("Terminals")
machine_of = _same if config.DISABLE_JIT else _ref_of("Machine")
