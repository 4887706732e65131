"""Terraform for e-mail audiences.

Holds only the version, so importing a part of the package costs nothing extra. The Python API is
`segctl.app`.
"""

__version__ = "0.1.0"
