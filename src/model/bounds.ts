// Bounds of windows: ascending times, of which each is the end of a window and the begin of the next (`FoldRequest.bounds`).

/** Whether all times between two, both included, are in one window. */
export function areInOneWindow(bounds: BigInt64Array, minTime: bigint, maxTime: bigint): boolean {
  // the first bound behind the earlier time
  let behind = 0;
  for (let high = bounds.length; behind < high; ) {
    const middle = (behind + high) >>> 1;
    if (bounds[middle]! <= minTime) behind = middle + 1;
    else high = middle;
  }
  return behind > 0 && behind < bounds.length && maxTime < bounds[behind]!;
}
