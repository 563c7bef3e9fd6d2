// Schema: which measurements and fields there are, and what stands for them while the process runs.
//
// A *measurement* (of a database) fixes the types of its fields: the first write of a field decides. A *table* is
// a measurement in one retention policy: the unit that has series. Table ids and field ids are dense, given in
// the order of first sight, and never leave the process: files carry names. A field that was deleted and comes again gets
// another id, so that who still reads by the old one meets no value of another type.
import { assert } from "../base/assert.ts";
import type { Expression } from "../model/expression.ts";
import { fieldsOf } from "../model/predicate.ts";
import type { FieldInfo, FieldType } from "../model/types.ts";

export interface Field extends FieldInfo {
  readonly id: number;
}

export class Measurement {
  /** By field id, ascending. */
  readonly #fields = new Map<string, Field>();
  readonly #onChange: () => void;
  #nextId = 0;
  #fieldsByName: readonly FieldInfo[] | undefined;

  constructor(
    readonly database: string,
    readonly name: string,
    onChange: () => void = () => undefined,
  ) {
    this.#onChange = onChange;
  }

  /** The fields by id, ascending. */
  get fields(): readonly Field[] {
    return [...this.#fields.values()];
  }

  field(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  /** Field id, -1 when the field is unknown. */
  fieldId(name: string): number {
    return this.#fields.get(name)?.id ?? -1;
  }

  /** The fields, sorted. */
  get fieldsByName(): readonly FieldInfo[] {
    this.#fieldsByName ??= this.fields
      .map(({ name, type }) => ({ name, type }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#fieldsByName;
  }

  /** Field id of a field, which gets `type` when it is new. The caller checks the type of a known one. */
  define(name: string, type: FieldType): number {
    const known = this.#fields.get(name);
    if (known !== undefined) return known.id;
    const id = this.#nextId++;
    this.#fields.set(name, { id, name, type });
    this.#fieldsByName = undefined;
    this.#onChange();
    return id;
  }

  /** Forgets a field that has no values: the next write of it decides its type anew. */
  forget(name: string): void {
    this.#fields.delete(name);
    this.#fieldsByName = undefined;
    this.#onChange();
  }
}

/** The fields that exist of those wanted and of those that the condition reads. */
export function knownFields(
  measurement: Measurement,
  wanted: readonly string[],
  where: Expression | null,
): Field[] {
  const names = new Set([...wanted, ...fieldsOf(where)]);
  return [...names].map((name) => measurement.field(name)).filter((field) => field !== undefined);
}

/** A measurement in a retention policy. */
export class Table {
  /** Ids of fields that its rows may have. */
  readonly #fieldIds = new Set<number>();
  readonly #onChange: () => void;

  constructor(
    readonly id: number,
    readonly retentionPolicy: string,
    readonly measurement: Measurement,
    onChange: () => void = () => undefined,
  ) {
    this.#onChange = onChange;
  }

  /** Its rows have this field from now on. */
  note(fieldId: number): void {
    if (this.#fieldIds.has(fieldId)) return;
    this.#fieldIds.add(fieldId);
    this.#onChange();
  }

  /** The fields of the measurement that its rows may have, sorted. */
  get fields(): readonly FieldInfo[] {
    const all = this.measurement.fieldsByName;
    const own = all.filter(({ name }) => this.#fieldIds.has(this.measurement.fieldId(name)));
    return own.length === all.length ? all : own;
  }
}

/** The table id of series that were dropped: see kernels/assembly/catalog.ts. */
export const DROPPED_TABLE = 0xffff_ffff;

export class Schema {
  readonly #databases = new Map<string, Map<string, Measurement>>();
  readonly #tables = new Map<Measurement, Map<string, Table>>();
  readonly #byId: (Table | undefined)[] = [];
  #changes = 0;

  /** Grows with every field that comes or goes, in a table too. */
  get changes(): number {
    return this.#changes;
  }

  /** Every field of every measurement. */
  *fields(): Generator<{ readonly measurement: Measurement; readonly field: Field }> {
    for (const measurements of this.#databases.values())
      for (const measurement of measurements.values())
        for (const field of measurement.fields) yield { measurement, field };
  }

  measurements(database: string): ReadonlyMap<string, Measurement> {
    return this.#databases.get(database) ?? new Map();
  }

  /** The measurement, made when new. */
  measurement(database: string, name: string): Measurement {
    let measurements = this.#databases.get(database);
    if (!measurements) {
      measurements = new Map();
      this.#databases.set(database, measurements);
    }
    let measurement = measurements.get(name);
    if (!measurement) {
      measurement = new Measurement(database, name, () => {
        this.#changes++;
      });
      measurements.set(name, measurement);
    }
    return measurement;
  }

  /** The table, made when new. */
  table(measurement: Measurement, retentionPolicy: string): Table {
    let tables = this.#tables.get(measurement);
    if (!tables) {
      tables = new Map();
      this.#tables.set(measurement, tables);
    }
    let table = tables.get(retentionPolicy);
    if (!table) {
      table = new Table(this.#byId.length, retentionPolicy, measurement, () => {
        this.#changes++;
      });
      this.#byId.push(table);
      tables.set(retentionPolicy, table);
    }
    return table;
  }

  findTable(database: string, retentionPolicy: string, measurement: string): Table | undefined {
    const found = this.#databases.get(database)?.get(measurement);
    return found && this.#tables.get(found)?.get(retentionPolicy);
  }

  /** Every table of a measurement, over the retention policies. */
  tablesOf(database: string, measurement: string): Table[] {
    const found = this.#databases.get(database)?.get(measurement);
    return found ? [...(this.#tables.get(found)?.values() ?? [])] : [];
  }

  byId(id: number): Table {
    const table = this.#byId[id];
    assert(table, `no table ${id}`);
    return table;
  }

  /**
   * Forgets a measurement, or all of a database, or of one of its policies; gives the tables that are gone. `keeps`: measurements whose
   * types stay without a table here.
   */
  drop(
    database: string,
    measurement: string | null,
    retentionPolicy?: string,
    keeps: (measurement: string) => boolean = () => false,
  ): Table[] {
    this.#changes++;
    const measurements = this.#databases.get(database);
    const gone: Table[] = [];
    for (const [name, found] of measurements ?? []) {
      if (measurement !== null && name !== measurement) continue;
      const tables = this.#tables.get(found);
      for (const table of tables?.values() ?? []) {
        if (retentionPolicy !== undefined && table.retentionPolicy !== retentionPolicy) continue;
        gone.push(table);
        this.#byId[table.id] = undefined;
        tables?.delete(table.retentionPolicy);
      }
      if (tables && tables.size > 0) continue;
      this.#tables.delete(found);
      if (!keeps(name)) measurements?.delete(name);
    }
    if (measurements?.size === 0) this.#databases.delete(database);
    return gone;
  }
}
