"""Parts of any page: the document, tables, charts, numbers, and text that is safe to show."""
