"""Plans, reports, drift and diagnostics as one self-contained HTML page."""
