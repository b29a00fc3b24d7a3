"""
AWS's published test vectors of signature version 4, as facts: of each request
what is signed of it, and the signature that Amazon's own signers make.

All are signed by C{AKIDEXAMPLE} with the secret of
C{tests.query.requests}, for us-east-1, the service "service" and 12:36 of
August 30th, 2015.  Left out are those that say a parameter twice, which no
Query request may, and those whose only point is a signer's own input.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from attrs import field, frozen

from euca_tw.common.asked import Asked

AT = "20150830T123600Z"
HOST = "example.amazonaws.com"
CREDENTIAL = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
FORM = "application/x-www-form-urlencoded"
#: The SHA-256 of C{Param1=value1}.
PARAM_HASH = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UTF8 = "\u1234"


@frozen
class Vector:
    """
    @ivar headers: the further ones, all of which are signed.
    @ivar expires: C{""}: the URL does not say.
    """

    name: str
    signature: str
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""
    expires: str = "3600"

    def in_header(self) -> Asked:
        """Signed in the Authorization header."""
        headers = {"host": HOST, "x-amz-date": AT} | self.headers
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, "
            f"SignedHeaders={';'.join(sorted(headers))}, Signature={self.signature}"
        )
        return self._asked(self.query, headers)

    def in_url(self) -> Asked:
        """Signed in the URL; then the header with the time is not."""
        headers = {"host": HOST} | self.headers
        said = {
            "Algorithm": "AWS4-HMAC-SHA256",
            "Credential": CREDENTIAL,
            "Date": AT,
            "SignedHeaders": ";".join(sorted(headers)),
            "Expires": self.expires,
            "Signature": self.signature,
        }
        query = "&".join(
            f"X-Amz-{name}={quote(value, safe='')}"
            for name, value in said.items()
            if value
        )
        headers["x-amz-date"] = AT
        return self._asked(f"{self.query}&{query}" if self.query else query, headers)

    def _asked(self, query: str, headers: dict[str, str]) -> Asked:
        path = self.path.encode()
        return Asked(
            self.method,
            path + b"?" + query.encode() if query else path,
            lambda name: headers.get(name.lower()),
            self.body,
        )


_VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
_POST_VANILLA = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
_URL_VANILLA = "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d"

IN_HEADER = (
    Vector("get-vanilla", _VANILLA),
    Vector(
        "get-vanilla-empty-query-key",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        query="Param1=value1",
    ),
    Vector(
        "get-vanilla-query-order-key-case",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        query="Param2=value2&Param1=value1",
    ),
    Vector(
        "get-vanilla-query-order-encoded",
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        query="Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    ),
    Vector(
        "get-vanilla-query-unreserved",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        query=f"{UNRESERVED}={UNRESERVED}",
    ),
    Vector(
        "get-vanilla-utf8-query",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        query=f"{UTF8}=bar",
    ),
    Vector(
        "get-header-key-duplicate",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        headers={"my-header1": "value2,value2,value1"},
    ),
    Vector(
        # Folded in the suite; unfolded it is three headers of the name.
        "get-header-value-multiline",
        "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790",
        headers={"my-header1": "value1,value2,value3"},
    ),
    Vector(
        "get-header-value-order",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        headers={"my-header1": "value4,value1,value3,value2"},
    ),
    Vector(
        "get-header-value-trim",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        headers={"my-header1": "value1", "my-header2": '"a   b   c"'},
    ),
    Vector(
        "get-unreserved",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        path=f"/{UNRESERVED}",
    ),
    Vector(
        "get-utf8",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        path=f"/{UTF8}",
    ),
    Vector(
        "get-space-normalized",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        path="/example space/",
    ),
    Vector("get-relative-normalized", _VANILLA, path="/example/.."),
    Vector(
        "get-relative-unnormalized",
        "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282",
        path="/example/..",
    ),
    Vector(
        "get-relative-relative-normalized", _VANILLA, path="/example1/example2/../.."
    ),
    Vector(
        "get-relative-relative-unnormalized",
        "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
        path="/example1/example2/../..",
    ),
    Vector("get-slash-normalized", _VANILLA, path="//"),
    Vector(
        "get-slash-unnormalized",
        "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e",
        path="//",
    ),
    Vector("get-slash-dot-slash-normalized", _VANILLA, path="/./"),
    Vector(
        "get-slash-dot-slash-unnormalized",
        "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145",
        path="/./",
    ),
    Vector(
        "get-slash-pointless-dot-normalized",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        path="/./example",
    ),
    Vector(
        "get-slash-pointless-dot-unnormalized",
        "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff",
        path="/./example",
    ),
    Vector(
        "get-slashes-normalized",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        path="//example//",
    ),
    Vector(
        "get-slashes-unnormalized",
        "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
        path="//example//",
    ),
    Vector("post-vanilla", _POST_VANILLA, "POST"),
    Vector("post-header-key-case", _POST_VANILLA, "POST"),
    Vector(
        "post-header-key-sort",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        "POST",
        headers={"my-header1": "value1"},
    ),
    Vector(
        "post-header-value-case",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        "POST",
        headers={"my-header1": "VALUE1"},
    ),
    Vector(
        "post-vanilla-query",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        "POST",
        query="Param1=value1",
    ),
    Vector(
        "post-vanilla-query-nonunreserved",
        "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e",
        "POST",
        query=urlencode({"@#$%^": "", "+": '/,?><`";:\\|][{}'}),
    ),
    Vector(
        "post-vanilla-query-space",
        "e71688addb58a26418614085fb730ba3faa623b461c17f48f2fbdb9361b94a9b",
        "POST",
        query="p=",
    ),
    Vector(
        "post-x-www-form-urlencoded",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        "POST",
        headers={"content-type": FORM},
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded-parameters",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
        "POST",
        headers={"content-type": f"{FORM}; charset=utf8"},
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded, with length and hash",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        "POST",
        headers={
            "content-length": "13",
            "content-type": FORM,
            "x-amz-content-sha256": PARAM_HASH,
        },
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded-parameters, with length and hash",
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        "POST",
        headers={
            "content-length": "13",
            "content-type": f"{FORM}; charset=utf-8",
            "x-amz-content-sha256": PARAM_HASH,
        },
        body=b"Param1=value1",
    ),
)

IN_URL = (
    Vector("get-vanilla", _URL_VANILLA),
    Vector("get-relative-normalized", _URL_VANILLA, path="/example/.."),
    Vector(
        "get-relative-unnormalized",
        "cbcb213b928a077e43275df47b500f1dfaa864ab3f5a18f6b95f4ff0938167ee",
        path="/example/..",
    ),
    Vector(
        "get-relative-relative-unnormalized",
        "b45db0bfd1cf15003493b733e33aa208dd981bd0e63037a6ed953f71d2118a16",
        path="/example1/example2/../..",
    ),
    Vector(
        "get-slash-unnormalized",
        "b2a9542809db687769200f56a844a03f2bd0291d6eb90232d5101c6a579446cd",
        path="//",
    ),
    Vector(
        "get-slash-pointless-dot-unnormalized",
        "72b11f16d9530b18204bfb71f2d6ab085894c0ed8d352730a6e76234c58b5e10",
        path="/./example",
    ),
    Vector(
        "get-slashes-normalized",
        "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082",
        path="//example//",
    ),
    Vector(
        "get-slashes-unnormalized",
        "822a5a9ba28072c5ab2bb4a6307d0c88276d40e49fec6b724c03fb4d4ba60fc2",
        path="//example//",
    ),
    Vector(
        "get-space-normalized",
        "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6",
        path="/example space/",
    ),
    Vector(
        "get-space-unnormalized, which does not say how long",
        "df2538a2f0e3833e12597dc3955a6a4545255907051db5a7c6e22550c4ddc380",
        path="/example space/",
        expires="",
    ),
    Vector(
        "get-unreserved",
        "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005",
        path=f"/{UNRESERVED}",
    ),
    Vector(
        "get-utf8",
        "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44",
        path=f"/{UTF8}",
    ),
    Vector(
        "get-vanilla-empty-query-key",
        "49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de",
        query="Param1=value1",
    ),
    Vector(
        "get-vanilla-query-order-key-case",
        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
        query="Param2=value2&Param1=value1",
    ),
    Vector(
        "get-vanilla-query-order-encoded",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
        query="Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    ),
    Vector(
        "get-vanilla-query-unreserved",
        "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf",
        query=f"{UNRESERVED}={UNRESERVED}",
    ),
    Vector(
        "get-vanilla-utf8-query",
        "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
        query=f"{UTF8}=bar",
    ),
    Vector(
        "get-header-key-duplicate",
        "3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97",
        headers={"my-header1": "value2,value2,value1"},
    ),
    Vector(
        "get-header-value-multiline",
        "07f38a7bae261a5b2eec137361e6403c191bbf8e3f75466bb8114a08acd99936",
        headers={"my-header1": "value1,value2,value3"},
    ),
    Vector(
        "get-header-value-order",
        "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
        headers={"my-header1": "value4,value1,value3,value2"},
    ),
    Vector(
        "get-header-value-trim",
        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
        headers={"my-header1": "value1", "my-header2": '"a   b   c"'},
    ),
    Vector(
        "post-header-value-case",
        "0698bc9e4f7f9139065ba2909c0e99da257e8e2a42492a097bcd46d792391fed",
        "POST",
        headers={"my-header1": "VALUE1"},
    ),
    Vector(
        "post-vanilla",
        "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
        "POST",
    ),
    Vector(
        "post-vanilla-query, which does not say how long",
        "3db81c23f61a113c20a450ddd23cd505339301826c402790ceaa9490520fb718",
        "POST",
        query="Param1=value1",
        expires="",
    ),
    Vector(
        "post-x-www-form-urlencoded",
        "c2348f57d08c84939944d6c878b3f7be56316f8e7fd6817e81eded279a362d69",
        "POST",
        headers={
            "content-length": "13",
            "content-type": FORM,
            "x-amz-content-sha256": PARAM_HASH,
        },
        body=b"Param1=value1",
    ),
    Vector(
        "post-x-www-form-urlencoded-parameters",
        "1b8d9ac4ab8553a224622753bae7714608a7c61f8994dbd385150e6da12114df",
        "POST",
        headers={
            "content-length": "13",
            "content-type": f"{FORM}; charset=utf-8",
            "x-amz-content-sha256": PARAM_HASH,
        },
        body=b"Param1=value1",
    ),
)

#: With a session token, which this cloud does not issue.
TOKEN_IN_HEADER = Vector(
    "get-vanilla-with-session-token",
    "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    headers={"x-amz-security-token": TOKEN},
)
TOKEN_IN_URL = Vector(
    "get-vanilla-with-session-token",
    "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c",
    query=f"X-Amz-Security-Token={TOKEN}",
)
