// HAVING: which rows of the answer stay. It stands between the making of rows and OFFSET and LIMIT, and a series without a
// row that stays does not count for SLIMIT and SOFFSET.
import { evaluate, type Scalar } from "../model/evaluate.ts";
import type { Reference } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { FieldType } from "../model/types.ts";
import { limited, partRows, type Row, type SeriesHead } from "./parts.ts";
import type { Having, SelectPlan } from "./plan.ts";
import type { ResultSeries } from "./result.ts";
import type { Turn } from "./turn.ts";

/** After this many rows it looks whether it has to give way. */
const ROWS_A_LOOK = 256;

interface Group {
  readonly tags: readonly string[];
}

export class HavingRows<T extends Group> {
  readonly #plan: SelectPlan;
  readonly #having: Having;
  readonly #rowsOf: (group: T) => Iterable<Row> | Promise<Iterable<Row>>;
  readonly #turn: Turn;
  readonly #cells = new Map<string, number>();
  readonly #regexes = new RegexCache();

  /** `rowsOf` makes the rows of a group in the order of the answer, each with the hidden columns behind the others. */
  constructor(
    plan: SelectPlan,
    having: Having,
    rowsOf: (group: T) => Iterable<Row> | Promise<Iterable<Row>>,
    turn: Turn,
  ) {
    this.#plan = plan;
    this.#having = having;
    this.#rowsOf = rowsOf;
    this.#turn = turn;
    for (const [cell, { name }] of [...plan.columns, ...having.hidden].entries())
      if (cell > 0 && !this.#cells.has(name)) this.#cells.set(name, cell);
  }

  /** The groups of the answer, in its order; some may have no row that stays. */
  async groups(groups: readonly T[]): Promise<T[]> {
    const { seriesLimit, seriesOffset, descending } = this.#plan;
    let chosen = [...groups];
    if (seriesLimit > 0 || seriesOffset > 0) {
      const found: T[] = [];
      for (const group of groups) {
        if (seriesLimit > 0 && found.length === seriesOffset + seriesLimit) break;
        for await (const _row of this.#kept(group)) {
          found.push(group);
          break;
        }
      }
      chosen = [...limited(found, seriesOffset, seriesLimit)];
    }
    return descending ? chosen.reverse() : chosen;
  }

  /** The rows of a group that stay, after OFFSET and up to LIMIT, in parts. */
  async *parts(head: SeriesHead, group: T): AsyncGenerator<ResultSeries> {
    const { columns, limit, offset } = this.#plan;
    const most = partRows(columns.length);
    let part: Row[] = [];
    let index = -1;
    for await (const row of this.#kept(group)) {
      index++;
      if (index < offset) continue;
      if (limit > 0 && index >= offset + limit) break;
      if (part.length === most) {
        yield { ...head, rows: part, partial: true };
        part = [];
      }
      part.push(row.length === columns.length ? row : row.slice(0, columns.length));
    }
    if (part.length > 0) yield { ...head, rows: part };
  }

  async *#kept(group: T): AsyncGenerator<Row> {
    let row: Row = [];
    const read = (reference: Reference): Scalar => this.#read(reference, row, group.tags);
    let count = 0;
    for (row of await this.#rowsOf(group)) {
      if (++count % ROWS_A_LOOK === 0 && this.#turn.isOver()) await this.#turn.next();
      if (evaluate(this.#having.condition, read, this.#regexes) === true) yield row;
    }
  }

  #read(reference: Reference, row: Row, tags: readonly string[]): Scalar {
    if (reference.kind === "tag") return tags[this.#plan.dimensions.indexOf(reference.name)] ?? "";
    const cell = (row[this.#cells.get(reference.name)!] ?? null) as Scalar;
    const isWhole = reference.type === FieldType.Integer || reference.type === FieldType.Unsigned;
    return isWhole && typeof cell === "number" ? BigInt(cell) : cell;
  }
}
