// The command line as a user meets it: spawned, with its exit codes.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../src/base/errors.ts";
import { readConfiguration, strayVariables } from "../src/cli/configuration.ts";
import { parseCommandLine } from "../src/cli/flags.ts";
import { environmentName, kebabName, optionNames } from "../src/db/options.ts";
import { SealedList } from "../src/db/sealed-list.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { FORMAT_VERSION } from "../src/segment/format.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function toml(text: string): string {
  const file = join(folder, `${Bun.hash(text)}.toml`);
  writeFileSync(file, text);
  return file;
}

async function serie(args: string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../src/cli/serie.ts"), ...args], {
    env: { ...process.env, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, output, errors };
}

describe("exit codes", () => {
  test.concurrent("--help lists every option with its flag and variable", async () => {
    const { code, output } = await serie(["--help"]);
    expect(code).toBe(0);
    for (const name of optionNames) {
      expect(output).toContain(`--${kebabName(name)}`);
      expect(output).toContain(environmentName(name));
    }
  });

  test.concurrent("--version", async () => {
    expect(await serie(["--version"])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^serie \d+\.\d+/),
    });
  });

  test.concurrent.each([
    ["an unknown flag", ["--potr", "1"], {}, "unknown flag --potr"],
    ["a bad value", ["--port", "high"], {}, '--port: "high" is not an integer from 0 to 65535'],
    ["a bad variable", [], { SERIE_PORT: "high" }, 'SERIE_PORT: "high" is not an integer'],
    ["a bad key", ["--config", toml("prot = 1")], {}, 'unknown key "prot"'],
    ["a bad file", [], { SERIE_CONFIG: join(folder, "nope.toml") }, "nope.toml"],
    ["an open server on every address", ["--host", "0.0.0.0"], {}, "--allow-open"],
    ["an unknown command", ["serve"], {}, 'unknown command "serve"'],
  ])("%s is exit code 2 with one line", async (_, args, environment, message) => {
    const { code, output, errors } = await serie(args, environment);
    expect(code).toBe(2);
    expect(output).toBe("");
    expect(errors).toContain(message);
    expect(errors.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("inspect", () => {
  test.concurrent("dumps golden files of each format", async () => {
    const golden = join(import.meta.dir, "golden");
    const files = readdirSync(golden).filter((name) => /\.(segment|log)$/.test(name));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const { code, output } = await serie(["inspect", join(golden, file)]);
      expect(code).toBe(0);
      // (those of before are named by their version)
      const version =
        /-(\d+)\.segment$/.exec(file)?.[1] ?? (file.endsWith(".segment") ? FORMAT_VERSION : "\\d+");
      expect(output).toMatch(new RegExp(`format version ${version},`));
    }
  });

  test.concurrent("dumps the lists of continuous queries and subscriptions", async () => {
    for (const kind of ["serie continuous queries", "serie subscriptions"]) {
      const path = join(folder, kind.replaceAll(" ", "-"));
      await new SealedList(nodeDisk, path, kind).save(() => [
        { name: "first", destinations: ["http://joe:s3cret@h:1"] },
      ]);
      const { code, output } = await serie(["inspect", path]);
      expect(code).toBe(0);
      expect(output).toContain("first");
      if (kind === "serie subscriptions") expect(output).toContain('["http://joe:xxxxx@h:1"]');
    }
  });

  test.concurrent("a file that is not serie's, one that is not there and a folder are exit code 1", async () => {
    const foreign = await serie(["inspect", import.meta.path]);
    expect(foreign).toMatchObject({ code: 1, output: "" });
    expect(foreign.errors).toContain("none of serie's files");
    expect(await serie(["inspect", join(folder, "nope.seg")])).toMatchObject({ code: 1, output: "" });
    const data = await serie(["inspect", folder]);
    expect(data).toMatchObject({ code: 1, output: "" });
    expect(data.errors).toBe(`serie: ${folder} is a folder: name one of the files in it\n`);
  });
});

describe("flags", () => {
  const options = (...args: string[]) => parseCommandLine(args).options;

  test("both ways to give a value, switches, the command anywhere", () => {
    expect(options("--port", "1", "--host=::1")).toEqual({ port: "1", host: "::1" });
    expect(options("--strict-types", "--no-auto-create-database")).toEqual({
      strictTypes: true,
      autoCreateDatabase: false,
    });
    expect(options("--strict-types=false")).toEqual({ strictTypes: "false" });
    expect(parseCommandLine(["--port", "1", "server"]).command).toBe("server");
    expect(parseCommandLine(["inspect", "f"])).toMatchObject({ command: "inspect", operands: ["f"] });
    expect(parseCommandLine(["inspect", "--help"]).command).toBe("help");
  });

  test.each([
    [["--port"], "--port: a value is missing"],
    [["--no-port"], "unknown flag --no-port"],
    [["-p", "1"], "unknown flag -p"],
    [["-port", "1"], "unknown flag -port"],
    [["--no-strict-types=true"], "unknown flag --no-strict-types"],
    [["server", "extra"], 'unexpected argument "extra"'],
    [["inspect"], "inspect needs the FILE"],
    [["inspect", "a", "b"], 'unexpected argument "b"'],
  ])("%p is refused", (args, message) => {
    expect(() => parseCommandLine(args)).toThrow(InputError);
    expect(() => parseCommandLine(args)).toThrow(message);
  });
});

describe("configuration", () => {
  const read = (args: string[], environment: Record<string, string> = {}) =>
    readConfiguration(parseCommandLine(args), environment);

  test("flags over environment over file over defaults", () => {
    const file = toml('port = 1\nhost = "file"\nmax-mem-size = "2MiB"\nstrict-types = true\n');
    const environment = { SERIE_PORT: "2", SERIE_HOST: "environment", SERIE_DATA_DIR: "" };
    const found = read(["--config", file, "--port", "3"], environment);
    expect(found.port).toBe(3);
    expect(found.host).toBe("environment");
    expect(found.maxMemSize).toBe(2 * 1024 * 1024);
    expect(found.strictTypes).toBe(true);
    expect(found.dataDir).toBe("./data");
    expect(read([], { SERIE_CONFIG: file }).host).toBe("file");
  });

  test("a variable that nothing reads is told of, with the nearest that is", () => {
    const warned = (environment: Record<string, string>) => strayVariables(environment);
    expect(warned({ SERIE_PORT: "1", SERIE_CONFIG: "c", SERIES: "2", HOME: "/", SERIE_HSOT: "" })).toEqual(
      [],
    );
    const [first, second] = warned({ SERIE_AUTH_ENABLE: "true", SERIE_MAXMEMSIZE: "1GiB" });
    expect(first).toContain("SERIE_AUTH_ENABLE is not read");
    expect(first).toEndWith("SERIE_AUTH_ENABLED");
    expect(second).toEndWith("SERIE_MAX_MEM_SIZE");
  });

  test("the server warns of such a variable, and starts", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "../src/cli/serie.ts")], {
      env: {
        ...process.env,
        SERIE_PORT: "0",
        SERIE_THREADS: "1",
        SERIE_DATA_DIR: join(folder, "stray"),
        SERIE_DURABLITY: "always",
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toContain("ready in");
    child.kill("SIGTERM");
    expect(await new Response(child.stderr).text()).toContain("SERIE_DURABLITY is not read");
    expect(await child.exited).toBe(0);
  });

  test("every option can be given at every place", () => {
    const samples: Record<string, string> = {};
    for (const name of optionNames) samples[name] = String(read([])[name]);
    const byFlags = optionNames.map((name) => `--${kebabName(name)}=${samples[name]}`);
    const byVariables = Object.fromEntries(
      optionNames.map((name) => [environmentName(name), samples[name]!]),
    );
    const byFile = optionNames
      .map((name) => `${kebabName(name)} = ${JSON.stringify(samples[name])}`)
      .join("\n");
    expect(read(byFlags)).toEqual(read([]));
    expect(read([], byVariables)).toEqual(read([]));
    expect(read(["--config", toml(byFile)])).toEqual(read([]));
  });

  test.each([
    ["port = 'x'", /port: "x" is not an integer/],
    ["[server]\nport = 1", /unknown key "server"/],
    ["port = ", /config file .*toml: /],
    ["flush-interval = 1979-05-27", /flush-interval/],
  ])("%p is refused with the file's name", (text, message) => {
    const file = toml(text);
    expect(() => read(["--config", file])).toThrow(InputError);
    expect(() => read(["--config", file])).toThrow(message);
    expect(() => read(["--config", file])).toThrow(file);
  });
});
