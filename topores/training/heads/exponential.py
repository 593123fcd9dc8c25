"""A vectorised e^x: calling libm once for each number would take most of the time of a loss."""

import math
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, no_type_check

import numpy as np
from numba import njit, types
from numba.extending import intrinsic


@cache
@no_type_check  # numba cannot compile the wrapper that a run-time type checker puts around it
def compiled(dtype: str) -> Callable[[Any, Any], Any]:
    """`exponential(x, shift)` = 2^shift e^x, written so that LLVM vectorises a loop over it.

    x is split into n ln 2 + r with |r| <= ln 2 / 2; e^r is a Taylor polynomial whose next term is below the last bit.
    ln 2 is split into two parts, of which n times the first is exact (Cody and Waite 1980).

    The result is 0 where it would be below the smallest normal number. `shift` is a float that holds a whole number.
    Overflow is not checked, and NaN does not give NaN: the caller checks the inputs.
    """
    kind = np.dtype(dtype).type
    # The first part of ln 2 has so few bits that n times it fits the mantissa's 23 or 52.
    digits, terms = (9, 7) if dtype == "float32" else (32, 13)
    high = kind(math.floor(math.log(2) * 2**digits) / 2**digits)
    low = kind(Decimal(2).ln() - Decimal(float(high)))
    to_twos, half, one = kind(math.log2(math.e)), kind(0.5), kind(1)
    nothing, least = kind(0), kind(np.finfo(dtype).minexp)
    taylor = tuple(kind(1 / math.factorial(k)) for k in range(terms, 0, -1))
    power = _power_of_two(dtype)

    # Without reassociation, which would merge the two parts of ln 2.
    @njit(nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
    def exponential(x: Any, shift: Any) -> Any:
        n = np.floor(x * to_twos + half)
        r = (x - n * high) - n * low
        value = taylor[0]
        for k in range(1, terms):
            value = value * r + taylor[k]
        value = value * r + one
        exponent = n + shift
        return value * power(max(exponent, least)) if exponent >= least else nothing

    return exponential


@cache
@no_type_check  # numba cannot compile the wrapper that a run-time type checker puts around it
def _power_of_two(dtype: str) -> Callable[[Any], Any]:
    """2^n for a whole number n given as a float, assembled from its bits."""
    mantissa, bias, whole = (23, 127, types.int32) if dtype == "float32" else (52, 1023, types.int64)
    real = types.float32 if dtype == "float32" else types.float64

    @intrinsic
    def power(typing_context: Any, n: Any) -> Any:  # noqa: ARG001  numba gives it
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            # By way of 32 bits: for 64 there is no instruction that converts several at once.
            number = builder.fptosi(arguments[0], context.get_value_type(types.int32))
            number = builder.add(number, context.get_constant(types.int32, bias))
            number = number if whole is types.int32 else builder.zext(number, context.get_value_type(whole))
            bits = builder.shl(number, context.get_constant(whole, mantissa))
            return builder.bitcast(bits, context.get_value_type(real))

        return real(real), generate

    return power
