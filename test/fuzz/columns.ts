// Generated SELECT columns: rows, aggregates, selectors, transformations, arithmetic, and mixtures that make no sense.
import type { Draw } from "./draw.ts";
import { fieldName, identifier, literal, numeric, regexOf, type Scope, tagName } from "./names.ts";
import type { Kind } from "./schema.ts";

export interface Columns {
  readonly text: string;
  /** Must, may or must not stand with GROUP BY time(...). */
  readonly windows: "must" | "may" | "no";
  /** Names of the columns that are surely there, with their kinds: what a statement around this one may read. */
  readonly names: readonly { readonly name: string; readonly kind: Kind }[];
}

const any = undefined;
const math1 = ["abs", "ceil", "floor", "round", "sqrt", "exp", "ln", "log2", "log10", "sin", "cos", "tan"];
const mathRare = ["acos", "asin", "atan"];

const aggregates = ["sum", "mean", "spread", "stddev", "median", "min", "max"];
const ofAnything = ["count", "first", "last", "mode"];

export function drawColumns(draw: Draw, scope: Scope): Columns {
  const shape = draw.weighted(
    [4, "rows"],
    [6, "aggregates"],
    [3, "selector"],
    [2, "several"],
    [3, "over rows"],
    [3, "over windows"],
    [3, "arithmetic"],
    [1, "arithmetic over steps"],
    [1.5, "wild"],
    [0.6, "nonsense"],
  );
  switch (shape) {
    case "rows":
      return rows(draw, scope);
    case "aggregates":
      return aliased(
        draw,
        "may",
        draw.list(1, 3, () => aggregate(draw, scope)),
      );
    case "selector":
      return unnamed("no", [selector(draw, scope), ...draw.list(1, 2, () => rowColumn(draw, scope))]);
    case "several":
      return several(draw, scope);
    case "over rows":
      return aliased(
        draw,
        "no",
        draw.list(1, 2, () => transformation(draw, () => columnName(draw, scope, numeric))),
      );
    case "over windows":
      return aliased(
        draw,
        "must",
        draw.list(1, 2, () => transformation(draw, () => aggregate(draw, scope))),
      );
    case "arithmetic":
      return aliased(
        draw,
        "may",
        draw.list(1, 2, () => arithmetic(draw, () => aggregate(draw, scope))),
      );
    case "arithmetic over steps": {
      const isOverWindows = draw.chance(0.5);
      const argument = () => (isOverWindows ? aggregate(draw, scope) : columnName(draw, scope, numeric));
      return aliased(
        draw,
        isOverWindows ? "must" : "no",
        draw.list(1, 2, () => arithmetic(draw, () => transformation(draw, argument))),
      );
    }
    case "wild":
      return wild(draw, scope);
    default:
      return unnamed(
        draw.pick(["may", "must", "no"]),
        draw.list(1, 3, () => nonsense(draw, scope, 2)),
      );
  }
}

const unnamed = (windows: Columns["windows"], parts: readonly string[]): Columns => ({
  text: parts.join(", "),
  windows,
  names: [],
});

/** Calls of many columns. */
function wild(draw: Draw, scope: Scope): Columns {
  const many = draw.weighted([4, "*"], [2, () => regexOf(draw, "f")], [1, "*::field"], [0.5, "*::tag"]);
  const one = () => `${draw.of(...aggregates, ...ofAnything)}(${many})`;
  const steps = (argument: string) =>
    draw.of(
      `${draw.of("derivative", "difference", "non_negative_difference", "cumulative_sum", "elapsed")}(${argument})`,
      `moving_average(${argument}, 2)`,
      `derivative(${argument}, 10s)`,
    );
  if (draw.chance(0.4)) return unnamed("may", [one()]);
  return draw.pick([
    () => unnamed("may", [one(), aggregate(draw, scope)]),
    () =>
      unnamed("may", [
        draw.of(
          `percentile(${many}, 50)`,
          `integral(${many})`,
          `top(${many}, 2)`,
          `count(distinct(${many}))`,
          `distinct(${many})`,
        ),
      ]),
    () => unnamed("no", [steps(many)]),
    () => unnamed("must", [steps(one())]),
    () => unnamed("may", [`${one()} AS c0`]),
    () => unnamed("may", [`${one()} ${draw.of("+", "*")} ${draw.of("1", one)}`]),
    () => unnamed("no", [draw.of(`abs(${many})`, `pow(${many}, 2)`, `round(${one()})`)]),
  ])();
}

