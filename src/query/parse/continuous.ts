// CREATE CONTINUOUS QUERY name ON db [RESAMPLE [EVERY d] [FOR d]] BEGIN SELECT ... INTO ... GROUP BY time(d) END
import type { ContinuousQueryStatement, Node, SelectStatement } from "../ast.ts";
import { formatDuration } from "../duration.ts";
import type { Cursor } from "./cursor.ts";
import { parseError } from "./errors.ts";
import { parseSelect } from "./select.ts";

/** After the words CREATE CONTINUOUS. */
export function parseCreateContinuousQuery(cursor: Cursor): ContinuousQueryStatement {
  cursor.expectKeyword("QUERY");
  const name = cursor.expectIdentifier();
  cursor.expectKeyword("ON");
  const database = cursor.expectIdentifier();
  let everyNs: bigint | null = null;
  let forNs: bigint | null = null;
  if (cursor.takeKeyword("RESAMPLE")) {
    // a duration of nothing counts as not written
    if (cursor.takeKeyword("EVERY")) everyNs = cursor.expectDuration() || null;
    if (cursor.takeKeyword("FOR")) forNs = cursor.expectDuration() || null;
    if (everyNs === null && forNs === null) throw cursor.found("EVERY", "FOR");
  }
  cursor.expectKeyword("BEGIN");
  cursor.expectKeyword("SELECT");
  const statement = parseSelect(cursor, true);
  const intervalNs = intervalOf(statement);
  if (intervalNs === 0n && statement.fields.some(({ expression }) => hasCall(expression))) {
    const { text, offset } = cursor.previous;
    throw parseError(`found ${text}, expected GROUP BY time(...) at ${cursor.position(offset)}`);
  }
  cursor.expectKeyword("END");
  const least = everyNs !== null && everyNs > intervalNs ? everyNs : intervalNs;
  if (forNs !== null && forNs < least) {
    const [minimum, got] = [formatDuration(least), formatDuration(forNs)];
    throw parseError(
      `FOR duration must be >= GROUP BY time duration: must be a minimum of ${minimum}, got ${got}`,
    );
  }
  return { kind: "create continuous query", database, name, everyNs, forNs, statement };
}

/** Of GROUP BY time(interval), ns; 0 = none. */
function intervalOf(statement: SelectStatement): bigint {
  for (const node of statement.dimensions) {
    const every = node.kind === "call" && node.name === "time" ? node.arguments[0] : undefined;
    if (every?.kind !== "duration") continue;
    if (every.months !== undefined)
      throw parseError("a continuous query runs over windows of one length: months and years are not");
    return every.ns;
  }
  return 0n;
}

function hasCall(node: Node): boolean {
  switch (node.kind) {
    case "call":
    case "distinct":
      return true;
    case "paren":
      return hasCall(node.inner);
    case "binary":
      return hasCall(node.left) || hasCall(node.right);
    default:
      return false;
  }
}
