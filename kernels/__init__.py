"""Hot loops, one folder per operation. Installed as structgen.kernels.

``naive.py`` is the reference in plain Python, ``cpu.py`` the Numba version, ``__init__.py`` the dispatcher.
"""
