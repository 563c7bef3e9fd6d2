// Continuous queries as text and as statements: what one says about when it runs, and its SELECT over one range of time.
import { InputError } from "../base/errors.ts";
import type { ContinuousQueryStatement, JoinSource, Node, SelectStatement, Source } from "./ast.ts";
import { parseQuery } from "./parse/parser.ts";
import { planWindow } from "./planner/dimensions.ts";
import { printSelect } from "./print.ts";

export type ContinuousStatement = ContinuousQueryStatement & { readonly kind: "create continuous query" };

/** When a continuous query runs, and over what. */
export interface ContinuousSchedule {
  /** GROUP BY time(interval, offset). */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  /** RESAMPLE EVERY, or the interval. */
  readonly everyNs: bigint;
  /** RESAMPLE FOR; null = not written. */
  readonly forNs: bigint | null;
  /** tz('...'), whose clock the windows follow; null = UTC. */
  readonly timezone: string | null;
}

/** The statement that a stored text is. Throws `InputError` when it is none. */
export function parseContinuousQuery(text: string): ContinuousStatement {
  const [statement] = parseQuery(text, {});
  if (statement?.kind !== "create continuous query") throw new InputError(`not a continuous query: ${text}`);
  return statement;
}

/** null: it has no GROUP BY time(...), so it never runs. */
export function scheduleOf({ statement, everyNs, forNs }: ContinuousStatement): ContinuousSchedule | null {
  const { timezone } = statement;
  const window = planWindow(statement.dimensions.filter(hasLength), { nowNs: 0n, timezone });
  if (window === null) return null;
  const { everyNs: intervalNs, offsetNs } = window;
  return { intervalNs, offsetNs, everyNs: everyNs ?? intervalNs, forNs, timezone };
}

/** Not time(0s), which InfluxDB takes and never runs. */
function hasLength(node: Node): boolean {
  const every = node.kind === "call" ? node.arguments[0] : undefined;
  return every?.kind !== "duration" || every.ns > 0n;
}

/** The text of its SELECT over [from, to), ns, whatever its WHERE says about time. */
export function selectOver({ statement }: ContinuousStatement, fromNs: bigint, toNs: bigint): string {
  const bound = (operator: ">=" | "<", value: bigint): Node => ({
    ...{ kind: "binary", operator, left: TIME, right: { kind: "integer", value } },
  });
  const rest = withoutTime(statement.condition);
  const range: Node = {
    ...{ kind: "binary", operator: "and", left: bound(">=", fromNs), right: bound("<", toNs) },
  };
  const condition: Node =
    rest === null
      ? range
      : { kind: "binary", operator: "and", left: { kind: "paren", inner: rest }, right: range };
  return printSelect({ ...statement, condition });
}

const TIME: Node = { kind: "reference", name: "time", cast: null };

/** A condition without its comparisons of time; null: nothing is left. */
function withoutTime(node: Node | null): Node | null {
  if (node === null) return null;
  if (node.kind === "paren") {
    const inner = withoutTime(node.inner);
    return inner === null ? null : { ...node, inner };
  }
  if (node.kind !== "binary") return node;
  if (isTime(node.left) || isTime(node.right)) return null;
  if (node.operator !== "and" && node.operator !== "or") return node;
  const left = withoutTime(node.left);
  const right = withoutTime(node.right);
  return left === null || right === null ? (left ?? right) : { ...node, left, right };
}

function isTime(node: Node): boolean {
  return node.kind === "reference" && node.name.toLowerCase() === "time";
}

/** A statement whose sources, target and subqueries' sources all went through `place`. */
export function mapSources(
  statement: SelectStatement,
  place: <S extends Source & { readonly kind: "measurement" }>(source: S) => S,
): SelectStatement {
  const placeIn = (source: Exclude<Source, JoinSource>) =>
    source.kind === "subquery"
      ? { ...source, statement: mapSources(source.statement, place) }
      : place(source);
  return {
    ...statement,
    into: statement.into === null ? null : place(statement.into),
    sources: statement.sources.map((source) =>
      source.kind === "join"
        ? { ...source, sides: source.sides.map((side) => ({ ...side, source: placeIn(side.source) })) }
        : placeIn(source),
    ),
  };
}
