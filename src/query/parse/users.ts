// Statements about users and running queries.
import type { KillQuery, TokenStatement, UserStatement } from "../ast.ts";
import type { Cursor } from "./cursor.ts";

/** After CREATE USER. */
export function parseCreateUser(cursor: Cursor): UserStatement {
  const user = cursor.expectIdentifier();
  cursor.expectKeyword("WITH");
  cursor.expectKeyword("PASSWORD");
  const password = expectPassword(cursor);
  const isAdmin = cursor.takeKeyword("WITH");
  if (isAdmin) {
    cursor.expectKeyword("ALL");
    cursor.expectKeyword("PRIVILEGES");
  }
  return { kind: "create user", user, password, isAdmin };
}

/** After GRANT or REVOKE: a privilege, [ON database] TO (FROM) user. */
export function parseGrant(cursor: Cursor, kind: "grant" | "revoke"): UserStatement {
  if (!cursor.isKeyword("READ", "WRITE", "ALL")) throw cursor.found("READ", "WRITE", "ALL [PRIVILEGES]");
  const word = cursor.next().text;
  const privilege = word === "READ" ? "read" : word === "WRITE" ? "write" : "all";
  if (privilege === "all") cursor.takeKeyword("PRIVILEGES");
  const preposition = kind === "grant" ? "TO" : "FROM";
  let database: string | null = null;
  if (privilege !== "all" || !cursor.isKeyword(preposition)) {
    if (!cursor.isKeyword("ON"))
      throw privilege === "all" ? cursor.found("ON", preposition) : cursor.found("ON");
    cursor.next();
    database = cursor.expectIdentifier();
  }
  cursor.expectKeyword(preposition);
  return { kind, privilege, database, user: cursor.expectIdentifier() };
}

/** After SET. */
export function parseSetPassword(cursor: Cursor): UserStatement {
  cursor.expectKeyword("PASSWORD");
  cursor.expectKeyword("FOR");
  const user = cursor.expectIdentifier();
  cursor.expectOperator("=");
  return { kind: "set password", user, password: expectPassword(cursor) };
}

/** After CREATE TOKEN: FOR user. */
export function parseCreateToken(cursor: Cursor): TokenStatement {
  cursor.expectKeyword("FOR");
  return { kind: "create token", user: cursor.expectIdentifier() };
}

/** After DROP TOKEN: 'id'. */
export function parseDropToken(cursor: Cursor): TokenStatement {
  return { kind: "drop token", id: cursor.expectString() };
}

/** What stands in a password's place is not repeated in an error. */
function expectPassword(cursor: Cursor): string {
  const token = cursor.peek();
  if (token.kind !== "string" && token.kind !== "end")
    throw cursor.error("found [REDACTED], expected string", token);
  return cursor.expectString();
}

/** After KILL. */
export function parseKill(cursor: Cursor): KillQuery {
  cursor.expectKeyword("QUERY");
  const id = BigInt(cursor.expectCount());
  return { kind: "kill query", id, host: cursor.takeKeyword("ON") ? cursor.expectIdentifier() : "" };
}
