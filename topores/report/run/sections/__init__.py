"""One file per section: ORDER, TITLE, render(analysis) -> HTML, or "" where its results are absent."""
