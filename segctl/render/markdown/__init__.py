"""Plans, reports, drift and findings as Markdown for a pull request."""
