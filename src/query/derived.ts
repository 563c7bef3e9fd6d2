// Rows of other statements (and of measurements beside them) as a source, so that what runs over stored rows runs over them.
//
//   FROM (SELECT ...), cpu      subquery ── executeSelect ── rows ── blocks ── where ──┐
//                               measurement ── scan with where ────────────────────────┴── one scan
//   FROM x AS a JOIN y AS b     each side a derived source ── join.ts ── blocks ── where ── scan
//
// A block is the rows of one series of the inner answer; unlike stored ones its rows need not be unique in time (ungrouped
// rows of several series, distinct), but they ascend. All rows of the answer stand, also where the columns that are asked for
// have no value, as in InfluxDB (windows without data are no rows of it: the planner sees to that).
//
// What an inner statement and its blocks hold is given back when it has answered: from then on who scans the blocks holds them.
import { assert } from "../base/assert.ts";
import { fieldsOf } from "../model/predicate.ts";
import { RegexCache } from "../model/regex.ts";
import type {
  Budget,
  FoldedGroups,
  FoldRequest,
  RowBatch,
  Rows,
  ScanRequest,
  Series,
} from "../model/scan.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../model/types.ts";
import { apart, batchOf, blocksOf, type SeriesBlock } from "./blocks.ts";
import { blockOfRows, type CellColumn, chosenRows, constantColumn } from "./cellblocks.ts";
import { blockOfColumnar } from "./columnblocks.ts";
import type { ExecutionContext } from "./execute.ts";
import { batchBytes, gatherGroups, type RowGroup } from "./gather.ts";
import { joinedBlocks, namesOfSide } from "./join.ts";
import type { DerivedSource, JoinRows, SelectPlan, SourcePart, SubqueryRows } from "./plan.ts";
import type { ResultSeries } from "./result.ts";
import { Turn } from "./turn.ts";

type Execute = (plan: SelectPlan, context: ExecutionContext) => AsyncIterable<ResultSeries>;

/** Every column that a part's rows are asked for, by name. */
type Names = readonly string[];

export class DerivedRows implements Rows {
  readonly #plan: SelectPlan;
  readonly #source: DerivedSource;
  readonly #context: ExecutionContext;
  readonly #execute: Execute;
  /** Blocks of the subqueries by what they were asked for: several scans of one statement run them once. */
  readonly #known = new Map<string, SeriesBlock[]>();

