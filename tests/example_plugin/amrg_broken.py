"""A plugin that fails on import, as one does whose own dependency is missing."""

raise ModuleNotFoundError("No module named 'a_library_that_is_not_installed'")
