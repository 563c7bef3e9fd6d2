// What one connection's measurement must hold: for every point, the rows that the server may answer with.
//
//   nothing in flight      exactly one row: the last acknowledged one
//   overwrite in flight    the old row or the new one
//   new point in flight    absent or the new row
//   seen after a restart   what was seen is from then on the only row: an unacknowledged write that survived must not
//                          vanish at the next crash, one that did not must not come back
//
// A connection has one batch in flight at a time and points of its own, so there is no other order of writes.
import type { Random } from "../../scripts/bench/random.ts";

export interface Row {
  readonly v: number | null;
  readonly f: number | null;
  readonly s: string | null;
}

/** One row of `SELECT v, f, s, host`, epoch=ms. */
export interface SeenRow extends Row {
  readonly timeMs: number;
  readonly series: string;
}

export interface Batch {
  readonly body: string;
  readonly rowCount: number;
  /** To be called when the server answered 204. */
  acknowledge(): void;
}

const ABSENT = "absent";
const DAY_MS = 86_400_000;
/** Beyond this many rows nearly all writes are overwrites, which bounds the time of a check. */
const ENOUGH_ROWS = 8000;

export class Expected {
  /** Of a point (`pointKey`): the encoded rows it may have. */
  readonly #points = new Map<string, string[]>();
  /** Points with an acknowledged row: what overwrites choose from. */
  readonly #certain: string[] = [];
  #sequence = 0;

  constructor(
    readonly measurement: string,
    readonly random: Random,
  ) {}

  get pointCount(): number {
    return this.#points.size;
  }

  /** A batch of new points and overwrites, some with the same point twice. It counts as in flight from here on. */
  nextBatch(): Batch {
    const { random } = this;
    const lines: string[] = [];
    const final = new Map<string, string>();
    const rowCount = 1 + random.below(random.below(10) === 0 ? 400 : 40);
    for (let i = 0; i < rowCount; i++) {
      const fresh =
        this.#certain.length === 0 || random.below(10) < (this.#points.size < ENOUGH_ROWS ? 7 : 1);
      const key = fresh ? this.#newPoint() : random.pick(this.#certain);
      const allowed = this.#points.get(key) ?? [ABSENT];
      const before = decodeRow(final.get(key) ?? allowed[0]!);
      const after = this.#change(before);
      this.#points.set(key, [...allowed, encodeRow(after.row)]);
      final.set(key, encodeRow(after.row));
      const [series, timeMs] = key.split("@");
      lines.push(`${this.measurement},host=${series} ${after.fields} ${timeMs}`);
    }
    return {
      body: lines.join("\n"),
      rowCount,
      acknowledge: () => {
        for (const [key, row] of final) {
          if (this.#points.get(key)![0] === ABSENT) this.#certain.push(key);
          this.#points.set(key, [row]);
        }
      },
    };
  }

  /** Compares with what a restarted server holds, and takes what it holds for granted from now on. */
  check(seen: readonly SeenRow[]): string[] {
    const violations: string[] = [];
    const found = new Set<string>();
    for (const row of seen) {
      const key = pointKey(row.series, row.timeMs);
      const allowed = this.#points.get(key);
      const encoded = encodeRow(row);
      const where = `${this.measurement} ${key}`;
      if (found.has(key)) violations.push(`${where}: occurs twice`);
      else if (!allowed) violations.push(`${where}: never sent, or gone since an earlier crash: ${encoded}`);
      else if (!allowed.includes(encoded))
        violations.push(`${where}: is ${encoded}, may be ${allowed.join(" or ")}`);
      found.add(key);
      if (allowed?.[0] === ABSENT) this.#certain.push(key);
      if (allowed) this.#points.set(key, [encoded]);
    }
    for (const [key, allowed] of this.#points) {
      if (found.has(key)) continue;
      if (allowed[0] === ABSENT) this.#points.delete(key);
      else violations.push(`${this.measurement} ${key}: acknowledged and lost: ${allowed.join(" or ")}`);
    }
    return violations;
  }

  /** A point that never was: a few series, times out of order and in several time windows. */
  #newPoint(): string {
    const { random } = this;
    const number = this.#sequence++;
    const timeMs = 1_700_000_000_000 + number * 10 + 8 * DAY_MS * random.below(3) - 500 * random.below(3);
    // times that jump back may meet, but never in the same series
    return pointKey(`s${number % 5}_${number % 7}${random.below(50) === 0 ? `_${number}` : ""}`, timeMs);
  }

  /** New values for all the fields of a row, or for one of them (the others merge). */
  #change(before: Row): { row: Row; fields: string } {
    const { random } = this;
    const v = random.bits();
    if (before.v !== null && random.below(3) === 0) return { row: { ...before, v }, fields: `v=${v}i` };
    const f = random.bits() / 1024;
    const s = `${v} "quoted" ${"x".repeat(random.below(random.below(20) === 0 ? 2000 : 30))}`;
    return { row: { v, f, s }, fields: `v=${v}i,f=${f},s="${s.replaceAll('"', '\\"')}"` };
  }
}

const pointKey = (series: string, timeMs: number) => `${series}@${timeMs}`;
const encodeRow = ({ v, f, s }: Row) => JSON.stringify([v, f, s]);

function decodeRow(encoded: string): Row {
  if (encoded === ABSENT) return { v: null, f: null, s: null };
  const [v, f, s] = JSON.parse(encoded) as [number | null, number | null, string | null];
  return { v, f, s };
}
