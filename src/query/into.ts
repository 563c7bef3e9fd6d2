// SELECT ... INTO: the rows of the answer go back into the database, a batch at a time, each durable before the next.
//
//   series of the answer ── rows without their nulls ──> WriteBatch bytes ──> administration.into ──> result: written
//
// Tags of a series (GROUP BY) stay tags, and so do those that top() and bottom() show; every other column becomes a field,
// selected tags too. What is read is what was
// there when the reading began: a statement that writes into what it reads does not meet its own rows.
import { InputError } from "../base/errors.ts";
import { BatchBuilder } from "../ingest/builder.ts";
import type { BatchWriter } from "../model/batch-writer.ts";
import type { Tag } from "../model/serieskey.ts";
import { FieldType } from "../model/types.ts";
import { type ExecutionContext, executeSelect } from "./execute.ts";
import type { IntoPart, PlannedColumn, SelectIntoPlan } from "./plan.ts";
import type { ResultSeries, Scalar } from "./result.ts";

/** Cells that a batch holds at about most. */
const BATCH_CELLS = 100_000;

/** Runs the SELECT and writes its rows; answers how many. */
export async function* executeInto(
  { parts, target }: SelectIntoPlan,
  context: ExecutionContext,
  writer: BatchWriter,
): AsyncGenerator<ResultSeries> {
  const out = new Outbox(writer, target);
  for (const part of parts)
    for await (const series of executeSelect(part.plan, context)) await out.add(series, part);
  await out.send();
  yield { name: "result", columns: ["time", "written"], timeColumn: 0, rows: [[0n, out.rows]] };
}

class Outbox {
  readonly #writer: BatchWriter;
  readonly #target: SelectIntoPlan["target"];
  #batch: BatchBuilder;
  #cells = 0;
  /** Rows so far in which something can be stored: InfluxDB's figure, but that it drops a row for one number that is none. */
  rows = 0;

  constructor(writer: BatchWriter, target: SelectIntoPlan["target"]) {
    this.#writer = writer;
    this.#target = target;
    this.#batch = new BatchBuilder(target);
  }

  async add(part: ResultSeries, { plan: { columns }, tagColumns }: IntoPart): Promise<void> {
    const name = this.#target.measurement || (part.name ?? "");
    if (name === "") throw new InputError("INTO :MEASUREMENT needs a source that has a name");
    // a group of the series without that tag
    const tags = [...(part.tags ?? [])].flatMap(([key, value]) => (value === "" ? [] : [{ key, value }]));
    const rows = part.rows as readonly (readonly Scalar[])[];
    const before = this.#batch.rowCount;
    if (tagColumns.length === 0)
      this.#batch.addRows(name, tags, part.timeColumn, part.columns, rows, (column, cell) =>
        typeOf(columns[column]?.type ?? null, cell),
      );
    else for (const row of rows) this.#addTagged(name, tags, part, row, columns, tagColumns);
    this.rows += this.#batch.rowCount - before;
    this.#cells += part.rows.length * part.columns.length;
    if (this.#cells > BATCH_CELLS) await this.send();
  }

  /** A row some of whose columns are tags. */
  #addTagged(
    name: string,
    tags: readonly Tag[],
    part: ResultSeries,
    row: readonly Scalar[],
    columns: readonly PlannedColumn[],
    tagColumns: readonly number[],
  ): void {
    const all = new Map(tags.map(({ key, value }) => [key, value]));
    for (const column of tagColumns)
      if (row[column] !== null) all.set(columns[column]!.name, String(row[column]));
    const kept = [...row.keys()].filter((column) => !tagColumns.includes(column));
    this.#batch.addRows(
      name,
      [...all].map(([key, value]) => ({ key, value })).sort((a, b) => (a.key < b.key ? -1 : 1)),
      kept.indexOf(part.timeColumn),
      kept.map((column) => part.columns[column]!),
      [kept.map((column) => row[column]!)],
      (column, cell) => typeOf(columns[kept[column]!]?.type ?? null, cell),
    );
  }

  async send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = new BatchBuilder(this.#target);
    this.#cells = 0;
    if (batch.rowCount > 0) await this.#writer.write(batch.finish(), batch.rowCount, this.#target);
  }
}

/** A planned type is the one of the first source that has the column: another source's values may be of another. */
function typeOf(planned: PlannedColumn["type"], cell: Exclude<Scalar, null>): FieldType {
  switch (typeof cell) {
    case "string":
      return FieldType.String;
    case "boolean":
      return FieldType.Boolean;
    default: {
      const isWhole = typeof cell === "bigint" || Number.isInteger(cell);
      if (isWhole && (planned === FieldType.Integer || planned === FieldType.Unsigned)) return planned;
      return typeof cell === "bigint" ? FieldType.Integer : FieldType.Float;
    }
  }
}
