"""Plans, reports, drift and diagnostics as Markdown for a pull request."""
