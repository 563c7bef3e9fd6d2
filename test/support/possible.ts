// What a database may hold after a crash: of each value those that acknowledgements and crashes leave possible.
//
//   acknowledged write of v     v and nothing else           acknowledged drop     nothing
//   write of v without answer   v too                        drop without answer   nothing, too
//
// Each write has a value of its own, so that a value that is found tells which write it is from.
import { expect } from "bun:test";
import type { Database } from "../../src/db/database.ts";

const ABSENT = undefined;
/** Integers below 2^53, so that an answer has them as numbers. */
type Value = number | bigint | string;

export interface Write {
  readonly measurement: string;
  readonly host: string;
  readonly time: bigint;
  readonly fields: Readonly<Record<string, Value>>;
}

/** A statement's rows as cells: "measurement host time field" -> value. */
export type Cells = Map<string, Value>;

export interface Cell {
  readonly host: string;
  readonly time: bigint;
  readonly field: string;
  readonly of: (field: string) => Value | undefined;
}

export const DATABASE = "db";

export class Possible {
  #cells = new Map<string, Set<Value | undefined>>();
  #pending: { apply: (isDone: boolean) => void; isDone: boolean }[] = [];

  /** Called in the order of issue; call the answer when the write is acknowledged. */
  write(writes: readonly Write[]): () => void {
    return this.#issue((isDone) => {
      for (const write of writes)
        for (const [field, value] of Object.entries(write.fields)) {
          const key = `${write.measurement} ${write.host} ${write.time} ${field}`;
          const allowed = this.#cells.get(key) ?? new Set([ABSENT]);
          const cell = typeof value === "bigint" ? Number(value) : value;
          this.#cells.set(key, isDone ? new Set([cell]) : allowed.add(cell));
        }
    });
  }

  /** Of the measurement, the cells that `isHit`; `of` gives what other fields of the point are. All writes before are acknowledged. */
  drop(measurement: string, isHit: (cell: Cell) => boolean = () => true): () => void {
    return this.#issue((isDone) => {
      const hit: [string, Set<Value | undefined>][] = [];
      for (const [key, allowed] of this.#cells) {
        const [name, host, time, field] = key.split(" ") as [string, string, string, string];
        const of = (other: string) => [...(this.#cells.get(`${name} ${host} ${time} ${other}`) ?? [])][0];
        if (name === measurement && isHit({ host, time: BigInt(time), field, of })) hit.push([key, allowed]);
      }
      for (const [key, allowed] of hit) {
        if (isDone) this.#cells.delete(key);
        else allowed.add(ABSENT);
      }
    });
  }

  #issue(apply: (isDone: boolean) => void): () => void {
    const operation = { apply, isDone: false };
    this.#pending.push(operation);
    return () => {
      operation.isDone = true;
    };
  }

  /** Compares what is found; from then on that is what must be there. */
  check(found: Cells): void {
    for (const { apply, isDone } of this.#pending.splice(0)) apply(isDone);
    for (const key of found.keys()) expect([key, this.#cells.has(key)]).toEqual([key, true]);
    for (const [key, allowed] of this.#cells) {
      if (!allowed.has(found.get(key)))
        throw new Error(`${key} is ${found.get(key)}, possible is ${[...allowed].join(" or ")}`);
    }
    this.#cells = new Map([...found].map(([key, value]) => [key, new Set([value])]));
  }
}

export function linesOf(writes: readonly Write[]): string {
  const text = (value: Value) =>
    typeof value === "bigint" ? `${value}i` : typeof value === "string" ? `"${value}"` : `${value}`;
  return writes
    .map(({ measurement, host, time, fields }) => {
      const pairs = Object.entries(fields).map(([name, value]) => `${name}=${text(value)}`);
      return `${measurement},host=${host} ${pairs.join(",")} ${time}`;
    })
    .join("\n");
}

/** All that the database holds, read as rows and counted by aggregates, which take another way through the store. */
export async function cellsOf(db: Database, measurements: readonly string[]): Promise<Cells> {
  const cells: Cells = new Map();
  for (const measurement of measurements) {
    const counts = new Map<string, number>();
    for await (const result of db.run(`SELECT * FROM ${measurement} GROUP BY host`, { database: DATABASE })) {
      for await (const { tags, columns, rows } of result.series) {
        const host = new Map(tags ?? []).get("host");
        for (const [time, ...values] of rows)
          for (const [i, value] of values.entries()) {
            if (value === null) continue;
            const field = columns[i + 1]!;
            cells.set(`${measurement} ${host} ${time} ${field}`, value as Value);
            counts.set(`${host} ${field}`, (counts.get(`${host} ${field}`) ?? 0) + 1);
          }
      }
    }
    for await (const result of db.run(`SELECT count(*) FROM ${measurement} GROUP BY host`, {
      database: DATABASE,
    }))
      for await (const { tags, columns, rows } of result.series)
        for (const [, ...values] of rows)
          for (const [i, value] of values.entries()) {
            const key = `${new Map(tags ?? []).get("host")} ${columns[i + 1]!.replace("count_", "")}`;
            expect([measurement, key, Number(value ?? 0)]).toEqual([measurement, key, counts.get(key) ?? 0]);
          }
  }
  return cells;
}
