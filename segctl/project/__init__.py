"""The project on disk and around it: segctl.yaml, the contents of its files, the environment.

Does not know what the files declare: that is the business of `declarations/`.
"""
