"""XML signature wrapping: a corpus of hostile messages, and that none does harm."""
