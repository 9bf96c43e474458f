"""The measuring stick of musical truth: sound made by code with everything true about it, and scorers that are pure."""
