"""The machine's hot loops over arrays. ``layout`` names the arrays, ``cpu`` holds the Numba kernels."""
