// Text to statements: the door of the parser, and the first word of each statement.
import type { ExplainStatement, Statement } from "../ast.ts";
import type { Parameters } from "../parameters.ts";
import { Cursor } from "./cursor.ts";
import { parseAlter, parseCreate, parseDelete, parseDrop } from "./schema.ts";
import { parseSelect } from "./select.ts";
import { parseShow } from "./show.ts";
import { parseGrant, parseKill, parseSetPassword } from "./users.ts";

/**
 * The statements of a text, separated by `;` (empty ones are skipped), with `$name` replaced from `parameters`.
 * Throws InputError "error parsing query: ..." with line and character; then no statement may run.
 */
export function parseQuery(text: string, parameters: Parameters = {}): Statement[] {
  const cursor = new Cursor(text, parameters);
  const statements: Statement[] = [];
  let separated = true;
  while (cursor.peek().kind !== "end") {
    if (cursor.takeOperator(";")) separated = true;
    else {
      if (!separated) throw cursor.found(";");
      statements.push(parseStatement(cursor));
      separated = false;
    }
  }
  return statements;
}

function parseStatement(cursor: Cursor): Statement {
  const word = cursor.expectKeyword(
    "SELECT",
    "DELETE",
    "SHOW",
    "CREATE",
    "DROP",
    "EXPLAIN",
    "GRANT",
    "REVOKE",
    "ALTER",
    "SET",
    "KILL",
  );
  switch (word) {
    case "SELECT":
      return parseSelect(cursor);
    case "DELETE":
      return parseDelete(cursor);
    case "SHOW":
      return parseShow(cursor);
    case "CREATE":
      return parseCreate(cursor);
    case "DROP":
      return parseDrop(cursor);
    case "EXPLAIN":
      return parseExplain(cursor);
    case "GRANT":
      return parseGrant(cursor, "grant");
    case "REVOKE":
      return parseGrant(cursor, "revoke");
    case "ALTER":
      return parseAlter(cursor);
    case "SET":
      return parseSetPassword(cursor);
    default:
      return parseKill(cursor);
  }
}

function parseExplain(cursor: Cursor): ExplainStatement {
  const analyze = cursor.takeKeyword("ANALYZE");
  cursor.expectKeyword("SELECT");
  return { kind: "explain", analyze, statement: parseSelect(cursor) };
}
