"""Unpacks compressed bodies whole or not at all: half a page must not pass for a page."""

import zlib

import brotli
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest, ResponseDataLossError

_BLOCK = 1 << 16


class WholeBodies(HttpCompressionMiddleware):
    """Scrapy's middleware, which takes a truncated or damaged gzip body for a whole one."""

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        if not body:
            return body
        try:
            if encoding in (b"gzip", b"x-gzip"):
                return _inflated(body, zlib.MAX_WBITS | 16, max_size)
            if encoding == b"deflate":
                # RFC 9110, 8.4.1.2: zlib; some servers leave its two bytes out
                zipped = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
                return _inflated(body, zlib.MAX_WBITS if zipped else -zlib.MAX_WBITS, max_size)
            if encoding == b"br":
                return _unbrotlied(body, max_size)
        except (zlib.error, brotli.error) as error:
            raise ResponseDataLossError(f"its {encoding.decode()} body is damaged ({error})") from error
        return HttpCompressionMiddleware._decode(body, encoding, max_size)


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    """Return what gzip members, or one deflate stream, hold; what follows and is no member is no part of it."""
    found = bytearray()
    while True:
        unpack, rest = zlib.decompressobj(window), body
        while not unpack.eof and rest:
            found += unpack.decompress(rest, _BLOCK)
            rest = unpack.unconsumed_tail
            _bound(found, limit)
        if not unpack.eof:
            raise ResponseDataLossError(f"its body ends after {len(found)} bytes and is not complete")
        body = unpack.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return bytes(found)


def _unbrotlied(body: bytes, limit: int) -> bytes:
    unpack = brotli.Decompressor()
    found = bytearray(unpack.process(body, output_buffer_limit=_BLOCK))
    while not unpack.is_finished():
        part = unpack.process(b"", output_buffer_limit=_BLOCK)
        if not part:
            raise ResponseDataLossError(f"its body ends after {len(found)} bytes and is not complete")
        found += part
        _bound(found, limit)
    return bytes(found)


def _bound(found: bytearray, limit: int) -> None:
    if limit and len(found) > limit:
        raise IgnoreRequest(f"Ignored response: it unpacks to more than {limit} bytes")
