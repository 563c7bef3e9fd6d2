// The types that the head tells the other threads stay while something is deleted: who was told asks no more.
import { expect, test } from "bun:test";
import type { ChangeFile } from "../src/db/changes.ts";
import type { Companions } from "../src/db/companions.ts";
import type { Database } from "../src/db/database.ts";
import { Team } from "../src/db/team.ts";
import { FieldType } from "../src/model/types.ts";
import { Schema } from "../src/store/schema.ts";

test.each(["declare", "knownFields"] as const)(
  "a deletion forgets no type that %s has told",
  async (asked) => {
    const schema = new Schema();
    schema.measurement("d", "m").define("f", FieldType.Integer);
    const engine = { schema, settled: async () => undefined };
    const db = { engine, hasDatabase: () => true } as unknown as Database;
    const team = new Team({} as Companions, {} as ChangeFile);
    await team.keeping(async () => {
      expect(team.mayForget("d", "m", "f")).toBe(true);
      const told =
        asked === "declare"
          ? await team.declare(db, "d", [["m", "f", FieldType.Float]])
          : team.knownFields(db, "d", [
              ["m", "f"],
              ["m", "unknown"],
            ]);
      expect(told).toEqual([["m", "f", FieldType.Integer]]);
      expect(team.mayForget("d", "m", "f")).toBe(false);
      expect(team.mayForget("d", "m", null)).toBe(false);
      expect(team.mayForget("d", "m", "unknown")).toBe(true);
    });
    expect(team.mayForget("d", "m", "f")).toBe(true);
  },
);
