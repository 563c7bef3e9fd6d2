// Taste as a test: who may import whom (the table of src/README.md), which packages enter where, names and sizes.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "..");
const src = join(root, "src");
const map = readFileSync(join(src, "README.md"), "utf8");
const folders = readdirSync(src, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Packages and Bun's modules: the only places that may import each, as prefixes of paths in src. */
const doors: Readonly<Record<string, readonly string[]>> = {
  "node:fs": ["disk/", "cli/", "kernels/kernels.ts"],
  "node:os": ["db/server-status.ts"],
  "node:path": ["disk/", "cli/"],
  "node:buffer": ["ingest/line.ts", "db/unify.ts"],
  "node:http": ["http/headers.ts"],
  "node:zlib": ["http/"],
  "bun:ffi": ["base/libc.ts"],
  "bun:jsc": ["base/collector.ts"],
  elysia: ["http/"],
  "@msgpack/msgpack": ["http/output/"],
  "@elysiajs/openapi/openapi": ["http/openapi.ts"],
  pino: ["http/", "cli/", "server.ts"],
  "smol-toml": ["cli/"],
  re2js: ["model/regex.ts"],
  "@napi-rs/snappy": ["codec/snappy.ts"],
};

interface SourceFile {
  /** Relative to src: `http/app.ts`. */
  readonly path: string;
  /** As written after `from`, `import` or `import(`. */
  readonly imports: readonly string[];
  readonly lineCount: number;
}

const files: SourceFile[] = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.startsWith("kernels/assembly/"))
  .map((path) => {
    const text = readFileSync(join(src, path), "utf8");
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
      (match) => match[1] as string,
    );
    return { path, imports, lineCount: text.split("\n").length };
  });

/** Folder to row of the table, 0 = the top. A name counts first in its line or after two spaces. */
function rowsOfTheTable(): Map<string, number> {
  const after = map.slice(map.indexOf("A folder imports only what stands below it"));
  const lines = after.split("\n\n")[1]!.split("\n");
  const rows = new Map<string, number>();
  for (const [row, line] of lines.entries())
    for (const [, name] of line.matchAll(/ {2}([a-z]+)(?= |$)/g))
      if (folders.includes(name as string)) rows.set(name as string, row);
  return rows;
}

const rows = rowsOfTheTable();

/** src/server.ts is the door of http; src/index.ts stands between http and db. */
function rowOf(path: string): number {
  if (path === "server.ts") return rows.get("http")! - 0.25;
  if (path === "index.ts") return rows.get("db")! - 0.5;
  return rows.get(path.split("/")[0] as string)!;
}

test("the table names every folder, and every folder has its paragraph with invariants", () => {
  expect([...rows.keys()].sort()).toEqual(folders.toSorted());
  for (const folder of folders) {
    const [, paragraph = ""] = map.split(`\n### ${folder}\n`);
    expect(paragraph.split("\n### ")[0], `paragraph of ${folder} in src/README.md`).toMatch(/_Invariants?:_/);
  }
});

test("a file imports only its own folder and what stands below it", () => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    for (const specifier of imports.filter((each) => each.startsWith("."))) {
      const target = relative(src, join(src, dirname(path), specifier));
      if (target.startsWith("../package.json") && path === "base/version.ts") continue;
      const sameFolder = path.includes("/") && target.split("/")[0] === path.split("/")[0];
      if (!sameFolder && !(rowOf(target) > rowOf(path))) wrong.push(`${path} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("relative imports name existing files with their extension", () => {
  const missing = files.flatMap(({ path, imports }) =>
    imports
      .filter((each) => each.startsWith(".") && !each.endsWith(".wasm"))
      .filter((each) => !existsSync(join(src, dirname(path), each)))
      .map((each) => `${path}: ${each}`),
  );
  expect(missing).toEqual([]);
});

test("packages enter only by their doors", () => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    for (const specifier of imports.filter((each) => !each.startsWith("."))) {
      const name = specifier.replace(/^(node:fs)\/promises$/, "$1");
      if (!doors[name]?.some((prefix) => path.startsWith(prefix))) wrong.push(`${path} imports ${specifier}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("files hold one idea: no grab bags, none over 500 lines, no barrels but the library's door", () => {
  for (const { path, lineCount } of files) {
    expect(path).not.toMatch(/(^|\/)(utils?|helpers?|common|misc|manager|v2)\b/i);
    expect(lineCount, `lines of ${path}`).toBeLessThanOrEqual(501);
    if (path !== "index.ts") expect(path).not.toMatch(/\/index\.ts$/);
  }
});

/** Files that are loaded by importing a module in a process of its own. */
async function loadedBy(module: string): Promise<string[]> {
  const script = `await import(${JSON.stringify(join(src, module))}); console.log(JSON.stringify(Object.keys(require.cache)))`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: root, stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await new Response(child.stdout).text()) as string[];
}

const serverParts = /node_modules\/(@?elysia|pino)|\/src\/(http|cli)\/|\/src\/server\.ts/;

test("importing the library loads neither Elysia nor a server", async () => {
  expect((await loadedBy("index.ts")).filter((path) => serverParts.test(path))).toEqual([]);
});

test("(what that test looks for is there when the server is loaded)", async () => {
  expect((await loadedBy("server.ts")).filter((path) => serverParts.test(path)).length).toBeGreaterThan(10);
});
