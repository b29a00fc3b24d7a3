"""euca_tw: a private EC2 on Twisted."""

from pathlib import Path

from setuptools import find_packages, setup

#: Each with its reason.
REQUIRES = [
    "twisted[tls]>=26.4",  # the reactor, web, application framework, trial
    "spyne==2.14.0",  # SOAP: service, dispatch and faults behind euca_tw.soap
    # lxml and xmlsec are pinned together: both wheels carry libxml2, and pass
    # trees to each other only if it is the same one.
    "lxml==6.1.3",  # XML trees
    "xmlsec==1.3.17",  # XML signatures
    "zope.interface>=8",  # interfaces, verified
    "attrs>=26",  # records and shapes
    "cattrs>=26",  # records to and from JSON in the store
    # HTTP in memory, for tests of what fetches.  The tiers' own client hangs up
    # when it is cancelled or told too much, which treq leaves to the peer.
    "treq>=26.5",
    "pyopenssl>=26",  # TLS for Twisted
    "cryptography>=46",  # keys and certificates
]

#: The kernel's links, addresses and routes, in its own words: for machines that
#: carry instances' networks.  It needs nothing else.
NETLINK = ["pyroute2>=0.9"]

setup(
    name="euca_tw",
    version="0.1.0",
    description="A private EC2 in Twisted, after the original Eucalyptus",
    long_description=Path(__file__).with_name("README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["euca_tw", "euca_tw.*"]), "twisted.plugins"],
    package_data={"euca_tw": ["py.typed"]},
    install_requires=REQUIRES,
    extras_require={
        # Only machines that run domains need libvirt and its headers.
        "node": ["libvirt-python>=9", *NETLINK],
        # Cloud controllers that share a state keep it in PostgreSQL.  The driver
        # comes with libpq, so that nothing need be built.
        "postgresql": ["psycopg[binary]>=3.2"],
        # A cluster's head carries its networks too, and runs none.
        "head": [*NETLINK],
        # Who wants the simulator's charts as PNG, and not only as SVG.
        "plots": ["pillow>=10.1"],
    },
    entry_points={"console_scripts": ["euca-tw = euca_tw.admin.command:main"]},
    zip_safe=False,
)
