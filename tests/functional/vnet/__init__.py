"""Networks on the kernel's own links and rules, in namespaces."""