/** Columns with an alias each, or none with one. */
function aliased(draw: Draw, windows: Columns["windows"], parts: readonly string[]): Columns {
  if (draw.chance(0.4)) return unnamed(windows, parts);
  return {
    text: parts.map((part, index) => `${part} AS c${index}`).join(", "),
    windows,
    names: parts.map((_, index) => ({ name: `c${index}`, kind: "float" })),
  };
}

function rows(draw: Draw, scope: Scope): Columns {
  if (draw.chance(0.3))
    return {
      text: draw.of(
        "*",
        "*",
        "*::field",
        "*, *::tag",
        () => regexOf(draw, "f"),
        () => `*, ${fieldName(draw, scope)}`,
      ),
      windows: "no",
      names: scope.fields,
    };
  return unnamed(
    "no",
    draw.list(1, 3, () => rowColumn(draw, scope)),
  );
}

function rowColumn(draw: Draw, scope: Scope): string {
  return draw.weighted(
    [6, () => fieldName(draw, scope)],
    [2, () => tagName(draw, scope)],
    [2, () => arithmetic(draw, () => fieldName(draw, scope, numeric))],
    [2, () => mathCall(draw, () => fieldName(draw, scope, numeric))],
    [
      1,
      () => `${fieldName(draw, scope)}::${draw.of("float", "integer", "string", "boolean", "field", "tag")}`,
    ],
    [1, () => `${fieldName(draw, scope)} AS ${draw.of('"an alias"', "x", "f", "value")}`],
    [0.3, "time"],
    [0.3, () => `-${fieldName(draw, scope, numeric)}`],
  );
}

function mathCall(draw: Draw, argument: () => string): string {
  return draw.weighted(
    [6, () => `${draw.of(...math1)}(${argument()})`],
    [1, () => `${draw.of(...mathRare)}(${argument()} / 10)`],
    [1, () => `pow(${argument()}, ${draw.of("2", "0.5", "-1", argument)})`],
    [1, () => `log(${argument()}, ${draw.of("2", "10")})`],
    [1, () => `atan2(${argument()}, ${draw.of("2", argument)})`],
  );
}

function arithmetic(draw: Draw, operand: () => string): string {
  const number = () => draw.of("2", "1", "0", "2.5", "-3", "10");
  const operator = () =>
    draw.weighted([6, () => draw.of("+", "-", "*", "/")], [1, "%"], [0.2, () => draw.of("&", "|", "^")]);
  return draw.weighted(
    [4, () => `${operand()} ${operator()} ${number()}`],
    [2, () => `${number()} ${operator()} ${operand()}`],
    [3, () => `${operand()} ${operator()} ${operand()}`],
    [1, () => `(${operand()} ${operator()} ${operand()}) ${operator()} ${number()}`],
    [1, () => `${operand()} ${operator()} ${operand()} ${operator()} ${number()}`],
    [1, () => mathCall(draw, operand)],
    [0.5, () => mathCall(draw, () => mathCall(draw, operand))],
    [0.3, () => `-${operand()}`],
  );
}

/** A field's name, now and then with a type. */
const columnName = (draw: Draw, scope: Scope, kinds?: readonly Kind[]): string =>
  fieldName(draw, scope, kinds) +
  draw.maybe(0.03, () => `::${draw.of("float", "integer", "field", "string")}`);

function aggregate(draw: Draw, scope: Scope): string {
  return draw.weighted(
    [7, () => `${draw.of(...aggregates)}(${columnName(draw, scope, numeric)})`],
    [4, () => `${draw.of(...ofAnything)}(${columnName(draw, scope, any)})`],
    [
      1,
      () =>
        `percentile(${columnName(draw, scope, numeric)}, ${draw.of("50", "90", "99.9", "1", "100", "25.5", "0", "101", "-1")})`,
    ],
    [1, () => `count(distinct(${fieldName(draw, scope, any)}))`],
    [0.7, () => `integral(${fieldName(draw, scope, numeric)}${draw.maybe(0.4, draw.of(", 10s", ", 1m"))})`],
    [0.4, () => `count(DISTINCT ${fieldName(draw, scope, any)})`],
  );
}

function selector(draw: Draw, scope: Scope): string {
  return draw.weighted(
    [5, () => `${draw.of("min", "max")}(${columnName(draw, scope, numeric)})`],
    [5, () => `${draw.of("first", "last")}(${columnName(draw, scope)})`],
    [2, () => `percentile(${fieldName(draw, scope, numeric)}, ${draw.of("50", "90", "10")})`],
  );
}

