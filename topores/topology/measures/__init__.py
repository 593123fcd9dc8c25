"""One measure per file: the function of the file's name, its UNIT and its SOURCE."""
