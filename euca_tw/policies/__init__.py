"""What may be chosen by name: where instances go, of which strangers add more."""
