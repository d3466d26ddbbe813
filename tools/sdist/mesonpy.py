"""Stands in for a build backend, so that pip can download a source archive without building it.

pip asks the backend for a package's metadata before it keeps what it downloaded; the name and version
that it already knows are all that we have to say. The archive's SHA-256 is checked afterwards.
"""

import os


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name, version = os.environ["SDIST_NAME"], os.environ["SDIST_VERSION"]
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    os.mkdir(os.path.join(folder, info))
    with open(os.path.join(folder, info, "METADATA"), "w") as f:
        f.write(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return info