function several(draw: Draw, scope: Scope): Columns {
  const rank = () => draw.of("top", "bottom");
  const n = () => draw.of("1", "2", "3", "5", "100");
  const field = () => fieldName(draw, scope, numeric);
  const beside = () => draw.maybe(0.15, fieldName(draw, scope)) || tagName(draw, scope);
  return draw.pick([
    () => unnamed("may", [`${rank()}(${field()}, ${n()})`]),
    () => unnamed("may", [`${rank()}(${field()}, ${beside()}, ${n()})`]),
    () => unnamed("may", [`${rank()}(${field()}, ${draw.list(2, 3, beside).join(", ")}, ${n()})`]),
    () => unnamed("no", [`${rank()}(${field()}, ${n()})`, rowColumn(draw, scope)]),
    () => unnamed("may", [`distinct(${fieldName(draw, scope)})`]),
    () => unnamed("no", [`DISTINCT ${fieldName(draw, scope)}`]),
    // all of them: which ones it takes otherwise is chance
    () => unnamed("may", [`sample(${fieldName(draw, scope)}, 1000)`]),
  ])();
}

function transformation(draw: Draw, argument: () => string): string {
  return draw.weighted(
    [
      3,
      () =>
        `${draw.of("derivative", "non_negative_derivative")}(${argument()}${draw.maybe(0.5, draw.of(", 1s", ", 10s", ", 1m", ", 1m30s", ", 0s"))})`,
    ],
    [3, () => `${draw.of("difference", "non_negative_difference", "cumulative_sum")}(${argument()})`],
    [2, () => `moving_average(${argument()}, ${draw.of("2", "3", "5", "1")})`],
    [2, () => `elapsed(${argument()}${draw.maybe(0.5, draw.of(", 1s", ", 1ms", ", 1m"))})`],
    [
      0.5,
      () =>
        `${draw.of("holt_winters", "holt_winters_with_fit")}(${argument()}, ${draw.of("2", "3")}, ${draw.of("0", "2")})`,
    ],
    [1, () => technique(draw, argument())],
  );
}

/** Technical analysis. (Not chande_momentum_oscillator of single changes: influxd's sums keep what rounding leaves.) */
function technique(draw: Draw, argument: string): string {
  const name = draw.of(
    "exponential_moving_average",
    "double_exponential_moving_average",
    "triple_exponential_moving_average",
    "triple_exponential_derivative",
    "relative_strength_index",
    "chande_momentum_oscillator",
    "kaufmans_efficiency_ratio",
    "kaufmans_adaptive_moving_average",
  );
  const period = draw.of("2", "3", "5", "1", "0");
  const hold = draw.of("0", "1", "3", "-1");
  if (name.startsWith("kaufmans")) return `${name}(${argument}, ${period}${draw.maybe(0.5, `, ${hold}`)})`;
  const warmup = draw.of("'simple'", "'exponential'");
  if (name.startsWith("chande")) return `${name}(${argument}, ${period}, ${hold}, ${warmup})`;
  return `${name}(${argument}, ${period}${draw.maybe(0.6, `, ${hold}${draw.maybe(0.5, `, ${warmup}`)}`)})`;
}

/** Anything inside anything: mostly errors, whose texts are compared. */
function nonsense(draw: Draw, scope: Scope, depth: number): string {
  const name = () =>
    draw.of(
      ...aggregates,
      ...ofAnything,
      ...math1,
      "top",
      "bottom",
      "distinct",
      "derivative",
      "difference",
      "moving_average",
      "percentile",
      "integral",
      "cumulative_sum",
      "elapsed",
      "sample",
      "pow",
      "bogus",
      "time",
      "now",
      "holt_winters",
      "exponential_moving_average",
      "stddev",
      "non_negative_difference",
      "log",
      "atan2",
    );
  const leaf = () =>
    draw.of(
      () => fieldName(draw, scope),
      () => fieldName(draw, scope),
      () => tagName(draw, scope),
      "*",
      "2",
      "1.5",
      "10s",
      "0",
      "-1",
      "true",
      "/f/",
      "time",
      () => literal("x"),
    );
  if (depth === 0 || draw.chance(0.25)) return leaf();
  const inner = () => nonsense(draw, scope, depth - 1);
  return draw.weighted(
    [5, () => `${name()}(${inner()})`],
    [3, () => `${name()}(${inner()}, ${leaf()})`],
    [1, () => `${name()}(${inner()}, ${leaf()}, ${leaf()})`],
    [0.3, () => `${name()}()`],
    [2, () => `${inner()} ${draw.of("+", "-", "*", "/", "%", "AND", ">", "=")} ${inner()}`],
    [0.5, () => `(${inner()})`],
    [0.5, () => identifier(draw, "nope")],
  );
}
