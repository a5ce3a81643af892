"""Near-duplicates of images: copies with noise, another brightness or contrast, or a shift of one pixel.

Two images are candidates where their perceptual hashes differ in at most :data:`DISTANCE` of 64 bits, and they are
near-duplicates where their grey pixels, one image perhaps shifted, correlate by at least :data:`ALIKE`. The hash alone
would not do: of garments drawn at 28 x 28 pixels, every tenth has an unlike one within two bits.

Legend of shape suffixes: N images of train, M later ones, S shifts, Q = M * S, H W pixels, U V frequencies.
"""

from itertools import pairwise, product

import numpy as np

#: Bits in which the hashes of candidates may differ.
DISTANCE = 4
#: Correlation from which on candidates are near-duplicates.
ALIKE = 0.993
#: Images with a shorter side are not looked at: so few pixels are alike by chance.
LEAST_SIDE = 24
#: Candidates of a band of bits that are looked at for one image, and those of all that are compared by their pixels.
MOST, NEAREST = 1000, 16
#: Frequencies in each direction, whose product is the bits of a hash.
FREQUENCIES = 8
#: Shifts of a later image in rows and columns, the first being none.
SHIFTS = tuple(sorted(product((-1, 0, 1), (-1, 0, 1)), key=lambda shift: abs(shift[0]) + abs(shift[1])))
#: Numbers that are held at once.
AT_ONCE = 1 << 22


