import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUNDLED_PACKAGES } from "../../scripts/build-info.ts";
import { COMPONENTS, licencesText } from "../../src/licences.ts";
import { VERSION, verboseVersionText, versionText } from "../../src/version.ts";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("bundled npm packages", () => {
  test.each([...BUNDLED_PACKAGES])("%s: the committed licence equals the licence of the installed version", (name) => {
    const committed = read(`licenses/${name.replace("@", "").replace("/", "-")}.txt`);
    expect(committed).toBe(read(`node_modules/${name}/LICENSE`));
  });

  test("every bundled package is listed in BUNDLED_PACKAGES", async () => {
    const result = await Bun.build({ entrypoints: [join(ROOT, "src/main.ts")], target: "bun", metafile: true });
    const packages = Object.keys(result.metafile?.inputs ?? {}).flatMap(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
    );
    expect(packages.length).toBeGreaterThan(0);
    expect([...new Set(packages)].filter((name) => !BUNDLED_PACKAGES.some((bundled) => bundled === name))).toEqual([]);
  });
});

test("the notices name every component with its licence, and every file of licenses/", () => {
  const notices = read("THIRD-PARTY-NOTICES");
  for (const { name, licence } of COMPONENTS) {
    expect(notices).toMatch(new RegExp(`^${name.replace("/", "\\/")} +${licence.replace(/[.]/g, "\\.")}`, "m"));
  }
  const mentioned = notices + read("licenses/bun.txt");
  for (const file of readdirSync(join(ROOT, "licenses"))) {
    // Apache-2.0 is the licence of some libraries that Bun links.
    expect(mentioned).toContain(file.replace("Apache-2.0.txt", "Apache-2.0"));
  }
});

test("the licence text in the binary contains LICENSE and every file of licenses/ completely", () => {
  const text = licencesText();
  expect(text).toContain(read("LICENSE").trim());
  for (const file of readdirSync(join(ROOT, "licenses"))) expect(text).toContain(read(`licenses/${file}`).trim());
});

test("the version equals that in package.json, and the long form lists the version of every component", () => {
  expect(VERSION).toBe(JSON.parse(read("package.json")).version);
  expect(versionText()).toBe(`linnix ${VERSION}`);
  const lines = verboseVersionText().split("\n");
  expect(lines[0]).toBe(versionText());
  for (const { name, version, licence } of COMPONENTS) {
    expect(version).not.toBeNull();
    expect(lines.find((line) => line.startsWith(`  ${name} `))).toMatch(
      new RegExp(`${version}.*${licence}`.replace(/\+/g, "\\+")),
    );
  }
});

test("the lock file names no registry", () => {
  const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, { resolved?: string }> };
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});
