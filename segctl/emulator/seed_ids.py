"""The ids of the contact lists in the small world."""

from __future__ import annotations

NEWSLETTER = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
CUSTOMERS = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
EVENT_GUESTS = "0b1f4a10-5c1d-4a6e-9f02-000000000003"
INTERNAL_TESTERS = "0b1f4a10-5c1d-4a6e-9f02-000000000004"
