"""What a case leaves behind: the typed record, its parts, and the JSON in which it stands. May import truth, cases."""
