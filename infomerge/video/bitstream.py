"""What kinds of pictures a packet holds, read from its bytes without decoding them."""

# The unit types of a picture that resets the decoder, and of units that may stand beside it. Parameter sets are not
# among them, because they could change the size of the pictures halfway. H.264 and HEVC number their units so; for
# the other codecs, `unit_types` says KEY for a picture that needs no other, and INTER.
KEY, INTER = 0, 1
RESETTING_TYPES = {"h264": {5}, "hevc": {19, 20}}
HARMLESS_TYPES = {"h264": {6, 9, 12}, "hevc": {35, 38, 39, 40}}

# Codecs in which every picture stands for itself.
_INTRA_ONLY = {"mjpeg", "prores", "dnxhd", "huffyuv", "ffvhuff", "utvideo", "jpeg2000", "rawvideo"}

_AV1_FRAME_HEADER, _AV1_FRAME = 3, 6


def length_bytes(codec: str, header: bytes | None) -> int:
    """How many bytes give each H.264 or HEVC unit's length; 0 where units are not stored with their lengths."""
    position = {"h264": 4, "hevc": 21}.get(codec)
    if position is None or header is None or len(header) <= position or header[0] != 1:
        return 0
    return (header[position] & 3) + 1


def unit_types(data: memoryview, codec: str, length: int) -> tuple[int, ...] | None:
    """The types of a packet's units; None for other codecs, and where the packet does not hold one whole picture."""
    if length:
        return _nal_types(data, codec, length)
    if codec in _INTRA_ONLY:
        return (KEY,)
    if codec == "vp9":
        return _vp9_type(data)
    return _av1_type(data) if codec == "av1" else None


def resets_decoder(types: tuple[int, ...] | None, codec: str) -> bool:
    """Whether a packet holds a picture before which nothing is needed, and nothing that could change the format."""
    resetting = RESETTING_TYPES.get(codec, {KEY})
    found = set(types or ())
    return bool(found & resetting) and found <= resetting | HARMLESS_TYPES.get(codec, set())


def _nal_types(data: memoryview, codec: str, length: int) -> tuple[int, ...] | None:
    types, position = [], 0
    while position + length < len(data):
        start = position + length
        position = start + int.from_bytes(data[position:start])
        types.append(data[start] & 31 if codec == "h264" else data[start] >> 1 & 63)
        if position == start:
            return None
    return tuple(types) if position == len(data) else None


def _vp9_type(data: memoryview) -> tuple[int, ...] | None:
    """VP9's uncompressed header: marker, profile, whether it shows an older picture, its type, whether it is shown."""
    bits = int.from_bytes(data[:2])
    if len(data) < 2 or bits >> 14 != 2:
        return None
    after_profile = 11 if bits >> 12 & 3 != 3 else 10
    shows_older, is_inter, is_shown = (bits >> after_profile - i & 1 for i in range(3))
    if shows_older:
        return (INTER,)
    # A picture that is not shown comes with one that is, in a superframe.
    if not is_shown and data[-1] & 0xE0 != 0xC0:
        return None
    return (INTER if is_inter or not is_shown else KEY,)


def _av1_type(data: memoryview) -> tuple[int, ...] | None:
    """A temporal unit of AV1 shows one picture; it resets the decoder if that is a key frame and comes first."""
    found, shown, position = INTER, 0, 0
    first = True
    while position < len(data):
        header = data[position]
        position += 2 if header & 4 else 1
        size = len(data) - position
        if header & 2:
            size, position = _leb128(data, position)
        kind = header >> 3 & 15
        if kind in (_AV1_FRAME_HEADER, _AV1_FRAME):
            if size < 1 or position >= len(data):
                return None
            bits = data[position]
            is_older, frame_type, is_shown = bits >> 7, bits >> 5 & 3, bits >> 4 & 1
            shown += is_older | is_shown
            if first and not is_older and frame_type == 0 and is_shown:
                found = KEY
            first = False
        position += size
    return (found,) if shown == 1 and position == len(data) else None


def _leb128(data: memoryview, position: int) -> tuple[int, int]:
    """A number of AV1, seven bits a byte, and where it ends."""
    value = 0
    for i, byte in enumerate(data[position : position + 8]):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, position + i + 1
    return len(data), position
