// One point of a JSON body, in either of its shapes, checked and handed to a BatchBuilder:
//
//   {"measurement": "m", "tags": {"host": "a"}, "fields": {"f": 1.5, "on": true, "s": "x"}, "time": 1700000000000000000}
//   {"metric": "m", "tags": {"host": "a"}, "value": 1.5, "timestamp": "2023-11-14T22:13:20Z"}     field "value"
//
// A number is a float (the database turns an exactly integral one into the integer when the field is one). An integer
// that no double holds exactly is stored exactly where the field has integers; where it is a float or new it is taken when
// it is a double as JavaScript prints it, and refused otherwise: none loses precision unseen, and the size of a number makes no type. null = not there. A tag's number or
// boolean stands for its text.
import { InputError } from "../base/errors.ts";
import type { Tag } from "../model/serieskey.ts";
import { parseRfc3339 } from "../model/timetext.ts";
import { FieldType, MAX_TIME, MIN_TIME, type TimeUnit, unitNs } from "../model/types.ts";
import type { BatchBuilder, FieldValue } from "./builder.ts";
import type { JsonObject, JsonValue } from "./jsontext.ts";

export interface PointContext {
  /** Unit of integer times. */
  readonly precision: TimeUnit;
  /** Time of points without one, ns. */
  readonly nowNs: bigint;
  /** undefined: the field is new. */
  typeOf(measurement: string, field: string): FieldType | undefined;
}

/** What is wrong with the value at `path` inside a point. */
export class PointError extends InputError {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

const known = new Set(["measurement", "metric", "tags", "fields", "value", "time", "timestamp"]);

/**
 * Adds one point.
 * @throws PointError, or InputError where the point as a whole is wrong; nothing is added then.
 */
export function addJsonPoint(builder: BatchBuilder, point: JsonValue, context: PointContext): void {
  if (!isObject(point)) throw new InputError(`expected a point object, found ${kindOf(point)}`);
  for (const key of Object.keys(point))
    if (!known.has(key))
      throw at(
        key,
        `unknown key; a point has measurement (or metric), tags, fields (or value), time (or timestamp)`,
      );
  const nameKey = either(point, "measurement", "metric");
  const name = nameKey === undefined ? undefined : point[nameKey];
  if (nameKey === undefined || typeof name !== "string")
    throw at(
      nameKey ?? "measurement",
      name === undefined ? "missing" : `expected a string, found ${kindOf(name)}`,
    );
  const tags = tagsOf(point["tags"]);
  const fields = fieldsOf(point, name, context);
  const time = timeOf(point, context);
  try {
    builder.add(name, tags, fields, time);
  } catch (error) {
    if (error instanceof InputError && name === "") throw at(nameKey, "is empty");
    throw error;
  }
}

/** The one of two keys that the object has (null counts as absent). */
function either(point: JsonObject, first: string, second: string): string | undefined {
  const one = point[first] !== undefined && point[first] !== null;
  const other = point[second] !== undefined && point[second] !== null;
  if (one && other) throw at(second, `stands beside "${first}": give one of them`);
  return one ? first : other ? second : undefined;
}

function tagsOf(tags: JsonValue | undefined): Tag[] {
  if (tags === undefined || tags === null) return [];
  if (!isObject(tags)) throw at("tags", `expected an object, found ${kindOf(tags)}`);
  const result: Tag[] = [];
  for (const [key, value] of Object.entries(tags)) {
    if (value === null) continue;
    if (typeof value === "object") throw at(`tags.${key}`, `expected a string, found ${kindOf(value)}`);
    result.push({ key, value: String(value) });
  }
  return result;
}

function fieldsOf(point: JsonObject, measurement: string, context: PointContext): [string, FieldValue][] {
  const key = either(point, "fields", "value");
  const fields = key === undefined ? undefined : point[key];
  const checked = (path: string, field: string, value: JsonValue): [string, FieldValue] => {
    const result = fieldValue(path, value);
    if (typeof result !== "bigint") return [field, result];
    const type = context.typeOf(measurement.toWellFormed(), field.toWellFormed());
    return [field, wide(path, result, type)];
  };
  if (key === "value") return [checked("value", "value", fields!)];
  if (fields === undefined || fields === null) throw at("fields", "missing");
  if (!isObject(fields)) throw at("fields", `expected an object, found ${kindOf(fields)}`);
  const result: [string, FieldValue][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue;
    if (name === "") throw at("fields", "a field's name is empty");
    result.push(checked(`fields.${name}`, name, value));
  }
  if (result.length === 0) throw at("fields", "a point needs at least one field that is not null");
  return result;
}

function fieldValue(path: string, value: JsonValue): FieldValue {
  if (value === null || typeof value === "object")
    throw at(path, `expected a number, boolean or string, found ${kindOf(value)}`);
  return value;
}

/** `value`: an integer that no float holds exactly, for a field of this type. */
function wide(path: string, value: bigint, type: FieldType | undefined): FieldValue {
  const fits = value >= -(2n ** 63n) && value < 2n ** 64n;
  if (fits && type !== undefined && type !== FieldType.Float) return value;
  // as JavaScript prints a float: `JSON.stringify(1e18 / 3)` is 333333333333333300
  if (String(Number(value)) === String(value)) return Number(value);
  if (!fits) throw at(path, `${value} fits neither in 64 bits nor exactly in a float`);
  const none = `${value} has no exact float, `;
  if (type === FieldType.Float) throw at(path, `${none}the field's type`);
  throw at(
    path,
    `${none}and a number makes a new field a float: write the field's first value as line protocol (${value}i) to make it an integer`,
  );
}

/** @returns ns since the epoch */
function timeOf(point: JsonObject, context: PointContext): bigint {
  const key = either(point, "time", "timestamp");
  if (key === undefined) return context.nowNs;
  const value = point[key]!;
  const time = toNs(key, value, unitNs[context.precision]);
  if (time < MIN_TIME || time > MAX_TIME)
    throw at(key, `${String(value)} is outside 1677-09-21 to 2262-04-11`);
  return time;
}

function toNs(path: string, value: JsonValue, unit: bigint): bigint {
  if (typeof value === "bigint") return value * unit;
  if (typeof value === "number") {
    if (!Number.isInteger(value)) throw at(path, `expected an integer or RFC 3339 text, found ${value}`);
    return BigInt(value) * unit;
  }
  if (typeof value !== "string")
    throw at(path, `expected an integer or RFC 3339 text, found ${kindOf(value)}`);
  if (/^-?[0-9]{1,30}$/.test(value)) return BigInt(value) * unit;
  const time = parseRfc3339(value);
  if (time === undefined)
    throw at(path, `expected an integer or RFC 3339 text, found ${JSON.stringify(value.slice(0, 60))}`);
  return time;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "object":
      return "an object";
    case "string":
      return "a string";
    case "boolean":
      return "a boolean";
    default:
      return "a number";
  }
}

function at(path: string, reason: string): PointError {
  return new PointError(path, reason);
}
