// Generated conditions: times, tags, fields, regexes, arithmetic, nesting; some of them senseless.
import { drawTime } from "./data.ts";
import type { Draw } from "./draw.ts";
import { fieldName, identifier, literal, numeric, regexOf, type Scope, tagName } from "./names.ts";
import type { Schema } from "./schema.ts";

/** A moment as InfluxQL writes it. */
export function instant(draw: Draw, timeNs: bigint, isUpper = false): string {
  const ms = Number(timeNs / 1_000_000n);
  return draw.weighted(
    [4, () => `${timeNs / 1_000_000_000n}s`],
    [2, () => String(timeNs)],
    [1, () => `${ms}ms`],
    [2, () => literal(new Date(ms).toISOString())],
    [1, () => literal(new Date(ms).toISOString().slice(0, 19).replace("T", " "))],
    // (the day's begin as an end would be before the other end)
    [isUpper ? 0 : 0.5, () => literal(new Date(ms).toISOString().slice(0, 10))],
    [0.5, () => `${literal(new Date(ms).toISOString())} + 3s`],
    [0.5, () => `${timeNs / 1_000_000_000n}s - 2s`],
    [0.2, () => `${timeNs}ns`],
    [0.2, () => `${timeNs / 1000n}${draw.of("u", "µ")}`],
    [0.2, () => `${timeNs / 60_000_000_000n}m${draw.below(60)}s`],
    [0.3, () => literal(inZone(ms, draw.pick([120, -300, 330])))],
    [0.1, () => `now() - (now() - ${timeNs})`],
  );
}

/** By a clock that is so many minutes ahead. */
function inZone(ms: number, minutes: number): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const [sign, ahead] = [minutes < 0 ? "-" : "+", Math.abs(minutes)];
  const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
  return `${local}${sign}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

/** A range of times with both ends, or with one. */
export function timeRange(draw: Draw, schema: Schema, isBounded: boolean): string {
  const [a, b] = [drawTime(draw, schema, 20), drawTime(draw, schema, 20)];
  const [from, to] = a < b ? [a, b] : [b, a];
  const lower = () => `time ${draw.of(">", ">=", ">=")} ${instant(draw, from)}`;
  const upper = () => `time ${draw.of("<", "<", "<=")} ${instant(draw, to, true)}`;
  if (isBounded)
    return draw.weighted(
      [12, () => `${lower()} AND ${upper()}`],
      [1, () => `${upper()} AND ${lower()}`],
      [1, () => `(${lower()} AND ${upper()})`],
      [1, () => `(${lower()}) AND ${instant(draw, to, true)} > time`],
    );
  return draw.weighted(
    [3, () => `${lower()} AND ${upper()}`],
    [2, lower],
    [2, upper],
    [1, `time < now()`],
    [0.5, () => `time = ${instant(draw, from)}`],
    [0.3, () => `${upper()} AND ${lower()} AND ${upper()}`],
    [0.3, () => `(${lower()} AND ${upper()})`],
    [0.3, () => `${instant(draw, from)} ${draw.of("<", "<=")} time`],
  );
}

/** A condition without times. */
export function condition(draw: Draw, scope: Scope, depth = 2): string {
  if (depth > 0 && draw.chance(0.35)) {
    const inner = () => condition(draw, scope, depth - 1);
    return draw.of(
      () => `${inner()} AND ${inner()}`,
      () => `${inner()} OR ${inner()}`,
      () => `(${inner()})`,
      () => `(${inner()} OR ${inner()}) AND ${inner()}`,
    );
  }
  return draw.weighted(
    [4, () => tagCondition(draw, scope)],
    [5, () => fieldCondition(draw, scope)],
    [0.3, "true"],
    [0.2, "1 = 1"],
  );
}

function tagCondition(draw: Draw, scope: Scope): string {
  if (scope.tags.length === 0) return draw.of("nope = 'x'", "nope = ''", "nope != 'x'", "nope =~ /./");
  const tag = draw.pick(scope.tags);
  const name = `${identifier(draw, tag.name)}${draw.maybe(0.1, "::tag")}`;
  const value = () => draw.weighted([6, () => literal(draw.pick(tag.values))], [1, "''"], [1, "'nope'"]);
  return draw.weighted(
    [4, () => `${name} = ${value()}`],
    [3, () => `${name} ${draw.of("!=", "<>")} ${value()}`],
    [2, () => `${name} =~ ${regexOf(draw, draw.pick(tag.values))}`],
    [2, () => `${name} !~ ${regexOf(draw, draw.pick(tag.values))}`],
    [0.3, () => `${value()} = ${name}`],
    [0.1, () => `${name} = ${tagName(draw, scope)}`],
    [0.2, () => `${name} > ${value()}`],
    [0.15, () => `${name} ${draw.of("=", "!=")} ${draw.of("1", "true", "2.5", "3s")}`],
  );
}

function fieldCondition(draw: Draw, scope: Scope): string {
  if (scope.fields.length === 0) return "nope > 1";
  const field = draw.pick(scope.fields);
  const name = `${identifier(draw, field.name)}${draw.maybe(0.05, draw.of("::field", `::${field.kind}`))}`;
  const compare = () => draw.of("=", "!=", "<", "<=", ">", ">=", "<>");
  const number = () => draw.of("0", "1", "-1", "2.5", "-0.25", "3", "100", "9007199254740993");
  const odd = draw.chance(0.06);
  switch (odd ? draw.pick(["float", "integer", "boolean", "string"] as const) : field.kind) {
    case "boolean":
      return `${name} ${draw.of("=", "!=", "=", ">")} ${draw.of("true", "false")}`;
    case "string":
      return draw.of(
        () =>
          `${name} ${draw.of("=", "!=", "<>", "=")} ${literal(draw.of("", "x", "y z", 'quo"te', "it's", "two\nlines"))}`,
        () => `${name} ${draw.of("=~", "!~")} ${draw.of("/x/", "/^$/", "/(?i)QUO/", "/e|z/", "/\\//")}`,
      );
    default:
      return draw.weighted(
        [6, () => `${name} ${compare()} ${number()}`],
        [1, () => `${number()} ${compare()} ${name}`],
        [
          1,
          () =>
            `${name} ${draw.of("+", "-", "*", "/", "%")} ${draw.of("1", "2", "3")} ${compare()} ${number()}`,
        ],
        [1, () => `${name} ${compare()} ${fieldName(draw, scope, numeric)}`],
        [0.5, () => `-${name} < ${number()}`],
        [0.2, () => `${name} ${draw.of("&", "|", "^")} 3 = 1`],
        [0.3, () => `(${name} ${compare()} ${number()})`],
        [0.2, () => `abs(${name}) > 1`],
      );
  }
}
