"""Tests of L{euca_tw.policies}, and of every policy that is shipped."""
