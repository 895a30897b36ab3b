import { expect, test } from "bun:test";
import { parseArgv } from "../../src/commands/argv.ts";
import { collect } from "../../src/commands/collect.ts";
import { loadSettings } from "../../src/config/load.ts";
import { defaultSettings } from "../../src/config/print.ts";
import { settingWords } from "../../src/config/words.ts";

const read = async (words: string[]) => {
  const { words: flags } = parseArgv(words, collect.args, { command: "linnix collect", rest: false });
  return (await loadSettings({ flags, env: {}, defaultFile: null })).settings;
};

test("default settings need no words", () => {
  expect(settingWords(defaultSettings())).toEqual([]);
});

test("settings as words are read back as the same settings", async () => {
  const settings = await read([
    ...["--ring-size", "4MiB", "--backend", "btf", "--events", "fork,exit", "--pid", "1,2", "--comm", "a b"],
    ...["--uid", "0", "--cgroup", "/x y", "--min-duration", "1500ms", "--sample-interval", "0", "--page-faults"],
  ]);
  expect(settings).not.toEqual(defaultSettings());
  expect(await read(settingWords(settings))).toEqual(settings);
});
