// Makes the project ready, then runs a part of it: `bun scripts/ready.ts server|serie|test|bench|fuzz|build [arguments]`.
//
// Ready = dependencies as the lockfile says and kernels newer than their sources. Nothing is done when that holds
// already. This file imports nothing from node_modules, which may not be there yet, and runs everything with the
// Bun that runs it: on a machine with only npx, no other one can be found.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const bun = process.execPath;
/** Of one test; the slowest take a third of it alone on two cores. */
const TEST_TIMEOUT_MS = "120000";

/** The exit code of `bun ...args` in the project's folder. */
async function run(...args: string[]): Promise<number> {
  return await Bun.spawn([bun, ...args], { cwd: root, stdio: ["inherit", "inherit", "inherit"] }).exited;
}

async function makeReady(): Promise<void> {
  const stamp = join(root, "node_modules/.serie-lock");
  const lock = Bun.hash(readFileSync(join(root, "bun.lock"))).toString(16);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    console.log("serie: installing the dependencies of bun.lock");
    const code = await run("install", "--frozen-lockfile");
    if (code !== 0) process.exit(code);
    writeFileSync(stamp, lock);
  }
  const code = await run("scripts/build-kernels.ts");
  if (code !== 0) process.exit(code);
}

/** Runs one check; its output is shown only when it fails. */
async function check(name: string, ...args: string[]): Promise<boolean> {
  const started = performance.now();
  const child = Bun.spawn([bun, "--bun", ...args], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  console.log(
    `serie: ${name}: ${code === 0 ? "ok" : "FAILED"} (${Math.round(performance.now() - started)} ms)`,
  );
  if (code !== 0) console.log(output + errors);
  return code === 0;
}

interface Counts {
  passed: number;
  failed: number;
}

/** Runs `bun test`, showing what it prints, and counts from its own summary (` 12 pass`, ` 0 fail`, ` 1 error`). */
async function runTests(args: readonly string[]): Promise<Counts> {
  const child = Bun.spawn([bun, "test", "--timeout", TEST_TIMEOUT_MS, ...args], {
    cwd: root,
    stdout: "inherit",
    stderr: "pipe",
  });
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  const code = await child.exited;
  const count = (word: string) => Number(new RegExp(`^ (\\d+) ${word}s?$`, "m").exec(output)?.[1] ?? 0);
  const failed = count("fail") + (count("fail") === 0 ? count("error") : 0);
  return { passed: count("pass"), failed: failed === 0 && code !== 0 ? 1 : failed };
}

/**
 * A process for each file: hundreds of databases that were opened in one slow its collector down, and the files after them
 * (the whole takes half as long this way).
 */
async function runEachFile(): Promise<Counts> {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(root)].sort();
  const all: Counts = { passed: 0, failed: 0 };
  const failing: string[] = [];
  for (const file of files) {
    const { passed, failed } = await runTests([`./${file}`]);
    all.passed += passed;
    all.failed += failed;
    if (failed > 0) failing.push(`serie: ${file}: ${failed} failed`);
  }
  for (const line of failing) console.log(line);
  return all;
}

async function test(args: string[]): Promise<number> {
  // of the whole tree, whatever tests are asked for: they take longer than one test file
  console.log("serie: types, format and lint of the whole tree");
  const checks = await Promise.all([
    check("types (tsc)", "node_modules/typescript/bin/tsc", "--noEmit"),
    // (the library's sources are checked by its users' compilers, with what `bun init` writes)
    check("types for a user (tsc)", "node_modules/typescript/bin/tsc", "--noEmit", "-p", "test/consumer"),
    check("format and lint (biome)", "node_modules/@biomejs/biome/bin/biome", "check"),
  ]);
  console.log("serie: tests");
  const tests = await (args.length === 0 ? runEachFile() : runTests(args));
  const passed = tests.passed + checks.filter((ok) => ok).length;
  const failed = tests.failed + checks.filter((ok) => !ok).length;
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** In this process, so that signals reach the server and nothing is left behind when it is killed. */
async function serie(args: string[]): Promise<void> {
  const { main } = await import("../src/cli/serie.ts");
  await main(args);
}

const parts: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  server: serie,
  serie,
  test: async (args) => process.exit(await test(args)),
  bench: async (args) => process.exit(await run("scripts/bench.ts", ...args)),
  fuzz: async (args) => process.exit(await run("scripts/fuzz-influxql.ts", ...args)),
  // it has been made ready: that is all
  build: async () => {},
};

const [name = "", ...args] = process.argv.slice(2);
const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
if (part === undefined) {
  console.error(`usage: bun scripts/ready.ts ${Object.keys(parts).join("|")} [arguments]`);
  process.exit(2);
}
await makeReady();
await part(args);
