"""Small stand-ins, each proved by the suite or interface of what it stands for."""
