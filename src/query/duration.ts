// Durations: `1h30m` to nanoseconds and back.

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  u: 1_000n,
  µ: 1_000n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

const MAX_DURATION_NS = 2n ** 63n - 1n;

/**
 * Nanoseconds of a number with a unit, or several end to end. undefined: not a duration, or past int64.
 * Calendar units (mo, y) have no length in nanoseconds; they will be a part of DurationNode of their own.
 */
export function parseDuration(text: string): bigint | undefined {
  const part = /(\d+)([a-zµ]+)/y;
  let total = 0n;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const found = part.exec(text);
    const unit = found === null || !Object.hasOwn(units, found[2]!) ? undefined : units[found[2]!];
    if (found === null || unit === undefined) return undefined;
    total += BigInt(found[1]!) * unit;
    at += found[0].length;
  }
  return at === 0 || total > MAX_DURATION_NS ? undefined : total;
}

/** As influxd prints durations in statements: one number with the largest unit that divides it. */
export function formatDuration(ns: bigint): string {
  if (ns === 0n) return "0s";
  for (const unit of ["w", "d", "h", "m", "s", "ms", "u"]) {
    const length = units[unit]!;
    if (ns % length === 0n) return `${ns / length}${unit}`;
  }
  return `${ns}ns`;
}
