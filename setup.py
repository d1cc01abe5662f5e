"""Where the packages lie. Everything else about the project is in pyproject.toml.

``kernels/``, ``grammars/`` and ``schemas/`` stand at the top level of the repository and are installed as parts
of ``structgen``. Sub-folders are found here, so a new one needs no edit.
"""

from setuptools import find_namespace_packages, find_packages, setup

MOVED = ("kernels", "grammars", "schemas")

packages = find_packages(include=["structgen", "structgen.*", "jsonschemabench", "jsonschemabench.*"])
package_dir = {}
for folder in MOVED:
    package_dir[f"structgen.{folder}"] = folder
    packages.append(f"structgen.{folder}")
    packages += [f"structgen.{folder}.{name}" for name in find_namespace_packages(folder, exclude=["__pycache__*"])]

setup(packages=packages, package_dir=package_dir)
