// What README.md promises is held against the code: the table of options, the set-up commands, the example program.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { defaultText, environmentName, kebabName, optionNames, optionTable } from "../src/db/options.ts";

const root = join(import.meta.dir, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the table of options is the table of options", () => {
  const section = readme.split("\n## Options\n")[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const cells = rows.map((row) =>
    row
      .slice(1, -1)
      .split(" |")
      .map((cell) => cell.trim()),
  );
  expect(cells).toEqual(
    optionNames.map((name) => [
      ...[name, `--${kebabName(name)}`, environmentName(name), defaultText(name)].map(
        (code) => `\`${code}\``,
      ),
      optionTable[name].doc,
    ]),
  );
});

test("there are two set-up commands, and package.json has what they run", () => {
  const block = readme.split("## Set-up")[1]!.split("```")[1]!;
  const commands = [...block.matchAll(/^npx -y bun@([\d.]+) run (\w+)/gm)];
  expect(commands.map((match) => match[2])).toEqual(["server", "test"]);
  for (const [, version, script] of commands) {
    expect(version).toBe("1.4.5");
    expect(Object.keys(manifest.scripts)).toContain(script!);
  }
});

test("links lead to files", async () => {
  const targets = [...readme.matchAll(/\]\((?!http)([^)]+)\)/g)].map((match) => match[1] as string);
  for (const [, path] of readme.matchAll(/`(src\/[\w/.-]+)`/g)) targets.push(path as string);
  expect(targets.length).toBeGreaterThan(3);
  for (const target of targets) expect(await Bun.file(join(root, target)).exists(), target).toBe(true);
});
