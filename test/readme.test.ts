// What README.md promises is held against the code: the table of options, the set-up commands, the example program.
import { describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { Database } from "../src/db/database.ts";
import { defaultText, environmentName, kebabName, optionNames, optionTable } from "../src/db/options.ts";
import { serve } from "../src/server.ts";

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
  // everywhere the same words, which work without Bun
  expect(readme).not.toContain("bun run ");
  for (const [, version, script] of readme.matchAll(/npx -y bun@([\d.]+) run (\w+)/g)) {
    expect(version).toBe("1.4.5");
    expect(Object.keys(manifest.scripts)).toContain(script!);
  }
});

describe("the commands with curl, as they stand", () => {
  const commandsOf = (section: string) =>
    readme
      .split(`\n## ${section}\n`)[1]!
      .split("\n## ")[0]!
      .split("```sh\n")
      .slice(1)
      .map((block) => block.split("```")[0]!)
      .filter((block) => block.startsWith("curl "));

  /** What they print against a new server, the command that starts one left out. */
  async function outputs(sections: readonly string[], options: { authEnabled?: boolean }): Promise<string[]> {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-readme-"));
    const db = await Database.open({ dataDir, partitions: 2 });
    const server = serve(db, { port: 0, ...options });
    try {
      const printed: string[] = [];
      for (const block of sections.flatMap(commandsOf)) {
        const command = block.replaceAll("http://127.0.0.1:8086", server.url.replace(/\/$/, ""));
        const child = Bun.spawn(["bash", "-e", "-c", command.replaceAll("curl ", "curl -sS ")], {
          stdout: "pipe",
        });
        printed.push(await new Response(child.stdout).text());
        expect(await child.exited).toBe(0);
      }
      return printed;
    } finally {
      await server.stop();
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  }

  test.skipIf(Bun.which("curl") === null)("write and query", async () => {
    const [written, read] = await outputs(["Write", "Query"], {});
    expect(written!.match(/^HTTP\/1.1 204 /gm)).toHaveLength(2);
    expect(read).toContain('"values":[["2024-01-15T10:00:00Z",-3.5],["2024-01-15T11:00:00Z",-2.5]]');
    expect(read).toEndWith(
      "weather,,1705312800000000000,HELSINKI,-3.5\nweather,,1705316400000000000,HELSINKI,-2.5\n",
    );
  });

  test.skipIf(Bun.which("curl") === null)("users, on a server without data", async () => {
    const [printed] = await outputs(["Users"], { authEnabled: true });
    const answers = printed!
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toHaveLength(5);
    for (const { results, error } of answers) {
      expect(error).toBeUndefined();
      for (const result of results) expect(result.error).toBeUndefined();
    }
  });
});

/** Puts the package that `bun pm pack` makes, and beside it what it depends on, into `node_modules` of a folder. */
async function install(folder: string): Promise<void> {
  const pack = Bun.spawn([process.execPath, "pm", "pack", "--quiet", "--destination", folder], {
    cwd: root,
    stdout: "pipe",
  });
  const printed = await new Response(pack.stdout).text();
  expect(await pack.exited).toBe(0);
  const tarball = printed.trim().split("\n").at(-1)!;
  expect(readme).toContain(`/${basename(tarball)}`);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  expect(await Bun.spawn(["tar", "-xzf", join(folder, basename(tarball)), "-C", modules]).exited).toBe(0);
  renameSync(join(modules, "package"), join(modules, "serie"));
  for (const name of readdirSync(join(root, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
}

test("the package is the library and the server: no data, no history, no tests", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-package-"));
  try {
    await install(folder);
    const parts = readdirSync(join(folder, "node_modules/serie")).sort();
    expect(parts).toEqual(["LICENSE", "README.md", "docs", "package.json", "src"]);
    const packed = join(folder, "node_modules/serie/src/cli/serie.ts");
    const child = Bun.spawn([process.execPath, packed, "--help"], { cwd: folder, stdout: "pipe" });
    expect(await new Response(child.stdout).text()).toContain("--data-dir");
    expect(await child.exited).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the example program runs as written, in a folder that has serie's package installed", async () => {
  const program = readme.split("\n## Library\n")[1]!.split("```ts\n")[1]!.split("```")[0]!;
  const folder = mkdtempSync(join(tmpdir(), "serie-example-"));
  try {
    await install(folder);
    writeFileSync(join(folder, "example.ts"), program);
    const child = Bun.spawn([process.execPath, "example.ts"], {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(errors).toBe("");
    expect(await child.exited).toBe(0);
    expect(output.split("\n")).toEqual([
      "2024-01-15T10:00:00.000Z {",
      "  humidity: 91n,",
      "  value: -3.5,",
      "}",
      "2024-01-15T11:00:00.000Z {",
      "  value: -2.5,",
      "}",
      "{",
      '  location: "HELSINKI",',
      "} -3",
      "{",
      '  location: "TURKU",',
      "} 2",
      '{"results":[{"statement_id":0,"series":[{"name":"measurements","columns":["name"],"values":[["weather"]]}]}]}',
      "",
      "",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("links lead to files", async () => {
  const targets = [...readme.matchAll(/\]\((?!http)([^)]+)\)/g)].map((match) => match[1] as string);
  for (const [, path] of readme.matchAll(/`(src\/[\w/.-]+)`/g)) targets.push(path as string);
  expect(targets.length).toBeGreaterThan(3);
  for (const target of targets) expect(await Bun.file(join(root, target)).exists(), target).toBe(true);
});
