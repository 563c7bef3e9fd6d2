// Generated points as line protocol: duplicates, out of order, fields and tags missing, times shared by series.
import type { Draw } from "./draw.ts";
import type { Exchange } from "./pair.ts";
import type { Field, Schema, Table } from "./schema.ts";

const strings = [
  "",
  "x",
  "y z",
  'quo"te',
  "ümlaut",
  "it's",
  "back\\slash",
  "two\nlines",
  "10",
  "true",
  "a,b=c",
];

const escapedName = (name: string) => name.replace(/[,= ]/g, "\\$&");
const escapedMeasurement = (name: string) => name.replace(/[, ]/g, "\\$&");
const escapedString = (text: string) => text.replace(/["\\]/g, "\\$&");

/** Who wrote at a time first: in a schema without ties, whatever else is written then belongs to the same series. */
export type Owners = Map<bigint, { readonly table: Table; readonly tags: string }>;

/** One write, into one of the policies. */
export function drawWrite(
  draw: Draw,
  schema: Schema,
  owners: Owners,
  database: string,
  count: number,
): Exchange {
  const text = drawLines(draw, schema, owners, count).join("\n");
  const policy = schema.policy !== null && draw.chance(0.5) ? schema.policy : undefined;
  return { kind: "write", database, text, policy };
}

/** Later lines may overwrite earlier ones. */
function drawLines(draw: Draw, schema: Schema, owners: Owners, count: number): string[] {
  // few distinct times, so that series share them or points repeat
  const steps = draw.pick(schema.hasTies ? [6, 20, 60] : [20, 60, 100]);
  return Array.from({ length: count }, () => drawLine(draw, schema, owners, steps));
}

export function drawTime(draw: Draw, schema: Schema, steps: number): bigint {
  const step = BigInt(Math.max(1, Math.floor(schema.spanS / steps)));
  const base = schema.originNs + BigInt(draw.between(-2, steps)) * step * 1_000_000_000n;
  return draw.chance(0.1) ? base + BigInt(draw.between(-2_000_000, 2_000_000)) : base;
}

function drawLine(draw: Draw, schema: Schema, owners: Owners, steps: number): string {
  const time = drawTime(draw, schema, steps);
  const drawn = draw.pick(schema.tables);
  const tags = draw
    .some(drawn.tags, 0.85)
    .map((tag) => `,${escapedName(tag.name)}=${escapedName(draw.pick(tag.values))}`);
  const owner = (schema.hasTies ? undefined : owners.get(time)) ?? { table: drawn, tags: tags.join("") };
  owners.set(time, owner);
  const { fields } = owner.table;
  const present = draw.some(fields, 0.75);
  const written = (present.length > 0 ? present : fields.slice(0, 1)).map(
    (field) => `${escapedName(field.name)}=${drawValue(draw, field)}`,
  );
  return `${escapedMeasurement(owner.table.name)}${owner.tags} ${written.join(",")} ${time}`;
}

/** Floats are multiples of 1/4: their sums are exact in any order, so that rounding hides no difference. */
export function drawValue(draw: Draw, field: Field): string {
  switch (field.kind) {
    case "float": {
      const value = draw.between(-40, 40) / 4;
      return draw.weighted(
        [20, String(value)],
        [1, `${value}e0`],
        [1, `${value * 100}E-2`],
        [1, `${value.toFixed(2)}`],
        [0.3, "-0"],
        [0.3, `${draw.between(-9, 9)}.`],
      );
    }
    case "integer":
      return `${draw.chance(0.05) ? draw.pick([1_000_003, -70_001]) : draw.between(-9, 9)}i`;
    case "boolean":
      return draw.pick(["true", "false", "t", "F", "True", "FALSE"]);
    case "string":
      return `"${escapedString(draw.pick(strings))}"`;
  }
}