def hash_images(image_NCHW: np.ndarray, shifts: tuple[tuple[int, int], ...] = ((0, 0),)) -> np.ndarray:
    """The perceptual hash of each image, uint64 ``[N, S]``, as if it were shifted by each of ``shifts``.

    The bits say which of the lowest 8 x 8 frequencies of the grey image's cosine transform (DCT-II) are above their
    median (pHash: Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", the hash based on
    the DCT; here of the whole image, not of one scaled to 32 x 32).
    """
    height, width = image_NCHW.shape[2:]
    down_SUH, across_SVW = (
        np.stack([np.roll(_cosines(size), -shift[axis], 1) for shift in shifts])
        for axis, size in enumerate((height, width))
    )
    found = np.empty((len(image_NCHW), len(shifts)), np.uint64)
    step = max(1, AT_ONCE // (height * width))
    for start in range(0, len(image_NCHW), step):
        grey_NHW = _grey(image_NCHW[start : start + step])
        for place, (down_UH, across_VW) in enumerate(zip(down_SUH, across_SVW, strict=True)):
            value = (down_UH @ grey_NHW @ across_VW.T).reshape(len(grey_NHW), -1)
            bits = value > np.median(value, axis=1, keepdims=True)
            found[start : start + step, place] = np.packbits(bits, axis=1).view(">u8")[:, 0]
    return found


def find_near(train_NCHW: np.ndarray, later_MCHW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Later images that are nearly in train, and the one there that each is most like; images of one level are none.

    The work is bounded: of hashes that very many images share, :data:`MOST` are looked at.

    Args:
        train_NCHW: uint8.
        later_MCHW: uint8, of the same size.

    Returns:
        Places of later images, int64 and rising, and those of their likes in train; none where a side is shorter than
        :data:`LEAST_SIDE`.
    """
    none = np.empty(0, np.int64)
    if min(train_NCHW.shape[2:]) < LEAST_SIDE:
        return none, none
    varied_N, varied_M = (np.flatnonzero(_spread(images) > 0) for images in (train_NCHW, later_MCHW))
    if not len(varied_N) or not len(varied_M):
        return none, none
    hash_N, hash_MS = hash_images(train_NCHW[varied_N])[:, 0], hash_images(later_MCHW[varied_M], SHIFTS)
    later, train, shift = _candidates(hash_N, hash_MS)
    later, train = varied_M[later], varied_N[train]
    alike = np.empty(len(later))
    step = max(1, AT_ONCE // train_NCHW[0].size)
    for start in range(0, len(later), step):
        part = slice(start, start + step)
        alike[part] = _correlate(train_NCHW[train[part]], later_MCHW[later[part]], shift[part])
    kept = np.flatnonzero(alike >= ALIKE)
    # The most alike of each later image comes first; equals in the order of train.
    kept = kept[np.lexsort((train[kept], -alike[kept], later[kept]))]
    places, first = np.unique(later[kept], return_index=True)
    return places, train[kept][first]


def _cosines(size: int) -> np.ndarray:
    """The lowest frequencies of the DCT-II, float32 ``[8, size]``."""
    frequency_U1, place_H = np.arange(FREQUENCIES)[:, None], np.arange(size)
    return np.cos(np.pi * (2 * place_H + 1) * frequency_U1 / (2 * size)).astype(np.float32)


def _grey(image_NCHW: np.ndarray) -> np.ndarray:
    return image_NCHW.mean(1, dtype=np.float32)


def _spread(image_NCHW: np.ndarray) -> np.ndarray:
    """Greatest less least level of each image, int64 ``[N]``."""
    axes = (1, 2, 3)
    return image_NCHW.max(axes).astype(np.int64) - image_NCHW.min(axes) if len(image_NCHW) else np.empty(0, np.int64)


def _candidates(hash_N: np.ndarray, hash_MS: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of hashes within the distance: places of later images, of train, and of shifts, int64 each.

    Of two hashes that differ in at most d bits, cut into d + 1 bands, one band is the same (pigeonhole), so that those
    of train are sorted by each band and looked up.
    """
    bands: list[tuple[np.uint64, np.uint64, np.ndarray, np.ndarray]] = []
    for low, high in pairwise(np.linspace(0, 64, DISTANCE + 2).astype(np.uint64)):
        mask = np.uint64((1 << int(high - low)) - 1)
        band_N = (hash_N >> low) & mask
        order_N = np.argsort(band_N, kind="stable")
        bands.append((low, mask, order_N, band_N[order_N]))
    found: list[tuple[np.ndarray, ...]] = []
    # So many images that all candidates of theirs fit, however many images share a hash.
    step = max(1, AT_ONCE // (MOST * hash_MS.shape[1] * len(bands)))
    for start in range(0, len(hash_MS), step):
        later, known, shift = _nearest(hash_N, hash_MS[start : start + step], bands)
        found.append((later + start, known, shift))
    later, known, shift = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return later, known, shift


def _nearest(
    hash_N: np.ndarray, hash_MS: np.ndarray, bands: list[tuple[np.uint64, np.uint64, np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The :data:`NEAREST` pairs of each later image, the bands of train being sorted."""
    hash_Q = hash_MS.reshape(-1)
    pairs: list[np.ndarray] = []
    apart: list[np.ndarray] = []
    for low, mask, order_N, sorted_N in bands:
        band_Q = (hash_Q >> low) & mask
        begin_Q = np.searchsorted(sorted_N, band_Q, "left")
        count_Q = np.minimum(np.searchsorted(sorted_N, band_Q, "right") - begin_Q, MOST)
        query = np.repeat(np.arange(len(hash_Q)), count_Q)
        within = np.arange(len(query)) - np.repeat(np.cumsum(count_Q) - count_Q, count_Q)
        known = order_N[np.repeat(begin_Q, count_Q) + within]
        bits = np.bitwise_count(hash_Q[query] ^ hash_N[known])
        near = bits <= DISTANCE
        pairs.append(query[near] * len(hash_N) + known[near])
        apart.append(bits[near])
    pair, first = np.unique(np.concatenate(pairs), return_index=True)
    bits = np.concatenate(apart)[first]
    query, known = pair // len(hash_N), pair % len(hash_N)
    later, shift = query // hash_MS.shape[1], query % hash_MS.shape[1]
    order = np.lexsort((known, shift, bits, later))
    rank = np.arange(len(order)) - np.searchsorted(later[order], later[order])
    chosen = order[rank < NEAREST]
    return later[chosen], known[chosen], shift[chosen]


def _correlate(train_BCHW: np.ndarray, later_BCHW: np.ndarray, shift_B: np.ndarray) -> np.ndarray:
    """Pearson's correlation of grey pixels, without the outermost ones, float64 ``[B]``; 0 for images of one level."""
    train_BHW, later_BHW = _grey(train_BCHW), _grey(later_BCHW)
    for place in np.unique(shift_B):
        moved = shift_B == place
        later_BHW[moved] = np.roll(later_BHW[moved], SHIFTS[place], (1, 2))
    one, other = (grey[:, 1:-1, 1:-1].reshape(len(grey), -1) for grey in (train_BHW, later_BHW))
    one, other = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    scale = np.sqrt(np.square(one).sum(1, dtype=np.float64) * np.square(other).sum(1, dtype=np.float64))
    return np.where(scale > 0, (one * other).sum(1, dtype=np.float64) / np.where(scale > 0, scale, 1), 0.0)
