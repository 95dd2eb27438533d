/**
 * Arrays as the views' traits hold them; packing.py is the other end.
 *
 * @typedef {"uint8" | "uint16" | "uint32" | "float32"} Dtype
 * @typedef {{dtype: Dtype, bytes: DataView}} Packed an array as it travels, little-endian
 */

/** A copy of the bytes, because a view into a message need not be aligned. @param {DataView} view */
export function copyBytes(view) {
  return /** @type {ArrayBuffer} */ (view.buffer).slice(view.byteOffset, view.byteOffset + view.byteLength);
}

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/**
 * The numbers of an array, which must be of one of the accepted dtypes.
 * @template {Dtype} T
 * @param {Packed} packed @param {T[]} accepted
 * @returns {InstanceType<typeof ARRAYS[T]>}
 */
export function unpack(packed, ...accepted) {
  const dtype = /** @type {T} */ (packed.dtype);
  if (!accepted.includes(dtype)) throw new Error(`found an array of ${dtype}; accepted is ${accepted.join(" or ")}.`);
  return /** @type {InstanceType<typeof ARRAYS[T]>} */ (new ARRAYS[dtype](copyBytes(packed.bytes)));
}

