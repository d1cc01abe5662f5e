"""Measurements with a model that one command repeats: ``python -m structgen.studies NAME``.

Each study is a module here, named in :data:`STUDIES`, with ``main(arguments: list[str]) -> int``, the exit status.
"""

#: name of the study: its module here, and one line on it.
STUDIES: dict[str, tuple[str, str]] = {
    "alignment": ("alignment", "samplers: distance from the target against forward passes, on five tasks"),
    "genlm": ("genlm", "adaptive weighted rejection beside genlm-control: predicate calls, times, log Z"),
    "speculation": ("speculation", "speculative decoding: tokens per second by kind of text, equal texts, pass times"),
    "particles": ("particles", "the time of SMC with several particles over that of one sequence"),
    "diffusion": ("diffusion.study", "constraints on a masked diffusion model: validity, likelihood, passes, time"),
    "diffusion-train": ("diffusion.train", "teach the denoiser of that study from nothing"),
}
