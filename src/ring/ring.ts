// A consistent hashing ring: owners stand at many points of a circle, a partition at one; walking clockwise from the
// partition's point meets the owners in that partition's own order of preference.
//
//           a3   b1                  preference of p:  b, a, c
//        c2    p ──►  b2
//           a1    c1
//
// An owner that leaves is dropped from each order, an owner that joins is put somewhere into each: the order of the
// others never changes. (Karger et al., Consistent Hashing and Random Trees, STOC 1997.)

const textEncoder = new TextEncoder();

/**
 * For each partition the indexes of all owners, most preferred first. Points are xxHash64, seed 0, of
 * "<owner>\0<point number>" and of "partition\0<partition number>", so the result depends on nothing but the arguments.
 */
export function preferences(
  owners: readonly string[],
  partitionCount: number,
  pointsPerOwner: number,
): Uint16Array[] {
  const points: { at: bigint; owner: number }[] = [];
  for (const [owner, name] of owners.entries())
    for (let number = 0; number < pointsPerOwner; number++) points.push({ at: pointOf(name, number), owner });
  // equal points (2^-64 apart from malice) are ordered by name, not by the order of the arguments
  points.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : owners[a.owner]! < owners[b.owner]! ? -1 : 1));
  return Array.from({ length: partitionCount }, (_, partition) =>
    walk(points, owners.length, pointOf("partition", partition)),
  );
}

function walk(points: { at: bigint; owner: number }[], ownerCount: number, from: bigint): Uint16Array {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]!.at < from) low = middle + 1;
    else high = middle;
  }
  const order = new Uint16Array(ownerCount);
  const met = new Uint8Array(ownerCount);
  for (let step = 0, count = 0; count < ownerCount; step++) {
    const { owner } = points[(low + step) % points.length]!;
    if (met[owner] === 1) continue;
    met[owner] = 1;
    order[count++] = owner;
  }
  return order;
}

function pointOf(name: string, number: number): bigint {
  return Bun.hash.xxHash64(textEncoder.encode(`${name}\0${number}`));
}
