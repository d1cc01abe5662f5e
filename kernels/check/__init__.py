"""``python -m structgen.kernels.check``: do the GPU kernels agree with their references, and how fast are they?

Needs torch, triton and numpy. Without a GPU the kernels run interpreted, on small shapes, and no time is reported.
"""
