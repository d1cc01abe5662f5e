"""Handles of the two bundles of arrays: small tables of addresses, from which a kernel makes the bundle again.

Handing a bundle to a compiled kernel costs the unpacking of every array in it, more than most kernels take. Handing it
a table costs one. Where Numba's JIT is off, the handle of a bundle is the bundle. Whoever makes a handle keeps the
arrays alive while it is used.
"""

# mypy: disable-error-code="no-untyped-def,misc"
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numba import carray, config, njit, types
from numba.extending import intrinsic

from structgen.kernels.machine import layout as L


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


@intrinsic
def _pointer(typingctx, address):
    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _i4(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1],), np.int32)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _i4s(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1], h[i, 2]), np.int32)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _i8(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1],), np.int64)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _i8s(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1], h[i, 2]), np.int64)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _u1(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1],), np.uint8)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def _u8s(h, i):
    return carray(_pointer(h[i, 0]), (h[i, 1], h[i, 2]), np.uint64)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def _terminals(h):
    # fmt: off
    return L.Terminals(
        _i8(h, 0), _i4s(h, 1), _u8s(h, 2), _i4(h, 3), _i4(h, 4), _i4s(h, 5), _i4s(h, 6), _i4s(h, 7), _i4s(h, 8),
        _i4(h, 9), _i4s(h, 10), _u8s(h, 11), _i4(h, 12), _i8s(h, 13), _i4s(h, 14), _u8s(h, 15), _i4s(h, 16), _i4(h, 17),
        _i4(h, 18), _i4(h, 19), _i4(h, 20), _i4s(h, 21), _i4(h, 22), _i4(h, 23), _i4(h, 24), _i4(h, 25), _u1(h, 26),
        _u1(h, 27), _i4(h, 28), _u1(h, 29), _i4(h, 30), _i4(h, 31),
    )
    # fmt: on


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def _machine(h):
    # fmt: off
    return L.Machine(
        _i8(h, 0), _i4s(h, 1), _i4s(h, 2), _i4s(h, 3), _i4(h, 4), _i4s(h, 5), _i4s(h, 6), _i4s(h, 7), _u8s(h, 8),
        _i4(h, 9), _i8s(h, 10), _i8s(h, 11), _i4s(h, 12), _i4s(h, 13), _i8s(h, 14), _i8s(h, 15), _i8s(h, 16),
        _i4s(h, 17), _i4(h, 18), _i4s(h, 19), _i4s(h, 20), _i8s(h, 21), _i4s(h, 22), _i8(h, 23), _i4s(h, 24),
        _i4(h, 25), _u8s(h, 26),
    )
    # fmt: on


def _same(bundle):
    return bundle


#: The bundle of a handle, for kernels.
terminals_of = _same if config.DISABLE_JIT else _terminals
machine_of = _same if config.DISABLE_JIT else _machine
