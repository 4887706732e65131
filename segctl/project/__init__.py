"""The project on disk and around it: segctl.yaml, the files' bytes, the environment.

What the files declare is the business of `declarations/`.
"""
