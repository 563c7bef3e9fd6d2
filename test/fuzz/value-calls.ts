// SELECTs of calls that need all values, by tags and between two times: what several threads answer in shares (query/shares.ts).
import type { Draw } from "./draw.ts";
import { fieldName, identifier, numeric, scopeOf, tagName } from "./names.ts";
import type { Schema } from "./schema.ts";
import { condition, timeRange } from "./where.ts";

export function drawValueCall(draw: Draw, schema: Schema): string {
  const table = draw.pick(schema.tables);
  const scope = scopeOf([table]);
  const isWindowed = draw.chance(0.4);
  const number = () => fieldName(draw, scope, numeric);
  const any = () => fieldName(draw, scope);
  const value = () =>
    draw.weighted(
      [3, () => `median(${number()})`],
      [3, () => `percentile(${number()}, ${draw.pick([5, 50, 95, 100])})`],
      [2, () => `mode(${any()})`],
      [1, () => `distinct(${any()})`],
      [1, () => `count(distinct(${any()}))`],
      [1, () => `integral(${number()})`],
    );
  const several = () =>
    draw.weighted(
      [2, () => `top(${number()}, ${draw.between(1, 4)})`],
      [2, () => `bottom(${number()}, ${draw.between(1, 4)})`],
      [2, () => `difference(${number()})`],
      [2, () => `derivative(${number()}, 1m)`],
      [1, () => `cumulative_sum(${number()})`],
      [1, () => `elapsed(${any()}, 1s)`],
      [1, () => `moving_average(${number()}, 2)`],
    );
  const call = isWindowed || draw.chance(0.5) ? value() : several();
  const tags = draw.weighted(
    [6, () => tagName(draw, scope)],
    [2, "*"],
    [1, () => `${tagName(draw, scope)}, ${tagName(draw, scope)}`],
  );
  const window = `time(${Math.max(1, Math.floor(schema.spanS / draw.between(2, 9)))}s), `;
  return [
    `SELECT ${call} FROM ${identifier(draw, table.name)} WHERE ${timeRange(draw, schema, true)}`,
    draw.maybe(0.2, () => ` AND ${condition(draw, scope)}`),
    ` GROUP BY ${isWindowed ? window : ""}${tags}`,
    isWindowed ? draw.maybe(0.6, () => ` fill(${draw.pick(["none", "previous", "0", "linear"])})`) : "",
    draw.maybe(0.3, " ORDER BY time DESC"),
    draw.maybe(0.2, () => ` LIMIT ${draw.between(1, 5)}`),
    draw.maybe(0.1, () => ` OFFSET ${draw.between(1, 3)}`),
  ].join("");
}
