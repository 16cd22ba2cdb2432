"""Remote write 1.0 by hand: protobuf fields and snappy literals (google/snappy's format_description.txt)."""
import struct
import urllib.request


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number, content):
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _snappy(content):
    """Literals of at most 60 bytes need one byte of length; of at most 64 KiB, three."""
    out = _varint(len(content))
    for begin in range(0, len(content), 1 << 16):
        piece = content[begin:begin + (1 << 16)]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return out


def body(samples):
    """`samples`: (labels, seconds since 1970, value) each."""
    request = b""
    for labels, at, value in samples:
        series = b"".join(_field(1, _field(1, name.encode()) + _field(2, text.encode()))
                          for name, text in sorted(labels.items()))
        sample = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(int(round(at * 1000)))
        request += _field(1, series + _field(2, sample))
    return _snappy(request)


def write(address, samples):
    request = urllib.request.Request(
        f"http://{address}/api/v1/write", data=body(samples), method="POST",
        headers={"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                 "X-Prometheus-Remote-Write-Version": "0.1.0"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status
