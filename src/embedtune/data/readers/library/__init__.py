"""The standard library of the Python that runs the program as a task: docstring summaries and their code."""
