"""Starting and minding child processes. Standard library only; knows neither Django nor jobs."""
