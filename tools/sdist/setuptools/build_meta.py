"""The same for packages whose build backend is setuptools."""

from mesonpy import prepare_metadata_for_build_wheel  # noqa: F401
