"""Questions for documents that have none: read, cut, asked or extracted, filtered, written as a data set."""
