// Generated schemas: measurements with tags and typed fields, names and tag values nasty now and then.
import type { Draw } from "./draw.ts";

export type Kind = "float" | "integer" | "boolean" | "string";

export interface Field {
  readonly name: string;
  readonly kind: Kind;
}

export interface Tag {
  readonly name: string;
  readonly values: readonly string[];
}

export interface Table {
  readonly name: string;
  readonly tags: readonly Tag[];
  readonly fields: readonly Field[];
}

export interface Schema {
  readonly tables: readonly Table[];
  /** Nanoseconds of the first time; all others lie `spanS` seconds around. */
  readonly originNs: bigint;
  readonly spanS: number;
  /** Whether series share times. Which of two series comes first at one time is chance in influxd. */
  readonly hasTies: boolean;
  /** A retention policy beside the default one. */
  readonly policy: string | null;
}

const plainMeasurements = ["m", "cpu", "mem", "disk_io"];
const nastyMeasurements = ["we ird", 'qu"ote', "com,ma", "a.b", "ünï", "select", "日本", "m-1", "1st", "e=q"];
const plainTags = ["host", "region", "rack"];
const nastyTags = ["t ag", 'q"t', "ta,g", "t=g", "größe", "from", "a.t", "name"];
const tagValues = ["a", "b", "c", "server01", "1", "10", "2"];
const nastyValues = ["c d", "ü", "x,y", "k=v", "it's", 'say "hi"', "back\\slash", "/slash/", "-1.5", "true"];
const plainFields = ["f", "i", "b", "s", "g", "n"];
const nastyFields = ["fi eld", 'f"q', "f,c", "f=e", "naïve", "where", "f.1", "value", "max"];

const kinds: readonly Kind[] = ["float", "float", "integer", "integer", "boolean", "string"];
const kindOf: Readonly<Record<string, Kind>> = {
  f: "float",
  g: "float",
  i: "integer",
  n: "integer",
  b: "boolean",
  s: "string",
};

/** The statements that make it. */
export const creation = ({ policy }: Schema, database: string): string[] => [
  `CREATE DATABASE ${database}`,
  ...(policy === null ? [] : [`CREATE RETENTION POLICY ${policy} ON ${database} DURATION INF REPLICATION 1`]),
];

function distinct(
  draw: Draw,
  count: number,
  nasty: number,
  plain: readonly string[],
  odd: readonly string[],
) {
  const names = new Set<string>();
  while (names.size < count) names.add(draw.pick(draw.chance(nasty) ? odd : plain));
  return [...names];
}

export function drawSchema(draw: Draw): Schema {
  const nasty = draw.pick([0, 0.1, 0.4]);
  const tables = distinct(draw, draw.between(1, 3), nasty, plainMeasurements, nastyMeasurements).map(
    (name): Table => ({
      name,
      tags: distinct(draw, draw.between(0, 3), nasty, plainTags, nastyTags).map((tag) => ({
        name: tag,
        values: distinct(draw, draw.between(1, 4), nasty, tagValues, nastyValues),
      })),
      fields: distinct(draw, draw.between(1, 5), nasty, plainFields, nastyFields).map((field) => ({
        name: field,
        // one name may have different types in different measurements
        kind: draw.chance(0.8) ? (kindOf[field] ?? draw.pick(kinds)) : draw.pick(kinds),
      })),
    }),
  );
  // around the epoch, inside a day, across the shards of three weeks, and where the clocks of Berlin and New York are put
  const [originNs, spanS] = draw.pick([
    [0n, 120],
    [0n, 120],
    [1_700_000_000_000_000_000n, 300],
    [1_699_920_000_000_000_000n, 86_400],
    [1_699_920_000_000_000_000n, 21 * 86_400],
    [1_698_451_200_000_000_000n, 2 * 86_400],
    [1_709_942_400_000_000_000n, 23 * 86_400],
  ] as const);
  return { tables, originNs, spanS, hasTies: draw.chance(0.2), policy: draw.chance(0.2) ? "p" : null };
}
