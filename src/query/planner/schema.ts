// Which names a source has, as tags and as fields: what names in a statement are resolved against.
import { type FieldInfo, FieldType } from "../../model/types.ts";
import type { CastType, ReferenceNode } from "../ast.ts";
import type { SourcePart } from "../plan.ts";
import { errorAt } from "./place.ts";

export interface Schema {
  readonly fields: ReadonlyMap<string, FieldType>;
  readonly tags: ReadonlySet<string>;
  /** Those of `fields` that are tags which a subquery gives as columns; absent for what is stored. */
  readonly tagColumns?: ReadonlySet<string>;
  /** Tags that a subquery itself groups by: `*` shows them beside a column of the name. */
  readonly groups?: ReadonlySet<string>;
  /** Columns of a subquery that `*` leaves out. */
  readonly unlisted?: ReadonlySet<string>;
  /** Names that are fields without a value in any row, whatever else is said of them; of a subquery: columns of no known type. */
  readonly absent?: ReadonlySet<string>;
  /** Names that a measurement has as fields in other retention policies alone. */
  readonly elsewhere?: ReadonlySet<string>;
  /** Integers that are floats in a source beside this one, and so have no bits. */
  readonly floats?: ReadonlySet<string>;
  /** Of a join: the aliases of its sides, one of which every name but a key's begins with. */
  readonly sides?: readonly string[];
}

/** One source of rows with its names. */
export interface PlannedSource extends Schema {
  readonly name: string;
  readonly rows: SourcePart["rows"];
}

/** The names of a subquery's rows: calls read its tags too. */
export function isDerived(schema: Schema): boolean {
  return schema.tagColumns !== undefined;
}

/** What a cast says that a name is; none: no more than that it is a field. */
export const castTypes: Partial<Record<CastType, FieldType>> = {
  float: FieldType.Float,
  integer: FieldType.Integer,
  unsigned: FieldType.Unsigned,
  string: FieldType.String,
  boolean: FieldType.Boolean,
  tag: FieldType.String,
};

export type Resolved =
  | { readonly kind: "tag" }
  /** `type` as stored. */
  | { readonly kind: "field"; readonly type: FieldType }
  | { readonly kind: "unknown" };

/**
 * A name that is both is the field, unless `::tag` says otherwise.
 * @param place of the name in the statement's text
 * @throws InputError for a name of a join that names no side of it, or a side beside a tag of USING.
 */
export function resolve(schema: Schema, name: string, cast: CastType | null, place?: string): Resolved {
  const type = schema.fields.get(name);
  if (cast !== "tag" && type !== undefined) return { kind: "field", type };
  // (a column that is not there hides a tag of its name)
  const isTag = schema.tags.has(name) && !schema.absent?.has(name);
  if ((cast === null || cast === "tag") && isTag) return { kind: "tag" };
  // the column of a tag
  if (type !== undefined && schema.tagColumns?.has(name)) return { kind: "field", type };
  const sides = schema.sides ?? [];
  const key =
    sides.length > 0 && [...schema.tags].find((tag) => sides.some((side) => name === `${side}.${tag}`));
  if (key)
    throw errorAt(place, `the join has no ${name}: ${key} is a tag of USING, which stands without a side`);
  if (schema.sides?.every((alias) => !name.startsWith(`${alias}.`)) && !isTimeName(schema, name)) {
    const columns = [...schema.fields.keys(), ...schema.tags].sort().slice(0, 10).join(", ");
    throw errorAt(
      place,
      `the join has no ${name}: name the side, as ${schema.sides[0]}.${name} (it has ${columns})`,
    );
  }
  return { kind: "unknown" };
}

/** Whether a name is a tag, that of a subquery's column too. */
export const isTagName = (schema: Schema, { name, cast }: ReferenceNode): boolean =>
  schema.tagColumns?.has(name) === true || resolve(schema, name, cast).kind === "tag";

/** Of nothing. */
export const NO_NAMES: Schema = { fields: new Map(), tags: new Set() };

/** Of nothing but `ts`: for what is asked before it is known whether that is time. */
export const TS_IS_NO_TIME: Schema = { fields: new Map(), tags: new Set(["ts", "TS", "Ts", "tS"]) };

/** `ts` is another name of time, except where data has a tag or field of that name. */
export function isTimeName(schema: Schema, name: string): boolean {
  const lower = name.toLowerCase();
  if (lower === "time") return true;
  return lower === "ts" && !schema.fields.has(name) && !schema.tags.has(name);
}

/**
 * All names of several sources; a field's type is the first of float, integer, unsigned, string, boolean that occurs, that of a tag which
 * is a column of a subquery the last.
 */
export function unite(schemas: readonly Schema[]): Schema {
  if (schemas.length === 1) return schemas[0]!;
  const fields = new Map<string, FieldType>();
  const tags = new Set<string>();
  const tagColumns = new Set<string>();
  const absent = new Set<string>();
  const groups = new Set<string>();
  const unlisted = new Set<string>();
  const ranks = new Map<string, number>();
  for (const schema of schemas) {
    for (const name of schema.groups ?? []) groups.add(name);
    for (const name of schema.unlisted ?? []) unlisted.add(name);
    for (const name of schema.absent ?? []) absent.add(name);
    for (const name of schema.tagColumns ?? []) tagColumns.add(name);
    for (const [name, type] of schema.fields) {
      const rank = schema.tagColumns?.has(name) ? order.length : order.indexOf(type);
      if (rank >= (ranks.get(name) ?? Number.POSITIVE_INFINITY)) continue;
      ranks.set(name, rank);
      fields.set(name, type);
    }
    for (const name of schema.tags) tags.add(name);
  }
  // a join is alone
  if (schemas[0]?.sides !== undefined) return { ...schemas[0], fields, tags };
  for (const name of absent) if (fields.has(name)) absent.delete(name);
  if (!schemas.some(isDerived)) return { fields, tags };
  // (what is a field in one of them is one)
  for (const { fields: own, tagColumns: columns } of schemas)
    for (const name of tagColumns) if (own.has(name) && !columns?.has(name)) tagColumns.delete(name);
  return { fields, tags, tagColumns, absent, groups, unlisted };
}

const order: readonly FieldType[] = [
  FieldType.Float,
  FieldType.Integer,
  FieldType.Unsigned,
  FieldType.String,
  FieldType.Boolean,
];

/** By list of fields, of tag keys: a source gives the same list until something changes, and every query asks. */
const fieldMaps = new WeakMap<readonly FieldInfo[], ReadonlyMap<string, FieldType>>();
const tagSets = new WeakMap<readonly string[], ReadonlySet<string>>();

export function fieldMap(fields: readonly FieldInfo[]): ReadonlyMap<string, FieldType> {
  let map = fieldMaps.get(fields);
  if (map === undefined) {
    map = new Map(fields.map(({ name, type }) => [name, type]));
    fieldMaps.set(fields, map);
  }
  return map;
}

export function tagSet(keys: readonly string[]): ReadonlySet<string> {
  let set = tagSets.get(keys);
  if (set === undefined) {
    set = new Set(keys);
    tagSets.set(keys, set);
  }
  return set;
}
