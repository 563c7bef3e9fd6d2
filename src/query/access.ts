// Execution of statements about users, grants and tokens. Shapes are InfluxDB's; tokens are serie's own.
import type { Privilege, UserAdministration } from "../model/users.ts";
import type { AccessStatement } from "./ast.ts";
import type { ResultSeries } from "./result.ts";

/** What the statement answers; one that changes something has done so, durably, when this resolves. */
export async function executeAccess(
  statement: AccessStatement,
  users: UserAdministration,
): Promise<readonly ResultSeries[]> {
  switch (statement.kind) {
    case "create user":
      await users.create(statement.user, statement.password, statement.isAdmin);
      return [];
    case "drop user":
      await users.drop(statement.user);
      return [];
    case "set password":
      await users.setPassword(statement.user, statement.password);
      return [];
    case "grant":
    case "revoke": {
      const { kind, user, privilege, database } = statement;
      if (database === null) await users.setAdmin(user, kind === "grant");
      else if (kind === "grant") await users.grant(user, privilege, database);
      else await users.revoke(user, privilege, database);
      return [];
    }
    case "create token": {
      const { id, token } = await users.createToken(statement.user);
      return [table(["id", "user", "token"], [[id, statement.user, token]])];
    }
    case "drop token":
      await users.dropToken(statement.id);
      return [];
    case "show users":
      return [
        table(
          ["user", "admin"],
          (await users.list()).map(({ name, isAdmin }) => [name, isAdmin]),
        ),
      ];
    case "show grants":
      return [
        table(
          ["database", "privilege"],
          (await users.grants(statement.user)).map(({ database, privilege }) => [database, names[privilege]]),
        ),
      ];
    case "show tokens":
      return [
        table(
          ["id", "user", "created"],
          (await users.tokens()).map(({ id, user, createdMs }) => [
            id,
            user,
            new Date(createdMs).toISOString(),
          ]),
        ),
      ];
  }
}

const names: Readonly<Record<Privilege, string>> = {
  none: "NO PRIVILEGES",
  read: "READ",
  write: "WRITE",
  all: "ALL PRIVILEGES",
};

function table(columns: readonly string[], rows: ResultSeries["rows"]): ResultSeries {
  return { columns, timeColumn: -1, rows };
}
