// Which privileges a statement needs, as InfluxDB has it: reading and writing belong to a database, the rest to
// administrators.
//
// Two things are stricter: a SHOW needs READ on the databases that its FROM names, and CREATE CONTINUOUS QUERY needs WRITE where
// it will write.
import { ForbiddenError } from "../base/errors.ts";
import type { Access } from "../model/users.ts";
import type { SelectStatement, ShowStatement, Source, Statement } from "./ast.ts";
import { printStatement } from "./print.ts";

type Requirement = "admin" | { readonly privilege: "read" | "write"; readonly database: string };

/** Throws `ForbiddenError` for the first statement that may not run; then none of them may. */
export function authorize(statements: readonly Statement[], access: Access, database: string): void {
  if (access.isFirst) {
    // (when it fails, those behind it are not run)
    const [first] = statements;
    if (first?.kind === "create user" && first.isAdmin) return;
    throw new ForbiddenError("error authorizing query: create admin user first or disable authentication");
  }
  if (access.isAdmin) return;
  for (const statement of statements) {
    for (const requirement of requirementsOf(statement, database)) {
      if (requirement !== "admin" && access.may(requirement.privilege, requirement.database)) continue;
      const needed =
        requirement === "admin"
          ? "admin privilege"
          : `${requirement.privilege.toUpperCase()} on ${requirement.database}`;
      throw new ForbiddenError(
        `error authorizing query: ${access.user} not authorized to execute statement '${printStatement(statement)}', requires ${needed}`,
      );
    }
  }
}

/** `database`: the request's, which is meant where a statement names none. */
export function requirementsOf(statement: Statement, database: string): Requirement[] {
  switch (statement.kind) {
    case "select":
      return ofSelect(statement, database);
    case "explain":
      return ofSelect(statement.statement, database);
    case "show":
      return ofShow(statement, database);
    case "delete":
    case "drop series":
      return [write("", database), ...ofSources(statement.sources, database, "write")];
    case "drop retention policy":
    case "drop continuous query":
      return [write(statement.database, database)];
    case "create continuous query":
      return [
        read(statement.database, database),
        ...ofSelect(statement.statement, database || statement.database),
      ];
    default:
      return ["admin"];
  }
}

function ofSelect(statement: SelectStatement, database: string): Requirement[] {
  const needed = ofSources(statement.sources, database, "read");
  if (statement.into !== null) needed.push(write(statement.into.database, database));
  return needed;
}

function ofSources(sources: readonly Source[], database: string, privilege: "read" | "write"): Requirement[] {
  return sources.flatMap((source): Requirement[] => sourceRequirements(source, database, privilege));
}

function sourceRequirements(source: Source, database: string, privilege: "read" | "write"): Requirement[] {
  switch (source.kind) {
    case "subquery":
      return ofSelect(source.statement, database);
    case "join":
      return ofSources(
        source.sides.map((side) => side.source),
        database,
        privilege,
      );
    case "measurement":
      return [{ privilege, database: source.database || database }];
  }
}

function ofShow(statement: ShowStatement, database: string): Requirement[] {
  switch (statement.subject) {
    case "databases":
      return []; // only those that the user sees
    case "measurements":
    case "series":
    case "tag keys":
    case "tag values":
    case "field keys":
    case "retention policies":
    case "continuous queries":
    case "queries":
      return [read(statement.database, database), ...ofSources(statement.sources, database, "read")];
    default:
      return ["admin"];
  }
}

const read = (named: string, database: string): Requirement => ({
  privilege: "read",
  database: named || database,
});
const write = (named: string, database: string): Requirement => ({
  privilege: "write",
  database: named || database,
});
