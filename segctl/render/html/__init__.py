"""Plans, reports, drift and findings as one HTML page without scripts from elsewhere."""
