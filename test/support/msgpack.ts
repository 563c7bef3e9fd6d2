// Documents of MessagePack one after the other, with what npm's decoder does not keep: integers are bigints, floats are numbers.
export function* typedMsgpack(bytes: Uint8Array): Generator<unknown> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const utf8 = new TextDecoder();
  let at = 0;
  const take = (length: number): number => {
    at += length;
    return at - length;
  };
  /** Of 1, 2 or 4 bytes. */
  const length = (sizeBytes: number): number => {
    const from = take(sizeBytes);
    return sizeBytes === 1
      ? view.getUint8(from)
      : sizeBytes === 2
        ? view.getUint16(from)
        : view.getUint32(from);
  };
  const list = (count: number): unknown[] => Array.from({ length: count }, one);
  const map = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, () => [String(one()), one()]));
  const text = (sizeBytes: number) => utf8.decode(bytes.subarray(take(sizeBytes), at));
  const extension = (sizeBytes: number) => {
    const type = view.getInt8(take(1));
    return { type, data: bytes.slice(take(sizeBytes), at) };
  };
  const others: Readonly<Record<number, () => unknown>> = {
    192: () => null,
    194: () => false,
    195: () => true,
    199: () => extension(length(1)),
    202: () => view.getFloat32(take(4)),
    203: () => view.getFloat64(take(8)),
    204: () => BigInt(view.getUint8(take(1))),
    205: () => BigInt(view.getUint16(take(2))),
    206: () => BigInt(view.getUint32(take(4))),
    207: () => view.getBigUint64(take(8)),
    208: () => BigInt(view.getInt8(take(1))),
    209: () => BigInt(view.getInt16(take(2))),
    210: () => BigInt(view.getInt32(take(4))),
    211: () => view.getBigInt64(take(8)),
    217: () => text(length(1)),
    218: () => text(length(2)),
    219: () => text(length(4)),
    220: () => list(length(2)),
    221: () => list(length(4)),
    222: () => map(length(2)),
    223: () => map(length(4)),
  };
  function one(): unknown {
    const head = view.getUint8(take(1));
    if (head < 0x80) return BigInt(head);
    if (head < 0x90) return map(head & 15);
    if (head < 0xa0) return list(head & 15);
    if (head < 0xc0) return text(head & 31);
    if (head >= 0xe0) return BigInt(head - 256);
    const other = others[head];
    if (other === undefined) throw new Error(`no type of MessagePack that is expected here: ${head}`);
    return other();
  }
  while (at < bytes.length) yield one();
}
