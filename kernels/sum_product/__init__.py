"""Sums and maxima over all texts of d tokens that an automaton reads: for blocks of positions filled at once."""

from __future__ import annotations

from typing import Any


def backward(logps: Any, first: Any, tokens: Any, after: Any, final: Any, *, best: bool = False) -> Any:
    """Messages from the end: the log of the total weight of what can fill positions i to d - 1 from each state.

    beta[b, d, s] = final[s];  beta[b, i, s] = logsumexp over edges (s, t, s') of logps[b, i, t] + beta[b, i + 1, s'].

    Args:
        logps: float32[B, d, V], contiguous: log-weight of each token at each position; minus infinity: not there.
        first, tokens, after: the edges, CSR: int32[n + 1], int32[e], int32[e].
        final: float32[n]: 0 where the text may end (or any log-weight), minus infinity elsewhere.
        best: maxima in place of sums.

    Returns:
        beta: float32[B, d + 1, n]; with ``best`` (beta, back): back int32[B, d, n] is the edge that attains the
        maximum, the first of equals, -1 where there is none.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    _check(gpu_tensors, logps, first, tokens, after)
    gpu_tensors.checked("final", final, torch.float32, 1, logps)
    batch, length, n = len(logps), logps.shape[1], len(final)
    beta = torch.empty((batch, length + 1, n), dtype=torch.float32, device=logps.device)
    back = torch.empty((batch, length, n), dtype=torch.int32, device=logps.device)
    beta[:, length] = final
    if logps.is_cuda:
        from structgen.kernels.sum_product import gpu

        gpu.backward(logps, first, tokens, after, beta, back, best)
    else:
        from structgen.kernels.sum_product import cpu

        cpu.backward(*map(gpu_tensors.array, (logps, first, tokens, after, beta, back)), best)
    return (beta, back) if best else beta


def trace(start: Any, back: Any, tokens: Any, after: Any) -> Any:
    """The best tokens: int32[B, d], out of ``backward(best=True)``; -1 where no text fits. start: int32[B]."""
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("start", start, torch.int32, 1, back)
    out = torch.empty(back.shape[:2], dtype=torch.int32, device=back.device)
    if back.is_cuda:
        from structgen.kernels.sum_product import gpu

        gpu.trace(start, back, tokens, after, out)
    else:
        from structgen.kernels.sum_product import cpu

        cpu.trace(*map(gpu_tensors.array, (start, back, tokens, after, out)))
    return out


def draw(logps: Any, first: Any, tokens: Any, after: Any, beta: Any, start: Any, uniforms: Any) -> Any:
    """Texts drawn exactly: a token at each position with probability exp(logp + beta' - beta), from the left.

    Args:
        beta: of ``backward``. start: int32[B]. uniforms: float32[B, d], from 0 to under 1.

    Returns:
        int32[B, d]; -1 where no text fits.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    _check(gpu_tensors, logps, first, tokens, after)
    gpu_tensors.checked("beta", beta, torch.float32, 3, logps)
    gpu_tensors.checked("start", start, torch.int32, 1, logps)
    gpu_tensors.checked("uniforms", uniforms, torch.float32, 2, logps)
    out = torch.empty(uniforms.shape, dtype=torch.int32, device=logps.device)
    given = logps, first, tokens, after, beta, start, uniforms, out
    if logps.is_cuda:
        from structgen.kernels.sum_product import gpu

        gpu.draw(*given)
    else:
        from structgen.kernels.sum_product import cpu

        cpu.draw(*map(gpu_tensors.array, given))
    return out


def _check(gpu_tensors: Any, logps: Any, first: Any, tokens: Any, after: Any) -> None:
    torch = gpu_tensors.torch
    if not gpu_tensors.checked("logps", logps, torch.float32, 3).is_contiguous():
        raise ValueError("logps is contiguous")
    for name, tensor in (("first", first), ("tokens", tokens), ("after", after)):
        gpu_tensors.checked(name, tensor, torch.int32, 1, logps)


__all__ = ["backward", "draw", "trace"]
