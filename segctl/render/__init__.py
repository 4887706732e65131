"""Views of plans, reports, drift and diagnostics: one module for each view.

Pure: each view returns text and writes none. Leaves every decision to the rooms below.
"""