  /** `plan`: the one that reads; `execute`: runs a plan (executeSelect). */
  constructor(plan: SelectPlan, source: DerivedSource, context: ExecutionContext, execute: Execute) {
    this.#plan = plan;
    this.#source = source;
    this.#context = context;
    this.#execute = execute;
  }

  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    for (const [index, part] of this.#source.parts.entries()) {
      if (part.rows.kind === "measurement") yield* this.#scanStored(part, index, request);
      else {
        const blocks =
          part.rows.kind === "join"
            ? await this.#joined(part.rows, part.where, request)
            : await this.#blocksOf(part, index, request);
        for (const block of blocks) yield batchOf(block);
      }
    }
  }

  // biome-ignore lint/correctness/useYield: it only says that it cannot
  async *fold(_request: FoldRequest): AsyncGenerator<FoldedGroups> {
    assert(false, "the planner folds stored rows only");
  }

  /** A measurement beside subqueries: fields that it does not have are empty, tags that others give as columns too. */
  async *#scanStored(part: SourcePart, index: number, request: ScanRequest): AsyncGenerator<RowBatch> {
    const { rows, where, absent = [] } = part;
    assert(rows.kind === "measurement", "not a measurement");
    const { database, retentionPolicy, measurement } = rows;
    if (request.fields.length === 0) return;
    // (no stored field is without a name)
    const fields = request.fields.map((name) => (absent.includes(name) ? "" : name));
    const stored = { ...request, database, retentionPolicy, measurement, where, fields };
    for await (const batch of this.#context.source.scan(stored)) {
      for (const block of blocksOf(batch).map(apart)) {
        const { tags } = block.series;
        const columns = request.fields.map((name, i) => {
          const tag = block.columns[i] === null ? tags.get(name) : undefined;
          return tag === undefined ? block.columns[i]! : constantColumn(tag, block.rowCount);
        });
        yield batchOf({ ...block, series: { key: `${block.series.key}\0${index}`, tags }, columns });
      }
    }
  }

  async #blocksOf(part: SourcePart, index: number, request: ScanRequest): Promise<SeriesBlock[]> {
    const { rows, where } = part;
    assert(rows.kind === "subquery", "not a subquery");
    const plan = this.#within(rows, request);
    const key = JSON.stringify([index, String(plan.minTime), String(plan.maxTime), request.fields]);
    let blocks = this.#known.get(key);
    if (blocks === undefined) {
      blocks = await this.#run(plan, index, where, request.fields);
      this.#known.set(key, blocks);
    }
    return blocks;
  }

  /** A join stands alone, so that its series need no mark of the part. */
  async #joined(rows: JoinRows, where: SourcePart["where"], request: ScanRequest): Promise<SeriesBlock[]> {
    const key = JSON.stringify(["join", String(request.minTime), String(request.maxTime), request.fields]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const budget = new InnerBudget(this.#context.budget);
    const context = { ...this.#context, budget };
    const names = [...new Set([...request.fields, ...fieldsOf(where)])];
    const sides: RowGroup[][] = [];
    for (const { alias, source } of rows.sides) {
      const fields = namesOfSide(names, alias);
      const side = { ...request, fields, limit: Number.MAX_SAFE_INTEGER, descending: false, budget };
      sides.push(
        await gatherGroups(new DerivedRows(this.#plan, source, context, this.#execute), side, rows.keys),
      );
    }
    const regexes = new RegexCache();
    const blocks: SeriesBlock[] = [];
    for await (const block of joinedBlocks(rows, sides, this.#source.name, names, new Turn(budget))) {
      const kept = chosenRows(block, names, request.fields.length, where, regexes);
      if (kept === null) continue;
      budget.hold(batchBytes(batchOf(kept)));
      blocks.push(kept);
    }
    budget.release();
    this.#known.set(key, blocks);
    return blocks;
  }

  /** The inner plan in the time that a scan asks for, which is more than the statement's for transformations of windows. */
  #within({ plan, minTime, maxTime }: SubqueryRows, request: ScanRequest): SelectPlan {
    const outer = this.#plan;
    if (request.minTime >= outer.minTime && request.maxTime <= outer.maxTime) return plan;
    const from = max(minTime ?? MIN_TIME, min(request.minTime, outer.minTime));
    const end = maxTime ?? (plan.window === null ? MAX_TIME : this.#context.nowNs);
    const to = min(end, max(request.maxTime, outer.maxTime));
    return { ...plan, minTime: from, maxTime: to, aggregateTime: from === MIN_TIME ? 0n : from };
  }

  async #run(
    plan: SelectPlan,
    index: number,
    where: SourcePart["where"],
    fields: Names,
  ): Promise<SeriesBlock[]> {
    const budget = new InnerBudget(this.#context.budget);
    const turn = new Turn(budget);
    const rows = new InnerRows(plan, this.#source.name, index, where, fields);
    const blocks: SeriesBlock[] = [];
    for await (const part of this.#execute(plan, { ...this.#context, budget })) {
      const block = rows.block(part);
      if (block !== null) {
        budget.hold(batchBytes(batchOf(block)));
        blocks.push(block);
      }
      if (turn.isOver()) await turn.next();
    }
    budget.release();
    return blocks;
  }
}

/** Makes blocks of a plan's series: chosen columns of the rows that satisfy a condition. */
class InnerRows {
  readonly #plan: SelectPlan;
  readonly #name: string;
  readonly #index: number;
  readonly #where: SourcePart["where"];
  readonly #fields: Names;
  /** Cells of `fields` and of what `where` reads beyond them; null = no such column. */
  readonly #columns: readonly (CellColumn | null)[];
  readonly #names: Names;
  readonly #written: ReadonlySet<string>;
  readonly #regexes = new RegexCache();
  /** Number of the series in hand, and whether the next part is of it too. */
  #series = 0;
  #continues = false;

  constructor(plan: SelectPlan, name: string, index: number, where: SourcePart["where"], fields: Names) {
    this.#plan = plan;
    this.#name = name;
    this.#index = index;
    this.#where = where;
    this.#fields = fields;
    this.#names = [...new Set([...fields, ...fieldsOf(where)])];
    this.#columns = this.#names.map((each) => columnNamed(plan, each));
    this.#written = new Set(plan.columns.slice(1).map(({ name }) => name));
  }

  /** null: none of the rows counts. */
  block(part: ResultSeries): SeriesBlock | null {
    const tags = part.tags ?? NO_TAGS;
    // in the order of the answer: of rows of one time that of the first tags comes first, also in a descending one
    if (!this.#continues) this.#series++;
    this.#continues = part.partial === true;
    const key = [this.#name, String(this.#series).padStart(10, "0"), this.#index].join("\0");
    const whole = this.#whole({ key, tags }, part);
    const columns = whole.columns.map((column, i) => {
      const name = this.#names[i]!;
      // (a column without values hides a tag of its name)
      const tag = this.#columns[i] === null && !this.#written.has(name) ? tags.get(name) : undefined;
      return tag === undefined ? column : constantColumn(tag, whole.rowCount);
    });
    return chosenRows({ ...whole, columns }, this.#names, this.#fields.length, this.#where, this.#regexes);
  }

  #whole(series: Series, part: ResultSeries): SeriesBlock {
    const { descending } = this.#plan;
    if (part.columnar !== undefined) {
      const block = blockOfColumnar(series, part.columnar, this.#columns, descending);
      if (block !== null) return block;
    }
    const rows = descending ? part.rows.toReversed() : part.rows;
    return blockOfRows(series, rows, this.#columns);
  }
}

const NO_TAGS: ReadonlyMap<string, string> = new Map();

/** The first column of that name; null when the plan has none with values. */
function columnNamed(plan: SelectPlan, name: string): CellColumn | null {
  for (let index = 1; index < plan.columns.length; index++) {
    const { name: written, type } = plan.columns[index]!;
    if (written !== name || type === null || type === "time") continue;
    return { index, type: type === "tag" ? FieldType.String : type };
  }
  return null;
}

/** The statement's budget, that knows what an inner statement has taken of it. */
class InnerBudget implements Budget {
  readonly #outer: Budget;
  #heldBytes = 0;

  constructor(outer: Budget) {
    this.#outer = outer;
  }

  check(): void {
    this.#outer.check();
  }

  hold(sizeBytes: number): void {
    this.#heldBytes += sizeBytes;
    this.#outer.hold(sizeBytes);
  }

  /** Gives back everything. */
  release(): void {
    this.#outer.hold(-this.#heldBytes);
    this.#heldBytes = 0;
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
