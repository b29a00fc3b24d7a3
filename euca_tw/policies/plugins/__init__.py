"""
Plugins that name policies.

A distribution adds a module to this package, as one does to C{twisted.plugins}: by
a directory C{euca_tw/policies/plugins} of its own, without C{__init__.py}.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []
