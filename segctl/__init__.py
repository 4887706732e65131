"""segctl: Terraform for e-mail audiences.

This module owns the version and nothing else, so that importing any part of the
package costs nothing on its behalf.
"""

__version__ = "0.1.0"
